# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# The executor, or the client, dies as by kill -9 at each step of keeping the result of a
# step. Afterwards the old state is there or the new one, and the same chain goes through.

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

# sound <what>: the database is whole, each result has its snapshot and each layer a row
sound() {
	faas executor stop
	python3 - "$FAAS_STATE_DIR" <<-'E' || die "store after $1"
		import os, sqlite3, sys
		db = sqlite3.connect(sys.argv[1] + "/faas.db")
		assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
		assert not db.execute("PRAGMA foreign_key_check").fetchall()
		rows = {r[0] for r in db.execute("SELECT id FROM snapshot WHERE state = 'ready'")}
		kept = {r[0] for r in db.execute("SELECT snapshot FROM step")}
		layers = {n for n in os.listdir(sys.argv[1] + "/layers") if n[0] != "."}
		assert kept <= rows <= layers, (kept, rows, layers)
	E
}

# dies_at <point>: an executor that will
dies_at() {
	"$FAAS" -q executor stop --now >/dev/null 2>&1 3>&- || true
	FAAS_FAULT=$1=KILL "$FAAS" executor start >start.out 2>&1 3>&- || true
}

@test "chain: the executor may die at every step of making and keeping a result" {
	local point n=0

	for point in snapshot.noted journal.begin run.sent run.ended run.answered run.commit \
		run.committed store.step.put chain.put chain.kept chain.used; do
		((++n))
		dies_at "$point"
		faas chain --base host --json --run "echo $n >/work/n" --run 'cat /work/n; echo e >&2'
		same "$(jq -c '[.exit_code, .steps[1].stdout, .steps[1].stderr]' <<<"$output")" \
			"[0,\"$n\\n\",\"e\\n\"]" "$point"
		faas chain --base host --json --run "echo $n >/work/n" --run 'cat /work/n; echo e >&2'
		same "$(jq -c '[.steps[].hit]' <<<"$output")" "[true,true]" "results after $point"
		sound "$point"
	done
}

@test "chain: the executor may die while it shows a result, and shows it again" {
	faas chain --base host --run 'echo once'
	dies_at chain.used
	faas chain --base host --run 'echo once' --json
	same "$(jq -c '[.steps[0].hit, .steps[0].stdout]' <<<"$output")" '[true,"once\n"]' "the result"
	sound chain.used
}

@test "chain: the client may die before and after its step is kept" {
	local point

	for point in chain.made chain.told; do
		FAAS_FAULT=$point=KILL "$FAAS" chain --base host --run "echo $point >/work/x" 3>&- && status=0 || status=$?
		same "$status" 137 "$point"
		faas chain --base host --run "echo $point >/work/x" --json
		same "$(jq -c '[.exit_code, .steps[0].hit]' <<<"$output")" \
			"[0,$([[ $point == chain.told ]] && echo true || echo false)]" "$point"
		sound "$point"
	done
	# what nobody kept is let go when its client can no more come back
	faas --json snapshot list
	same "$(jq '.snapshots | length' <<<"$output")" 3 "snapshots"
	faas executor stop
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/faas.db")
db.execute("UPDATE execution SET ended_ms = ended_ms - 3600000")
db.commit()' "$FAAS_STATE_DIR"
	faas --json chain prune --older-than 1h
	same "$(jq -c '[.count, .snapshots]' <<<"$output")" "[0,1]" "pruned"
	sound prune
}

@test "chain prune, chain delete: the executor may die at every step of letting go" {
	local point

	for point in store.step.delete chain.deleted store.snapshot.delete snapshot.deleted; do
		faas chain --base host --run "echo $point" --run 'echo more'
		dies_at "$point"
		faas 7 chain prune -y
		faas chain prune -y
		faas --json chain list
		same "$(jq '.results | length' <<<"$output")" 0 "results after $point"
		sound "$point"
	done
}

@test "chain: the executor may die while the name moves, and it is one's or the other's" {
	local point

	for point in chain.name store.snapshot.put; do
		faas chain --base host --run "echo 1 >/work/$point" --name moving
		faas chain --base host --run "echo 2 >/work/$point"
		dies_at "$point"
		faas chain --base host --run "echo 2 >/work/$point" --name moving
		faas snapshot exec moving -- cat "/work/$point"
		same "$output" 2 "$point"
		sound "$point"
	done
}

@test "env build: the executor may die before and after it is there" {
	local point

	for point in store.environment.put environment.built; do
		dies_at "$point"
		"$FAAS" env build "e-$point" --layer 'echo 1 >/work/x' >/dev/null 2>&1 3>&- || true
		"$FAAS" env build "e-$point" --layer 'echo 1 >/work/x' >/dev/null 2>&1 3>&- || true
		faas execute -E "e-$point" -- cat /work/x
		same "$output" 1 "$point"
		sound "$point"
	done
}

@test "chain: an error at each step is an error with a message, and the chain goes through again" {
	local n point

	for point in store.step.put store.step.delete store.snapshot.put snapshot.mkdir; do
		"$FAAS" -q executor stop --now >/dev/null 2>&1 3>&- || true
		FAAS_FAULT=$point=ENOSPC@1 faas executor start
		run --separate-stderr run_faas chain --base host --run "echo $point"
		[[ $status == 0 || ($status == 125 && $stderr == *faas:*) ]] ||
			die "$point: status $status: $stderr"
		faas chain --base host --run "echo $point"
		same "$output" "$point" "output"
		sound "$point"
	done
}

# stopped <pid>: it has stopped itself
stopped() {
	[[ $(awk '/^State/ { print $2 }' "/proc/$1/status") == T ]]
}

@test "chain prune: what a chain is about to use stays, though its result goes" {
	local client status=0

	faas chain --base host --run 'echo 1 >/work/n' --run 'echo 2 >>/work/n'
	FAAS_FAULT=chain.found=STOP@2 "$FAAS" chain --base host --run 'echo 1 >/work/n' \
		--run 'echo 2 >>/work/n' --run 'cat /work/n' >out 2>err 3>&- &
	client=$!
	eventually stopped "$client"
	faas chain prune -y
	faas --json chain list
	same "$(jq '.results | length' <<<"$output")" 0 "results"
	faas snapshot prune -y --all || true
	faas --json snapshot list
	same "$(jq '.snapshots | length' <<<"$output")" 2 "what is needed"
	kill -CONT "$client"
	wait "$client" || status=$?
	same "$status" 0 "status: $(<err)"
	same "$(<out)" $'1\n2' "output"
}
