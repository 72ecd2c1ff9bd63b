# shellcheck shell=bash disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# Damaged, hostile and contended trees: snapshots, their files, artifacts and what is left
# of all that (the S and F cases of tests/reliability.list that no other file has).

id_of() {
	run_faas --json snapshot show "$1" | jq -r .id
}

layer() {
	echo "$FAAS_STATE_DIR/layers/$(id_of "$1")"
}

# What there is of snapshots, and nothing half done
kept() {
	run_faas -q snapshot list | sort
	find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort
}

as_before() {
	[[ $(kept) == "$before" ]]
}

# synced <snapshot>...: their checksums are known
synced() {
	local name

	for name in "$@"; do
		run_faas snapshot create "$name-synced" --snapshot "$name" --sync >/dev/null
		run_faas snapshot delete "$name-synced" >/dev/null
	done
}

@test "snapshot check: what was added, taken, cut, swapped or made another kind is found" {
	local a b at

	faas execute --snapshot chk-a 'echo a >/work/f; ln -s f /work/l; mkfifo /work/p; chmod 750 /work/f'
	faas execute --snapshot chk-b 'echo b >/work/f'
	synced chk-a chk-b
	a=$(layer chk-a)
	b=$(layer chk-b)
	at=$a/u/work
	# <what is done>|<how it is undone>
	while IFS='|' read -r harm undo; do
		eval "$harm"
		faas 1 snapshot check chk-a
		has "$output" "not what they were" "after: $harm"
		eval "$undo"
		faas snapshot check chk-a
	done <<-'END'
		chmod 600 $at/f|chmod 750 $at/f
		: >$at/extra|rm $at/extra
		mv $at/l kept-l|mv kept-l $at/l
		ln -sfn /etc/passwd $at/l|ln -sfn f $at/l
		: >$at/f|echo a >$at/f
		printf 'a\0' >$at/f|echo a >$at/f
		rm $at/p; echo p >$at/p|rm $at/p; mkfifo -m 644 $at/p
		mkdir $at/d|rmdir $at/d
		mv $a swap; mv $b $a; mv swap $b|mv $a swap; mv $b $a; mv swap $b
	END
	mv "$b" away
	faas 1 snapshot check chk-b
	has "$output" "missing" "without its layer"
	faas 125 snapshot exec chk-b -- echo ran
	lacks "$output" ran "output"
	has "$stderr" "find the files of snapshot" "message"
	has "$stderr" "snapshot check" "hint"
	ln -s "$a" "$b"
	faas 1 snapshot check chk-b
	rm "$b"
	mv away "$b"
	faas snapshot check
}

