Console.WriteLine("hello from dotnet");
Console.WriteLine("args: " + string.Join(" ", Args));
Console.WriteLine("in: " + Console.ReadLine());
return 3;
