say "hello from raku";
say "args: " ~ @*ARGS.join(" ");
say "in: " ~ $*IN.get;
exit 3;
