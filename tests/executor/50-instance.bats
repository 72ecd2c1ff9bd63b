# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# Sandboxes that live on (lib/executor/instance*.c, cmd/instance*.c).

# state_of <instance>
state_of() {
	"$FAAS" --json instance show "$1" 3>&- | jq -r .state
}

in_state() {
	[[ $(state_of "$1") == "$2" ]]
}

# happened <instance>: the types of its events, in one line
happened() {
	"$FAAS" --json instance events "$1" 3>&- | jq -r '[.events[].type] | join(" ")'
}

layers() {
	find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 | wc -l
}

# has_layers <number>
has_layers() {
	(($(layers) == $1))
}

@test "instance: starts, runs commands, stops with its files, goes on with them, and is gone" {
	local before

	faas execute true
	before=$(layers)
	faas --json instance start --name box --label team=core --port 80
	same "$(jq -r '"\(.name) \(.state) \(.environment) \(.labels.team) \(.ports)"' <<<"$output")" \
		"box running host core [80]" "what was started"
	faas instance exec box 'echo 1 >/work/f; echo 2 >/root/g; rm -rf /usr/share/doc; hostname'
	same "$output" box "host name"
	faas instance exec box -- cat /work/f /root/g
	same "$output" $'1\n2' "files"
	faas instance stop box
	in_state box stopped
	faas 125 instance exec box true
	has "$stderr" "is stopped" "message"
	has "$stderr" "faas instance start box" "hint"
	faas instance start box
	faas instance exec box 'cat /work/f /root/g; ls /usr/share/doc 2>&1 | wc -l; echo 3 >>/work/f'
	same "$output" $'1\n2\n1' "files afterwards"
	faas instance restart box
	faas instance exec box -- cat /work/f
	same "$output" $'1\n3' "files after a restart"
	same "$(happened box)" \
		"created running stopping stopped starting running restarting stopped starting running" "events"
	faas instance terminate box
	faas 125 instance exec box true
	has "$stderr" "was terminated" "message"
	faas --json instance list
	same "$(jq -c '[.instances[] | select(.name == "box")]' <<<"$output")" "[]" "instances"
	faas --json instance list --all
	same "$(jq -r '.instances[] | select(.name == "box") | .state' <<<"$output")" terminated "of all"
	eventually has_layers "$before"
}

@test "instance: its program is an execution, with a log, and ends it" {
	local id

	faas --json instance start --name prog -e GREETING=hello -- sh -c 'echo "$GREETING from $0"; echo err >&2; exit 7' me
	id=$(jq -r .execution <<<"$output")
	faas instance wait prog
	faas --json instance show prog
	same "$(jq -r '"\(.state) \(.exit_code) \(.reason)"' <<<"$output")" "stopped 7 its program exited with 7" "how it ended"
	faas instance logs prog
	has "$output" "hello from me" "log"
	has "$stderr" err "log of stderr"
	faas --json execution show "$id"
	same "$(jq -r '"\(.mode) \(.instance)"' <<<"$output")" \
		"persistent $("$FAAS" --json instance show prog 3>&- | jq -r .id)" "the execution"
	faas instance terminate prog
}

@test "instance exec: statuses, streams, variables, users and folders are those of execute" {
	faas instance start --name x
	faas 3 instance exec x 'exit 3'
	faas 143 instance exec x 'kill -TERM $$'
	faas 127 instance exec x -- no-such-program
	has "$stderr" "no-such-program" "message"
	faas 126 instance exec x -- /etc/passwd
	faas 124 instance exec x --timeout 200ms -- sleep 1000
	run --separate-stderr bash -c 'seq 100000 | "$FAAS" instance exec x "wc -l; echo bad >&2" 3>&-'
	same "$output" 100000 "stdin"
	same "$stderr" bad "stderr"
	faas instance exec x -e A=b -w /tmp 'echo $A $PWD $FAAS_ENVIRONMENT; id -u'
	same "$output" $'b /tmp host\n0' "variables"
	faas instance exec x -- sh -c 'true </dev/stdin'
	if ((UID == 0)); then
		faas instance exec x -u nobody 'id -un; echo $HOME'
		same "${lines[0]}" nobody "user"
	fi
	faas --json execution list --limit 1
	same "$(jq -r '.executions[0].mode' <<<"$output")" persistent "mode"
	faas instance terminate x
}

