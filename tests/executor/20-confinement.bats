# shellcheck disable=SC2154  # bats sets status, output, stderr
load sandbox

# What a program may not do in a sandbox. probe.c has the attacks, one row each; here
# is what needs two sandboxes, or something outside to be attacked.

@test "execute: every attack of the probe is refused" {
	faas execute --file "$PROBE" -- ./probe
	same "$(grep ': allowed' <<<"$output")" "" "what was allowed"
	same "$(cut -d: -f1 <<<"$output")" "$("$PROBE" --list)" "rows that were tried"
}

@test "execute: every attack of the probe is refused to another user" {
	faas execute --user 1000 --file "$PROBE" -- ./probe
	same "$(grep ': allowed' <<<"$output")" "" "what was allowed"
	same "$(cut -d: -f1 <<<"$output")" "$("$PROBE" --list)" "rows that were tried"
}

@test "execute: every attack of the probe is refused in a warm sandbox" {
	faas execute --mode cached true
	eventually eval '(($("$FAAS" --json executor status 3>&- | jq ".pools[] | select(.name == \"host\").ready") > 0))'
	faas execute --mode cached --file "$PROBE" -- ./probe
	same "$(grep ': allowed' <<<"$output")" "" "what was allowed"
}

@test "execute: every attack of the probe is refused on a terminal" {
	run --separate-stderr timeout 30 script -qefc \
		"stty -onlcr; '$FAAS' execute -t --file '$PROBE' -- ./probe" /dev/null 3>&-
	same "$status" 0 "status"
	same "$(grep -a ': allowed' <<<"$output")" "" "what was allowed"
	has "$output" "tiocsti: refused (EPERM)" "TIOCSTI on a real terminal"
}

@test "execute: with the host's network nothing else is allowed" {
	faas execute --network host --file "$PROBE" -- ./probe
	same "$(grep ': allowed' <<<"$output")" "" "what was allowed"
}

@test "execute: a program has descriptors 0 to 2 and no more" {
	faas execute -- /bin/ls /proc/self/fd 7</dev/null 9>&1
	same "$output" $'0\n1\n2\n3' "descriptors, ls's own of the folder included"
}

@test "execute: a program has no group, saved id or key of ours" {
	faas execute 'grep -E "^(Uid|Gid|Groups|NoNewPrivs|Seccomp|Cap(Prm|Eff|Bnd))" /proc/self/status; id -G'
	same "$output" $'Uid:\t0\t0\t0\t0
Gid:\t0\t0\t0\t0
Groups:\t 
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t2
0' "identity"
}

@test "execute: root in the sandbox is nobody on the host" {
	local pid

	begin "echo up; exec sleep $nap"
	eventually running "sleep $nap"
	pid=$(pgrep -fx "sleep $nap")
	(($(awk '/^Uid/ { print $2 }' "/proc/$pid/status") >= 65536)) || die "$(cat "/proc/$pid/status")"
	kill "$client"
	ended 143
}

@test "execute: mounts name no folder of the host" {
	faas execute 'cat /proc/self/mountinfo /proc/self/mounts'
	[[ $output != *"$FAAS_STATE_DIR"* && $output != *"$PWD"* ]] || die "$output"
	faas execute 'wc -l </proc/self/mounts'
	((output <= 8)) || die "$output mounts"
}

@test "execute: secrets, homes and sockets of the host are not there" {
	echo secret >"$BATS_FILE_TMPDIR/secret"
	faas 2 execute -- ls -A /root /home /boot /run/systemd /etc/ssh "$BATS_FILE_TMPDIR" "$FAAS_STATE_DIR"
	same "$(grep -v '^/.*:$\|^$' <<<"$output")" "" "what was listed"
	faas execute 'cat /etc/shadow /etc/gshadow /etc/sudoers 2>/dev/null; true'
	same "$output" "" "passwords"
}

@test "execute: other processes, their arguments and variables are not there" {
	faas execute 'ls -d /proc/[0-9]* | wc -l; cat /proc/[0-9]*/cmdline | tr "\0" " "'
	(($(head -1 <<<"$output") <= 8)) || die "too many processes: $output"
	[[ $output != *bats* && $output != *"$FAAS"* ]] || die "$output"
}

