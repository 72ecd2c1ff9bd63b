# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# A wall of the sandbox that cannot be put up: each system call that one is made of fails
# in turn, in whatever process makes it. Then nothing runs, the reason is said, nothing is
# left, and it works again when the reason has gone.

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
	DENY=${FAAS%/*}/tests/executor/deny
}

# mounts: those on the machine, without what other tests have in their folders
mounts() {
	awk '!/ \/tmp\// { print $2 }' /proc/self/mounts
}

# ours: what holds files of this test's executor: it, its spawner and their monitors
ours() {
	find /proc/[0-9]*/fd -lname "$FAAS_STATE_DIR/*" 2>/dev/null
}

# nothing_left: of the executor, but what it keeps
nothing_left() {
	same "$(ours)" "" "processes"
	same "$(mounts)" "$mounts" "mounts"
	same "$(find "$FAAS_STATE_DIR/run" -name 'm.*' | wc -l)" 0 "sockets of monitors"
}

# denied <call> <errno> [<execute options>...]: what faas says when that fails
denied() {
	local call=$1 errno=$2

	shift 2
	rm -f ran
	"$DENY" "$call" "$errno" "$FAAS" executor start >start.out 2>&1 3>&- || true
	run --separate-stderr timeout 60 "$DENY" "$call" "$errno" \
		"$FAAS" execute "$@" --artifact ran 'echo ran >ran; echo ran' 3>&-
	"$FAAS" -q executor stop --now >/dev/null 2>&1 3>&- || true
}

# refused <call> <errno> [<execute options>...]
refused() {
	denied "$@"
	[[ $status == 12[56] && -z $output && $stderr == faas:* && ! -e ran ]] ||
		die "$*: status $status: $output: $stderr" "$(<start.out)"
	eventually nothing_left
}

setup() {
	helpers_setup && own_executor
	# shellcheck disable=SC2034  # of nothing_left
	mounts=$(mounts)
}

teardown() {
	"$FAAS" -q executor stop --now >/dev/null 2>&1 3>&- || true
}

needs_root() {
	((UID == 0)) || skip "needs root to become another user"
}

@test "execute: without the wall that a system call makes, nothing runs" {
	local call errno said

	needs_root
	while read -r call errno said; do
		refused "$call" "$errno"
		has "$stderr" "$said" "$call $errno"
	done <<-'END'
		seccomp:0=1 EPERM seccomp filter
		seccomp:0=1 ENOSYS seccomp filter
		seccomp:0=1 EINVAL seccomp filter
		unshare:0&0x10000000 EPERM user namespace
		unshare:0&0x10000000 ENOSYS user namespace
		unshare:0&0x2000000 EINVAL user namespace
		unshare:0&0x40000000 EPERM network namespace
		unshare:0&0x20000 EPERM mount namespace
		clone3 EPERM first process
		clone3 ENOSYS first process
		clone3 EAGAIN first process
		pivot_root EPERM pivot
		pivot_root EINVAL pivot
		mount EPERM mount
		umount2 EPERM mounts
		move_mount EINVAL mount
		open_tree ENOSYS layers
		mount_setattr ENOSYS layers
		fsopen EPERM mount
		fsconfig EINVAL mount
		fsmount ENOMEM mount
		openat2 ENOSYS find '/dev'
		setns EPERM mounts
		sethostname EPERM host name
		setgroups EPERM groups
		setresgid EPERM root
		setresuid EAGAIN become the user
		prctl:0=28 EPERM become the user
		capset EPERM capabilities
		prctl:0=24 EPERM capability
		prctl:0=24 EINVAL capability
		prctl:0=38 EINVAL no_new_privs
		prctl:0=4 EPERM pid 1
		prlimit64 EPERM core dumps
		close_range ENOSYS close descriptors
		pidfd_open ENOSYS the client
		ioctl:1=0x8914 EPERM loopback
		socketpair EPERM socket pair
	END
	faas execute 'echo back'
	same "$output" back "when nothing fails any more"
	[[ -n $(ours) ]] || die "what runs is not found"
}

@test "execute: without Landlock there is no network of the host's" {
	local call

	needs_root
	for call in landlock_create_ruleset landlock_restrict_self; do
		refused $call EPERM --network host
		has "$stderr" Landlock "$call"
		refused $call ENOSYS --network host
		has "$stderr" Landlock "$call"
		# which needs none without it
		denied $call EPERM
		same "$status $output" "0 ran" "$call: $stderr"
	done
}

@test "execute: what is not needed may fail, and nothing stays" {
	local call

	needs_root
	for call in pidfd_send_signal prctl:0=1 prctl:0=15 sched_setattr; do
		denied $call EPERM
		same "$status $output" "0 ran" "$call: $stderr"
		eventually nothing_left
	done
}

@test "execute: what could not be made ahead is not tried over and over" {
	local made

	needs_root
	"$DENY" 'unshare:0&0x40000000' EPERM "$FAAS" executor start >/dev/null 3>&-
	made=$(made)
	# a second of the executor's, in which it made thousands
	for _ in {1..50}; do
		run_faas execute true >/dev/null 2>&1 && die "it ran"
	done
	(($(made) - made < 150)) || die "$(made) were made, $made at first"
}

made() {
	"$FAAS" --json executor status 3>&- | jq '.pools[] | select(.name == "blank").made'
}

@test "execute: without its cgroup nothing runs, though the machine has them" {
	needs_root
	faas execute --status-file status true
	[[ $(field '.execution.degraded | map(select(startswith("limits."))) | length') == 0 ]] ||
		skip "there is no cgroup to limit with"
	faas executor stop
	# a leaf's folder, what moves a process into it, and its limit of memory
	refused mkdirat:2=0755 EPERM
	has "$stderr" "create cgroup" "a leaf"
	refused mkdirat:2=0755 ENOSPC
	has "$stderr" "create cgroup" "a leaf"
	[[ ! -d /sys/fs/cgroup/pids ]] || {
		refused write:2=1 EPERM
		has "$stderr" "enter cgroup" "a process in it"
	}
	refused write:2=9 EINVAL --memory 104857600
	has "$stderr" "104857600" "its limit"
	faas execute --memory 104857600 'echo back'
	same "$output" back "when nothing fails any more"
}
