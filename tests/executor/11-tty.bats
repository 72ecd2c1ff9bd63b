# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# The client at a real terminal: tests/executor/terminal.py types at one.

# terminal <script>: the steps for terminal.py, which fails with what it saw
terminal() {
	timeout 150 python3 "$BATS_TEST_DIRNAME/terminal.py" "$FAAS" <<<"$1" 3>&-
}

@test "execute: at a terminal the program has one" {
	terminal '
run execute "tty; test -t 0 && test -t 1 && test -t 2 && echo all three"
expect /dev/pts/
expect all three
status 0'
}

@test "execute: the terminal has the size of ours, and follows it" {
	terminal '
size 33 77
run execute "stty size; trap \"stty size\" WINCH; echo ready; while :; do sleep 0.05; done"
expect 33 77
expect ready
size 50 132
expect 50 132
key 03
status 130'
}

@test "execute: TERM is passed on, and nothing else of the host" {
	TERM=xterm-256color SECRET=s3cret terminal '
run execute "echo $TERM.$SECRET."
expect xterm-256color..
status 0'
}

@test "execute: Ctrl-C is an interrupt in the sandbox" {
	terminal '
run execute "trap \"echo caught; exit 7\" INT; echo ready; while :; do sleep 0.05; done"
expect ready
key 03
expect caught
status 7'
}

@test "execute: Ctrl-D is the end of input, Ctrl-backslash quits" {
	terminal '
run execute "echo ready; cat; echo ended"
expect ready
type hello\n
expect hello
key 04
expect ended
status 0'
	terminal '
run execute "echo ready; exec sleep 1000"
expect ready
key 1c
status 131'
}

@test "execute: an interactive shell has job control" {
	terminal '
run execute -- /bin/bash --norc -i
type PS1=prompt:\n
expect \nprompt:
type set -o | grep monitor\n
expect on
type sleep '"$nap"'\n
expect sleep '"$nap"'
wait-for sleep '"$nap"'
key 1a
expect Stopped
type jobs\n
expect Stopped
type kill -KILL %1; wait %1; echo back\n
expect \nback
type exit 5\nexit 5\n
status 5'
}

@test "execute: our terminal is as it was, however the program ends" {
	local how

	for how in 'stty raw -echo; exit 0' 'stty raw -echo; kill -9 $$' 'printf "\033[?25l"; exit 3'; do
		terminal "
note
run execute '$how'
ended
same"
	done
}

@test "execute: our terminal is as it was after a deadline, a signal and a missing program" {
	terminal '
note
run execute --timeout 200ms --grace 100ms "exec sleep 1000"
status 124
same'
	terminal '
note
run execute -- no-such-program
status 127
same'
	terminal '
note
run execute "echo ready; exec sleep 1000"
expect ready
signal TERM
status 143
same'
}

@test "execute: 8-bit and control bytes pass both ways in raw mode" {
	terminal '
run execute "stty raw -echo; echo ready; head -c 6 | od -An -tx1"
expect ready
key 00031a1cff80
expect 00 03 1a 1c ff 80
status 0'
}

@test "execute: much output to a terminal arrives whole" {
	terminal '
run execute "stty -opost; seq 1 60000; echo end"
expect 59999
expect end
status 0'
}

@test "execute: -T gives no terminal at a terminal" {
	terminal '
run execute -T "test -t 0 && echo is one; tty < /dev/null; echo end"
expect not a tty
expect end
status 0'
}

@test "execute: without a terminal there is none, and -t is an error" {
	faas execute 'tty' </dev/null || true
	faas 125 execute -t true </dev/null
	has "$stderr" "terminal" "message"
	has "$stderr" "hint: " "hint"
	faas 1 execute 'tty </dev/null'
	same "$output" "not a tty" "output"
}

@test "execute: a pipe at one end means no terminal" {
	terminal '
run-piped execute "test -t 1 || echo none on stdout"
expect none on stdout
status 0'
}

@test "execute: a client at a terminal that is killed leaves nothing running" {
	terminal '
run execute "echo ready; exec sleep '"$nap"'"
expect ready
signal KILL
status 137'
	eventually no_process "sleep $nap"
}

@test "execute: a terminal that hangs up ends the program" {
	terminal '
run execute "echo ready; exec sleep '"$nap"'"
expect ready
hang-up'
	eventually no_process "sleep $nap"
}