@test "execute: what /proc tells of the machine and of others is not there" {
	local name

	faas execute 'for f in interrupts sched_debug kcore latency_stats timer_list timer_stats kmsg keys \
			key-users slabinfo vmallocinfo pagetypeinfo; do
			[ -z "$(head -c 100 /proc/$f 2>/dev/null | tr -d "\0")" ] || echo "$f"
		done
		for d in acpi asound scsi; do ls -A /proc/$d 2>/dev/null; done
		grep -v "^0* " /proc/kallsyms | head -1; ls -A /sys; true'
	same "$output" "" "what is there"
	# and what is over it can be neither taken away nor written
	for name in interrupts acpi; do
		faas execute "umount /proc/$name; umount -l /proc/$name; mount --move /proc/$name /mnt;
			head -c 100 /proc/$name; ls -A /proc/$name/ | head -1" || true
		lacks "$output" CPU "after trying"
	done
}

@test "execute: kill -1 and signals to pid 1 end the program at most" {
	faas execute 'trap "" TERM; kill -TERM -1; kill -KILL 1; kill -STOP 1; echo here'
	same "$output" here "output"
	faas 137 execute 'sh -c "kill -KILL -1"; sleep 100'
}

@test "execute: nobody can stop pid 1 from reporting the end" {
	faas 3 execute 'kill -STOP 1; kill -SEGV 1; renice 19 1 >/dev/null 2>&1; exit 3'
}

@test "execute: setuid programs gain nothing" {
	local program

	for program in /usr/bin/passwd /usr/bin/su /usr/bin/mount /bin/su; do
		[[ -u $program ]] && break
	done
	[[ -u $program ]] || die "no setuid program on this machine to try"
	# a program with new privileges would not look at this variable
	sandboxed --user 65534 -e LD_SHOW_AUXV=1 -- "$program" --help
	grep -Eq '^AT_EUID: +65534$' <<<"$output" || die "$output"
	grep -Eq '^AT_SECURE: +0$' <<<"$output" || die "$output"
}

@test "execute: a program cannot make itself a setuid or capable file that counts" {
	faas execute 'cp /usr/bin/id /tmp/id; chown 1000 /tmp/id 2>&1; chmod 4755 /tmp/id; /tmp/id -u; setcap cap_sys_admin+ep /tmp/id 2>&1 || echo refused'
	same "$(grep -c refused <<<"$output")" 1 "file capability"
	same "$(grep -cx 0 <<<"$output")" 1 "uid of the setuid copy"
}

# Each tries to leave a message for the next sandbox, and to find its own.
leave='import os, socket, mmap, ctypes
libc = ctypes.CDLL(None, use_errno=True)
def say(what, r): print(what, "found" if r else "none", flush=True)
for d in "/tmp", "/dev/shm", "/work", "/var/tmp", "/run", "/run/lock":
    p = d + "/faas-message"
    say(d, os.path.exists(p)); open(p, "w").write("x")
say("sysv shm", libc.shmget(0x66616173, 4096, 0o600) >= 0); libc.shmget(0x66616173, 4096, 0o1666)
say("sysv sem", libc.semget(0x66616173, 1, 0o600) >= 0); libc.semget(0x66616173, 1, 0o1666)
say("sysv msg", libc.msgget(0x66616173, 0o600) >= 0); libc.msgget(0x66616173, 0o1666)
say("mq", libc.mq_open(b"/faas-message", 0) >= 0); libc.mq_open(b"/faas-message", 0o102, 0o666, None)
s = socket.socket(socket.AF_UNIX); r = s.connect_ex("\0faas-message"); say("abstract", r == 0)
l = socket.socket(socket.AF_UNIX); l.bind("\0faas-message"); l.listen()
t = socket.socket(); say("tcp", t.connect_ex(("127.0.0.1", 45678)) == 0)
u = socket.socket(); u.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); u.bind(("0.0.0.0", 45678)); u.listen()
print("up", flush=True)
'

@test "execute: two sandboxes share no file, memory, queue or socket" {
	begin -l python "$leave
import time; time.sleep(1000)"
	faas execute -l python "$leave"
	same "$(grep found <<<"$output")" "" "what the second found"
	same "$(grep -c none <<<"$output")" 12 "what it looked for"
	kill "$client"
	ended 143
}

