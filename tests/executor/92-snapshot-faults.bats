load sandbox

# The executor or a helper dies, or the disk is full, at each step of what is done with
# snapshots. Afterwards the store opens, and has the old state or the new one.

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
}

teardown() {
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

# all: names of the snapshots; those without one count, too
all() {
	run_faas --json snapshot list | jq -r '[.snapshots[] | .name // "-"] | sort | join(" ")'
}

# sound: database, layers and rows agree, and snapshots can be used
sound() {
	faas execute true
	same "$(python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])' "$FAAS_STATE_DIR"/*.db)" \
		ok "database after $1"
	faas snapshot check
	eventually eval '[[ $(ls -A "$FAAS_STATE_DIR/layers" | sort) == "$(run_faas --json snapshot list |
		jq -r "[.snapshots[].layers[]] | unique | .[]" | sort)" ]]' ||
		die "layers after $1: $(ls -A "$FAAS_STATE_DIR/layers"); $(run_faas snapshot list)"
}

# with_fault <fault> <faas arguments>...: an executor that meets it; status and output are the client's
with_fault() {
	"$FAAS" -q executor stop --now 3>&- || true
	FAAS_FAULT=$1 "$FAAS" executor start >start.out 2>&1 3>&- || true
	shift
	run --separate-stderr run_faas "$@"
}

# faults <old> <new> <point>... -- <faas arguments>...: whatever happens at each point,
# one of the two states is there afterwards; then 'undo' makes the old one again
faults() {
	local old=$1 new=$2 points=() point how now

	shift 2
	while [[ $1 != -- ]]; do
		points+=("$1")
		shift
	done
	shift
	for point in "${points[@]}"; do
		for how in KILL ENOSPC EIO; do
			with_fault "$point=$how@1" "$@"
			((status < 128)) || die "$point=$how: status $status"
			((status == 0)) || has "$stderr" "faas: " "message at $point=$how"
			"$FAAS" -q executor stop --now 3>&- || true
			now=$(all)
			[[ $now == "$old" || $now == "$new" ]] ||
				die "$point=$how: neither the old state nor the new one" "$now" "$stderr"
			((status != 0)) || same "$now" "$new" "after success at $point=$how"
			sound "$point=$how"
			undo
			same "$(all)" "$old" "the old state again, after $point=$how"
		done
	done
}

@test "snapshot create: at every step" {
	requires_faults
	undo() {
		run_faas -q snapshot delete new >/dev/null 2>&1 || true
	}
	faas execute --snapshot base 'echo x >/work/x'
	faults base "base new" store.snapshot.put snapshot.created -- snapshot create new --snapshot base
	faults base "base new" snapshot.fill snapshot.mkdir store.snapshot.put snapshot.created -- \
		snapshot create new --environment host
	faults base "base new" snapshot.synced -- snapshot create new --environment host --sync
	faas snapshot exec base -- cat /work/x
	same "$output" x "file"
}

@test "snapshot delete: several, at every step" {
	requires_faults
	undo() {
		[[ $(all) == "a b c" ]] || {
			run_faas execute --snapshot a true
			run_faas snapshot exec a --snapshot b true
			run_faas snapshot exec b --snapshot c true
		}
	}
	faas execute --snapshot a true
	faas snapshot exec a --snapshot b true
	faas snapshot exec b --snapshot c true
	faults "a b c" "" store.snapshot.delete snapshot.remove.commit snapshot.deleted -- \
		snapshot delete --recursive --yes a
	faults "a b c" "" store.snapshot.delete snapshot.remove.commit snapshot.deleted -- \
		snapshot prune --all --named
}

@test "snapshot restore: at every step" {
	requires_faults
	local point how head

	faas execute --snapshot base 'echo 0 >/work/n'
	faas branch base --branch b
	faas branch exec b 'echo 1 >/work/n'
	for point in store.branch.put branch.restored; do
		for how in KILL ENOSPC; do
			with_fault "$point=$how@1" snapshot restore base --branch b
			"$FAAS" -q executor stop --now 3>&- || true
			faas branch exec b -- cat /work/n
			[[ $output == 0 || ($output == 1 && $status == 0) ]] || die "$point=$how: $output"
			sound "$point=$how"
			faas branch exec b 'echo 1 >/work/n'
		done
	done
}

