# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# What greedy or careless code may use up, and what is left of it afterwards.

# has_cgroup <name>: does this executor limit with it? Else rlimits stand in.
has_cgroup() {
	faas --json execute --status-file status true
	[[ $(field '.execution.degraded | map(select(startswith("limits.'"$1"'"))) | length') == 0 ]]
}

@test "execute: a fork bomb stops at --pids, and its end is the run's" {
	sandboxed --pids 50 --timeout 10s --grace 100ms --status-file status -- \
		/bin/bash -c 'bomb() { bomb | bomb & }; bomb; sleep 0.5; exit 3'
	[[ $status == 3 || $status == 124 || $status == 254 ]] || die "status $status: $stderr"
	eventually nothing_runs
	faas execute 'echo still here'
	same "$output" "still here" "the next run"
}

@test "execute: --pids is the number of processes that there can be" {
	faas execute --pids 20 -l python 'import os, time
n = 0
try:
    while n < 100:
        if not os.fork():
            time.sleep(1000)
        n += 1
except OSError as e: print(e.errno)
print(5 < n < 20)'
	same "$output" $'11\nTrue' "EAGAIN, and how many there were"
}

@test "execute: memory is limited, the kill is in the record, and explained" {
	has_cgroup memory || skip "there is no cgroup to limit with"
	faas 137 execute --memory 64M --status-file status -l python 'x = []
while True: x.append(bytearray(1 << 20))'
	same "$(field '.execution | "\(.oom_killed) \(.signal) \(.timed_out)"')" "true 9 false" "record"
	has "$stderr" "--memory" "what to do"
	same "$(field '.execution.usage.memory_peak_bytes <= 70000000')" true "peak"
}

@test "execute: a child that is killed for memory is in the record too" {
	local end=5

	faas execute true

	# version 2 of cgroups ends the whole sandbox
	[[ $("$FAAS" --json executor status 3>&- | jq -c .cgroups) != '["unified"]' ]] || end=137
	faas $end execute --memory 64M --status-file status '
		python3 -c "x = bytearray(1 << 30)"; exit 5'
	same "$(field '.exit')" $end "status"
	same "$(field '.execution.oom_killed')" true "oom_killed"
}

@test "execute: files in /tmp and /dev/shm count as disk, and as memory" {
	faas execute --disk 8M '
		head -c 20000000 /dev/zero >/dev/shm/x 2>/dev/null || echo full
		head -c 20000000 /dev/zero >/tmp/x 2>/dev/null || echo full
		du -cm /dev/shm/x /tmp/x | tail -1 | cut -f1'
	same "$(head -2 <<<"$output")" $'full\nfull' "both"
	(($(tail -1 <<<"$output") <= 8)) || die "$output MB"
}

@test "execute: the disk is full at --disk, and the host's is as it was" {
	local before after

	before=$(df --output=used -m "$BATS_FILE_TMPDIR" | tail -1)
	faas 1 execute --disk 16M 'dd if=/dev/zero of=/work/x bs=1M count=100'
	has "$stderr" "No space left" "message"
	has "$stderr" "16777216 bytes" "what fitted"$'\n'"$stderr" || has "$stderr" "15" "what fitted"
	after=$(df --output=used -m "$BATS_FILE_TMPDIR" | tail -1)
	((after - before < 500)) || die "the host's disk grew by $((after - before)) MB"
}

@test "execute: inodes end before the host's memory does" {
	faas execute --disk 1G --timeout $((55 * ${FAAS_TEST_PATIENCE:-1}))s -l python 'import os
n = 0
try:
    while n < 1000000:
        os.close(os.open("/tmp/%d" % n, os.O_CREAT | os.O_WRONLY)); n += 1
except OSError as e: print(e.errno)
print(n <= 262144)'
	same "$output" $'28\nTrue' "ENOSPC, and in time"
	eventually nothing_runs
}

@test "execute: a sparse file of 8 EiB is no work for anybody" {
	faas execute 'truncate -s 8191P /work/huge && stat -c %s /work/huge'
	same "$output" 9222246136947933184 "size"
	mkdir to
	sandboxed --artifact huge --artifact-dir to 'truncate -s 8191P huge; echo ran'
	[[ $output == ran ]] || die "$output"
	(($(du -m to | tail -1 | cut -f1) < 2)) || die "the artifact filled the disk"
	same "$(ls -A to | grep -v '^huge$')" "" "what was left beside it"
}

@test "execute: 1 GB of output passes through, and no process of ours grows" {
	local rss

	faas execute true
	rss=$(awk '/VmRSS/ { print $2 }' "/proc/$(executor_pid)/status")
	same "$("$FAAS" execute 'head -c 1000000000 /dev/zero' 3>&- | wc -c)" 1000000000 "bytes"
	(($(awk '/VmRSS/ { print $2 }' "/proc/$(executor_pid)/status") - rss < 1024)) ||
		die "the executor grew from $rss KB"
}

@test "execute: a reader that stops holds up nobody else" {
	mkfifo pipe
	exec 8<>pipe
	"$FAAS" execute 'echo up >&2; exec yes' >pipe 2>err 3>&- &
	client=$!
	eventually grep -q up err
	faas execute 'echo here'
	same "$output" here "another run"
	kill -KILL $client
	exec 8>&-
	eventually nothing_runs
}

@test "execute: a program that ignores TERM is killed after the grace" {
	faas 124 execute --timeout 2s --grace 100ms --status-file status -l python 'import signal, time
for s in range(1, 32):
    try: signal.signal(s, signal.SIG_IGN)
    except OSError: pass
while True: time.sleep(1000)'
	same "$(field '.execution | "\(.timed_out) \(.signal)"')" "true 9" "record"
}