@test "instance exec: code, files that go in, artifacts that come out" {
	faas instance start --name files
	echo 'from here' >in.txt
	faas instance exec files -f in.txt -a out.txt 'tr a-z A-Z <in.txt >out.txt'
	same "$(<out.txt)" "FROM HERE" "artifact"
	# they stay, unlike those of an execution
	faas instance exec files -- cat /work/in.txt
	same "$output" "from here" "file"
	faas instance exec files -l python 'import os; print(os.getcwd(), 6 * 7)'
	same "$output" "/work 42" "code"
	faas 125 instance exec files -a none.txt true
	has "$stderr" none.txt "message"
	faas instance terminate files
}

@test "instance exec: many at once, each with its own end" {
	local i pids=()

	faas instance start --name many
	for i in {1..20}; do
		"$FAAS" instance exec many "echo $i; sleep 0.1; exit $i" >"out.$i" 2>"err.$i" 3>&- &
		pids+=($!)
	done
	for i in {1..20}; do
		status=0
		wait "${pids[i - 1]}" || status=$?
		same "$status $(cat "out.$i" "err.$i")" "$i $i" "command $i"
	done
	faas --json instance show many
	same "$(jq .commands <<<"$output")" 0 "commands"
	faas instance terminate many
}

@test "instance exec: detached, followed, signalled and cancelled" {
	faas instance start --name bg
	faas instance exec bg -d 'echo up; trap "echo got; exit 5" USR1; while :; do sleep 0.02; done'
	id=$output
	eventually eval '"$FAAS" execution logs '"$id"' 3>&- | grep -q up'
	in_state bg running
	faas 5 instance start --name bg
	faas execution cancel "$id" --grace 5s
	eventually eval '[[ $("$FAAS" --json execution show '"$id"' 3>&- | jq -r .state) == exited ]]'
	faas --json execution show "$id"
	same "$(jq -r '"\(.cancelled) \(.signal)"' <<<"$output")" "true 15" "how it ended"
	# what it left in its session is gone, too
	faas instance exec bg -d 'sleep 10191 & sleep 10192'
	eventually pgrep -fx "sleep 10191"
	faas execution cancel "$output"
	eventually eval '! pgrep -fx "sleep 1019[12]"'
	faas instance terminate bg
}

@test "instance exec: the client's death ends its command, and the instance goes on" {
	faas instance start --name alone
	begin_in alone 'echo up; exec sleep 10193'
	kill -KILL "$client"
	ended 137
	eventually eval '! pgrep -fx "sleep 10193"'
	faas instance exec alone 'echo on'
	same "$output" on "output"
	faas instance terminate alone
}

# begin_in <instance> <code>: as 'begin', in an instance
begin_in() {
	rm -f client.out client.err client.status client.pid
	(
		"$FAAS" instance exec "$@" >client.out 2>client.err </dev/null 3>&- &
		echo $! >client.pid.new
		mv client.pid.new client.pid
		status=0
		wait $! || status=$?
		echo $status >client.status.new
		mv client.status.new client.status
	) 3>&- &
	eventually test -s client.pid
	client=$(<client.pid)
	eventually grep -q '^up$' client.out ||
		die "it did not start: $(cat client.out client.err)"
}

