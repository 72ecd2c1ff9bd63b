print "hello from perl\n";
print "args: @ARGV\n";
print "in: " . <STDIN>;
exit 3;
