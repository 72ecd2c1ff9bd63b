#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

print("hello from swift")
print("args: " + CommandLine.arguments.dropFirst().joined(separator: " "))
print("in: " + (readLine() ?? ""))
exit(3)
