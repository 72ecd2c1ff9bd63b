using System;

public class Program
{
	public static int Main(string[] args)
	{
		Console.WriteLine("hello from csharp");
		Console.WriteLine("args: " + string.Join(" ", args));
		Console.WriteLine("in: " + Console.ReadLine());
		return 3;
	}
}
