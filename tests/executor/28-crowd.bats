# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# More than the executor takes at once: a refusal that says so, and nobody else is hurt.

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
}

teardown() {
	[[ -z ${crowd-} ]] || kill "$crowd"
	"$FAAS" -q executor stop --now >/dev/null 2>&1 3>&- || true
}

# is_limit: what the last command of faas said is a refusal for a limit
is_limit() {
	same "$(jq -r .error.code <<<"$1")" limit "code: $1"
	[[ -n $(jq -r '.error.hint // empty' <<<"$1") ]] || die "no hint: $1"
}

@test "execute: more programs than the executor runs at once are refused" {
	local id first

	export FAAS_MAX_RUNS=3
	faas instance start --name kept
	begin_held 'echo up; read -r x; echo end'
	faas execute -d 'read -r x </dev/full; while :; do sleep 1; done'
	id=$output
	faas 125 execute 'echo ran'
	same "$output" "" "it did not run"
	has "$stderr" "runs 3 programs" "message"
	has "$stderr" "max-runs" "hint"
	run --separate-stderr run_faas --json execute 'echo ran'
	same "$status $output" "125 " "in JSON"
	is_limit "$stderr"
	faas 125 instance exec kept echo ran
	faas 1 instance start --name more
	faas --json instance list
	same "$(jq -r '.instances[].name' <<<"$output")" kept "instances"
	# what is refused is not recorded as begun
	faas --json execution list
	same "$(jq '.executions | length' <<<"$output")" 3 "executions"
	# one ends, and another one may begin
	faas execution cancel --grace 0s "$id"
	eventually run_faas execute true
	faas instance exec kept 'echo here'
	same "$output" here "in an instance"
	let_go
	ended 0
	same "$(<client.out)" $'up\nend' "who was there first"
	faas instance terminate kept
}

@test "executor run: --max-runs, and max-runs of the configuration" {
	unset FAAS_MAX_RUNS
	faas config set max-runs 1
	faas execute -d 'read -r x </dev/full; while :; do sleep 1; done'
	faas 125 execute true
	has "$stderr" "runs 1 programs" "message"
	faas executor stop --now
	faas 2 config set max-runs many
	"$FAAS" executor run --max-runs 2 >run.out 2>&1 3>&- &
	eventually grep -q ready run.out
	faas execute -d 'read -r x </dev/full; while :; do sleep 1; done'
	faas execute true
	faas execute -d 'read -r x </dev/full; while :; do sleep 1; done'
	faas 125 execute true
	has "$stderr" "runs 2 programs" "message"
}

@test "batch: lines that the executor has no room for fail, and say so" {
	local ids=()

	export FAAS_MAX_RUNS=2
	for _ in 1 2; do
		faas execute -d 'read -r x </dev/full; while :; do sleep 1; done'
		ids+=("$output")
	done
	for _ in 1 2 3; do
		echo '{"code":"echo ran"}'
	done >lines
	sandboxed_batch -j 3
	((status)) || die "it succeeded: $output"
	same "$(jq -r .error.code <<<"$output")" $'limit\nlimit\nlimit' "results"
	faas execution cancel --grace 0s "${ids[@]}"
	eventually nothing_runs
	sandboxed_batch -j 2
	same "$status $(jq -r .stdout <<<"$output" | xargs)" "0 ran ran ran" "when there is room"
}

sandboxed_batch() {
	run --separate-stderr run_faas batch "$@" lines
}

@test "executor: more clients than it has room for are told so, and the others go on" {
	begin_held 'echo up; read -r x; echo end'
	# as many as there may be, which say nothing
	python3 -c 'import resource, socket, sys, time
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
all = []
for n in range(1024):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    all.append(s)
print("up", flush=True)
time.sleep(1000)' "$FAAS_STATE_DIR/run/executor.sock" >crowd 2>&1 3>&- 8>&- &
	crowd=$!
	eventually grep -q up crowd
	sandboxed 'echo ran'
	same "$status $output" "125 " "one more; $stderr"
	has "$stderr" "as many clients as it takes" "message"
	run --separate-stderr run_faas --json execution list
	same "$status" 1 "another command"
	is_limit "$output"
	# who was there first is served
	let_go
	ended 0
	same "$(<client.out)" $'up\nend' "output"
	kill "$crowd"
	wait "$crowd" || true
	crowd=
	eventually run_faas execute true
	faas execute 'echo back'
	same "$output" back "afterwards"
}

@test "executor: descriptors that nobody asked for are closed, however many" {
	local pid before

	faas execute true
	eventually nothing_runs
	pid=$(executor_pid)
	before=$(descriptors)
	python3 - "$FAAS_STATE_DIR/run/executor.sock" 3>&- <<-'END'
		import array, json, os, socket, struct, sys
		null = os.open("/dev/null", os.O_RDONLY)
		def rights(n):
		    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null] * n))]
		def frame(value):
		    text = json.dumps(value).encode()
		    return struct.pack("<I", len(text)) + text
		def flood(data, n):
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(20)
		    s.connect(sys.argv[1])
		    try:
		        for at in range(0, len(data), max(1, len(data) // 100)):
		            s.sendmsg([data[at:at + max(1, len(data) // 100)]], rights(n))
		        s.shutdown(socket.SHUT_WR)
		        while s.recv(65536): pass
		    except OSError: pass
		    return s
		hello = frame({"id": 0, "op": "hello", "params": {"protocol": 1}})
		for n in 1, 3, 250:
		    # with no frame, with half of one, with ones that want none, or say that they do
		    flood(b"\0", n)
		    flood(hello[:-1], n)
		    flood(frame({"id": 1, "op": "execution.list", "params": {}}) * 50, n)
		    flood(frame({"id": 1, "op": "execution.list", "fds": n, "params": {}}) * 50, n)
		    flood(b"\xff" * 5000, n)
	END
	same "$(executor_pid)" "$pid" "executor"
	eventually eval '(($(descriptors) <= before + 8))'
	faas execute 'echo here'
	same "$output" here "afterwards"
}

descriptors() {
	find "/proc/$pid/fd" -mindepth 1 | wc -l
}
