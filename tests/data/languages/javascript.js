const line = require("fs").readFileSync(0, "utf8").split("\n")[0];

console.log("hello from javascript");
console.log("args: " + process.argv.slice(2).join(" "));
console.log("in: " + line);
process.exitCode = 3;
