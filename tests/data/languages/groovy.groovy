println "hello from groovy"
println "args: " + args.join(" ")
println "in: " + System.in.newReader().readLine()
System.exit(3)