@test "execute: a program that closes its descriptors still has an end" {
	faas 4 execute 'exec 0<&- 1>&- 2>&-; exit 4'
	faas 124 execute --timeout 200ms --grace 100ms 'exec 0<&- 1>&- 2>&-; exec sleep 1000'
}

@test "execute: a daemon does not outlive its run" {
	faas execute -l python 'import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(0); os.close(1); os.close(2)
        os.execvp("sleep", ["sleep", "'"$nap"'"])
    os._exit(0)
os.wait()
print("made")'
	same "$output" made "output"
	eventually no_process "sleep $nap"
}

@test "execute: a child that keeps stdout open does not hold up the end" {
	faas execute "sleep $nap & echo done"
	same "$output" done "output"
	eventually no_process "sleep $nap"
	faas execute "setsid nohup sleep $nap >/dev/null 2>&1 & echo done"
	eventually no_process "sleep $nap"
}

@test "execute: what outlives a deadline is killed, stopped children too" {
	faas 124 execute --timeout 300ms --grace 100ms \
		"sleep $nap & kill -STOP \$!; setsid sh -c 'trap \"\" TERM; sleep $nap.1' & wait"
	eventually no_process "sleep $nap"
	eventually no_process "sleep $nap.1"
}

@test "execute: thousands of zombies and orphans are reaped" {
	faas execute --timeout $((55 * ${FAAS_TEST_PATIENCE:-1}))s -l python 'import os, time
for n in range(500):
    if os.fork() == 0: os._exit(0)          # a zombie of ours
for n in range(3000):
    if os.fork() == 0:
        if os.fork() == 0: os._exit(0)      # an orphan: pid 1 is its parent
        os._exit(0)
    os.wait()
def zombie(pid):
    try: fields = open("/proc/%s/stat" % pid).read().split(")")[1].split()
    except OSError: return False
    return fields[:2] == ["Z", "1"]
for n in range(500):
    if not any(zombie(p) for p in os.listdir("/proc") if p.isdigit()): break
    time.sleep(0.01)
else: print("zombies are left")
print("done")'
	same "$output" done "output"
	eventually nothing_runs
}

@test "execute: a folder 20,000 levels deep goes away with the rest" {
	faas execute --timeout $((55 * ${FAAS_TEST_PATIENCE:-1}))s -l python 'import os
for n in range(20000):
    os.mkdir("d"); os.chdir("d")
print("made")'
	same "$output" made "output"
	eventually nothing_runs
	sandboxed --artifact d -l python 'import os
for n in range(5000):
    os.mkdir("d"); os.chdir("d")'
	((status != 0)) || die "an artifact that deep is not whole"
}

@test "execute: descriptors end in the program, not in the executor" {
	local before

	faas execute true
	before=$(find "/proc/$(executor_pid)/fd" | wc -l)
	faas execute -l python 'import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
n = 0
try:
    while n < 3000000: os.pipe(); n += 1
except OSError as e: print(e.errno in (23, 24, 12))'
	[[ $output == True ]] || die "$output"
	eventually eval '(($(find "/proc/'"$(executor_pid)"'/fd" | wc -l) <= '$((before + 4))'))'
}

@test "execute: no core is dumped, to a file or to a program" {
	faas 139 execute 'ulimit -Hc; ulimit -c; kill -SEGV $$'
	same "$output" $'0\n0' "limits"
	faas 134 execute 'kill -ABRT $$'
}

@test "execute: --cpus takes time away" {
	has_cgroup cpu || skip "there is no cgroup to limit with"
	faas execute --cpus 0.2 --status-file status -l python 'import time
end = time.monotonic() + 1
while time.monotonic() < end: pass'
	same "$(field '.execution.usage | (.user_us + .system_us) * 2 < .wall_us')" true \
		"usage: $(field .execution.usage)"
}

@test "execute: --io is in the record, with what it does not limit" {
	has_cgroup memory || skip "there is no cgroup to limit with"
	sandboxed --io 1M --status-file status true
	# where it cannot be had it is refused
	((status)) && {
		same "$status" 125 "status"
		has "$stderr" "limit" "message"
		has "$stderr" "--allow-degraded" "hint"
		faas execute --io 1M --allow-degraded --status-file status true
	}
	same "$(field '.execution.limits.io_bps')" 1048576 "limit"
	has "$(field '.execution.degraded | join("|")')" "limits.io: " "what is not limited"
	faas execute --status-file status true
	lacks "$(field '.execution.degraded | join("|")')" "limits.io" "without it"
}

@test "execute: limits that make no sense are refused" {
	local row

	for row in '--memory 1K' '--memory x' '--memory -1' '--disk 1' '--cpus 0.0001' \
		'--cpus -1' '--pids -1' '--pids x' '--timeout x' '--memory 99999999999999999999'; do
		# shellcheck disable=SC2086  # words
		faas 125 execute ${row} true
		[[ -n $stderr ]] || die "no message for $row"
	done
}

@test "execute: a run leaves no mount, cgroup, process or folder" {
	local before

	faas execute true
	eventually nothing_runs
	before=$(mounts)
	faas execute --id-file id 'mkdir -p /tmp/a/b; mknod /tmp/p p'
	id=$(<id)
	same "$(mounts)" "$before" "mounts"
	[[ -n $id ]] || die "no id"
	eventually eval '[[ -z $(find /sys/fs/cgroup -name "'"$id"'" 2>/dev/null) ]]'
	eventually eval '[[ -z $(find "$FAAS_STATE_DIR" -name "*$id*") ]]'
}

# mounts: those on the machine, without what other tests have in their folders
mounts() {
	awk -v own="$BATS_FILE_TMPDIR" 'index($2, own) || !/ \/tmp\// { print $2 }' /proc/self/mounts
}
