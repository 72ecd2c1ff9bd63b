puts "hello from crystal"
puts "args: " + ARGV.join(" ")
puts "in: #{gets}"
exit 3
