# shellcheck shell=bash disable=SC2154  # bats sets status, output, stderr
#
# For tests that run code in real sandboxes: an executor of the file's own.

load ../helpers

# own_executor: the file's executor, for all of its tests
own_executor() {
	export FAAS_STATE_DIR=$BATS_FILE_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
	export PROBE=${FAAS%/*}/tests/executor/probe
}

# end_executor: nothing runs afterwards
end_executor() {
	FAAS_STATE_DIR=$BATS_FILE_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

# helpers' own takes every FAAS_ variable away
eval "helpers_$(declare -f setup)"

setup() {
	helpers_setup && own_executor
}

teardown_file() {
	end_executor
}

# sandboxed <command>...: run it in a sandbox; the status may be anything
sandboxed() {
	run --separate-stderr run_faas execute "$@"
}

# field <jq filter>: of the status record in the file 'status'
field() {
	jq -r "$1" status
}

executor_pid() {
	"$FAAS" --json executor status 3>&- | jq .pid
}

# begin <faas execute arguments>...: in the background; $client is its pid. Its
# program prints "up", and has when this returns. What comes is in client.out and
# client.err, the status in client.status.
begin() {
	begin_with /dev/null "$@"
}

# begin_held <faas execute arguments>...: the same, with a standard input that the test
# writes to as descriptor 8: its program can wait for that, and not for a time
begin_held() {
	rm -f hold
	mkfifo hold
	# both ends, so that neither waits for the other
	exec 8<>hold
	begin_with hold "$@"
	exec 8>hold
}

# let_go: the program of begin_held has the end of its input
let_go() {
	exec 8>&-
}

begin_with() {
	local from=$1

	shift
	rm -f client.out client.err client.status client.pid
	(
		exec 8>&-
		"$FAAS" execute "$@" >client.out 2>client.err <"$from" 3>&- &
		echo $! >client.pid.new
		mv client.pid.new client.pid
		status=0
		wait $! || status=$?
		echo $status >client.status.new
		mv client.status.new client.status
	) 3>&- &
	eventually test -s client.pid
	client=$(<client.pid)
	eventually grep -q '^up$' client.out ||
		die "it did not start: $(cat client.out client.err)"
}

# ended <status>: the client of 'begin' ends with it
ended() {
	eventually test -s client.status || return
	same "$(<client.status)" "$1" "status of the client; it said: $(<client.err)"
}

# nothing_runs: no sandbox has a program in it, and none is being taken apart
nothing_runs() {
	[[ $("$FAAS" --json executor status 3>&- | jq .active) == 0 ]]
}
