BEGIN {
	print "hello from awk"
	printf "args:"
	for (i = 1; i < ARGC; i++)
		printf " %s", ARGV[i]
	getline line < "-"
	print "\nin: " line
	exit 3
}
