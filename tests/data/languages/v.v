import os

fn main() {
	println('hello from v')
	println('args: ' + os.args[1..].join(' '))
	println('in: ' + os.get_line())
	exit(3)
}
