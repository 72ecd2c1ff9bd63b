load sandbox

# Snapshots of what runs, which goes on (lib/executor/snapshot-live.c, lib/spawner/freeze.c).

# COUNTER: two files that a program changes one after the other, as fast as it can. Seen
# at one moment, the second has the number of the first or the one before it.
COUNTER='echo up; i=0; while :; do i=$((i+1)); echo $i >/work/t; mv /work/t /work/a
	echo $i >/work/t; mv /work/t /work/b; done'

# moved <execution>: its counter goes on
moved() {
	local one two

	one=$(number "$1")
	two=$(number "$1")
	((two > one))
}

# number <execution>: what its program has counted to, of one more snapshot
number() {
	faas snapshot create --execution "$1" --json
	run_faas snapshot exec "$(jq -r .id <<<"$output")" -- cat /work/a
}

@test "snapshot create: of an execution that runs, which goes on" {
	local a b n

	begin --name live-run "$COUNTER"
	for n in 1 2 3; do
		faas --json snapshot create "live-$n" --execution live-run -m why --label a=b --ttl 1h
		jq -e '.paused_us > 0 and .execution != null and .environment == "host" and
			.kind == "fs" and .parent == null and .depth == 1 and
			.comment == "why" and .labels.a == "b" and .expires_at != null' <<<"$output"
		# one moment of it
		faas snapshot exec "live-$n" 'test -e /work/a -a -e /work/b || echo 0 0; cat /work/a /work/b'
		read -r -d "" a b <<<"$output" || true
		[[ $a == 0 ]] || ((a == ${b:-0} || a == ${b:-0} + 1)) || die "torn: a is $a, b is $b"
	done
	eventually moved live-run
	faas snapshot check
	kill "$client"
	ended 143
	# the row says what it is of, also later
	faas --json snapshot show live-3
	same "$(jq -r .execution <<<"$output")" "$(run_faas --json execution show live-run | jq -r .id)" \
		"execution"
}

@test "snapshot create: what a program has done to files is in it, whatever it is" {
	local before='set -e; cd /work; echo 1 >kept; ln kept other; ln -s nowhere link; mkfifo fifo
		mkdir -p deep/er; chmod 1751 deep; touch -d @1000 deep/er/old deep
		rm -r /etc/apt; rm -r /usr/share/doc; mkdir /usr/share/doc; : >/usr/share/doc/mine
		truncate -s 100M holes; printf x >>holes; : >"new
line"; sleep 1000 & echo up; wait'
	local after='cd /work; cat kept other; stat -c "%h" kept; readlink link; stat -c %F fifo
		stat -c "%a %Y" deep deep/er/old; ls -d /etc/apt; ls /usr/share/doc; stat -c %s holes
		du -k holes | cut -f1; ls new*; ps >/dev/null 2>&1; true'
	local want

	printf -v want '%s\n' 1 1 2 nowhere fifo "1751 1000" "644 1000" mine 104857601
	begin --name live-all "$before"
	faas snapshot create live-files --execution live-all
	faas snapshot exec live-files "$after"
	has "$output" "${want%$'\n'}" "what is in it"
	has "$output" $'new\nline' "a name with a new line"
	lacks "$output" "/etc/apt" "what was deleted"
	(($(sed -n 10p <<<"$output") < 1024)) || die "holes were filled: $output"
	# and it is what the end of the run is
	faas execution cancel live-all
	ended 143
}

@test "snapshot create: of what runs in a snapshot or on a branch stands on that" {
	local id

	faas execute --snapshot live-base 'echo base >/work/base'
	id=$(faas --json snapshot show live-base; jq -r .id <<<"$output")
	begin --name live-top --parent live-base 'echo top >/work/top; rm /work/base; echo up; sleep 1000'
	faas --json snapshot create live-mid --execution live-top --sync
	jq -e --arg id "$id" '.parent == $id and .depth == 2 and .synced and .paused_us > 0 and
		.checksum != null' <<<"$output"
	faas 1 snapshot diff live-mid --no-header
	has "$output" "/work/top" "what it has"
	faas snapshot exec live-mid -- ls /work
	same "$output" top "files"
	faas 5 snapshot delete live-base
	kill "$client"
	ended 143
	faas branch live-base --branch live-branch
	"$FAAS" branch exec live-branch 'echo up; echo x >/work/b; exec sleep 1000' >b.out 2>&1 3>&- &
	client=$!
	eventually grep -q up b.out
	faas snapshot create live-of-branch --execution @last
	kill "$client"
	wait "$client" || true
	faas snapshot delete live-of-branch
	faas branch delete live-branch
	faas snapshot delete --recursive --yes live-base
}

@test "snapshot create: of one that keeps its files, and of one that logs" {
	begin --name live-kept --snapshot live-end 'echo 1 >/work/n; echo up; while [ ! -e /work/go ]; do
		sleep 0.01; done; echo 2 >/work/n'
	faas snapshot create live-then --execution live-kept
	kill "$client"
	ended 143
	faas snapshot exec live-then -- cat /work/n
	same "$output" 1 "as it was then"
	faas execute --detach --name live-log 'echo up; sleep 1000'
	eventually eval 'run_faas execution logs live-log | grep -q up'
	faas snapshot create live-logged --execution live-log
	faas execution cancel live-log
}

@test "snapshot create: of one that waits, ends or is being copied says what to do" {
	faas 3 snapshot create --execution live-nobody
	faas 2 snapshot create
	begin --name live-one 'echo up; exec sleep 1000'
	faas 2 snapshot create --execution live-one --branch x
	faas snapshot create live-name --execution live-one
	faas 5 snapshot create live-name --execution live-one
	has "$stderr" "already" "message"
	faas 2 snapshot create 'a b' --execution live-one
	faas 2 snapshot create --execution live-one --ttl never-ever
	kill "$client"
	ended 143
	faas 5 snapshot create --execution live-one
	has "$stderr" "did not keep its files" "message"
}

@test "snapshot create: of one without a cgroup, too, whose processes are stopped by signals" {
	local as=("$FAAS" execute) dir=$BATS_TEST_TMPDIR/user

	[[ $(id -u) == 0 ]] || skip "needs root, to become somebody without cgroups"
	requires_program setpriv
	mkdir -m 700 "$dir"
	chown 65534 "$dir"
	chmod o+x "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR/.." || true
	user() {
		env HOME="$dir" FAAS_STATE_DIR="$dir/state" setpriv --reuid 65534 --regid 65534 --clear-groups \
			timeout 20 "$FAAS" "$@" 3>&-
	}
	user execute true >/dev/null 2>&1 || skip "no user namespaces for others"
	(user execute --detach --name live-user "$COUNTER") >/dev/null
	eventually eval 'user execution logs live-user | grep -q up'
	run --separate-stderr user --json snapshot create live-u --execution live-user
	same "$status" 0 "status: $stderr $output"
	jq -e '.paused_us > 0' <<<"$output"
	run --separate-stderr user snapshot exec live-u 'test -e /work/a && cat /work/b; true'
	same "$status" 0 "status: $stderr"
	user --json snapshot create live-v --execution live-user >/dev/null
	user execution cancel live-user >/dev/null
	user executor stop --now >/dev/null
}
