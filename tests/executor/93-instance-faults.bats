# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# What becomes of instances when executors, monitors and disks fail. Every test has an
# executor of its own.

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
	export PROBE=${FAAS%/*}/tests/executor/probe
}

teardown() {
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

teardown_file() {
	:
}

state_of() {
	"$FAAS" --json instance show "$1" 3>&- | jq -r .state
}

in_state() {
	[[ $(state_of "$1") == "$2" ]]
}

# field_of <instance> <jq filter>
field_of() {
	"$FAAS" --json instance show "$1" 3>&- | jq -r "$2"
}

layers() {
	find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 | wc -l
}

# kill_executor: and whoever asks next starts another
kill_executor() {
	kill -KILL "$(<"$FAAS_STATE_DIR/run/executor.lock")"
}

# begin_in <instance> <code>: in the background; prints "up"; its stdin is descriptor 8
begin_in() {
	rm -f client.* hold
	mkfifo hold
	(
		status=0
		"$FAAS" instance exec "$@" <hold >client.out 2>client.err 3>&- || status=$?
		echo $status >client.status.new
		mv client.status.new client.status
	) 3>&- &
	exec 8>hold
	eventually grep -q '^up$' client.out
}

monitor_of() {
	local pid

	pid=$(field_of "$1" .pid)
	awk '/^PPid/ { print $2 }' "/proc/$pid/status"
}

@test "instance: an executor that is killed is not missed" {
	local pid

	faas instance start --name on -- sh -c 'i=0; while :; do echo $((i += 1)) >/work/n; sleep 0.02; done'
	pid=$(field_of on .pid)
	begin_in on 'echo up; read x; echo "got $x"; exit 7'
	kill_executor
	echo hello >&8
	ended 7
	has "$(<client.out)" "got hello" "output"
	same "$(<client.err)" "" "stderr"
	same "$(field_of on '"\(.state) \(.pid) \(.commands)"')" "running $pid 0" "the instance"
	# it is empty for a moment, again and again
	faas instance exec on 'until test -s /work/n; do :; done; echo on'
	same "$output" on "the next command"
	for _ in 1 2 3; do
		begin_in on 'echo up; read x; exit 5'
		kill_executor
		faas instance exec on true
		kill_executor
		echo >&8
		ended 5
	done
	kill_executor
	faas instance stop on
	faas instance start on
	faas instance terminate on
}

@test "instance: a command that ends while there is no executor keeps its result" {
	faas instance start --name quiet
	faas instance exec quiet -d 'sleep 10197; echo out; exit 9'
	id=$output
	eventually pgrep -fx 'sleep 10197'
	kill_executor
	kill "$(pgrep -fx 'sleep 10197')"
	eventually eval '! pgrep -fx "sleep 10197"'
	run --separate-stderr run_faas execution wait "$id"
	same "$status" 9 "status"
	faas execution logs "$id"
	same "$output" out "log"
	in_state quiet running
	faas instance terminate quiet
}

@test "instance: states, times and frozen processes outlive the executor" {
	faas instance start --name ttl --ttl 1h
	faas instance start --name soon
	faas instance start --name rest
	faas instance stop rest
	faas instance start --name ice -- sh -c 'i=0; while :; do echo $((i += 1)) >/work/n; sleep 0.01; done'
	run --separate-stderr run_faas instance pause ice
	paused=$((status == 0))
	faas instance update soon --ttl 500ms
	kill_executor
	eventually eval '! "$FAAS" instance list -q --name soon 3>&- | grep -q .'
	in_state rest stopped
	(($(field_of ttl .ttl_left_ms) <= 3600000 && $(field_of ttl .ttl_left_ms) > 3000000)) ||
		die "$(field_of ttl .ttl_left_ms)"
	if ((paused)); then
		in_state ice paused
		layer=$(dirname "$(ls -d "$FAAS_STATE_DIR"/layers/*/u/work/n)")
		one=$(<"$layer/n")
		sleep 0.3
		same "$(<"$layer/n")" "$one" "what it counts"
		faas instance resume ice
		eventually eval '[[ $(<"$layer/n") != "$one" ]]'
	fi
	faas instance terminate ttl rest ice
}

