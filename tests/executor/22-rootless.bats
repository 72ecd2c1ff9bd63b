# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# The core cases again, with an executor that is not root's: user 65534, in a folder
# that it may write, with nothing else.

setup_file() {
	((UID == 0)) || return 0
	ROOTLESS=$(mktemp -d /tmp/faas-rootless-XXXXXX)
	chmod 755 "$ROOTLESS"
	cp "$FAAS" "$ROOTLESS/real"
	cp "${FAAS%/*}/tests/executor/probe" "$ROOTLESS/probe"
	cat >"$ROOTLESS/faas" <<-E
		#!/bin/sh
		exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \\
			env -u XDG_CONFIG_HOME -u FAAS_SYSTEM_CONFIG HOME=$ROOTLESS/home FAAS_STATE_DIR=$ROOTLESS/home/state \\
			FAAS_IDLE_TIMEOUT=2m $ROOTLESS/real "\$@"
	E
	chmod 755 "$ROOTLESS/faas" "$ROOTLESS/real" "$ROOTLESS/probe"
	mkdir "$ROOTLESS/home"
	chown 65534:65534 "$ROOTLESS/home"
	export ROOTLESS
}

teardown_file() {
	[[ -n ${ROOTLESS-} ]] || return 0
	"$ROOTLESS/faas" -q executor stop --now 3>&- >&- 2>&- || true
	[[ ! -d $ROOTLESS/home/more ]] || "$ROOTLESS/more" -q executor stop --now 3>&- >&- 2>&- || true
	rm -rf "$ROOTLESS"
}

setup() {
	((UID == 0)) || skip "needs root to become another user"
	helpers_setup
	mkdir "$ROOTLESS/$BATS_TEST_NUMBER"
	chown 65534 "$ROOTLESS/$BATS_TEST_NUMBER"
	cd "$ROOTLESS/$BATS_TEST_NUMBER" || return
	REAL_FAAS=$FAAS
	FAAS=$ROOTLESS/faas
}

@test "execute: without root, code runs and its status passes through" {
	faas execute 'echo hi; exit 0'
	same "$output" hi "output"
	faas 3 execute --mode cached 'exit 3'
	faas 3 execute --mode cached 'exit 3'
	faas 137 execute 'kill -9 $$'
	faas 127 execute -- no-such
	faas 124 execute --timeout 100ms --grace 100ms 'trap "" TERM; while :; do :; done'
}

@test "execute: without root, the result names what is missing" {
	faas execute --status-file status true
	has "$(field '.execution.degraded | join("|")')" "users: one only" "degraded"
}

@test "execute: without root, every attack of the probe is refused" {
	faas execute --file "$ROOTLESS/probe" -- ./probe
	same "$(grep ': allowed' <<<"$output")" "" "what was allowed"
	same "$(cut -d: -f1 <<<"$output")" "$("$ROOTLESS/probe" --list)" "rows that were tried"
}

@test "execute: without root, the executor's own files are out of reach" {
	echo secret >"$ROOTLESS/home/secret"
	chown 65534 "$ROOTLESS/home/secret"
	faas 2 execute -- ls -A "$ROOTLESS" "$ROOTLESS/home/state"
	faas execute 'find / -xdev -name "faas*.db*" 2>/dev/null; find / -xdev -name secret -path "*rootless*" 2>/dev/null; true'
	same "$output" "" "what was found"
}

@test "execute: without root, another user of the sandbox is refused, not ignored" {
	sandboxed --user 1000 'echo ran as $(id -u)'
	[[ $status == 12[56] ]] || die "status $status"
	same "$output" "" "it did not run"
	has "$stderr" "without root" "message"
	has "$stderr" "--user root" "hint"
	faas execute --user root 'id -u'
	same "$output" 0 "root is the one user"
}

@test "execute: without root, files and artifacts pass" {
	echo one >f
	# whatever the umask is
	chmod 644 f
	faas execute --file f --artifact out 'mkdir out; cp f out/g; ls -l f >/dev/null'
	same "$(cat out/g)" one "artifact"
	same "$(stat -c %u out/g)" 65534 "owner"
}

@test "execute: without root, descendants end with the run and the client" {
	faas execute "setsid sleep $nap & echo done"
	eventually no_process "sleep $nap"
	begin "setsid sleep $nap & echo up; exec sleep $nap"
	kill -KILL "$client"
	ended 137
	eventually no_process "sleep $nap"
}

@test "execute: without root, the disk is limited, and what is not is refused" {
	faas 1 execute --disk 4M 'dd if=/dev/zero of=/work/x bs=1M count=100'
	has "$stderr" "No space left" "message"
	faas execute --status-file status true
	if [[ $(field '.execution.degraded | map(select(startswith("limits"))) | length') != 0 ]]; then
		faas 125 execute --cpus 0.5 true
		has "$stderr" "cgroup" "message"
		has "$stderr" "--allow-degraded" "hint"
		faas execute --cpus 0.5 --allow-degraded true
	fi
}

