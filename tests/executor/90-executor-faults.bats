# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# What is killed, full, broken or in the way, and what is left of runs then. Every
# test has an executor of its own.

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

# requires_command <command>: until it is in this tree
requires_command() {
	"$FAAS" "$1" --help >/dev/null 2>&1 || skip "this faas has no command '$1'"
}

# descendants <pid>: all of them, and their names
descendants() {
	local child

	for child in $(pgrep -P "$1"); do
		echo "$child $(<"/proc/$child/comm")"
		descendants "$child"
	done
}

# of_executor <comm>: pids of that role of this test's executor: the spawner is its
# child, monitors are the spawner's
of_executor() {
	descendants "$(executor_pid)" | sed -n "s/ $1\$//p"
}

# waits for 'go' in a file that the test makes through the program's stdin
slow='echo up; read x; echo "got $x"; exit 7'

# begin_slow <options>...: starts $slow
begin_slow() {
	begin_held "$@" "$slow"
}

# ---- kill -9 ----

@test "execute: an executor that is killed during a run is not missed" {
	begin_slow
	kill -KILL "$(executor_pid)"
	echo hello >&8
	ended 7
	same "$(<client.out)" $'up\ngot hello' "output"
	same "$(<client.err)" "" "stderr"
}

@test "execute: a run that ends while there is no executor keeps its result" {
	local id

	faas execute --id-file id --detach 'exec 2>&1; read x </dev/null; exit 9'
	id=$output
	begin_slow --id-file id
	# the client cannot start one while it is stopped
	kill -STOP "$client"
	eventually grep -q '^State:.T' "/proc/$client/status"
	kill -KILL "$(executor_pid)"
	echo bye >&8
	let_go
	eventually grep -q 'got bye' client.out
	kill -CONT "$client"
	ended 7
	requires_command execution
	faas --json execution show "$(<id)"
	same "$(jq -r '(.execution // .) | "\(.state) \(.exit_code)"' <<<"$output")" "exited 7" "record"
}

@test "execution wait: finds a detached run after the executor's death" {
	local id

	requires_command execution
	faas execute --detach 'sleep 2; exit 6'
	id=$output
	kill -KILL "$(executor_pid)"
	sandboxed true
	run --separate-stderr run_faas execution wait "$id"
	same "$status" 6 "status"
	faas --json execution show "$id"
	same "$(jq -r '(.execution // .) | "\(.state) \(.exit_code)"' <<<"$output")" "exited 6" "record"
}

@test "execution cancel: reaches an adopted run" {
	local id

	requires_command execution
	faas execute --detach "exec sleep $nap"
	id=$output
	eventually running "sleep $nap"
	kill -KILL "$(executor_pid)"
	faas execution cancel "$id"
	eventually no_process "sleep $nap"
}

@test "execute: an executor that is killed between runs is replaced" {
	local before

	faas execute true
	before=$(executor_pid)
	kill -KILL "$before"
	faas execute 'echo again'
	same "$output" again "output"
	(($(executor_pid) != before)) || die "the same executor"
}

@test "execute: an executor that is killed many times loses no run" {
	local i

	for i in 1 2 3 4 5; do
		begin_slow
		kill -KILL "$(executor_pid)"
		faas execute true
		kill -KILL "$(executor_pid)"
		echo "$i" >&8
		ended 7
		has "$(<client.out)" "got $i" "output"
	done
}

@test "execute: after the executor's death a client's death still ends its run" {
	begin "echo up; exec sleep $nap"
	kill -STOP "$client"
	kill -KILL "$(executor_pid)"
	kill -KILL "$client"
	ended 137
	eventually no_process "sleep $nap"
}

@test "execute: after the executor's death a deadline still holds" {
	begin --timeout 3s --grace 100ms 'trap "" TERM; echo up; while :; do sleep 0.05; done'
	kill -KILL "$(executor_pid)"
	ended 124
}

@test "execute: when the spawner is killed, what runs goes on and the next run works" {
	local i

	begin_slow
	kill -KILL "$(of_executor faas-spawner)"
	for i in 1 2 3; do
		faas execute 'echo next'
		same "$output" next "the next run"
		faas execute --mode cached 'echo next'
	done
	echo on >&8
	ended 7
	has "$(<client.out)" "got on" "output"
}

