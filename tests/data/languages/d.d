import std.array;
import std.stdio;
import std.string;

int main(string[] args)
{
	writeln("hello from d");
	writeln("args: ", args[1 .. $].join(" "));
	writeln("in: ", readln().chomp());
	return 3;
}
