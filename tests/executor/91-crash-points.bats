# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# The executor dies, as by kill -9, at each named step of a run. Afterwards the store
# opens, and the run is in it as it was or as it became; it happened once or not at all.

setup() {
	requires_faults
	helpers_setup && own_executor
}

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
}

teardown() {
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

# sound: the database is whole, and the executor works on it
sound() {
	faas execute 'echo next'
	same "$output" next "the next run after $1"
	faas executor stop
	same "$(python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])' "$FAAS_STATE_DIR"/*.db)" \
		ok "database after $1"
	same "$(find "$FAAS_STATE_DIR/run" -name 'm.*' | wc -l)" 0 "sockets of monitors after $1"
}

# state_of <id>: as recorded
state_of() {
	faas --json execution show "$1"
	jq -r '(.execution // .) | "\(.state) \(.exit_code)"' <<<"$output"
}

# die_at <point>: an executor that dies there, and a run meanwhile
die_at() {
	rm -f ran id
	FAAS_FAULT=$1=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
	sandboxed --id-file id 'echo ran; exit 3'
}

@test "execute: the executor may die before a run is noted: it is run, once" {
	die_at journal.begin
	same "$status $output" "3 ran" "$stderr"
	same "$(state_of "$(<id)")" "exited 3" "record"
	sound journal.begin
}

@test "execute: the executor may die when a run is noted and not handed over: it is lost, and says so" {
	die_at journal.begun
	same "$status $output" "125 " "$stderr"
	has "$stderr" "died" "message"
	same "$(state_of "$(<id)" | cut -d' ' -f1)" lost "record"
	sound journal.begun
}

@test "execute: the executor may die at every later step, and nobody notices" {
	local point

	for point in run.sent run.started run.ended; do
		die_at "$point"
		same "$status $output" "3 ran" "$point: $stderr"
		same "$(state_of "$(<id)")" "exited 3" "record after $point"
		sound "$point"
	done
}

@test "execute: the executor may die after its answer, before and after the commit" {
	local point

	for point in run.answered store.execution.put run.commit run.committed; do
		die_at "$point"
		same "$status $output" "3 ran" "$point: $stderr"
		eventually eval '[[ $(state_of "$(<id)") == "exited 3" ]]'
		# what reads may be what makes it write, and so die
		eventually run_faas --json execution list
		faas --json execution list
		same "$(jq "[.. | objects | select(.id? == \"$(<id)\")] | length" <<<"$output")" 1 \
			"records after $point"
		sound "$point"
	done
}

@test "executor run: may die while it starts, and starts again" {
	local point

	for point in store.create store.migrate journal.open executor.recovered executor.spawner; do
		rm -rf "$FAAS_STATE_DIR"
		FAAS_FAULT=$point=KILL "$FAAS" executor start >start.out 2>&1 3>&- && status=0 || status=$?
		[[ $status == 7 ]] || die "$point: status $status: $(<start.out)"
		sound "$point"
	done
}

@test "executor run: may die while it recovers, and recovers again" {
	local point

	for point in journal.open executor.recovered store.execution.put run.commit run.committed; do
		die_at run.sent
		same "$status $output" "3 ran" "$stderr"
		kill -KILL "$(executor_pid)"
		FAAS_FAULT=$point=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
		eventually eval '[[ $(state_of "$(<id)") == "exited 3" ]]'
		# the one that is to die there may not have come to it yet
		"$FAAS" executor stop --now >/dev/null 2>&1 3>&- || true
		sound "$point"
	done
}

@test "execute: an error at each step of a run is an error with a message, and no more" {
	local n

	for ((n = 1; n <= 14; n++)); do
		FAAS_FAULT=@$n "$FAAS" executor start >start.out 2>&1 3>&- || {
			has "$(<start.out)" "faas: " "message at point $n"
			sound "point $n"
			continue
		}
		sandboxed 'echo ran; exit 3'
		[[ $status == 3 && $output == ran ]] || [[ $status == 125 && $stderr == faas:* ]] ||
			die "point $n: status $status: $output: $stderr"
		"$FAAS" -q executor stop --now 3>&-
		sound "point $n"
	done
}

@test "execution list: asks again when the executor dies while it answers" {
	requires_faults
	FAAS_FAULT=run.commit=KILL faas executor start
	faas execute -- /bin/true
	faas execution list --no-header
	has "$output" exited "the run"
}

# kept_at <point>: an executor that dies there, and a run that is to be a snapshot
kept_at() {
	FAAS_FAULT=$1=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
	sandboxed --snapshot kept 'echo x >/work/x; echo ran'
}

@test "snapshot: the executor may die at every step of making one" {
	local point

	for point in snapshot.noted snapshot.mkdir journal.begin run.sent run.ended run.answered \
		store.snapshot.put run.commit run.committed; do
		kept_at "$point"
		# the snapshot's row comes before the journal, and goes with the executor
		same "$status $output" "0 ran" "$point: $stderr"
		eventually eval '"$FAAS" snapshot show kept >/dev/null 2>&1 3>&-'
		faas snapshot exec kept -- cat /work/x
		same "$output" x "file after $point"
		faas snapshot delete kept
		eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers") ]]'
		sound "$point"
	done
}

@test "snapshot: the name of a run that failed is free, though its record took two writes" {
	FAAS_FAULT=store.execution.put=EIO@1 "$FAAS" executor start >start.out 2>&1 3>&-
	sandboxed --snapshot again -- no-such-program
	same "$status" 127 "status: $stderr"
	eventually eval '"$FAAS" -q execution list 3>&- | grep -q .'
	faas execute --snapshot again true
	faas snapshot delete again
	eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers") ]]'
	sound "a second write"
}

@test "snapshot: a run that is lost leaves none" {
	kept_at journal.begun
	same "$status" 125 "status"
	faas 3 snapshot show kept
	sound journal.begun
	eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers") ]]'
}

@test "snapshot: the executor may die at every step of deleting one" {
	local point

	for point in store.snapshot.delete snapshot.deleted; do
		faas execute --snapshot kept 'echo x >/work/x'
		faas executor stop
		FAAS_FAULT=$point=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
		run_faas snapshot delete kept >/dev/null 2>&1 || true
		# the old state, or the new one
		if run_faas snapshot exec kept -- cat /work/x >got 2>&1; then
			same "$(<got)" x "file"
			faas snapshot delete kept
		fi
		faas 3 snapshot show kept
		faas executor stop
		faas execute true
		eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers") ]]'
		sound "$point"
	done
}

@test "snapshot: the executor may die at every step of making stacks short" {
	local point i

	for point in compact.made store.snapshot.restack compact.replaced; do
		rm -rf "$FAAS_STATE_DIR"
		faas execute --snapshot s0 'echo 0 >/work/f0'
		for ((i = 1; i <= 8; i++)); do
			faas execute --parent "s$((i - 1))" --snapshot "s$i" "echo $i >/work/f$i"
		done
		faas executor stop
		# what is found at start is done then
		FAAS_FAULT=$point=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
		faas execute --parent s8 'cat /work/f?'
		same "$output" $'0\n1\n2\n3\n4\n5\n6\n7\n8' "files after $point"
		eventually eval '[[ $("$FAAS" --json snapshot show s8 3>&- | jq .depth) == 2 ]]'
		faas execute --parent s8 'cat /work/f?'
		same "$output" $'0\n1\n2\n3\n4\n5\n6\n7\n8' "files when short after $point"
		eventually eval '(($(ls -A "$FAAS_STATE_DIR/layers" | wc -l) == 10))'
		sound "$point"
	done
}

# settled: what is done to new snapshots in the background is done
settled() {
	eventually eval '"$FAAS" --json snapshot list 3>&- | jq -e "[.snapshots[].synced] | all"'
}

@test "merge: executor and helper may die at every step: the branch is where it was, or at the merge" {
	local point before after

	faas execute --snapshot from 'seq 9 >/work/t'
	for point in merge.noted snapshot.mkdir state.write state.copy state.sync merge.commit \
		store.snapshot.put store.branch.put store.commit merge.committed; do
		faas branch from --branch o 'sed -i s/1/one/ /work/t'
		faas branch from --branch t 'sed -i s/9/nine/ /work/t; echo x >/work/x'
		before=$("$FAAS" --json branch show o 3>&- | jq -r .head)
		# an executor that did it at its start would die of that
		settled
		faas executor stop
		FAAS_FAULT=$point=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
		run_faas merge t --into o >/dev/null 2>&1 && status=0 || status=$?
		((status)) || die "nothing died at $point"
		# a helper that dies takes nobody along
		run_faas executor stop --now >/dev/null 2>&1 || true
		after=$("$FAAS" --json branch show o 3>&- | jq -r .head)
		if [[ $after == "$before" ]]; then
			faas branch exec o 'cat /work/t; ls /work'
			same "$(tr '\n' ' ' <<<"$output")" "one 2 3 4 5 6 7 8 9 t " "before $point"
			faas merge t --into o
		fi
		faas branch exec o 'cat /work/t; ls /work'
		same "$(tr '\n' ' ' <<<"$output")" "one 2 3 4 5 6 7 8 nine t x " "after $point"
		faas branch delete o t
		# of the merge that came to nothing, nothing is left
		eventually eval '[[ $(find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 | wc -l) == 1 ]]'
	done
	sound merge
}

@test "merge: an error at every step changes nothing" {
	local point before

	faas execute --snapshot from 'seq 9 >/work/t'
	faas branch from --branch o 'sed -i s/1/one/ /work/t'
	faas branch from --branch t 'sed -i s/9/nine/ /work/t; echo x >/work/x'
	before=$("$FAAS" --json branch show o 3>&- | jq -r .head)
	for point in snapshot.mkdir state.write state.copy state.sync merge.commit \
		store.snapshot.put store.branch.put store.begin store.commit; do
		faas executor stop
		FAAS_FAULT=$point=ENOSPC "$FAAS" executor start >start.out 2>&1 3>&-
		run --separate-stderr run_faas merge t --into o
		same "$status" 1 "$point: $stderr"
		has "$stderr" "No space left" "message at $point"
		faas executor stop
		same "$("$FAAS" --json branch show o 3>&- | jq -r .head)" "$before" "branch after $point"
		eventually eval '[[ $(find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 | wc -l) == 3 ]]'
	done
	faas merge t --into o
	sound merge
}

@test "merge --to: whatever happens, each file is as it was or as it is to be" {
	local point

	mkdir src
	faas execute --snapshot none 'mkdir /work/src; seq 9 >/work/src/a; seq 9 >/work/src/b'
	faas branch none --branch b 'seq 5 >/work/src/a; seq 5 >/work/src/b; echo n >/work/src/new'
	for point in apply.write apply.rename state.copy; do
		for how in KILL ENOSPC EIO@2; do
			rm -rf src
			mkdir src
			seq 9 | tee src/a >src/b
			FAAS_FAULT=$point=$how run_faas merge b --to src >out 2>&1 && status=0 || status=$?
			((status)) || die "nothing happened at $point=$how"
			for f in a b; do
				[[ $(wc -l <src/$f) == [59] ]] || die "half a file after $point=$how"
			done
			[[ $how == KILL ]] || same "$(find src -name '.faas-*')" "" "what is left after $point=$how"
			faas merge b --to src
			same "$(cat src/a src/b src/new | wc -l)" 11 "again after $point=$how"
		done
	done
}
