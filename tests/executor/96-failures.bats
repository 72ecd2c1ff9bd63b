# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# What a machine does to an executor: it takes memory, processes, disks and numbers away.
# Every test has an executor of its own.

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
	export PROBE=${FAAS%/*}/tests/executor/probe
}

teardown() {
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
	[[ ! -d $BATS_TEST_TMPDIR/small ]] || umount "$BATS_TEST_TMPDIR/small" 2>&1 || true
}

teardown_file() {
	:
}

# parent_of <pid>
parent_of() {
	awk '/^PPid/ { print $2 }' "/proc/$1/status"
}

score_of() {
	cat "/proc/$1/oom_score_adj"
}

@test "execute: without memory on the machine, what is in sandboxes ends first" {
	local pid init monitor

	begin "echo up; exec sleep $nap"
	eventually running "sleep $nap"
	pid=$(pgrep -fx "sleep $nap")
	init=$(parent_of "$pid")
	monitor=$(parent_of "$init")
	same "$(<"/proc/$monitor/comm")" faas-monitor "whose child its first process is"
	(($(score_of "$pid") > $(score_of "$monitor"))) || die "the program: $(score_of "$pid")"
	(($(score_of "$init") > $(score_of "$monitor"))) || die "pid 1: $(score_of "$init")"
	same "$(score_of "$monitor")" "$(score_of "$(executor_pid)")" "monitor and executor"
	# what that killer does is kill -9: of a program, and of an executor that it took all the same
	kill -KILL "$pid"
	ended 137
	kill -KILL "$(executor_pid)"
	faas execute 'echo next'
	same "$output" next "afterwards"
}
