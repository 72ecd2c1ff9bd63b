print("hello from lua")
print("args: " .. table.concat(arg, " "))
print("in: " .. io.read())
os.exit(3)
