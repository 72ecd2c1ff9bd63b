import os, strutils

echo "hello from nim"
echo "args: " & commandLineParams().join(" ")
echo "in: " & readLine(stdin)
quit(3)
