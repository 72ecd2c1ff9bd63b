puts "hello from ruby"
puts "args: " + ARGV.join(" ")
puts "in: " + $stdin.gets.chomp
exit 3
