puts "hello from tcl"
puts "args: [join $argv]"
puts "in: [gets stdin]"
exit 3
