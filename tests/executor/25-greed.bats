# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# What code may use up of the kernel's own: it gets no more than its share, what is
# outside keeps working meanwhile, and it all comes back. greedy.c does the taking.

own_executor() {
	export FAAS_STATE_DIR=$BATS_FILE_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
	GREEDY=${FAAS%/*}/tests/executor/greedy
	cp "$GREEDY" greedy
}

# has_cgroup <name>: does this executor limit with it?
has_cgroup() {
	faas --json execute --status-file status true
	[[ $(field '.execution.degraded | map(select(startswith("limits.'"$1"'"))) | length') == 0 ]]
}

# greedy <name>...: in the background, and it keeps what it got until let_go
greedy() {
	begin_held "${options[@]}" --file greedy -- ./greedy hold "$@"
}

# got <name>: how many, and the error that ended it
got() {
	sed -n "s/^$1 //p" client.out
}

# others_work: one of each thing can be had on the machine, and in another sandbox
others_work() {
	same "$(timeout 60 "$GREEDY" one 3>&-)" "" "what the machine has no more of"
	faas execute --file greedy -- ./greedy one
	same "$output" "" "what another sandbox has no more of"
}

options=()

@test "execute: what is counted per user is each sandbox's own" {
	# in the second sandbox as much as in the first
	for _ in 1 2; do
		greedy inotify timers=1000 signals=200000 queues segments=5000
		for name in inotify queues; do
			[[ $(got $name) == *" EMFILE" ]] || die "$name: $(got $name)"
		done
		same "$(got timers)" "1000 0" "timers"
		[[ $(got signals) == "200000 0" || $(got signals) == *" EAGAIN" ]] ||
			die "signals: $(got signals)"
		((UID)) || others_work
		first=${first-$(got inotify; got queues)}
		same "$(got inotify; got queues)" "$first" "the second one's"
		let_go
		ended 0
	done
}

@test "execute: a fork bomb leaves the others theirs" {
	options=(--pids 100)
	greedy processes
	[[ $(got processes) == "9"?" EAGAIN" ]] || die "$(got processes)"
	others_work
	let_go
	ended 0
	options=(--pids 100 --timeout 1s --grace 100ms --id-file id)
	sandboxed "${options[@]}" -- /bin/bash -c 'bomb() { bomb | bomb & }; bomb; read -r x </dev/full; while :; do :; done'
	same "$status" 124 "status of the bomb; $stderr"
	eventually nothing_runs
	# not one of its processes is left: its cgroup could be removed
	eventually eval '[[ -z $(find /sys/fs/cgroup -name "$(<id)" 2>/dev/null) ]]'
}

@test "execute: zombies are counted, and orphans are nobody's for long" {
	options=(--pids 200)
	greedy "orphans=${FAAS_TEST_ORPHANS:-10000}" zombies
	same "$(got orphans)" "${FAAS_TEST_ORPHANS:-10000} 0" "all of them came and went"
	[[ $(got zombies) == 19?" EAGAIN" ]] || die "zombies: $(got zombies)"
	others_work
	let_go
	ended 0
}

@test "execute: open files, pipes, watches and sockets come back when it ends" {
	local before during n=${FAAS_TEST_FILES:-100000}

	faas execute true
	before=$(file_nr)
	greedy "files=$n" pipes=1000 epolls=5000 watches=5000
	same "$(got files)" "$n 0" "files"
	during=$(file_nr)
	((during - before > n)) || die "$before files, then $during: they are not open"
	others_work
	let_go
	ended 0
	eventually eval '(($(file_nr) < '$((before + n / 10))'))'
}

file_nr() {
	cut -f1 /proc/sys/fs/file-nr
}

@test "execute: files that are open count as memory" {
	local before

	has_cgroup memory || skip "there is no cgroup to limit with"
	before=$(file_nr)
	faas 137 execute --memory 32M --status-file status --file greedy -- \
		./greedy hold files=3000000
	same "$(field .execution.oom_killed)" true "the record"
	eventually eval '(($(file_nr) < '$((before + 20000))'))'
}

@test "execute: descriptors under way are refused at last, and come back" {
	greedy flights
	[[ $(got flights) == *" EMFILE" ]] || die "$(got flights)"
	same "$(timeout 60 "$GREEDY" one 3>&-)" "" "what the machine has no more of"
	let_go
	ended 0
	eventually others_work
}

@test "execute: mappings end where the kernel says, and harm nobody" {
	local max

	max=$(</proc/sys/vm/max_map_count)
	greedy maps protections=40000
	[[ $(got maps) == *" ENOMEM" ]] || die "maps: $(got maps)"
	(($(got maps | cut -d' ' -f1) <= max)) || die "maps: $(got maps), of $max"
	others_work
	let_go
	ended 0
}

@test "execute: locked memory ends at the limit of memory, whoever allows more" {
	has_cgroup memory || skip "there is no cgroup to limit with"
	faas executor stop
	(
		ulimit -l unlimited || exit 0
		exec "$FAAS" executor start
	) >/dev/null 3>&-
	sandboxed --memory 32M --status-file status --file greedy -- ./greedy hold locked
	case $status in
	0) (($(sed -n 's/^locked \([0-9]*\).*/\1/p' <<<"$output") <= 32)) || die "$output" ;;
	137) same "$(field .execution.oom_killed)" true "the record" ;;
	*) die "status $status: $output $stderr" ;;
	esac
	others_work
	faas executor stop
}

@test "execute: the machine's huge pages are not for sandboxes" {
	local free

	free=$(grep HugePages_Free /proc/meminfo)
	greedy huge
	same "$(got huge)" "0 ENOMEM" "huge pages"
	same "$(grep HugePages_Free /proc/meminfo)" "$free" "the machine's"
	let_go
	ended 0
	faas execute 'echo 10 >/proc/sys/vm/nr_hugepages || echo refused' 2>/dev/null
	same "$output" refused "more of them"
}

@test "execute: --cpus holds for any number of processes" {
	has_cgroup cpu || skip "there is no cgroup to limit with"
	faas 124 execute --cpus 0.5 --timeout 2s --grace 0s --status-file status --file greedy -- \
		./greedy hold spinning=900
	# a period is 100 ms: what was used in the last one may be more than its share
	same "$(field '.execution.usage | .user_us + .system_us <= .wall_us * 0.525 + 100000')" \
		true "usage: $(field .execution.usage)"
	same "$(field '.execution.usage | .user_us + .system_us > 100000')" true "it ran"
}

@test "execute: whoever asks for the disk all the time holds up no one" {
	options=(--snapshot storm)
	begin_held "${options[@]}" -l python 'import os, select, sys
f = os.open("/work/f", os.O_CREAT | os.O_RDWR)
print("up", flush=True)
n = 0
while not select.select([0], [], [], 0)[0]:
    os.pwrite(f, os.urandom(4096), (n * 7919 % 1000) * 4096)
    os.fsync(f)
    n += 1
print(n)'
	faas execute 'echo here'
	same "$output" here "another run"
	faas execute --snapshot other 'echo there >f'
	faas snapshot exec other 'cat f'
	same "$output" there "another snapshot"
	let_go
	ended 0
	(($(tail -1 client.out) > 0)) || die "it never wrote: $(<client.out)"
}
