let args = fsi.CommandLineArgs |> Array.skip 1

printfn "hello from fsharp"
printfn "args: %s" (String.concat " " args)
printfn "in: %s" (stdin.ReadLine())
exit 3