@test "instance stop: ends commands, asks first and then kills" {
	faas instance start --name hard -- sh -c 'trap "" TERM; echo up; while :; do sleep 0.02; done'
	eventually eval '"$FAAS" instance logs hard 3>&- | grep -q up'
	begin_in hard 'echo up; exec sleep 10194'
	faas instance stop hard --grace 100ms
	ended 143
	in_state hard stopped
	faas --json instance show hard
	same "$(jq -r .signal <<<"$output")" 9 "signal"
	faas 5 instance stop hard
	has "$stderr" "is stopped" "message"
	faas instance start hard
	faas instance exec hard true
	faas instance terminate --grace 0 hard
	eventually eval '! pgrep -fx "sleep 10194"'
}

@test "instance pause and resume: nothing runs in between, and nothing is lost" {
	"$FAAS" instance start --name ice -- sh -c 'i=0; while :; do echo $((i += 1)) >/work/n; sleep 0.01; done' 3>&-
	eventually eval 'cat "$FAAS_STATE_DIR"/layers/*/u/work/n'
	run --separate-stderr run_faas instance pause ice
	if ((status == 6)); then
		has "$stderr" "cgroup" "what is missing"
		faas instance terminate ice
		skip "nothing can be frozen here"
	fi
	same "$status" 0 "status: $stderr"
	in_state ice paused
	faas 125 instance exec ice true
	has "$stderr" "is paused" "message"
	has "$stderr" "faas instance resume ice" "hint"
	faas 5 instance pause ice
	# which may be nothing: it is empty for a moment, again and again
	one=$(cat "$FAAS_STATE_DIR"/layers/*/u/work/n)
	sleep 0.3
	same "$(cat "$FAAS_STATE_DIR"/layers/*/u/work/n)" "$one" "what it counts"
	faas instance resume ice
	# it may have been about to write it
	eventually eval '[[ $(cat "$FAAS_STATE_DIR"/layers/*/u/work/n) != "$one" ]]'
	faas 5 instance resume ice
	faas instance pause ice
	faas instance stop ice
	in_state ice stopped
	faas --json instance start ice
	id=$(jq -r .execution <<<"$output")
	faas instance pause ice
	faas instance terminate ice
	# of what was made to freeze them nothing is left
	eventually eval '[[ -z $(find /sys/fs/cgroup -maxdepth 3 -name "*.paused.$id") ]]'
}

@test "instance: a time to live, idleness and removal when stopped" {
	faas instance start --name short
	faas instance start --name idle
	faas instance start --name once --rm -- sleep 0.1
	begin_in idle 'echo up; exec sleep 10195'
	# from now on, however long it took to get here
	faas instance update idle --auto-stop 300ms
	faas instance update short --ttl 300ms
	eventually eval '! "$FAAS" instance show short 3>&- | grep -q running'
	eventually eval '! "$FAAS" instance list -q --name once 3>&- | grep -q .'
	faas --json instance list --all --name short
	same "$(jq -r '.instances[-1] | "\(.state) \(.reason)"' <<<"$output")" \
		"terminated its time to live is over" "of the one whose time is over"
	# one that is in use is not idle
	in_state idle running
	kill "$client"
	ended 143
	eventually in_state idle stopped
	faas --json instance show idle
	same "$(jq -r .reason <<<"$output")" "nobody used it" "reason"
	faas instance update idle --auto-stop none --ttl 1d --label a=b --name other
	faas instance start other
	faas --json instance show other
	same "$(jq -r '"\(.auto_stop_ms) \(.ttl_ms) \(.labels.a)"' <<<"$output")" "null 86400000 b" "updated"
	faas instance terminate other
}

@test "instance: restart policies" {
	faas instance start --name no -- false
	faas instance start --name twice --restart on-failure:2 -- sh -c 'echo x >>/work/n; exit 1'
	faas instance start --name good --restart on-failure -- sh -c 'exit 0'
	faas instance start --name ever --restart always -- sh -c 'echo x >>/work/n; sleep 0.05'
	eventually eval '[[ $("$FAAS" --json instance show ever 3>&- | jq .restarts) -ge 2 ]]'
	eventually eval '[[ $("$FAAS" --json instance show twice 3>&- | jq -r ".state + (.restarts | tostring)") == stopped2 ]]'
	eventually in_state no stopped
	eventually in_state good stopped
	faas instance stop ever
	sleep 0.5
	in_state ever stopped
	faas 2 instance start --restart sometimes
	faas 2 instance start --restart on-failure:0
	faas 2 instance start --rm --restart always
	faas instance terminate no twice good ever
}

