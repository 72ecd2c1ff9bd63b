import sys

print("hello from python")
print("args: " + " ".join(sys.argv[1:]))
print("in: " + sys.stdin.readline().rstrip("\n"))
sys.exit(3)