@test "snapshot import: at every step" {
	requires_faults
	undo() {
		run_faas -q snapshot delete --recursive --yes "$(run_faas --json snapshot list |
			jq -r '[.snapshots[] | select(.name == null)][0].id // empty')" >/dev/null 2>&1 || true
	}
	faas execute --snapshot base 'echo x >/work/x'
	faas snapshot exec base --snapshot next 'echo y >/work/x'
	faas snapshot export next next.file
	faults "base next" "- base new next" import.unpacked import.admitted import.rename store.snapshot.put \
		import.commit import.committed -- snapshot import next.file --name new
	faas snapshot import next.file --name new
	faas snapshot exec new -- cat /work/x
	same "$output" y "file"
}

@test "snapshot: its time comes while the executor dies" {
	requires_faults
	local point

	for point in store.snapshot.delete snapshot.deleted; do
		faas execute --snapshot over --snapshot-ttl 1s 'echo x >/work/x'
		faas executor stop
		FAAS_FAULT=$point=KILL@1 "$FAAS" executor start >start.out 2>&1 3>&- || true
		sleep 1.5
		eventually eval '! run_faas snapshot show over'
		sound "$point"
	done
}

# helper <name>: the pid of the executor's helper of that name
helper() {
	pgrep -x -P "$(executor_pid)" "$1" | head -1
}

@test "snapshot import: a helper that dies changes nothing" {
	faas execute --snapshot base 'head -c 200000 /dev/urandom >/work/x'
	faas snapshot export base base.file
	mkfifo pipe
	"$FAAS" snapshot import - --name no <pipe >out 2>err 3>&- &
	client=$!
	exec 7>pipe
	head -c 100000 base.file >&7
	eventually eval '[[ -n $(helper faas-archive) ]]'
	kill -KILL "$(helper faas-archive)"
	wait "$client" && status=0 || status=$?
	exec 7>&-
	same "$status" 1 "status: $(<err)"
	has "$(<err)" "nothing was imported" "message"
	same "$(all)" base "snapshots"
	sound "a helper's death"
	# the client itself, too
	"$FAAS" snapshot import - --name no <pipe >out 2>err 3>&- &
	client=$!
	exec 7>pipe
	head -c 100000 base.file >&7
	eventually eval '[[ -n $(helper faas-archive) ]]'
	kill -KILL "$client"
	wait "$client" || true
	eventually eval '[[ -z $(helper faas-archive) ]]'
	exec 7>&-
	same "$(all)" base "snapshots"
	sound "a client's death"
}

@test "snapshot export: a helper that dies leaves no file, and frees the snapshot" {
	faas execute --snapshot base 'head -c 3000000 /dev/urandom >/work/x'
	# a helper that makes it durable is another one
	eventually eval '"$FAAS" --json snapshot list 3>&- | jq -e "[.snapshots[].synced] | all"'
	eventually eval '[[ -z $(helper faas-state) ]]'
	mkfifo pipe
	"$FAAS" snapshot export base - >pipe 2>err 3>&- &
	client=$!
	exec 7<pipe
	head -c 1000 <&7 >/dev/null
	faas 5 snapshot delete base
	has "$stderr" "reading it" "message"
	kill -KILL "$(helper faas-state)"
	wait "$client" && status=0 || status=$?
	exec 7<&-
	same "$status" 1 "status: $(<err)"
	has "$(<err)" "killed by signal 9" "message"
	faas snapshot delete base
}

@test "snapshot import: a full disk changes nothing" {
	[[ $(id -u) == 0 ]] || skip "needs root to mount"
	mkdir small
	faas execute --snapshot base 'head -c 12000000 /dev/urandom >/work/x'
	faas snapshot export base base.file
	faas execute --snapshot little 'echo x >/work/x'
	faas snapshot export little little.file
	mount -t tmpfs -o size=8m tmpfs small || skip "no tmpfs can be mounted"
	export FAAS_STATE_DIR=$PWD/small
	run --separate-stderr run_faas snapshot import base.file --max-size 1G
	local was=$status said=$stderr
	run run_faas snapshot list --no-header
	local listed=$output
	run run_faas snapshot import little.file
	local second=$status what=$output
	eventually eval '[[ $(ls -A small/layers | wc -l) == 1 ]]' || true
	ls -A small/layers >left
	"$FAAS" -q executor stop --now 3>&- || true
	eventually umount small
	same "$was" 1 "status: $said"
	has "$said" "nothing was imported" "message"
	same "$listed" "" "snapshots"
	same "$second" 0 "another one afterwards: $what"
	same "$(wc -l <left)" 1 "layers"
}
