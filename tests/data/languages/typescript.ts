import { readFileSync } from "node:fs";
import { argv, exit } from "node:process";

const words: string[] = argv.slice(2);
const line: string = readFileSync(0, "utf8").split("\n")[0];

console.log("hello from typescript");
console.log("args: " + words.join(" "));
console.log("in: " + line);
exit(3);
