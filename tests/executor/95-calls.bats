# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# Calls of the system and of malloc(3) fail, and the wall's clock jumps: see
# lib/base/fault.h. Here are some points of each kind; 'make soak' goes through all.

setup() {
	requires_faults
	helpers_setup && own_executor
}

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
	export FAAS_FAULT_CALL=@$PWD/spec FAAS_FAULT_LOG=$PWD/log
	: >spec
}

teardown() {
	rm -f "$BATS_TEST_TMPDIR/spec"
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

teardown_file() {
	:
}

# fails <call=errno@n>: from now on
fails() {
	rm -f log
	echo "$1" >spec.new
	mv spec.new spec
}

# failed <call>: it did
failed() {
	grep -q "^call.$1\$" log
}

# soak <arguments>...: of tests/soak/calls, without what this file set
soak() {
	run env -u FAAS_FAULT_CALL -u FAAS_FAULT_LOG TMPDIR="$BATS_TEST_TMPDIR" \
		"$BATS_TEST_DIRNAME/../soak/calls" "$@" "$FAAS" 3>&-
	((status == 0)) || die "$output"
	[[ $output =~ ([0-9]+)\ points ]] || die "$output"
	((BASH_REMATCH[1] >= 3)) || die "nothing failed: $output"
}

@test "execute: a call of the executor that fails is an error, and no more" {
	soak --only execute,logged --calls write,mkdirat,sendmsg
}

@test "snapshot: a call of the executor that fails leaves one, or none" {
	soak --only keep,delete --every 5 --calls write,mkdirat,pwrite64,renameat2,unlinkat
}

@test "instance: a call of the executor that fails leaves one, or none" {
	soak --only instance --every 7 --calls write,openat,mkdirat,pwrite64
}

@test "branch: an answer that cannot be sent ends its connection, and nobody waits for it" {
	soak --only branch --first 6 --every 6 --calls realloc
}

@test "executor run: without memory, what was begun is done by the next one or was never begun" {
	soak --only execute --first 30 --every 61 --calls malloc,calloc,realloc
}

@test "execute: the client without memory says so, and runs nothing twice" {
	local n

	"$FAAS" executor start >/dev/null 3>&-
	# every size is the same to it
	for n in 1 2 3 5 8 13 21 34 55 89 144; do
		rm -f ran
		fails "faas:malloc=ENOMEM@$n"
		run --separate-stderr run_faas execute --log 'echo ran'
		# the last ones may be more than it needs
		((n > 20)) || failed malloc
		fails ''
		if [[ $status != 0 ]]; then
			same "$status $output" "125 " "status after $n: $stderr"
			has "$stderr" "faas: " "message after $n"
		else
			same "$output" ran "output after $n"
		fi
	done
	fails "faas:malloc=ENOMEM@3+"
	run --separate-stderr run_faas --json execution list
	fails ''
	same "$status $stderr" "1 " "status"
	json "$output" "the error"
	[[ $output == *[Mm]emory* ]] || die "$output"
}

# known <snapshot> <field>: in the end it is true
known() {
	eventually eval '"$FAAS" --json snapshot show '"$1"' 3>&- | jq -e ".'"$2"'"'
}

@test "snapshot create --sync: a disk that failed once is not believed when it is asked again" {
	faas execute --snapshot good 'echo good >/work/x'
	known good synced
	fails faas-state:syncfs=EIO@1
	faas execute --snapshot bad 'echo bad >/work/x'
	known bad unsafe
	fails ''
	# the next call would succeed
	faas 1 snapshot create again --snapshot bad --sync
	has "$stderr" "the disk failed" "message"
	has "$stderr" "hint: " "hint"
	faas 1 snapshot check bad
	has "$output" "the disk failed" "what check says"
	# nor what stands on it, in this executor and the next
	faas execute --parent bad --snapshot child true
	known child unsafe
	faas executor stop
	faas 1 snapshot create further --snapshot child --sync
	faas snapshot check good
	faas snapshot create more --snapshot good --sync
	fails faas-state:syncfs=EIO@1
	faas execute --snapshot late 'echo late >/work/x'
	run --separate-stderr run_faas snapshot create later --snapshot late --sync
	same "$status" 1 "while it fails: $stderr"
}

@test "snapshot: what the disk was not asked for when the machine went down is unsafe" {
	local pid

	faas execute --snapshot before 'echo before >/work/x'
	known before synced
	# the helper that would ask never does
	fails faas-state:syncfs=KILL@1+
	faas execute --snapshot torn 'echo torn >/work/x'
	pid=$(executor_pid)
	kill -KILL "$pid"
	eventually gone "$pid"
	fails ''
	# as after another start of the machine
	sed -i 's/^[^ ]*/another-boot/' "$FAAS_STATE_DIR/run/clock"
	known torn unsafe
	known before synced
	# of what came since then it is known
	faas execute --snapshot after 'echo after >/work/x'
	known after synced
	faas executor stop
	known torn unsafe
	faas snapshot show after
}

@test "config set: a disk that fails leaves what was there" {
	local call

	faas config set env one
	for call in fsync=EIO write=EDQUOT rename=EROFS open=EMFILE; do
		fails "faas:$call@1"
		run --separate-stderr run_faas config set env two
		failed "${call%=*}" || die "$call: nothing failed: $status $stderr"
		fails ''
		same "$status" 1 "$call: $stderr"
		has "$stderr" "faas: " "$call"
		same "$(<home/.config/faas/config)" "env = one" "$call"
		same "$(ls -A home/.config/faas)" config "what is left after $call"
	done
	# and what may come back at once is tried again
	for call in write=EINTR write=SHORT; do
		fails "faas:$call@1"
		faas config set env "${call#*=}"
		fails ''
		same "$(<home/.config/faas/config)" "env = ${call#*=}" "$call"
	done
}

@test "executor run: a disk that is full while it recovers loses nothing" {
	local call n client was

	for call in pwrite64=ENOSPC write=ENOSPC openat=ENOSPC; do
		for n in 1+; do
			"$FAAS" executor start >/dev/null 3>&-
			rm -f id kept hold
			mkfifo hold
			exec 8<>hold
			"$FAAS" execute --id-file id --snapshot kept 'read x; echo ran >/work/x; exit 3' \
				<hold >out 2>err 3>&- 8>&- &
			client=$!
			eventually test -s id
			eventually eval '[[ $("$FAAS" --json execution show "$(<id)" 3>&- | jq -r .state) == running ]]'
			fails "faas-executor:$call@$n"
			kill -KILL "$(<"$FAAS_STATE_DIR/run/executor.lock")"
			run_faas executor start >started 2>&1 || has "$(<started)" "faas: " "$call@$n"
			echo >&8
			# a client that cannot be told says so; what ran has run
			wait $client && status=0 || status=$?
			exec 8>&-
			was=$status
			[[ $was == 3 || $was == 125 ]] || die "$call@$n: $was: $(<err)"
			fails ''
			eventually eval '[[ $("$FAAS" --json execution show "$(<id)" 3>&- | jq -r .state) == @(exited|lost|failed) ]]'
			faas --json execution show "$(<id)"
			# a client that gave up took its program along
			if [[ $was == 3 || $(jq -r '"\(.state) \(.cancelled)"' <<<"$output") == "exited false" ]]; then
				same "$(jq .exit_code <<<"$output")" 3 "$call@$n: $output"
				faas snapshot exec kept -- cat /work/x
				same "$output" ran "$call@$n"
				faas snapshot delete kept
			else
				same "$was" 125 "$call@$n: $output"
				run_faas snapshot delete kept >/dev/null 2>&1 || true
			fi
			same "$(python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])' \
				"$FAAS_STATE_DIR/faas.db")" ok "$call@$n"
		done
	done
}

@test "executor: failures among many that come and go leave nothing" {
	local calls=(openat=EMFILE mkdirat=ENOSPC write=ENOSPC sendmsg=ENOBUFS socketpair=EMFILE \
		recvmsg=EINTR pwrite64=EIO unlinkat=EIO renameat2=EIO memfd_create=ENOMEM)
	local i pid fds

	for i in {1..5}; do
		faas execute --snapshot "s$i" 'echo x >/work/x'
		faas snapshot delete "s$i"
	done
	pid=$(executor_pid)
	fds=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
	for i in {1..50}; do
		((i % 5)) || fails "faas-executor:${calls[i / 5 - 1]}@1"
		run_faas execute --snapshot "s$i" 'echo x >/work/x' >/dev/null 2>&1 || true
		run_faas snapshot delete "s$i" >/dev/null 2>&1 || true
		fails ''
		run_faas execute --mode cached true >/dev/null 2>&1 || true
	done
	# what could not be deleted then is deleted now
	for i in $("$FAAS" snapshot list -q 3>&-); do
		faas snapshot delete "$i"
	done
	same "$(executor_pid)" "$pid" "the executor"
	eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers") ]]'
	eventually eval '(($(find "/proc/'"$pid"'/fd" -mindepth 1 | wc -l) <= '$((fds + 40))'))'
	eventually eval '[[ $("$FAAS" --json executor status 3>&- | jq .active) == 0 ]]'
	faas executor stop
	same "$(find "$FAAS_STATE_DIR/run" -name 'm.*' | wc -l)" 0 "sockets of monitors"
}

# set_clock <seconds>: the wall's, from what it is
set_clock() {
	echo "$1" >clock.new
	mv clock.new clock
}

@test "executor: a clock that is set by a year ends and deletes nothing" {
	local year=31536000 id

	export FAAS_FAULT_CLOCK=$PWD/clock
	set_clock 0
	begin_held --id-file id --timeout 1h 'echo up; read x; exit 7'
	faas execute --snapshot kept --snapshot-ttl 1h 'echo kept >/work/x' ||
		faas execute --snapshot kept 'echo kept >/work/x'
	faas snapshot create timed --snapshot kept --ttl 1h
	faas instance start --name on --ttl 1h -- sleep 1000
	for at in $year -$year 0 $year; do
		set_clock "$at"
		# it looks at the clock each second, at what has no time each turn
		faas execute 'echo on'
		same "$output" on "with the clock at $at"
		faas snapshot exec timed -- cat /work/x
		same "$output" kept "with the clock at $at"
		same "$("$FAAS" --json instance show on 3>&- | jq -r .state)" running "at $at"
	done
	# and an executor that begins then
	kill -KILL "$(executor_pid)"
	faas execute 'echo on'
	faas snapshot exec timed -- cat /work/x
	same "$("$FAAS" --json instance show on 3>&- | jq -r .state)" running "the next executor"
	let_go
	ended 7
	faas --json execution show "$(<id)"
	(($(jq .usage.wall_us <<<"$output") < 3600000000)) || die "its time: $output"
	# time that passes is counted all the same
	faas instance update on --ttl 300ms
	eventually eval '[[ $("$FAAS" --json instance show on 3>&- | jq -r .state) == terminated ]]'
}
