println("hello from julia")
println("args: ", join(ARGS, " "))
println("in: ", readline())
exit(3)
