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

# ---- kill -9, and numbers that are somebody else's now ----

# records: of everything that ever ran, id and state
records() {
	"$FAAS" --json execution list -n 100 3>&- | jq -r '.executions[] | "\(.id) \(.state) \(.exit_code)"'
}

@test "execute: an executor that is killed with 20 live sandboxes has them all again" {
	local i ids=() own

	for i in {1..20}; do
		faas execute --detach --name "n$i" --env-var "N=$i" "echo up; exec sleep $nap"
		ids+=("$output")
	done
	eventually eval '(($(pgrep -fxc "sleep $nap") == 20))'
	own=$(ls -l "/proc/$(executor_pid)/fd" | grep -o 'faas-[0-9]*-[0-9a-f]*' | sort -u | head -n 1)
	kill -KILL "$(executor_pid)"
	faas --json executor status || faas executor start
	eventually eval '[[ $("$FAAS" --json executor status 3>&- | jq .recovered) == 20 ]]'
	same "$(pgrep -fxc "sleep $nap")" 20 "what runs"
	same "$(records | grep -c running)" 20 "what is known to run"
	# each is its own: half by id, half by name
	for i in {0..9}; do
		faas -q execution cancel "${ids[i]}"
	done
	eventually eval '(($(pgrep -fxc "sleep $nap") == 10))'
	for i in {11..20}; do
		faas -q execution cancel "n$i"
	done
	eventually no_process "sleep $nap"
	eventually eval '[[ $(records | grep -c "exited\|cancelled") == 20 ]]'
	faas executor stop
	eventually eval '[[ -z $(find "$FAAS_STATE_DIR/run" -name "m.*") ]]'
	[[ -z $own ]] || eventually eval '[[ -z $(find /sys/fs/cgroup -type d -name "$own" 2>/dev/null) ]]'
}

@test "executor run: a pid in a record that is another's now is never signalled" {
	local id bystander pid name

	faas instance start --name on -- sleep 1000
	faas execute --detach --name run "exec sleep $nap"
	id=$output
	eventually running "sleep $nap"
	# as after a reboot: nothing of it is left but what is written down
	pid=$(executor_pid)
	kill -KILL "$pid"
	for pid in $(pgrep -x faas-monitor); do
		readlink "/proc/$pid/fd/"* 2>/dev/null | grep -q "^$FAAS_STATE_DIR/" || continue
		kill -KILL "$pid" 2>/dev/null || gone "$pid"
	done
	eventually no_process "sleep $nap"
	sleep 2000 3>&- &
	bystander=$!
	eventually eval '[[ $(readlink "/proc/$bystander/exe") == */sleep ]]'
	python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); d.execute("UPDATE execution SET pid = ?", (sys.argv[2],)); d.commit()' \
		"$FAAS_STATE_DIR/faas.db" "$bystander"
	# and the number of the one that had the lock, and a socket with no one behind it
	echo "$bystander" >"$FAAS_STATE_DIR/run/executor.lock"
	python3 -c 'import socket, sys, time
socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(sys.argv[1])' "$FAAS_STATE_DIR/run/m.$id" || true
	faas executor start
	run_faas execution cancel "$id" || true
	run_faas execution cancel run || true
	run_faas instance stop on || true
	run_faas instance terminate on || true
	eventually eval '[[ $("$FAAS" --json execution show "'"$id"'" 3>&- | jq -r .state) == @(lost|exited|failed) ]]'
	faas executor stop --now
	kill -0 "$bystander" || die "it was signalled"
	kill "$bystander"
}

# ---- descriptors, processes, memory, and a helper that stands ----

@test "execute: an executor without descriptors does not spin, and says what it lacks" {
	local pid held=() i used

	(
		ulimit -n 60
		"$FAAS" executor start
	) >/dev/null 3>&-
	pid=$(executor_pid)
	# more clients than it has descriptors, who say nothing
	python3 -c 'import socket, sys, time
s = []
for i in range(200):
    c = socket.socket(socket.AF_UNIX); c.setblocking(False)
    try: c.connect(sys.argv[1])
    except BlockingIOError: pass
    s.append(c)
print("held", flush=True); time.sleep(1000)' "$FAAS_STATE_DIR/run/executor.sock" >held 3>&- &
	held=$!
	eventually grep -q held held
	used() {
		awk '{ print $14 + $15 }' "/proc/$pid/stat"
	}
	run --separate-stderr run_faas execute true
	same "$status" 125 "status: $stderr"
	has "$stderr" "faas: " "message"
	has "$stderr" "hint: " "hint"
	i=$(used)
	# a second of waiting in which a loop would have used 100
	read -rt 1 <> <(:) || true
	used=$(($(used) - i))
	((used < 50)) || die "it used $used hundredths of a second"
	kill "$held"
	eventually run_faas execute true
}