# HARM_TIMES=1000 is what it was run with; some of that is enough each time
@test "snapshot import: a bit that is turned anywhere in the file is found" {
	local size n=0 harmed=0 sum

	faas execute --snapshot bits 'cd /work; seq 3000 >numbers; head -c 20000 /dev/urandom >noise'
	synced bits
	faas snapshot export bits bits.file
	sum=$(run_faas --json snapshot show bits | jq -r .checksum)
	before=$(kept)
	size=$(stat -c %s bits.file)
	mkdir harmed
	python3 - "${HARM_TIMES-24}" <<-'END'
		import random, sys
		r = random.Random(7)
		for n in range(int(sys.argv[1])):
		    data = bytearray(open("bits.file", "rb").read())
		    # each bit of the beginning in turn, and any other one
		    at = n // 2 if n % 2 else r.randrange(len(data) * 8)
		    data[at // 8] ^= 1 << at % 8
		    open("harmed/%d" % n, "wb").write(data)
	END
	for ((; n < ${HARM_TIMES-24}; n++)); do
		run --separate-stderr run_faas snapshot import "harmed/$n" --name no
		# zstd has a few bits that mean nothing here: then it is what it was
		if ((status == 0)); then
			synced no
			same "$(run_faas --json snapshot show no | jq -r .checksum)" "$sum" "after bit $n"
			faas snapshot delete no
			continue
		fi
		((status == 1 || status == 2)) || die "bit $n of $size bytes: status $status: $output $stderr"
		((++harmed))
	done
	((harmed > n * 9 / 10)) || die "$harmed were found"
	# what is thrown away is hidden, for a moment
	eventually as_before
}

@test "snapshot import: no depth, count or size of a manifest is believed" {
	local n=0

	requires_program zstd
	faas execute --snapshot deep 'echo x >/work/x'
	synced deep
	faas snapshot export deep deep.file
	zstd -qdc deep.file >deep.tar
	before=$(kept)
	cat >evil.py <<-'END'
		import io, json, sys, tarfile
		for n, what in enumerate(sys.stdin):
		    with tarfile.open("deep.tar") as t, tarfile.open("%d.tar" % n, "w", format=tarfile.PAX_FORMAT) as out:
		        for e in t:
		            data = t.extractfile(e).read() if e.isreg() else None
		            if e.name == "faas-snapshot.json":
		                j = json.loads(data)
		                l = j["layers"]
		                exec(what)
		                data = json.dumps(j).encode()
		                e.size = len(data)
		            out.addfile(e, io.BytesIO(data) if data is not None else None)
	END
	cat >whats <<-'END'
		j["layers"] = l * 10000
		j["layers"] = l * 2
		j["layers"] = [dict(l[0], digest="00" * 64)] + l
		j["layers"] = {"0": l[0]}
		j["layers"] = [l]
		j["base"] = {"id": "aaaaaaaaaaaa", "checksum": "00" * 32}
		l[0]["layers"] = [dict(l[0])]; j["layers"] = [l[0], l[0]]
		l[0]["digest"] = l[0]["digest"][:-1]
		l[0]["digest"] = ["x"] * 100000
		j.update({"x%d" % i: i for i in range(400000)})
	END
	python3 evil.py <whats
	while IFS= read -r what; do
		zstd -qf "$((n++)).tar" -o evil
		run --separate-stderr run_faas snapshot import evil --name no
		((status == 2 || status == 3 || status == 6)) || die "$what: status $status: $output $stderr"
		eventually as_before
	done <whats
	same "$n" 10 "how many"
}

@test "snapshot create: what runs keeps its sockets, locks, watches, stopped children and deleted files" {
	cat >holds.py <<-'END'
		import fcntl, ctypes, mmap, os, select, signal, socket, subprocess, sys
		libc = ctypes.CDLL(None, use_errno=True)
		os.chdir("/work")
		gone = open("gone", "w+"); gone.write("still mine"); gone.flush(); os.unlink("gone")
		u = socket.socket(socket.AF_UNIX); u.bind("sock"); u.listen()
		c = socket.socket(socket.AF_UNIX); c.connect("sock")
		os.mkfifo("fifo"); f = os.open("fifo", os.O_RDWR)
		t = socket.socket(); t.bind(("127.0.0.1", 0)); t.listen()
		tc = socket.create_connection(t.getsockname()); ts, _ = t.accept()
		e = select.epoll(); e.register(ts, select.EPOLLIN)
		i = libc.inotify_init(); libc.inotify_add_watch(i, b"/work", 0x100)
		m = os.memfd_create("m"); os.write(m, b"memory")
		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1)
		stopped = subprocess.Popen(["sleep", "1000"]); stopped.send_signal(signal.SIGSTOP)
		os.waitpid(stopped.pid, os.WUNTRACED)
		zombie = os.fork() or os._exit(3)
		fd = os.open("mapped", os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 8192)
		mm = mmap.mmap(fd, 8192); mm[0:4] = b"mmap"
		lock = open("lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX)
		print("up", flush=True)
		assert sys.stdin.readline() == "go\n"
		gone.seek(0); assert gone.read() == "still mine"
		tc.send(b"x"); assert e.poll(20) and ts.recv(1) == b"x"
		a, _ = u.accept(); c.send(b"y"); assert a.recv(1) == b"y"
		os.write(f, b"z"); assert os.read(f, 1) == b"z"
		assert os.pread(m, 6, 0) == b"memory" and mm[0:4] == b"mmap"
		assert signal.SIGUSR1 in signal.sigpending()
		assert open("/proc/%d/stat" % stopped.pid).read().split()[2] == "T", "it is stopped no more"
		assert os.waitpid(zombie, 0)[1] == 3 << 8
		again = open("lock")
		try:
		    fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
		    sys.exit("the lock was lost")
		except BlockingIOError:
		    pass
		os.close(os.open("after", os.O_CREAT | os.O_WRONLY)); assert os.read(i, 4096)
		stopped.kill()
		print("fine", flush=True)
	END
	mkfifo go
	exec 7<>go
	"$FAAS" execute --name holder --file holds.py -- python3 holds.py <go >out 2>err 3>&- 7>&- &
	client=$!
	eventually grep -q up out
	faas snapshot create held --execution holder
	faas snapshot create held2 --execution holder
	echo go >&7
	wait "$client" || die "it did not go on: $(cat out err)"
	same "$(<out)" $'up\nfine' "output"
	exec 7>&-
	faas snapshot exec held 'cd /work; ls; stat -c "%F" fifo sock; head -c 4 mapped; stat -c %s mapped lock'
	same "$output" $'fifo\nholds.py\nlock\nmapped\nsock\nfifo\nsocket\nmmap8192\n0' "what is in it"
	faas snapshot check held held2
	# as a file, too, but for the socket, which nobody listens to
	synced held
	faas snapshot export held held.file
	faas snapshot import held.file --name held3
	faas snapshot exec held3 -- ls /work
	same "$output" $'fifo\nholds.py\nlock\nmapped' "exported"
}

@test "snapshot: begun from, branched, restored and deleted at once, each is whole or did not happen" {
	local i pids=()

	for i in 1 2 3; do
		faas execute --snapshot "busy$i" "echo $i >/work/is"
	done
	before=$(kept)
	for i in 1 2 3; do
		"$FAAS" execute --parent "busy$i" 'read n </work/is; echo "ran $n"' >"run$i" 2>&1 3>&- &
		pids+=($!)
		"$FAAS" branch "busy$i" --branch "left$i" 'read n </work/is; echo "branched $n"' >"branch$i" 2>&1 3>&- &
		pids+=($!)
		"$FAAS" snapshot restore "busy$i" --branch "back$i" >"restore$i" 2>&1 3>&- &
		pids+=($!)
		"$FAAS" snapshot restore "busy$i" --branch "again$i" >"restore-$i" 2>&1 3>&- &
		pids+=($!)
		"$FAAS" snapshot delete "busy$i" >"delete$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || true
	done
	for i in 1 2 3; do
		grep -qxE "ran $i|faas: no snapshot 'busy$i'.*" "run$i" || die "run: $(<"run$i")"
		grep -qE "branched $i|no snapshot" "branch$i" || die "branch: $(<"branch$i")"
		grep -qE "back$i|no snapshot" "restore$i" || die "restore: $(<"restore$i")"
		grep -qE "again$i|no snapshot" "restore-$i" || die "restore: $(<"restore-$i")"
		grep -qE "busy$i|is needed|in use" "delete$i" || die "delete: $(<"delete$i")"
		# who got it has it whole
		for name in left$i back$i again$i; do
			run_faas branch show "$name" >/dev/null 2>&1 || continue
			faas branch exec "$name" -- cat /work/is
			same "$output" "$i" "what $name has"
			faas branch delete "$name"
		done
		run_faas snapshot delete --recursive --yes "busy$i" >/dev/null 2>&1 || true
		run_faas snapshot show "busy$i" >/dev/null 2>&1 && die "busy$i is still there"
	done
	run_faas -q snapshot list | xargs -r "$FAAS" snapshot delete --yes --recursive >/dev/null 2>&1 3>&- || true
	faas snapshot check
	faas --json doctor --repair
	same "$(jq '[.. | .removed? // empty | select(. == true)] | length' <<<"$output")" 0 "what was left to mend"
}

@test "snapshot delete: a parent of three stays as long as one needs it, and its files do" {
	local i parent

	faas execute --snapshot dad 'echo dad >/work/dad'
	for i in 1 2 3; do
		faas snapshot exec dad --snapshot "kid$i" "echo $i >/work/kid"
	done
	parent=$(layer dad)
	for i in 1 2 3; do
		faas 5 snapshot delete dad
		has "$stderr" "stands on it" "message"
		[[ -d $parent ]] || die "its layer is gone"
		faas snapshot exec "kid$i" -- cat /work/dad /work/kid
		same "$output" $'dad\n'"$i" "what kid$i has"
		faas snapshot delete "kid$i"
	done
	faas snapshot delete dad
	eventually eval "[[ ! -e $parent ]]"
}

@test "executor: with a umask of none, nothing in its folder is another user's to read" {
	local open

	export FAAS_STATE_DIR=$PWD/state
	# sockets ask who is there, and layers have the modes that programs gave
	(
		umask 000
		run_faas execute --snapshot loose --detach 'echo x >/work/x; chmod 666 /work/x' >/dev/null
		run_faas execution wait @last >/dev/null
		run_faas snapshot create loose2 --snapshot loose --sync >/dev/null
		run_faas snapshot export loose loose.file >/dev/null
		run_faas execution logs @last >/dev/null
	)
	same "$(stat -c %a state)" 700 "the folder itself"
	open=$(find state -perm /077 ! -type s ! -path 'state/layers*' ! -path 'state/env*' -printf '%m %P\n')
	same "$open" "" "files and folders"
	same "$(stat -c %a state/layers)" 711 "layers can be passed through, not listed"
	faas executor stop
}

@test "execute: --artifact of a hostile tree is plain files of one's own, in their folder" {
	mkdir to outside
	ln -s "$PWD/outside/made" to/link
	ln -s "$PWD/outside" to/sub
	mkfifo to/fifo
	echo mine >outside/mine
	ln outside/mine to/hard
	sandboxed --artifact suid --artifact link --artifact sub/f --artifact fifo --artifact hard \
		--artifact tree --artifact huge --artifact-dir to 'umask 0; mkdir sub tree tree/e
		echo s >suid; chmod 6777 suid; for f in link sub/f fifo hard; do echo theirs >$f; done
		ln -s /etc/passwd tree/link; mkfifo tree/pipe; ln suid tree/twin; echo 1 >tree/e/f; chmod 2777 tree/e
		truncate -s 1T huge; : >"tree/$(printf "a\033[2Jb")"'
	same "$(cd outside && ls)" mine "outside"
	same "$(<outside/mine)" mine "a file that had one more name"
	same "$(cat to/link to/fifo to/hard)" $'theirs\ntheirs\ntheirs' "in place of what was there"
	same "$(find to ! -type l -perm /7000)" "" "set-user-ID and the like"
	same "$(find to ! -type f ! -type d ! -path to/sub)" "" "neither links nor pipes"
	same "$(find to -type f -links +1)" "" "hard links"
	[[ ! -e to/huge || $(du -k to/huge | cut -f1) -lt 1024 ]] || die "holes were filled"
	[[ $stderr != *$'\033'* ]] || die "a terminal would obey: $stderr"
}

@test "snapshot import: a client that dies in the middle leaves nothing, though more would come" {
	local size

	faas execute --snapshot cut 'head -c 300000 /dev/urandom >/work/noise'
	synced cut
	faas snapshot export cut cut.file
	size=$(stat -c %s cut.file)
	before=$(kept)
	mkfifo pipe
	for n in 1 100 $((size / 3)) $((size - 1)); do
		exec 7<>pipe
		"$FAAS" snapshot import - --name half <pipe >out 2>&1 3>&- 7>&- &
		client=$!
		head -c "$n" cut.file | dd of=/dev/fd/7 bs=4096 status=none iflag=fullblock &
		writer=$!
		# it has been asked for: its folder is there
		eventually eval '[[ $(kept) != "$before" ]]'
		kill -9 "$client"
		wait "$client" || true
		kill "$writer" 2>/dev/null || true
		wait "$writer" || true
		exec 7>&-
		eventually as_before
	done
	# and a reader that goes away leaves no export behind, nor holds the snapshot
	mkfifo reader
	"$FAAS" snapshot export cut - >reader 2>err 3>&- &
	client=$!
	head -c 10 <reader >/dev/null
	wait "$client" && die "nobody read it, and it says that all is well"
	faas snapshot delete cut
}

@test "snapshot import, env create: of two at once for one name one wins, whole" {
	local i won name pids

	requires_program busybox
	faas execute --snapshot twin 'seq 2000 >/work/a'
	synced twin
	faas snapshot export twin twin.file
	mkdir -p one/bin two/bin
	for i in one two; do
		cp "$(command -v busybox)" "$i/bin/sh"
		echo "$i" | tee "$i/a" "$i/b" "$i/c" >"$i/d"
	done
	for name in same1 same2 same3; do
		pids=()
		for i in one two; do
			"$FAAS" snapshot import twin.file --name "$name" >"$name.import.$i" 2>&1 3>&- &
			pids+=($!)
			"$FAAS" env create "$name" "$i" >"$name.env.$i" 2>&1 3>&- &
			pids+=($!)
		done
		for i in "${pids[@]}"; do
			wait "$i" || true
		done
		won=$(grep -lE '^(id|checksum) ' "$name".import.* | wc -l)
		same "$won" 1 "imports that won: $(cat "$name".import.*)"
		faas snapshot exec "$name" 'tail -n 1 /work/a'
		same "$output" 2000 "what was imported"
		won=$(grep -lE '^name ' "$name".env.* | wc -l)
		same "$won" 1 "environments that won: $(cat "$name".env.*)"
		faas execute --env "$name" 'while read x; do echo $x; done </a; read x </b; read y </c; read z </d; echo $x $y $z'
		[[ $output == $'one\none one one' || $output == $'two\ntwo two two' ]] || die "mixed: $output"
		faas env delete "$name"
	done
	faas snapshot check
}

@test "snapshot delete: what cannot be changed, read or entered goes, too" {
	local at

	faas execute --snapshot stiff 'cd /work; mkdir -p a/b/c; echo x >a/b/c/f; mkdir none; echo y >none/f; chmod 0 none a/b'
	at=$(layer stiff)
	requires_program chattr
	# where the file system knows it
	chattr +i "$at/u/work/a/b/c/f" 2>/dev/null && chattr +a "$at/u/work/none" 2>/dev/null || true
	faas snapshot delete stiff
	eventually eval "[[ ! -e $at ]]"
	faas executor stop
	faas snapshot list -q
	lacks "$output" stiff "snapshots"
	same "$(find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 -name '.*')" "" "what waits to be removed"
}