@test "execute: without root, memory and processes are limited all the same" {
	sandboxed --memory 256M -l python 'x = []
while True: x.append(bytearray(1 << 22))'
	[[ $status == 137 || $status == 1 ]] || die "status $status: $stderr"
	faas execute --pids 30 -l python 'import os, time
n = 0
try:
    while n < 200:
        if not os.fork(): time.sleep(1000)
        n += 1
except OSError: pass
print(n < 200)'
	same "$output" True "there was a limit"
}

@test "execute: without root, a network of its own and nothing of the host's" {
	faas execute 'cut -d: -f1 -s /proc/net/dev | tr -d " "'
	same "$output" lo "devices"
}

@test "execute: without root, an executor that dies is found again" {
	local pid

	begin 'echo up; while ! test -e /tmp/never; do sleep 0.05; n=$((n + 1)); test $n -lt 40 || exit 9; done'
	pid=$(executor_pid)
	kill -KILL "$pid"
	ended 9
	(($(executor_pid) != pid)) || die "the same executor"
}

@test "executor status: another user's is refused" {
	FAAS_STATE_DIR=$ROOTLESS/home/state faas executor status
	# an ordinary user at root's executor
	FAAS=$ROOTLESS/real
	export FAAS_STATE_DIR=$BATS_FILE_TMPDIR/root
	faas executor start
	unset XDG_CONFIG_HOME FAAS_SYSTEM_CONFIG HOME
	run -7 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$ROOTLESS/real" executor status 3>&-
	has "$stderr" "Permission denied" "message"
	faas executor stop
}

@test "chain: without root, steps are run once, and environments are built of them" {
	echo in >f
	chown 65534 f
	faas chain --copy f:/work/ --run 'cat /work/f; mkdir /opt/x; date +%N >/opt/x/n; cat /opt/x/n'
	first=$output
	faas chain --copy f:/work/ --run 'cat /work/f; mkdir /opt/x; date +%N >/opt/x/n; cat /opt/x/n' --name done
	same "$output" "$first" "shown again"
	faas env build made --base done --layer 'echo 2 >>/opt/x/n' --variable A=1
	faas execute -E made 'tail -1 /opt/x/n; echo $A'
	same "$output" $'2\n1' "the environment"
	faas env delete made
	faas chain prune -y
	faas snapshot delete done
}

@test "instance: without root it lives on, and its files are kept" {
	faas instance start --name r
	faas instance exec r 'echo 1 >/work/f; id -u'
	same "$output" 0 "user"
	faas instance restart r
	faas instance exec r 'cat /work/f; echo 2 >/work/f'
	same "$output" 1 "file"
	# what is missing to freeze it is said
	run --separate-stderr run_faas instance pause r
	if ((status == 0)); then
		faas instance resume r
	else
		same "$status" 6 "status"
		has "$stderr" "cgroup" "message"
	fi
	faas instance stop r
	faas snapshot create stopped-r --instance r
	faas instance start r
	faas instance exec r -- cat /work/f
	same "$output" 2 "file"
	faas instance exec r 'echo 3 >/work/f'
	faas snapshot exec stopped-r -- cat /work/f
	same "$output" 2 "snapshot"
	faas instance terminate r
}

# Users besides root, of /etc/subuid: in a mount namespace that has a copy of /etc, with a
# state folder and so an executor of their own.
with_more_users() {
	requires_program newuidmap
	[[ -d $ROOTLESS/etc ]] || cp -a /etc "$ROOTLESS/etc"
	[[ -e $ROOTLESS/faas-archive ]] || cp "${REAL_FAAS%/*}"/faas-* "$ROOTLESS"
	printf '65534:%s\n' "$1" | tee "$ROOTLESS/etc/subuid" >"$ROOTLESS/etc/subgid"
	cat >"$ROOTLESS/more" <<-E
		#!/bin/sh
		exec unshare --mount --propagation private sh -c '
			mount --bind $ROOTLESS/etc /etc &&
			exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \\
				env -u XDG_CONFIG_HOME -u FAAS_SYSTEM_CONFIG HOME=$ROOTLESS/home \\
				FAAS_STATE_DIR=$ROOTLESS/home/more FAAS_IDLE_TIMEOUT=2m \\
				$ROOTLESS/real "\$@"' sh "\$@"
	E
	chmod 755 "$ROOTLESS/more"
	FAAS=$ROOTLESS/more
}