@test "execute: when the spawner is killed at once, the first run still works" {
	faas executor start
	kill -KILL "$(of_executor faas-spawner)"
	faas execute 'echo works'
	same "$output" works "output"
}

@test "execute: when a monitor is killed, the run fails clearly and the sandbox is gone" {
	local pid monitor

	begin "echo up; exec sleep $nap"
	eventually running "sleep $nap"
	pid=$(pgrep -fx "sleep $nap")
	monitor=$pid
	until [[ $(<"/proc/$monitor/comm") == faas-monitor ]]; do
		monitor=$(awk '/^PPid/ { print $2 }' "/proc/$monitor/status")
	done
	kill -KILL "$monitor"
	ended 125
	has "$(<client.err)" "monitor died" "message"
	eventually gone "$pid"
	faas execute 'echo next'
}

@test "execute: when pid 1 of a sandbox is killed, the run ends as killed" {
	local pid

	begin "echo up; exec sleep $nap"
	eventually running "sleep $nap"
	pid=$(pgrep -fx "sleep $nap")
	kill -KILL "$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")"
	ended 137
	faas execute 'echo next'
}

@test "execute: a pool whose sandboxes are killed is filled again" {
	local pid

	faas execute --mode cached true
	eventually eval '(($("$FAAS" --json executor status 3>&- | jq "[.pools[].ready] | add") > 1))'
	for pid in $(of_executor faas-monitor); do
		kill -KILL "$pid" || gone "$pid"
	done
	for _ in 1 2 3 4; do
		faas execute --mode cached 'echo fine'
		same "$output" fine "output"
	done
}

# ---- one executor a folder ----

@test "executor run: a second one on the same folder is refused, and names the first" {
	local pid

	faas executor start
	pid=$(executor_pid)
	faas 5 executor run
	has "$stderr" "pid $pid" "message"
	has "$stderr" "hint: " "hint"
	faas execute true
	same "$(executor_pid)" "$pid" "the one that serves"
}

@test "execute: 16 clients at once start one executor" {
	local i pids=()

	for i in {1..16}; do
		"$FAAS" execute "echo $i" >"out.$i" 2>"err.$i" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in {1..16}; do
		same "$(cat "out.$i" "err.$i")" "$i" "client $i"
	done
	same "$(pgrep -fc "^faas-executor executor run --on-demand --state-dir $FAAS_STATE_DIR\$")" 1 \
		"executors"
}

@test "executor run: its folders are private, and made so" {
	faas executor start
	same "$(stat -c %a "$FAAS_STATE_DIR" "$FAAS_STATE_DIR/run")" $'700\n700' "modes"
	faas executor stop --now
	chmod 777 "$FAAS_STATE_DIR" "$FAAS_STATE_DIR/run"
	faas executor start
	same "$(stat -c %a "$FAAS_STATE_DIR" "$FAAS_STATE_DIR/run")" $'700\n700' "modes"
}

@test "executor run: a folder of another user is refused" {
	((UID == 0)) || skip "needs root to become another user"
	mkdir "$FAAS_STATE_DIR"
	chown 65534 "$FAAS_STATE_DIR"
	faas 125 execute true
	has "$stderr" "another user" "message"
	has "$stderr" "65534" "message"
}

@test "execute: a path of 200 characters is no problem" {
	export FAAS_STATE_DIR=$PWD/$(printf 'x%.0s' {1..100})/$(printf 'y%.0s' {1..100})
	faas execute 'echo fine'
	same "$output" fine "output"
	faas executor stop --now
}

# ---- the state folder ----

@test "executor: its folder and its idle time may be configured" {
	local state=$PWD/elsewhere pid

	unset FAAS_STATE_DIR FAAS_IDLE_TIMEOUT
	faas config set state-dir "$state"
	faas config set idle-timeout 400ms
	# it is not idle while this runs
	begin_slow
	faas --json executor status
	same "$(jq -r .state_dir <<<"$output")" "$state" "folder"
	has "$("$FAAS" __names environment)" host "live names"
	faas config list --show-origin
	has "$output" "faas/config:1" "origin"
	pid=$(cat "$state/run/executor.lock")
	let_go
	ended 7
	eventually gone "$pid"
	FAAS_STATE_DIR=$PWD/state faas execute -- true
	[[ -s state/run/executor.lock ]] || die "the variable does not win"
}

