load sandbox

# How a short run comes to its executor and its exit code back: run/door.sock, and the
# monitor that writes to the client itself.

setup() {
	helpers_setup && own_executor
	# wire.py: frames on a Unix socket
	cat >wire.py <<-'END'
		import array, json, os, socket, struct, sys
		run = os.environ["FAAS_STATE_DIR"] + "/run/"
		def frame(o):
		    data = json.dumps(o).encode()
		    return struct.pack("<I", len(data)) + data
		hello = frame({"id": 0, "op": "hello", "params": {"version": 1, "quiet": True}})
		def create(n, *words):
		    return frame({"id": n, "op": "execution.create", "fds": 3, "params": {
		        "steps": [[list(words)]], "environment": "host", "mode": "ephemeral",
		        "network": "none", "limits": {}, "env": {}, "labels": {}, "brief": True,
		        "stdin": True, "stdio": True}})
		def send(s, data, fds=()):
		    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
		def exact(s, n):
		    got = b""
		    while len(got) < n:
		        more = s.recv(n - len(got))
		        if not more: raise SystemExit("closed after %r" % got)
		        got += more
		    return got
		def answer(s):
		    return json.loads(exact(s, struct.unpack("<I", exact(s, 4))[0]))
		def knock(fds=(), data=b"x"):
		    door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		    door.connect(run + "door.sock")
		    send(door, data, fds)
		null = os.open("/dev/null", os.O_RDWR)
	END
}

@test "door: a session may come with its request" {
	faas execute true
	run --separate-stderr python3 - <<-'END'
		exec(open("wire.py").read())
		a, b = socket.socketpair()
		send(a, hello + create(7, "sh", "-c", "exit 5"), [null] * 3)
		knock([b.fileno()])
		b.close()
		r = answer(a)
		print(r["id"], r["result"]["exit_code"], sorted(r["result"]))
		print(a.recv(1))
		a, b = socket.socketpair()
		send(a, hello + frame({"id": 8, "op": "execution.get", "params": {"id": r["result"]["id"]}}))
		knock([b.fileno()])
		r = answer(a)
		print(r["id"], r["result"]["state"], r["result"]["exit_code"])
	END
	same "$output" "7 5 ['cancelled', 'exit_code', 'id', 'oom_killed', 'signal', 'timed_out']
b''
8 exited 5" "answers; $stderr"
}

@test "door: what it does not want is closed, and nothing else happens" {
	local pid before

	faas execute true
	eventually nothing_runs
	pid=$(executor_pid)
	before=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
	python3 - <<-'END'
		exec(open("wire.py").read())
		for _ in range(50):
		    dgram = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
		    r, w = os.pipe()
		    for fds, data in (((), b"x"), ((null,), b"x"), ((r,), b""), ((dgram[0].fileno(),), b"x"),
		            ((null, r, w), b"x" * 10000), ((socket.socket().fileno(),), b"x")):
		        # there is room for few at a time
		        knock(fds, data)
		    for s in dgram: s.close()
		    os.close(r); os.close(w)
		# whose other end is closed, with half a frame, with nonsense
		for data in b"", hello[:7], b"\xff" * 100, struct.pack("<I", 5) + b"[1,2]":
		    a, b = socket.socketpair()
		    a.sendall(data)
		    knock([b.fileno()])
		    a.close(); b.close()
	END
	faas execute 'echo here'
	same "$output" here "afterwards"
	same "$(executor_pid)" "$pid" "executor"
	eventually eval '(($(find "/proc/$pid/fd" -mindepth 1 | wc -l) <= before + 6))'
}

@test "door: a brief run is the last request of its connection" {
	faas execute true
	run --separate-stderr python3 - <<-'END'
		exec(open("wire.py").read())
		s = socket.socket(socket.AF_UNIX)
		s.connect(run + "executor.sock")
		r, w = os.pipe()
		send(s, hello + create(1, "cat"), [r, null, null])
		s.sendall(frame({"id": 2, "op": "execution.list", "params": {"limit": 1}}))
		s.sendall(frame({"id": 3, "op": "execution.signal", "params": {"id": "@last", "signal": 28}}))
		got = answer(s)
		print(got["id"], got["error"]["code"])
		print(answer(s)["id"])
		os.close(r); os.close(w)
		print(answer(s)["id"])
	END
	same "$output" "2 protocol
3
1" "answers; $stderr"
}

@test "door: the exit code comes from the monitor, whatever the executor does" {
	local pid i

	mkfifo hold
	for i in 1 2; do
		"$FAAS" execute --mode ephemeral -- sh -c 'echo up; read -r x; exit 6' \
			<hold >client.out 2>client.err 3>&- &
		client=$!
		exec 8>hold
		eventually grep -q up client.out
		pid=$(executor_pid)
		kill -STOP "$pid"
		echo >&8
		exec 8>&-
		status=0
		wait "$client" || status=$?
		same "$status" 6 "status; $(<client.err)"
		# what it never heard of is in the journal
		if ((i == 1)); then
			kill -CONT "$pid"
		else
			kill -KILL "$pid"
			eventually gone "$pid"
		fi
		eventually eval '[[ $("$FAAS" --json execution show @last 3>&- | jq -c "[.state, .exit_code]") == "[\"exited\",6]" ]]'
	done
}

# journal_records: how many have been written
journal_records() {
	cat "$FAAS_STATE_DIR"/run/journal* | grep -ao fJnl | wc -l
}

# stopped <pid>: is it?
stopped() {
	grep -q '^State:.T' "/proc/$1/status" 2>/dev/null
}

@test "door: at a terminal the program's output comes before its end" {
	local pid before

	requires_faults
	FAAS_FAULT=run.started=STOP@1 "$FAAS" executor start >/dev/null 2>&1 3>&-
	pid=$(executor_pid)
	before=$(journal_records)
	python3 "$BATS_TEST_DIRNAME/terminal.py" "$FAAS" >terminal.out 2>&1 3>&- <<-'END' &
		run execute "echo shown; exit 4"
		expect shown
		status 4
	END
	client=$!
	# the executor does not say that it has begun, and it has ended: only the monitor knows
	eventually stopped "$pid"
	eventually eval '(($(journal_records) == before + 2))'
	kill -CONT "$pid"
	status=0
	wait "$client" || status=$?
	same "$status" 0 "$(<terminal.out)"
}
