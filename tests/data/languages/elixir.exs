IO.puts("hello from elixir")
IO.puts("args: " <> Enum.join(System.argv(), " "))
IO.puts("in: " <> String.trim_trailing(IO.gets("")))
System.halt(3)