@test "execute: a lock or lease on a file of the host is no message to another sandbox" {
	local code='import fcntl, os
for name in "/etc/passwd", "/bin/sh", "/usr/bin/env":
    f = os.open(name, os.O_RDONLY)
    fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # none of a program that runs
    if name == "/etc/passwd": fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_RDLCK)
print("up", flush=True)
'
	begin -l python "$code
import time; time.sleep(1000)"
	faas execute -l python "$code"
	same "$output" up "the other"
	faas execute -l python 'import os
os.close(os.open("/etc/passwd", os.O_WRONLY)); print("written")'
	same "$output" written "what breaks a lease"
	kill "$client"
	ended 143
}

@test "execute: a warm sandbox has nothing of the run before" {
	for _ in 1 2 3; do
		faas execute --mode cached -l python "$leave"
		same "$(grep found <<<"$output")" "" "what was found"
	done
}

@test "execute: without a network the host's loopback and abstract sockets are out of reach" {
	local server

	mkfifo hold
	python3 -c 'import socket, sys
t = socket.socket(); t.bind(("0.0.0.0", 0)); t.listen()
a = socket.socket(socket.AF_UNIX); a.bind("\0faas-test-abstract"); a.listen()
print(t.getsockname()[1], flush=True)
sys.stdin.read()' <hold >port 3>&- &
	server=$!
	exec 8>hold
	eventually test -s port
	faas execute -l python "import socket
for a in '127.0.0.1', '10.0.0.1', '169.254.169.254', '8.8.8.8':
    s = socket.socket(); s.settimeout(2); print(s.connect_ex((a, $(<port))) != 0)
s = socket.socket(socket.AF_UNIX); print(s.connect_ex('\0faas-test-abstract') != 0)"
	same "$output" $'True\nTrue\nTrue\nTrue\nTrue' "connections refused"
	faas execute 'ls /sys/class/net 2>/dev/null; cut -d: -f1 -s /proc/net/dev | tr -d " "'
	same "$output" lo "devices"
	# with the host's network the address is in reach, the abstract socket never
	faas execute --network host -l python "import socket
s = socket.socket(); print(s.connect_ex(('127.0.0.1', $(<port))) == 0)
s = socket.socket(socket.AF_UNIX); print(s.connect_ex('\0faas-test-abstract') != 0)"
	same "$output" $'True\nTrue' "with --network host"
	exec 8>&-
	wait "$server"
}

@test "execute: nested user namespaces are refused in every way" {
	faas 1 execute -- unshare -U true
	has "$stderr" "Operation not permitted" "unshare"
	faas 1 execute -- unshare -r -m mount -t tmpfs none /mnt
	faas execute -l python 'import ctypes, os
l = ctypes.CDLL(None, use_errno=True)
print(l.syscall(435, 0, 0), ctypes.get_errno())  # clone3
print(l.syscall(56, 0x10000011, 0, 0, 0, 0), ctypes.get_errno())  # clone'
	same "$output" $'-1 38\n-1 1' "clone3 and clone"
}

@test "execute: our own programs are as they were after all attacks" {
	local before

	before=$(sha256sum "$FAAS" /bin/sh /usr/bin/env)
	faas execute --file "$PROBE" -- ./probe write-/proc/self/exe write-/proc/1/exe
	faas execute 'for f in /bin/sh /usr/bin/env /proc/1/exe; do echo x >>$f; done 2>/dev/null; rm -f /usr/bin/env; ls /usr/bin/env 2>&1; true'
	same "$(sha256sum "$FAAS" /bin/sh /usr/bin/env)" "$before" "checksums"
}

@test "execute: a control channel, or bytes on one, cannot be forged" {
	# no socket of ours is open in the program, and what it prints is only output
	faas 7 execute 'ls -l /proc/self/fd | grep -c socket: ; printf "{\"exit\":0,\"source\":\"program\"}\n"; exit 7'
	same "$output" $'0\n{"exit":0,"source":"program"}' "sockets, and what it printed"
}

@test "execute: a working directory through /proc leads nowhere outside" {
	faas 126 execute --workdir /proc/1/cwd -- pwd
	faas 126 execute --workdir /proc/1/root -- pwd
	faas execute --workdir /work/../../.. -- ls
	[[ $output != *"$(basename "$PWD")"* ]] || die "$output"
	sandboxed --workdir /proc/self/fd/3 -- pwd
	[[ $status -ne 0 || $output == /* ]] || die "status $status: $output"
}
