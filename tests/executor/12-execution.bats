# shellcheck disable=SC2154  # bats sets stderr
load ../helpers

# What was run and what is running, as 'faas execution' shows it.

setup_file() {
	export FAAS_TEST_STATE=$BATS_FILE_TMPDIR/state
}

teardown_file() {
	FAAS_STATE_DIR=$FAAS_TEST_STATE "$FAAS" executor stop --now >/dev/null 2>&1 3>&- || true
}

# start <words>: leaves $id
start() {
	faas execute -d "$@"
	id=$output
}

# until_log <id> <text>: waits until its output has the text
until_log() {
	run timeout 60 bash -c '"$FAAS" execution logs -f "$1" | grep -m 1 -q "$2"' _ "$1" "$2" 3>&-
	# grep is content and leaves; logs is told by SIGPIPE at its next line
	((status == 0)) || die "execution $1 never said $2"
}

@test "execution list: newest first, with filters, and pages" {
	faas execute --label team=a --name one true
	faas 3 execute --label team=b 'exit 3'
	faas execution list -n 2 --json
	same "$(jq -c '[.executions[] | .exit]' <<<"$output")" "[3,0]" "exit statuses"
	same "$(jq -r '.executions[1].name' <<<"$output")" one "name"
	second=$(jq -r '.executions[1].id' <<<"$output")
	first=$(jq -r '.executions[0].id' <<<"$output")
	faas execution list -q --label team=a -n 1
	same "$output" "$second" "the one with the label"
	faas execution list -q -n 1 --before "$first"
	same "$output" "$second" "the one before"
	faas execution list -q --name one -n 1
	same "$output" "$second" "the one of the name"
	faas execution list --json --environment nosuch
	same "$output" '{"schema":"faas.v1","executions":[]}' "an empty list"
	faas 2 execution list --state sleeping
	faas execution list --fields id,signal -n 1
	has "$output" "ID" "heading"
}

@test "execution list: the command that shows older ones can be typed as it is" {
	local n

	for n in 1 2 3; do
		faas execute --label 'team=it'\''s me' --label "n=$n" true
	done
	on_tty execution list -n 1 --label "team=it's me" --state exited
	same "$status" 0 "status"
	next=$(sed -n 's/^older ones: faas //p' <<<"$output")
	[[ -n $next ]] || die "no such line: $output"
	eval "faas $next --json"
	same "$(jq -c '[.executions[].labels.n]' <<<"$output")" '["2"]' "the one before"
}