@test "instance: executor stop leaves them, executor stop --now stops them" {
	local pid

	faas instance start --name stay
	pid=$(field_of stay .pid)
	begin_in stay 'echo up; read x; exit 4'
	echo >&8
	ended 4
	faas executor stop
	kill -0 "$pid"
	faas executor start
	same "$(field_of stay '"\(.state) \(.pid)"')" "running $pid" "the instance"
	faas instance exec stay 'echo kept >/work/f'
	faas executor stop --now
	eventually eval '! kill -0 '"$pid"' 2>&1'
	in_state stay stopped
	faas instance start stay
	faas instance exec stay -- cat /work/f
	same "$output" kept "file"
	faas instance terminate stay
}

@test "instance: when its monitor or its pid 1 is killed it has stopped, with its files" {
	faas instance start --name m
	faas instance exec m 'echo 1 >/work/f'
	begin_in m 'echo up; read x'
	kill -KILL "$(monitor_of m)"
	eventually in_state m stopped
	eventually test -s client.status
	(($(<client.status) != 0)) || die "the command succeeded"
	has "$(field_of m .reason)" "monitor died" "reason"
	faas instance start m
	begin_in m 'echo up; read x'
	kill -KILL "$(field_of m .pid)"
	ended 137
	eventually in_state m stopped
	faas instance start m
	faas instance exec m -- cat /work/f
	same "$output" 1 "file"
	faas instance update m --restart always
	kill -KILL "$(monitor_of m)"
	eventually eval '[[ $(field_of m ".state + (.restarts | tostring)") == running1 ]]'
	faas instance exec m -- cat /work/f
	faas instance terminate m
	eventually eval '[[ $(layers) == 0 ]]'
}

@test "instance: an executor and a monitor that die together leave a stopped one" {
	local monitor

	faas instance start --name both
	faas instance exec both 'echo 1 >/work/f'
	monitor=$(monitor_of both)
	kill_executor
	kill -KILL "$monitor"
	eventually in_state both stopped
	faas instance start both
	faas instance exec both -- cat /work/f
	same "$output" 1 "file"
	faas instance terminate both
}

# with_fault <point=what> <faas arguments>: by an executor that has it; the status may be
# anything, and it is replaced by one without
with_fault() {
	"$FAAS" executor stop >/dev/null 2>&1 3>&- || true
	# it may die before it is ready
	FAAS_FAULT=$1 "$FAAS" executor start >start.out 2>&1 3>&- || true
	run --separate-stderr run_faas "${@:2}"
	"$FAAS" executor stop >/dev/null 2>&1 3>&- || true
}

@test "instance start: kill -9 at every step leaves one that can be used, or none" {
	local point n

	requires_faults
	for point in store.instance.put snapshot.mkdir instance.noted@1 journal.begin journal.begun run.started \
		instance.started instance.noted@2; do
		with_fault "${point%@*}=KILL${point#"${point%@*}"}" instance start --name "k"
		n=$("$FAAS" instance list -q --name k 3>&- | wc -l)
		((n <= 1)) || die "$n of them after $point"
		if ((n == 1)); then
			eventually eval '[[ $(state_of k) == @(running|stopped) ]]' || die "after $point: $(state_of k)"
			[[ $(state_of k) == running ]] || faas instance start k
			faas instance exec k 'echo fine >/work/f; cat /work/f'
			same "$output" fine "after $point"
			faas instance terminate k
		fi
		eventually eval '[[ $(layers) == 0 ]]' || die "$(ls "$FAAS_STATE_DIR/layers") after $point"
	done
}

