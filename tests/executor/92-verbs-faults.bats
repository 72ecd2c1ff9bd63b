# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# The executor dies at each step of what a verb changes, and of the runs of many.

setup() {
	requires_faults
	helpers_setup
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
}

teardown() {
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

# sound <what>: the database is whole, and the executor works on it
sound() {
	faas execute 'echo next'
	same "$output" next "the next run after $1"
	faas executor stop
	same "$(python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])' "$FAAS_STATE_DIR"/*.db)" \
		ok "database after $1"
}

@test "try: --review moves the branch once, whenever the executor dies" {
	local point n=0

	for point in run.sent run.ended run.answered store.branch.put branch.advanced run.commit run.committed; do
		faas execute --snapshot "base$n" true
		faas branch "base$n" -b "b$n"
		faas -q executor stop
		FAAS_FAULT=$point=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
		faas try --review --yes "b$n" 'echo x >>/work/x'
		faas snapshot exec "$("$FAAS" --json branch show "b$n" 3>&- | jq -r .head)" -- cat /work/x
		same "$output" x "file after $point"
		sound "$point"
		n=$((n + 1))
	done
}

@test "try: an error while the branch is moved leaves it where it was" {
	local at

	faas execute --snapshot base true
	faas branch base -b b
	at=$("$FAAS" --json branch show b 3>&- | jq -r .head)
	faas -q executor stop
	FAAS_FAULT=store.branch.put=ENOSPC@1 "$FAAS" executor start >start.out 2>&1 3>&-
	run_faas try --review --yes b 'echo x >/work/x' >out 2>err || true
	same "$("$FAAS" --json branch show b 3>&- | jq -r .head)" "$at" "where it is: $(<err)"
	faas try --review --yes b 'echo x >/work/x'
	faas branch exec b -- cat /work/x
	same "$output" x "another time"
	sound "an error"
}

@test "map: whatever step the executor dies at, each item has its result once" {
	local point

	faas execute --snapshot base true
	for point in journal.begin run.sent run.started run.ended run.answered run.commit run.committed; do
		faas -q executor stop
		FAAS_FAULT=$point=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
		faas map base -j 3 --retries 3 'echo {}' ::: 1 2 3 4 5 6
		same "$output" "$(seq 6)" "results after $point"
	done
	sound "all of them"
}