@test "execution list: a page larger than what one reply holds" {
	for i in 1 2 3 4 5 6; do
		faas execute "exit 0"
	done
	faas execution list -q -n 0
	((${#lines[@]} >= 6)) || die "only ${#lines[@]} executions"
	same "$(sort -u <<<"$output" | wc -l)" "${#lines[@]}" "none is listed twice"
}

@test "execution show: by id, by four characters of it, by name and as @last" {
	faas execute --name shown -e COLOUR=blue -- /bin/echo 'two words'
	faas execution show --json @last
	id=$(jq -r .id <<<"$output")
	same "$(jq -c .argv <<<"$output")" '["/bin/echo","two words"]' "argv"
	same "$(jq -r .env.COLOUR <<<"$output")" blue "environment"
	same "$(jq -r '.usage.wall_us > 0' <<<"$output")" true "usage"
	for what in "$id" "${id:0:5}" shown; do
		faas execution show --json "$what"
		same "$(jq -r .id <<<"$output")" "$id" "$what"
	done
	faas execution show shown
	has "$output" "/bin/echo 'two words'" "command"
	faas 3 execution show --json nosuch
	same "$(jq -r .error.code <<<"$output")" not-found "error"
	faas 3 execution show abc
}

@test "execution logs: each stream goes where it came from" {
	start 'echo to stdout; echo to stderr >&2'
	faas execution wait "$id"
	faas execution logs "$id"
	same "$output" "to stdout" "stdout"
	same "$stderr" "to stderr" "stderr"
	faas execution logs --stream stderr "$id"
	same "$output" "" "stdout, when only stderr is wanted"
	same "$stderr" "to stderr" "stderr"
	faas execution logs -t --stream stdout "$id"
	[[ $output =~ ^20[0-9-]+T[0-9:.]+Z\ to\ stdout$ ]] || die "no time: $output"
}

@test "execution logs: bytes are exact, and JSON has them too" {
	start 'printf "a\000\377b"'
	faas execution wait "$id"
	"$FAAS" execution logs "$id" >out 2>err 3>&-
	printf 'a\000\377b' | cmp - out || die "other bytes: $(xxd out)"
	faas execution logs --json "$id"
	same "$(jq -r .text_base64 <<<"$output" | base64 -d | xxd -p)" 6100ff62 "base64"
	same "$(jq -c '[.seq, .stream, .missed]' <<<"$output")" '[0,"stdout",0]' "fields"
}

@test "execution logs: -f follows to the end, and replays from a number" {
	start 'for i in 1 2 3 4 5; do echo "line $i"; sleep 0.05; done; exit 4'
	faas execution logs -f "$id"
	same "$output" $'line 1\nline 2\nline 3\nline 4\nline 5' "what was followed"
	faas execution logs --json "$id"
	# on a busy machine a record may have several lines
	seq=$(jq -s '.[length / 2 | floor].seq' <<<"$output")
	text=$(jq -s -j '.[length / 2 | floor:] | .[].text' <<<"$output")
	faas execution logs --from "$seq" "$id"
	same "$output" "$text" "from a record in the middle"
	faas execution logs -n 2 "$id"
	same "$output" $'line 4\nline 5' "the last two lines"
	faas execution logs -n 0 "$id"
	same "$output" "" "no lines"
	faas 2 execution logs -n 1 --from 1 "$id"
}

@test "execution logs: says what the cap dropped" {
	start 'head -c 40000000 /dev/zero | tr "\0" "a"; echo end'
	faas execution wait "$id"
	"$FAAS" execution logs "$id" >out 2>err 3>&-
	has "$(cat err)" "dropped" "warning"
	same "$(tail -c 4 out)" end "the newest is kept"
	(($(wc -c <out) <= 17000000)) || die "more than the cap"
	faas execution show --json "$id"
	same "$(jq -r .log_truncated <<<"$output")" true "log_truncated"
}

@test "execution logs: quiet when its reader leaves" {
	start 'seq 200000'
	faas execution wait "$id"
	run bash -c '"$FAAS" execution logs "$1" 2>err | head -n 1; exit "${PIPESTATUS[0]}"' _ "$id" 3>&-
	same "$status" 141 "status"
	same "$output" 1 "first line"
	same "$(cat err)" "" "stderr"
}

@test "execution logs: output that went to its client was not kept" {
	faas execute 'echo gone'
	faas 3 execution logs @last
	has "$stderr" "not kept" "message"
	has "$stderr" "--detach" "hint"
	lacks "$stderr" "--log" "what only works with --detach"
}

@test "execution logs: survives the executor's death" {
	start 'for i in 1 2 3 4 5 6 7 8; do echo "line $i"; sleep 0.1; done'
	"$FAAS" execution logs -f "$id" >out 2>err 3>&- &
	reader=$!
	faas executor status --json
	kill -9 "$(jq .pid <<<"$output")"
	wait "$reader" || die "status $?: $(cat err)"
	same "$(tail -n 1 out)" "line 8" "last line"
	same "$(wc -l <out)" 8 "lines"
}

@test "execution attach: shows all of it and exits as the program did" {
	start 'for i in 1 2 3; do echo "line $i"; sleep 0.05; done; exit 6'
	faas 6 execution attach "$id"
	same "$output" $'line 1\nline 2\nline 3' "output"
	faas 6 execution attach "$id"
	same "$output" $'line 1\nline 2\nline 3' "output, after the end"
	faas 125 execution attach nosuch
}

@test "execution attach: forwards signals, unless it is told not to" {
	start 'trap "echo caught; exit 8" TERM; echo ready; while :; do sleep 0.05; done'
	until_log "$id" ready
	"$FAAS" execution attach --no-forward "$id" >out 2>&1 3>&- &
	reader=$!
	eventually grep -q ready out
	kill -TERM "$reader"
	wait "$reader" && die "attach did not die"
	faas execution show --json "$id"
	same "$(jq -r .state <<<"$output")" running "state after detaching"
	: >out
	"$FAAS" execution attach "$id" >out 2>&1 3>&- &
	reader=$!
	eventually grep -q ready out
	kill -TERM "$reader"
	status=0
	wait "$reader" || status=$?
	same "$status" 8 "status"
	has "$(cat out)" caught "output"
}

@test "execution attach: a terminal, the keys that leave it, and back" {
	start -t --name term -- /bin/sh
	python3 - "$FAAS" <<-'PY' || die "the terminal"
	import os, pty, select, sys, time
	def attach():
	    pid, fd = pty.fork()
	    if pid == 0:
	        os.execv(sys.argv[1], [sys.argv[1], "execution", "attach", "term"])
	    return pid, fd
	def until(fd, text, seen=b""):
	    end = time.time() + 15
	    while text not in seen:
	        r, _, _ = select.select([fd], [], [], max(0, end - time.time()))
	        if not r:
	            sys.exit(f"no {text!r} in {seen!r}")
	        try:
	            data = os.read(fd, 4096)
	        except OSError:
	            data = b""
	        if not data:
	            sys.exit(f"end before {text!r}: {seen!r}")
	        seen += data
	pid, fd = attach()
	os.write(fd, b"echo one$((1+1))\n")
	until(fd, b"one2\r\n")
	os.write(fd, b"\x10\x11")
	until(fd, b"detached")
	if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
	    sys.exit("status of detaching")
	pid, fd = attach()
	until(fd, b"one2\r\n")
	# it says so when the signal will find it
	os.write(fd, b"sh -c 'trap exit INT; echo re$((40+2))dy; while :; do sleep 0.05; done'\n")
	until(fd, b"re42dy")
	os.write(fd, b"\x03")
	os.write(fd, b"exit 7\n")
	until(fd, b"exit 7")
	while True:
	    try:
	        if not os.read(fd, 4096):
	            break
	    except OSError:
	        break
	if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 7:
	    sys.exit("status of the program")
	PY
}

@test "execution attach: not what belongs to another client" {
	mkfifo hold
	"$FAAS" execute --name held -- cat <hold >/dev/null 2>&1 3>&- &
	client=$!
	exec 9>hold
	eventually run_faas execution show held
	faas 125 execution attach held
	has "$stderr" "not kept" "message"
	exec 9>&-
	wait "$client"
}

@test "execution wait: prints id and status, and exits as the one program" {
	start 'exit 5'
	faas 5 execution wait "$id"
	same "$output" "$id 5" "line"
	other=$id
	start 'exit 0'
	faas 1 execution wait "$id" "$other"
	same "$(sort <<<"$output")" "$(printf '%s\n' "$id 0" "$other 5" | sort)" "lines"
	faas 5 execution wait --json "$other"
	same "$(jq -c '[.executions[] | [.id, .exit]]' <<<"$output")" "[[\"$other\",5]]" "JSON"
	faas 125 execution wait nosuch
	faas 125 execution wait
}

@test "execution wait: --any returns with the first" {
	start 'sleep 60'
	slow=$id
	start 'exit 9'
	faas 9 execution wait --any "$slow" "$id"
	same "$output" "$id 9" "line"
	faas execution cancel --grace 0 "$slow"
}

@test "execution cancel: ends it, by asking and then by force" {
	start 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done'
	until_log "$id" ready
	faas execution cancel "$id"
	same "$output" "$id" "id"
	faas execution show --json "$id"
	same "$(jq -c '[.cancelled, .exit]' <<<"$output")" "[true,0]" "record"
	start 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
	until_log "$id" ready
	faas execution cancel --grace 100ms "$id"
	faas execution show --json "$id"
	same "$(jq -c '[.cancelled, .exit]' <<<"$output")" "[true,137]" "record"
	faas 5 execution cancel "$id"
	faas 3 execution cancel --json nosuch
	same "$(jq -r '.executions[0].error.code' <<<"$output")" not-found "error"
}

@test "execution cancel: --signal only sends it" {
	start 'trap "echo usr1" USR1; trap "exit 2" HUP; echo ready; while :; do sleep 0.05; done'
	until_log "$id" ready
	faas execution cancel --signal sigusr1 "$id"
	until_log "$id" usr1
	faas execution cancel -s 1 "$id"
	faas 2 execution wait "$id"
	faas 2 execution cancel --signal NOSUCH "$id"
}

@test "execution delete: forgets the record and the output" {
	start 'echo kept'
	faas execution wait "$id"
	[[ -d $FAAS_STATE_DIR/logs/$id ]] || die "no log folder"
	faas execution delete "$id"
	same "$output" "$id" "id"
	[[ ! -e $FAAS_STATE_DIR/logs/$id ]] || die "the log is still there"
	faas 3 execution show "$id"
	start 'sleep 60'
	faas 5 execution delete nosuch "$id" ||
		faas 3 execution delete nosuch "$id"
	faas execution cancel --grace 0 "$id"
}

@test "execution prune: keeps the newest, and says what would go" {
	for i in 1 2 3; do
		start "echo $i"
		faas execution wait "$id"
	done
	faas 2 execution prune
	faas execution list -q -n 0
	all=${#lines[@]}
	faas execution prune --keep-last 2 --dry-run
	same "${#lines[@]}" $((all - 2)) "how many would go"
	faas execution list -q -n 0
	same "${#lines[@]}" "$all" "none is gone"
	faas execution prune --older-than 1d
	same "$output" "" "none is that old"
	faas execution prune --keep-last 2 --json
	same "$(jq '.executions | length' <<<"$output")" $((all - 2)) "how many went"
	faas execution list -q -n 0
	same "${#lines[@]}" 2 "what is left"
	same "$(ls "$FAAS_STATE_DIR/logs" | wc -l)" 2 "logs that are left"
	faas execution prune --all
	faas execution list -q -n 0
	same "$output" "" "nothing is left"
}

@test "execution: names for completion, without starting an executor" {
	faas execute --name completed true
	faas __names execution
	has "$output" "completed" "name"
	FAAS_STATE_DIR=$PWD/none faas __names execution
	same "$output" "" "names without an executor"
	[[ ! -e none/run/executor.sock ]] || die "an executor was started"
}

# says_hello <parameters>: the executor's answer to a hello with these
says_hello() {
	python3 - "$FAAS_STATE_DIR/run/executor.sock" "$1" <<-'E'
		import json, socket, struct, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		s.settimeout(20)
		frame = json.dumps({"id": 0, "op": "hello", "params": json.loads(sys.argv[2])}).encode()
		s.sendall(struct.pack("<I", len(frame)) + frame)
		data = b""
		while len(data) < 4 or len(data) < 4 + struct.unpack("<I", data[:4])[0]:
		    more = s.recv(65536)
		    assert more, "closed"
		    data += more
		print(data[4:].decode())
	E
}

@test "executor: a client of another version is told about versions" {
	local answer version

	faas execute true
	answer=$(says_hello '{"version":9999,"surprise":[]}')
	has "$(jq -r .error.message <<<"$answer")" "speaks version" "message"
	has "$(jq -r .error.message <<<"$answer")" "the client version 9999" "message"
	has "$(jq -r .error.hint <<<"$answer")" "executor stop" "hint"
	version=$(grep -o 'speaks version [0-9]*' <<<"$answer")
	answer=$(says_hello "{\"version\":${version##* },\"surprise\":[]}")
	has "$(jq -r .error.message <<<"$answer")" "no field 'surprise'" "message"
	answer=$(says_hello '{"version":"1"}')
	has "$(jq -r .error.message <<<"$answer")" "'version' must be" "message"
	answer=$(says_hello "{\"version\":${version##* }}")
	same "$(jq -r .result.version <<<"$answer")" "${version##* }" "version"
}

@test "execute --log: shows the output as it comes, and keeps it" {
	local client

	faas 4 execute --log 'cat; echo err >&2; exit 4' <<<in
	same "$output,$stderr" "in,err" "what is shown"
	faas execution logs @last
	same "$output,$stderr" "in,err" "what is kept"
	faas 127 execute --log -- no-such-program
	faas 124 execute --log --timeout 100ms 'echo begun; sleep 20'
	same "$output" begun "until the deadline"
	faas execute --log --status-file status 'exit 0'
	same "$(jq -r '.source + .execution.state' status)" programexited "status"
	faas 125 execute --log --artifact x true
	"$FAAS" execute --log 'echo up; sleep 20' >out 3>&- &
	client=$!
	eventually test -s out
	kill -TERM "$client"
	status=0
	wait "$client" || status=$?
	same "$status" 143 "status"
	same "$(jq -r .signal <("$FAAS" --json execution show @last 3>&-))" 15 "TERM is passed on"
}

@test "execute --log: ends when nobody reads it" {
	run bash -c '"$FAAS" execute --log yes 3>&- | head -1; echo "${PIPESTATUS[0]}"'
	same "$output" $'y\n141' "output"
	run -143 run_faas execution wait @last
}
