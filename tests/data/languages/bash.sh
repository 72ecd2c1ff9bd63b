echo "hello from bash"
echo "args: $*"
read -r line
echo "in: $line"
exit 3
