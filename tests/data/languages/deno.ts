const input: string = await new Response(Deno.stdin.readable).text();

console.log("hello from deno");
console.log("args: " + Deno.args.join(" "));
console.log("in: " + input.split("\n")[0]);
Deno.exit(3);