@test "execute: a state folder that cannot be one is a clear error" {
	local row

	echo file >file
	for row in /proc/nowhere "$PWD/file" "$PWD/file/below" relative; do
		FAAS_STATE_DIR=$row faas 125 execute true
		has "$stderr" "$row" "message"
		same "$output" "" "stdout"
	done
	same "$(<file)" file "the file"
}

@test "execute: a state folder that can only be read is a clear error, and works when it can be written" {
	((UID == 0)) || skip "needs root to become another user"
	mkdir small
	mount -t tmpfs -o size=8m tmpfs small
	export FAAS_STATE_DIR=$PWD/small/state
	faas execute true
	faas executor stop
	eventually mount -o remount,ro small
	faas 125 execute true
	has "$stderr" "Read-only file system" "message"
	same "$output" "" "stdout"
	mount -o remount,rw small
	faas execute 'echo back'
	same "$output" back "output"
	faas executor stop
	eventually umount small
}

# broken <what>: the executor does not start, says why, and changes nothing
broken() {
	local before

	before=$(sha256sum "$FAAS_STATE_DIR"/*.db)
	faas 125 execute true
	has "$stderr" "$1" "message"
	has "$stderr" "hint: " "hint"
	same "$(sha256sum "$FAAS_STATE_DIR"/*.db)" "$before" "the database"
	same "$(ls "$FAAS_STATE_DIR/run" | grep -c sock)" 0 "sockets"
	faas "${2:-1}" executor run
	has "$stderr" "$1" "message of 'executor run'"
	same "$(sha256sum "$FAAS_STATE_DIR"/*.db)" "$before" "the database"
}

@test "executor run: a corrupt database is an error, and kept as it is" {
	faas execute true
	faas executor stop
	head -c 5000 /dev/urandom | dd of="$(echo "$FAAS_STATE_DIR"/*.db)" bs=1 seek=300 conv=notrunc 2>&1
	broken "$(basename "$FAAS_STATE_DIR"/*.db)"
	echo "this is not a database, it is a note of more than a hundred bytes, which sqlite does not take for an empty one" \
		>"$(echo "$FAAS_STATE_DIR"/*.db)"
	broken "$(basename "$FAAS_STATE_DIR"/*.db)"
}

@test "executor run: a newer database is an error, and kept as it is" {
	faas execute true
	faas executor stop
	python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); d.execute("PRAGMA user_version = 9999"); d.commit()' "$FAAS_STATE_DIR"/*.db
	broken "version 9999" 5
}

@test "execute: a locked database delays a record, and loses none" {
	faas execute true
	mkfifo hold
	python3 -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1], isolation_level=None); d.execute("BEGIN IMMEDIATE")
print("locked", flush=True); sys.stdin.read()' "$FAAS_STATE_DIR"/*.db <hold >locked 3>&- &
	exec 8>hold
	eventually grep -q locked locked
	faas execute --id-file id 'echo ran'
	same "$output" ran "output"
	exec 8>&-
	eventually eval 'python3 -c "import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); sys.exit(not d.execute(\"select count(*) from execution where id = ?\", (sys.argv[2],)).fetchone()[0])" '"$FAAS_STATE_DIR"'/*.db "$(<id)"'
	faas execute 'echo ran'
}

@test "execute: a full disk is a clear error, and runs work again when it is not" {
	((UID == 0)) || skip "needs root to become another user"
	mkdir small
	mount -t tmpfs -o size=3m tmpfs small
	export FAAS_STATE_DIR=$PWD/small/state
	faas execute true
	head -c 4000000 /dev/zero >small/ballast 2>/dev/null || true
	for _ in 1 2 3; do
		sandboxed true
		[[ $status == 0 || $status == 125 ]] || die "status $status: $stderr"
		[[ $status == 0 || $stderr == *"No space left"* || $stderr == *full* ]] || die "$stderr"
		[[ $status == 0 || $stderr == *"hint: make room"* ]] || die "no hint: $stderr"
		# a whole list, or none
		run --separate-stderr run_faas execution list
		((status == 0)) || same "$output" "" "list: $stderr"
	done
	rm small/ballast
	eventually "$FAAS" execute true
	faas execute 'echo back'
	same "$output" back "output"
	faas executor stop
	eventually umount small
}

@test "execute: an executor without descriptors refuses, and recovers" {
	local i pids=()

	(
		ulimit -n 40
		"$FAAS" executor start
	) >/dev/null 3>&-
	for i in {1..40}; do
		"$FAAS" execute 'echo ran; exec sleep 0.2' >"out.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || true
	done
	# descriptors of what has ended are closed a moment later
	eventually nothing_runs
	eventually run_faas execute true
	faas execute 'echo back'
	same "$output" back "output"
	grep -q ran out.* || die "none of 40 worked: $(cat out.1)"
	same "$(cat out.* | grep -v '^ran$\|^hint: \|Too many open files\|connection was closed')" "" "errors"
}

@test "execute: an executor that hangs does not hold whoever interrupts" {
	local pid client

	faas executor start
	pid=$(executor_pid)
	kill -STOP "$pid"
	"$FAAS" execute 'sleep 30' >out 2>err 3>&- &
	client=$!
	# the shell that becomes it blocks signals, too
	eventually eval '[[ $(readlink "/proc/$client/exe") == "$FAAS" ]]'
	eventually grep -q '^SigBlk:.*[1-9a-f]' "/proc/$client/status"
	kill -TERM "$client"
	eventually eval 'kill -TERM $client; gone $client' || status=$?
	kill -CONT "$pid"
	((!status)) || die "it waits"
	has "$(cat err)" "the executor does not answer" "message"
	has "$(cat err)" "hint: " "hint"
	eventually nothing_runs
	faas execute 'echo back'
	same "$output" back "afterwards"
}

@test "execution attach: an executor that hangs does not hold whoever interrupts" {
	local pid id client status=0

	faas execute -d 'echo up; exec sleep 1000'
	id=$output
	pid=$(executor_pid)
	"$FAAS" execution attach "$id" >out 2>err 3>&- &
	client=$!
	# it has its log, and waits for the end
	eventually grep -q up out
	kill -STOP "$pid"
	kill -TERM "$client"
	eventually took "$client"
	kill -TERM "$client"
	wait "$client" || status=$?
	kill -CONT "$pid"
	same "$status" 125 "status"
	has "$(<err)" "the executor does not answer" "message"
	has "$(<err)" "hint: " "hint"
	# both signals are there when it goes on
	faas 137 execution wait "$id" || faas 143 execution wait "$id"
}

@test "execution attach: goes on with the next executor when its own dies" {
	local id client status=0

	begin_held --id-file id --log "$slow"
	kill -KILL "$(executor_pid)"
	echo more >&8
	ended 7
	same "$(<client.out)" $'up\ngot more' "output"
	faas execute -d 'echo up; exec sleep 1000'
	id=$output
	"$FAAS" execution attach "$id" >out 2>err 3>&- &
	client=$!
	eventually grep -q up out
	kill -KILL "$(executor_pid)"
	# one that comes while there is none may be lost
	eventually eval 'kill -TERM "$client"; gone "$client"'
	wait "$client" || status=$?
	[[ $status == 143 || $status == 137 ]] || die "status $status: $(<err)"
}

@test "executor: what runs ends when its state folder is removed" {
	local pid

	faas execute --detach 'exec sleep 10321'
	pid=$(executor_pid)
	kill -KILL "$pid"
	eventually gone "$pid"
	pgrep -fx "sleep 10321" || die "it ended with the executor"
	# for a moment something may be written there
	eventually rm -rf "$FAAS_STATE_DIR"
	eventually eval '! pgrep -fx "sleep 10321"'
}

# ---- the end of an executor ----

@test "executor run: exits when nobody needs it, and leaves no socket" {
	local pid

	export FAAS_IDLE_TIMEOUT=300ms
	faas execute true
	pid=$("$FAAS" --json executor status 3>&- | jq .pid) || pid=
	[[ -z $pid ]] || eventually gone "$pid"
	eventually test ! -e "$FAAS_STATE_DIR/run/executor.sock"
	faas execute 'echo again'
	same "$output" again "output"
}

@test "executor run: one that a socket of systemd started ends when idle" {
	local pid

	unset FAAS_IDLE_TIMEOUT
	mkdir -p -m 700 "$FAAS_STATE_DIR/run"
	# as systemd does, it is there when somebody wants it, and not before;
	# its default is ten minutes, of which the configuration makes less
	faas config set idle-timeout 300ms
	python3 -c 'import os, select, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + ".new")
s.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])
select.select([s], [], [])
os.dup2(s.fileno(), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])' \
		"$FAAS_STATE_DIR/run/executor.sock" "$FAAS" executor run 2>log 3>&- &
	pid=$!
	eventually test -S "$FAAS_STATE_DIR/run/executor.sock"
	faas execute 'echo activated'
	same "$output" activated "output"
	eventually gone "$pid"
	[[ -S $FAAS_STATE_DIR/run/executor.sock ]] || die "systemd's socket was removed"
}

@test "executor run: an idle one waits for what runs" {
	export FAAS_IDLE_TIMEOUT=300ms
	faas execute --detach 'sleep 1; exit 0'
	begin_slow
	echo x >&8
	ended 7
}

@test "executor stop: waits for what runs, takes nothing new, and says so" {
	local pid

	begin_slow
	pid=$(executor_pid)
	faas executor stop --no-wait
	faas 125 execute 'echo ran'
	has "$stderr" "stopping" "message"
	echo x >&8
	ended 7
	eventually gone "$pid"
	faas execute 'echo next'
}

@test "executor stop: --now ends what runs, and everything else" {
	local pid pids

	begin 'trap "" TERM; echo up; exec sleep 1000'
	pid=$(executor_pid)
	pids=$(descendants "$pid" | cut -d' ' -f1)
	faas executor stop --now
	ended 137
	eventually gone "$pid"
	for pid in $pids; do
		eventually gone "$pid"
	done
	left() {
		[[ -z $(find "$FAAS_STATE_DIR/run" -name 'm.*' -o -name '*.sock') ]]
	}
	eventually left
	faas 7 executor stop
	faas 7 executor status
}

@test "executor run: TERM drains, a second one ends it at once" {
	local pid

	begin_slow
	pid=$(executor_pid)
	kill -TERM "$pid"
	faas 125 execute true
	echo x >&8
	ended 7
	eventually gone "$pid"
	begin "echo up; exec sleep $nap"
	pid=$(executor_pid)
	kill -TERM "$pid"
	faas 125 execute true
	kill -TERM "$pid"
	eventually gone "$pid"
	eventually no_process "sleep $nap"
}

# ---- many ----

@test "execute: 2,000 runs leave descriptors, memory, mounts and cgroups where they were" {
	local pid before rss

	# what is freed stays for a while, or it could not tell that it is used
	[[ -z ${SANITIZE-} ]] || export ASAN_OPTIONS=quarantine_size_mb=1
	many() {
		seq "$1" | xargs -P 4 -I{} "$FAAS" execute --mode "$2" -- /bin/true 3>&-
	}
	many 200 cached
	many 200 ephemeral
	pid=$(executor_pid)
	settled() {
		[[ $("$FAAS" --json executor status 3>&- | jq .active) == 0 ]]
	}
	eventually settled
	before=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
	rss=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
	mounts=$(wc -l <"/proc/$(of_executor faas-spawner)/mounts")
	many 1000 cached
	many 600 ephemeral
	eventually settled
	eventually eval '(($(find "/proc/'"$pid"'/fd" -mindepth 1 | wc -l) <= '$((before + 40))'))'
	same "$(wc -l <"/proc/$(of_executor faas-spawner)/mounts")" "$mounts" "mounts"
	# 1,600 runs of 100 bytes each would be more
	(($(awk '/VmRSS/ { print $2 }' "/proc/$pid/status") - rss < 2048)) ||
		die "resident memory grew from $rss to $(grep VmRSS "/proc/$pid/status")"
	same "$(ps -o stat= --ppid "$pid" | grep -c Z)" 0 "zombies"
	faas executor stop
	eventually gone "$pid"
	same "$(find "$FAAS_STATE_DIR" -name 'm.*' | wc -l)" 0 "sockets of monitors"
}

@test "executor: killed and never started again, it leaves no cgroup behind" {
	faas execute -- /bin/true
	pid=$(executor_pid)
	own=$(ls -l "/proc/$pid/fd" | grep -o 'faas-[0-9]*-[0-9a-f]*' | sort -u | head -n 1)
	[[ -n $own ]] || skip "this host has no cgroup for faas"
	kill -KILL "$pid"
	eventually no_folder "$own"
}

no_folder() {
	! find /sys/fs/cgroup -type d -name "$1" 2>/dev/null | grep -q .
}
