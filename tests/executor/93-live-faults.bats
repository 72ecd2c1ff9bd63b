load sandbox

# The executor, a helper, a monitor, the client or the program dies at each step of a
# snapshot of what runs, or the disk is full: the program goes on, nothing stays frozen,
# and the snapshot is there or is not.

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
}

teardown() {
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

COUNTS='echo up; i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'

# goes_on <execution>: it writes more than it had written
goes_on() {
	local n

	n=$(run_faas execution logs "$1" | wc -l)
	eventually eval '(( $(run_faas execution logs '"$1"' | wc -l) > '"$n"' ))'
}

# counted: a detached execution "c" that counts
counted() {
	faas execute --detach --name c "$COUNTS"
	eventually eval 'run_faas execution logs c | grep -q up'
}

# tidy: rows and folders of layers agree
tidy() {
	eventually eval '[[ $(ls -A "$FAAS_STATE_DIR/layers" | sort) == "$(run_faas --json snapshot list |
		jq -r "[.snapshots[].layers[]] | unique | .[]" | sort)" ]]' ||
		die "layers after $1: $(ls -A "$FAAS_STATE_DIR/layers"); $(run_faas snapshot list)"
}

@test "snapshot create: of what runs, the executor dies or fails at every step" {
	requires_faults
	local point how

	for point in store.snapshot.put live.noted live.frozen live.copied live.commit live.committed; do
		for how in KILL ENOSPC; do
			"$FAAS" -q executor stop --now 3>&- || true
			FAAS_FAULT=$point=$how@1 "$FAAS" executor start >start.out 2>&1 3>&-
			counted
			run --separate-stderr run_faas snapshot create s --execution c
			((status < 128)) || die "$point=$how: status $status"
			((status == 0)) || has "$stderr" "faas: " "message at $point=$how"
			goes_on c || die "it does not go on after $point=$how"
			tidy "$point=$how"
			((status != 0)) || faas snapshot exec s true
			run_faas -q snapshot delete s >/dev/null 2>&1 || true
			faas snapshot create again --execution c
			faas snapshot delete again
			faas execution cancel c
			eventually nothing_runs
			faas execution delete c
		done
	done
}

@test "snapshot create: of what runs, the helper dies or the disk is full" {
	requires_faults
	local how

	for how in KILL ENOSPC; do
		"$FAAS" -q executor stop --now 3>&- || true
		FAAS_FAULT=state.clone=$how@2 "$FAAS" executor start >start.out 2>&1 3>&-
		counted
		run --separate-stderr run_faas snapshot create s --execution c
		((status && status < 128)) || die "$how: status $status"
		goes_on c
		faas 3 snapshot show s
		tidy "$how"
		faas execution cancel c
		eventually nothing_runs
		faas execution delete c
	done
}

# frozen: a snapshot of "c" is being copied, by a helper that is stopped; $helper is its pid
frozen() {
	"$FAAS" -q executor stop --now 3>&- || true
	FAAS_FAULT=state.clone=STOP@1 "$FAAS" executor start >start.out 2>&1 3>&-
	counted
	"$FAAS" snapshot create s --execution c >s.out 2>s.err 3>&- &
	client=$!
	eventually stopped_helper
}

stopped_helper() {
	local executor

	executor=$(executor_pid)
	for helper in $(pgrep -P "$executor" faas-state); do
		[[ $(awk '/^State/ { print $2 }' "/proc/$helper/status") == T ]] && return
	done
	return 1
}

@test "snapshot create: of what runs, the client is interrupted" {
	requires_faults
	frozen
	kill "$client"
	goes_on c
	faas 3 snapshot show s
	tidy "a client that went"
	faas execution cancel c
}

@test "snapshot create: of what runs, the executor is killed while it stands" {
	requires_faults
	frozen
	kill -KILL "$(executor_pid)"
	goes_on c
	faas 3 snapshot show s
	tidy "a killed executor"
	faas snapshot create s --execution c
	faas execution cancel c
}

@test "snapshot create: of what runs, it is cancelled while it stands" {
	requires_faults
	local status=0

	frozen
	run_faas execution cancel c --grace 10s
	eventually nothing_runs
	kill -CONT "$helper"
	wait "$client" || status=$?
	same "$status" 5 "status: $(<s.err)"
	has "$(<s.err)" "ended while" "message"
	faas 3 snapshot show s
	tidy "a run that was cancelled"
}

@test "snapshot create: of what runs, its monitor is killed while it stands" {
	requires_faults
	local status=0 init

	frozen
	init=$(run_faas --json execution show c | jq .pid)
	kill -KILL "$(awk '/^PPid/ { print $2 }' "/proc/$init/status")"
	eventually nothing_runs
	eventually gone "$init"
	kill -CONT "$helper"
	wait "$client" || status=$?
	same "$status" 5 "status: $(<s.err)"
	tidy "a killed monitor"
}

@test "snapshot create: of what runs, its time is over while it stands" {
	requires_faults
	local status=0

	"$FAAS" -q executor stop --now 3>&- || true
	FAAS_FAULT=state.clone=STOP@1 "$FAAS" executor start >start.out 2>&1 3>&-
	faas execute --detach --timeout 3s --name c "$COUNTS"
	eventually eval 'run_faas execution logs c | grep -q up'
	"$FAAS" snapshot create s --execution c >s.out 2>s.err 3>&- &
	client=$!
	eventually stopped_helper
	eventually nothing_runs
	kill -CONT "$helper"
	wait "$client" || status=$?
	same "$status" 5 "status: $(<s.err)"
	faas --json execution show c
	same "$(jq .timed_out <<<"$output")" true "timed out"
}

@test "snapshot create: of what runs, another one meanwhile is refused" {
	requires_faults
	frozen
	faas 5 snapshot create t --execution c
	has "$stderr" "being copied already" "message"
	kill -CONT "$helper"
	wait "$client"
	faas 3 snapshot show t
	faas snapshot exec s true
	goes_on c
	faas execution cancel c
}