no_more_users() {
	"$ROOTLESS/more" -q executor stop --now 3>&-
	rm -rf "$ROOTLESS/home/more"
}

# What the kernel itself says, of users and groups
as='grep -E "^(Uid|Gid|Groups|CapEff|NoNewPrivs|Seccomp):" /proc/self/status'

@test "execute: without root, users of /etc/subuid are there, and can do no more than root" {
	with_more_users 300000:65536
	faas --json doctor rootless-users
	same "$(jq -r '.checks[] | select(.name == "subordinate-ids").detail' <<<"$output")" \
		"65536 users besides root" "doctor"
	faas execute --status-file status --user 54321 'id -u; id -g; echo $HOME; cd /work; echo x >mine
		stat -c %u:%g mine . /etc/hostname'
	same "$output" $'54321\n54321\n/\n54321:54321\n54321:54321\n65534:65534' "who it is"
	lacks "$(field '.execution.degraded | join("|")')" "users: one only" "degraded"
	faas execute --user 54321 "$as"
	same "$(tr -s ' \t' '  ' <<<"$output")" "Uid: 54321 54321 54321 54321
Gid: 54321 54321 54321 54321
Groups: 
CapEff: 0000000000000000
NoNewPrivs: 1
Seccomp: 2" "what it is"
	faas execute --user 65534:5 'id -u; id -g'
	same "$output" $'65534\n5' "the last one, and a group"
	# what root puts there another may not change, and signals between them do not pass
	faas 2 execute --user 54321 'echo x >/etc/x' 2>/dev/null
	faas 1 execute --user 54321 'kill -9 1'
	faas execute --user 54321 --file "$ROOTLESS/probe" -- ./probe
	same "$(grep ': allowed' <<<"$output")" "" "what was allowed"
	# modes, artifacts, a terminal, and the one user that always was
	faas execute --user 54321 --mode cached 'id -u'
	same "$output" 54321 "cached"
	faas execute --user 54321 --artifact out 'echo made >out; chmod 600 out'
	same "$(<out)" made "artifact"
	faas execute --mode cached 'id -u; cat /proc/self/uid_map'
	same "$(tr -s ' ' <<<"$output")" $'0\n 0 0 1' "root has itself alone"
	no_more_users
}

@test "execute: without root, an image's user is one of /etc/subuid" {
	with_more_users 300000:65536
	requires_program busybox
	mkdir -p tree/bin tree/etc
	cp "$(command -v busybox)" tree/bin/busybox
	for name in sh id cat; do
		ln -s busybox "tree/bin/$name"
	done
	printf 'root:x:0:0::/root:/bin/sh\napp:x:70:71::/home/app:/bin/sh\n' >tree/etc/passwd
	printf 'root:x:0:\napp:x:71:\nmore:x:72:app\n' >tree/etc/group
	faas env create img tree --user app
	faas execute --env img 'id; echo $HOME'
	same "$output" $'uid=70(app) gid=71(app) groups=72(more)\n/home/app' "who it is"
	faas execute --env img --mode cached 'id -u'
	faas execute --env img --mode cached 'id -u'
	same "$output" 70 "cached"
	faas execute --env img --user root 'id -u'
	same "$output" 0 "root"
	# files that are kept have one owner
	sandboxed --env img --snapshot kept 'echo ran'
	[[ $status == 12[56] ]] || die "status $status"
	same "$output" "" "it did not run"
	has "$stderr" "what is kept has one user" "hint"
	faas execute --env img --user root --snapshot kept 'echo x >/kept'
	faas execute --parent kept 'id -u; cat /kept'
	same "$output" $'70\nx' "what begins with files that were kept"
	no_more_users
}

@test "execute: without root, few users are few, and a line that makes no sense gives none" {
	with_more_users 300000:100
	faas execute --user 100:100 'id -u'
	same "$output" 100 "the last one"
	sandboxed --user 101:100 'echo ran'
	[[ $status == 12[56] ]] || die "status $status"
	has "$stderr" "users 0 to 100 only" "message"
	has "$stderr" "give no more" "hint"
	no_more_users
	# and no executor is left to take the next ones for its own
	for line in 0:65536 300000:0 4294967295:5 x:y 300000; do
		with_more_users "$line"
		sandboxed --user 1000 'echo ran'
		[[ $status == 12[56] ]] || die "status $status with $line"
		has "$stderr" "rootless-users" "hint"
		no_more_users
	done
	with_more_users 300000:65536
	: >"$ROOTLESS/etc/subgid"
	sandboxed --user 1000 'echo ran'
	[[ $status == 12[56] ]] || die "status $status without groups"
	faas execute 'id -u'
	same "$output" 0 "root"
	faas 6 doctor rootless-users
	no_more_users
}