@test "instance: kill -9 at every step of an end or a pause leaves what was asked for, or not yet" {
	local point verb wanted row

	requires_faults
	for row in stop:instance.stopping:stopped stop:instance.ended:stopped stop:instance.noted@1:stopped \
		terminate:instance.terminating:gone terminate:instance.ended:gone terminate:instance.terminated:gone \
		terminate:instance.noted@2:gone pause:instance.pausing:paused pause:instance.paused:paused \
		restart:instance.noted@1:running restart:instance.ended:running restart:instance.noted@2:running \
		restart:journal.begun:running; do
		IFS=: read -r verb point wanted <<<"$row"
		faas instance start --name k --ttl 1h
		faas instance exec k 'echo kept >/work/f'
		with_fault "${point%@*}=KILL${point#"${point%@*}"}" instance "$verb" k
		if [[ $verb == pause && $status == 6 ]]; then
			faas instance terminate k
			continue
		elif [[ $wanted == gone ]]; then
			eventually eval '! "$FAAS" instance list -q --name k 3>&- | grep -q .' || die "$row: $(state_of k)"
		else
			eventually eval '[[ $(state_of k) == '"$wanted"' ]]' || die "$row: $(state_of k)"
			[[ $wanted != paused ]] || faas instance resume k
			[[ $wanted != stopped ]] || faas instance start k
			faas instance exec k -- cat /work/f
			same "$output" kept "after $row"
			faas instance terminate k
		fi
		eventually eval '[[ $(layers) == 0 ]]' || die "$(ls "$FAAS_STATE_DIR/layers") after $row"
	done
}

@test "instance exec: kill -9 at every step ends it once, and leaves the instance" {
	local point

	requires_faults
	faas instance start --name k
	for point in journal.begin journal.begun instance.exec run.ended run.answered run.commit; do
		with_fault "$point=KILL" instance exec k 'echo x >>/work/n; echo out'
		[[ $status == 0 && $output == out ]] || has "$stderr" "faas: " "message at $point"
		eventually in_state k running
		faas instance exec k true
		eventually eval '[[ $(field_of k .commands) == 0 ]]' || die "commands after $point"
	done
	faas instance exec k 'wc -l </work/n'
	((output <= 6)) || die "$output runs of 6"
	faas instance terminate k
}

@test "instance: a death while its files become a snapshot loses none" {
	local point

	requires_faults
	faas instance start --name k
	faas instance stop k
	for point in store.snapshot.put store.instance.put instance.snapshot; do
		faas instance start k
		faas instance exec k "echo $point >>/work/f"
		faas instance stop k
		with_fault "$point=KILL" snapshot create --instance k
		((status)) || die "nothing happened at $point"
		[[ $point == instance.snapshot ]] || faas snapshot create --instance k
	done
	faas instance start k
	faas instance exec k -- cat /work/f
	same "$output" $'store.snapshot.put\nstore.instance.put\ninstance.snapshot' "files"
	faas instance terminate k
}

@test "instance: an error at every step changes nothing" {
	local point

	requires_faults
	for point in store.instance.put store.instance.event snapshot.mkdir journal.begin store.begin store.commit; do
		with_fault "$point=ENOSPC" instance start --name e
		((status == 1)) || die "$point: status $status: $stderr"
		has "$stderr" "No space left" "message at $point"
		same "$("$FAAS" instance list -q 3>&-)" "" "instances after $point"
		eventually eval '[[ $(layers) == 0 ]]' || die "layers after $point"
	done
	faas instance start --name e
	for point in store.instance.put store.instance.event; do
		for verb in stop pause terminate restart 'update --ttl 1h'; do
			# shellcheck disable=SC2086
			with_fault "$point=ENOSPC" instance $verb e
			((status == 1)) || die "$point of $verb: status $status: $stderr"
			in_state e running || die "$verb at $point: $(state_of e)"
			faas instance exec e true
		done
	done
	faas instance terminate e
}
