-module(main).
-export([main/1]).

main(Args) ->
    io:format("hello from erlang~n"),
    io:format("args: ~s~n", [lists:join(" ", Args)]),
    io:format("in: ~s", [io:get_line("")]),
    halt(3).