@test "instance start: from a snapshot or a branch, which then are needed" {
	faas execute --snapshot base 'echo base >/work/f'
	faas branch base --branch line 'echo line >/work/f'
	faas instance start --name s --snapshot base
	faas instance start --name b --snapshot line
	faas instance exec s 'cat /work/f; echo changed >/work/f'
	same "$output" base "file"
	faas instance exec b -- cat /work/f
	same "$output" line "file"
	faas 5 snapshot delete base
	faas instance restart s
	faas instance exec s -- cat /work/f
	same "$output" changed "file"
	faas snapshot exec base -- cat /work/f
	same "$output" base "the snapshot"
	faas instance terminate s b
	faas 3 instance start --snapshot none
}

@test "instance: snapshots of one that runs and of one that has stopped, and more of it" {
	faas instance start --name snap
	faas instance exec snap 'echo 1 >/work/f'
	faas --json snapshot create live --instance snap
	# there is nobody in it who could stand still, and it does not end by that
	faas instance wait snap --for state:running
	same "$(happened snap)" "created running" "events"
	faas instance exec snap 'echo 2 >/work/f'
	faas instance stop snap
	faas snapshot create halted --instance snap
	same "$(field_of snap .snapshot)" "$("$FAAS" --json snapshot show halted 3>&- | jq -r .id)" "what it stands on"
	faas 5 snapshot create again --instance snap
	faas 5 snapshot delete halted
	has "$stderr" "instance 'snap'" "message"
	faas instance start snap
	faas instance exec snap 'cat /work/f; echo 3 >/work/f; rm -rf /root/x'
	same "$output" 2 "file"
	faas instance stop snap
	faas snapshot create third --instance snap
	faas snapshot exec live -- cat /work/f
	same "$output" 1 "of the one that ran"
	faas snapshot exec halted -- cat /work/f
	same "$output" 2 "of the one that had stopped"
	faas branch third --count 2 -b s --json -- cat /work/f
	same "$(jq -c '[.branches[].stdout]' <<<"$output")" '["3\n","3\n"]' "branches"
	faas instance terminate snap
	faas snapshot exec third -- cat /work/f
	same "$output" 3 "afterwards"
	faas 2 snapshot create x --instance snap --branch s.0
	faas 3 snapshot create x --instance no-such
}

# field_of <instance> <jq filter>
field_of() {
	"$FAAS" --json instance show "$1" 3>&- | jq -r "$2"
}

@test "instance wait: for ports, answers, files, commands and states" {
	faas instance start --name web -- python3 -c '
import http.server, time, os
time.sleep(0.2)
open("/work/ready", "w").close()
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ok" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8099), H).serve_forever()'
	faas instance wait web --for state:running --for file:/work/ready --for tcp:8099 --for http:8099/ok \
		--for 'cmd:test -d /work' --timeout 50s
	faas 124 instance wait web --for tcp:8098 --timeout 100ms
	has "$stderr" "nothing listens on port 8098" "message"
	faas 124 instance wait web --for http:8099/bad --timeout 100ms
	faas 124 instance wait web --for file:/none --timeout 100ms
	faas 124 instance wait web --for state:stopped --timeout 100ms
	faas 2 instance wait web --for tcp:http
	faas 2 instance wait web --for sun:rise
	faas 2 instance wait web --for state:asleep
	faas instance terminate web
	faas 3 instance wait web --for tcp:1
}