# standing_helper: $FAAS with a faas-state that stops as long as there is a file 'stop'
standing_helper() {
	mkdir bin
	cp "$FAAS" bin/faas
	cat >bin/faas-state <<-END
		#!/bin/sh
		[ ! -e $PWD/stop ] || kill -STOP \$\$
		exec ${FAAS%/*}/faas-state "\$@"
	END
	chmod +x bin/faas-state
	FAAS=$PWD/bin/faas
}

# helper: the pid of the one that the executor says it has
helper() {
	"$FAAS" --json executor status 3>&- | jq -e '.helpers[0].pid'
}

stands() {
	pid=$(helper) && grep -q '^State:.T' "/proc/$pid/status"
}

@test "executor: a helper that stands holds up nobody else, and is shown" {
	local pid client

	standing_helper
	faas execute --snapshot base 'echo x >/work/x'
	eventually eval '"$FAAS" --json snapshot show base 3>&- | jq -e .synced'
	: >stop
	"$FAAS" --json snapshot check base >check.out 2>check.err 3>&- &
	client=$!
	eventually stands
	for _ in 1 2 3; do
		faas execute 'echo on'
		same "$output" on "others"
		faas snapshot list
		faas executor status
		has "$output" "helper     pid $pid" "status"
	done
	rm stop
	kill -CONT "$pid"
	wait "$client" || die "$(<check.err)"
	jq -e '.snapshots[0] | .problem == null and .name == "base"' check.out || die "$(<check.out)"
	# whoever does not want to wait takes it along
	: >stop
	"$FAAS" --json snapshot check base >check.out 2>check.err 3>&- &
	client=$!
	eventually stands
	eventually eval 'kill -TERM "$client"; gone "$client"'
	eventually gone "$pid"
	rm stop
	faas snapshot check base
}

# ---- disks ----

@test "execute --log: a disk that is full drops output, says so, and the run goes on" {
	((UID == 0)) || skip "needs root to become another user"
	mkdir small
	mount -t tmpfs -o size=6m tmpfs small
	export FAAS_STATE_DIR=$PWD/small/state
	begin_held --id-file id --log 'echo up; read x; seq 1 20000; echo end; exit 7'
	head -c 10000000 /dev/zero >small/ballast 2>/dev/null || true
	let_go
	ended 7
	rm small/ballast
	has "$(<client.err)" "were dropped" "what its client is told"
	eventually eval '"$FAAS" --json execution show "$(<id)" 3>&- | jq -e ".state == \"exited\""'
	faas --json execution show "$(<id)"
	same "$(jq '"\(.exit_code) \(.log_truncated)"' <<<"$output")" '"7 true"' "record: $output"
	# what there was, and not only what was kept
	(($(jq .log_bytes <<<"$output") > 100000)) || die "$output"
	faas execution logs "$(<id)"
	has "$output" up "what was kept"
	has "$stderr" "were dropped" "and what was not"
	faas executor stop
	eventually umount small
}

@test "executor run: without stdout, stderr and stdin it works as ever" {
	local pid

	"$FAAS" executor run <&- >&- 2>&- 3>&- &
	pid=$!
	eventually test -S "$FAAS_STATE_DIR/run/executor.sock"
	faas execute 'echo fine'
	same "$output" fine "output"
	same "$(executor_pid)" "$pid" "the one that serves"
	faas executor stop
	eventually gone "$pid"
}

# looks: what $db is, and what is in it
looks() {
	stat -c %F "$db"
	[[ ! -f $db ]] || sha256sum <"$db"
}

@test "executor run: a database that is empty, torn, without its log or in the way is kept" {
	local db=$FAAS_STATE_DIR/faas.db how

	faas execute true
	faas execution list
	faas executor stop
	cp "$db" good
	for how in 'head -c 1000 good >"$db"' 'head -c 30000 good >"$db"' \
		'cp good "$db"; printf "\\377%.0s" {1..600} | dd of="$db" bs=1 seek=4200 conv=notrunc' \
		': >"$db"; echo log >"$db-wal"' \
		'rm "$db"; mkdir "$db"' 'rm "$db"; ln -s "$PWD/good" "$db"' 'rm "$db"; mkfifo "$db"' \
		'cp good "$db"; python3 -c "import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); d.execute(\"PRAGMA application_id = 7\"); d.commit()" "$db"'; do
		rm -rf "$db"*
		eval "$how" 2>/dev/null || true
		looks >before
		run --separate-stderr run_faas execute true
		if [[ $status == 0 ]]; then
			# damage that is where nothing is read is found by who looks
			same "$how" "${how/printf/printf}" "$how"
			faas executor stop
			continue
		fi
		same "$status" 125 "$how: $stderr"
		has "$stderr" "faas.db" "$how"
		same "$(looks)" "$(<before)" "$how: it was changed"
	done
	rm -rf "$db"*
	cp good "$db"
	faas execution list --no-header
	has "$output" exited "the copy that was put back"
}