@test "instance port-forward: both ways, many at once, and what is refused" {
	local port i

	faas instance start --name fwd -- python3 -c '
import socketserver
class H(socketserver.StreamRequestHandler):
    def handle(self):
        data = self.rfile.read()
        self.wfile.write(str(len(data)).encode() + b" " + data[:3])
class S(socketserver.ThreadingTCPServer):
    request_queue_size = 256
S(("127.0.0.1", 7007), H).serve_forever()'
	faas instance wait fwd --for tcp:7007 --timeout 50s
	("$FAAS" --json instance port-forward fwd 0:7007 0:9 >forward.out 2>forward.err 3>&- & echo $! >forward.pid; wait) 3>&- &
	eventually jq -e '.forwards[1]' forward.out
	port=$(jq -r '.forwards[0].local' forward.out)
	for i in 1 50; do
		python3 - "${port#*:}" "$i" <<-'P'
			import socket, sys
			all = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
			for s in all:
			    s.sendall(b"abc" + b"x" * 300000)
			    s.shutdown(socket.SHUT_WR)
			for s in all:
			    got = b""
			    while chunk := s.recv(100):
			        got += chunk
			    assert got == b"300003 abc", got
		P
	done
	# nobody listens there: the connection ends, and nothing else
	python3 - "$(jq -r '.forwards[1].local' forward.out | cut -d: -f2)" <<-'P'
		import socket, sys
		assert socket.create_connection(("127.0.0.1", int(sys.argv[1]))).recv(1) == b""
	P
	eventually grep -q "port 9" forward.err
	kill "$(<forward.pid)"
	faas 2 instance port-forward fwd 80:http
	faas 2 instance port-forward fwd 70000
	faas 2 instance port-forward fwd 1.2.3:80:80
	faas 3 instance port-forward no-such 8080:80
	faas instance terminate fwd
}

@test "instance run: an instance for the time of one command" {
	faas instance run --service 'python3 -m http.server 8097' --for tcp:8097 -- \
		python3 -c 'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:8097/").status)'
	same "$output" 200 "output"
	faas 9 instance run 'exit 9'
	faas 127 instance run -- no-such-program
	faas 124 instance run --for tcp:1 --ready-timeout 100ms -- true
	faas 125 instance run
	(
		"$FAAS" instance run --name run 'echo up; exec sleep 10196' >client.out 2>client.err </dev/null 3>&- &
		echo $! >client.pid
		status=0
		wait $! || status=$?
		echo $status >client.status
	) 3>&- &
	eventually grep -q up client.out
	kill -TERM "$(<client.pid)"
	ended 143
	eventually eval '[[ -z $("$FAAS" instance list -q 3>&-) ]]'
	eventually eval '! pgrep -fx "sleep 10196"'
}

@test "instance: bad input makes nothing" {
	faas 2 instance start --name 'a b'
	faas 2 instance start --port 0
	faas 2 instance start --port 65536
	faas 2 instance start --label x
	faas 2 instance start one two
	faas 3 instance start no-such
	faas 3 instance start -E no-such
	faas 127 instance start --name gone -- no-such-program
	faas 3 instance show no-such
	faas 3 instance stop no-such
	faas 3 instance terminate no-such
	faas 3 instance logs no-such
	faas 3 instance events no-such
	faas 2 instance list --state asleep
	faas 2 instance update gone
	faas 2 instance
	same "$("$FAAS" instance list -q 3>&-)" "" "instances"
}

@test "instance: a terminal" {
	faas instance start --name tty
	on_tty instance exec -it tty -- sh -c 'tty; stty size; echo $TERM'
	has "$output" "/dev/pts/" "terminal"
	faas instance terminate tty
}

@test "instance: an environment that one is in is needed" {
	mkdir -p root/bin
	cp "$PROBE" root/bin/probe
	faas env create tiny ./root
	faas instance start --name t -E tiny
	faas 5 env delete tiny
	has "$stderr" "instance 't'" "message"
	faas instance terminate t
	faas env delete tiny
}
