load sandbox

# Files that a run left, kept as snapshots (lib/executor/snapshot.c, lib/state).

# changes <snapshot> [<other>]: KIND PATH of each difference
changes() {
	run_faas --json snapshot diff "$@" >differences || true
	jq -r '.differences[] | "\(.kind) \(.path)"' differences
}

# layers: how many folders of layers there are
layers() {
	find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 | wc -l
}

@test "snapshot: a run's files are kept, and another run begins with them" {
	faas 3 execute --snapshot base 'echo one >/work/a; echo tmp >/tmp/t; exit 3'
	faas snapshot exec base -- cat /work/a /tmp/t
	same "$output" $'one\ntmp' "files"
	# it did not change
	faas snapshot exec base 'echo two >/work/a; rm /tmp/t'
	faas execute --parent base -- cat /work/a /tmp/t
	same "$output" $'one\ntmp' "files after another run"
	faas --json execution show @last
	same "$(jq -r '"\(.mode) \(.environment) \(.parent)"' <<<"$output")" \
		"branched host $("$FAAS" --json snapshot show base 3>&- | jq -r .id)" "record"
}

@test "snapshot: one stands on another, any number deep, and many runs on one" {
	local i pids=()

	faas execute --snapshot deep0 'echo 0 >/work/n'
	for ((i = 1; i <= 20; i++)); do
		faas snapshot exec "deep$((i - 1))" --snapshot "deep$i" "echo $i >>/work/n; echo $i >/work/f$i"
	done
	faas snapshot exec deep20 'wc -l </work/n; ls /work | wc -l'
	same "$output" $'21\n21' "files"
	faas snapshot exec deep7 'tail -1 /work/n; ls /work | wc -l'
	same "$output" $'7\n8' "files of an earlier one"
	for ((i = 0; i < 8; i++)); do
		"$FAAS" snapshot exec deep20 "echo $i >>/work/n; sleep 0.2; tail -1 /work/n" \
			>"out$i" 2>&1 3>&- &
		pids+=($!)
	done
	# these only: bats has a child that counts the time
	wait "${pids[@]}"
	for ((i = 0; i < 8; i++)); do
		same "$(<"out$i")" "$i" "run $i"
	done
	same "$(changes deep20 | tr '\n' ' ')" "A /work/f20 C /work/n " "changes of the last"
	same "$(changes deep18 deep20 | tr '\n' ' ')" "A /work/f19 A /work/f20 C /work/n " "of two"
	same "$(changes deep20 deep18 | tr '\n' ' ')" "D /work/f19 D /work/f20 C /work/n " "and back"
}

@test "snapshot diff: added, changed, deleted, replaced, and what is no change" {
	faas execute --snapshot d0 '
		mkdir -p /work/dir/sub /work/gone /work/same; cd /work
		echo x >dir/sub/f; echo x >gone/f; echo x >mode; echo x >same/f; ln -s a link
		echo x >touched; echo x >tofolder'
	faas snapshot exec d0 --snapshot d1 '
		cd /work; rm -r dir gone; mkdir dir; echo y >dir/new
		chmod 600 mode; ln -sfn b link; touch touched; echo x >same/f
		rm tofolder; mkdir tofolder; mkfifo pipe; rm /usr/bin/env; echo >>/etc/profile'
	same "$(changes d1 | sort -k2 | tr '\n' ' ')" "C /etc/profile D /usr/bin/env A /work/dir/new D /work/dir/sub D /work/dir/sub/f D /work/gone C /work/link C /work/mode A /work/pipe C /work/tofolder " "changes"
	faas 1 --json snapshot diff d1
	same "$(jq -r '.differences[] | select(.path == "/work/mode") |
		"\(.content) \(.mode_before) \(.mode_after)"' <<<"$output")" "false 0644 0600" "mode"
	faas 0 snapshot diff d1 d1
	faas snapshot exec d1 --snapshot d2 'true'
	faas 0 snapshot diff d2
	same "$(changes d2 d0 | sort -k2 | tr '\n' ' ')" "$(changes d1 d0 | sort -k2 | tr '\n' ' ')" "through an empty one"
	faas 3 snapshot diff no-such
	faas 3 snapshot diff d1 no-such
}

@test "snapshot diff: folders that were made again, and links in their place" {
	faas execute --snapshot again0 'mkdir -p /work/dir/sub /work/dir/other; echo x >/work/dir/sub/f'
	faas snapshot exec again0 --snapshot again1 'rm -r /work/dir; mkdir -p /work/dir/sub'
	same "$(changes again1 | tr '\n' ' ')" "D /work/dir/other D /work/dir/sub/f " "changes"
	faas snapshot exec again0 --snapshot again2 'rm -r /work/dir; ln -s /etc /work/dir'
	same "$(changes again2)" "C /work/dir" "a link"
	faas snapshot exec again0 --snapshot again3 'echo y >/work/dir/sub/g'
	has "$(changes again3 again2)" "D /work/dir/sub/g" "what is below the other's folder"
	has "$(changes again2 again3)" "A /work/dir/sub/g" "and back"
}

@test "snapshot: list, show, tree, tag and delete" {
	local id

	faas execute --snapshot t0 --label a=b true
	faas snapshot exec t0 --snapshot t1 true
	faas execute --snapshot '' true
	faas --json snapshot list
	same "$(jq -r '[.snapshots[] | select(.name == "t0" or .name == "t1") | .name] | join(" ")' <<<"$output")" \
		"t0 t1" "names, oldest first"
	faas --json snapshot show @last
	same "$(jq -r '"\(.name) \(.kind) \(.environment) \(.parent) \(.depth)"' <<<"$output")" \
		"null fs host null 1" "the latest"
	id=$(jq -r .id <<<"$output")
	faas snapshot tag "$id" t2 -m 'with spaces' --label x=y
	faas --json snapshot show t2
	same "$(jq -r '"\(.id) \(.comment) \(.labels.x)"' <<<"$output")" "$id with spaces y" "tagged"
	faas snapshot tag t2 --label x
	faas --json snapshot show "${id:0:6}"
	same "$(jq -c .labels <<<"$output")" "{}" "label taken away"
	faas 5 snapshot tag t2 t1
	has "$stderr" "already" "name taken"
	faas 2 snapshot tag t2
	faas 2 snapshot tag t2 'a b'
	faas snapshot tree
	has "$output" "-- $("$FAAS" --json snapshot show t1 3>&- | jq -r .id)  t1" "tree"
	faas 5 snapshot delete t0
	has "$stderr" "'t1' stands on it" "in use"
	faas snapshot delete t1
	faas snapshot delete t0
	faas 3 snapshot show t0
	faas 125 snapshot exec t0 -- true
	has "$stderr" "no snapshot 't0'" "message"
}

@test "snapshot: what cannot be kept leaves nothing" {
	local before

	faas execute true
	before=$(layers)
	faas 127 execute --snapshot never -- no-such-program
	faas 3 snapshot show never
	faas 126 execute --snapshot never --workdir /no/such -- true
	faas execute --snapshot once true
	faas 125 execute --snapshot once 'echo ran'
	same "$output" "" "output"
	has "$stderr" "already" "message"
	faas 125 execute --snapshot 'a b' true
	faas 125 execute --snapshot ../x true
	faas 125 execute --parent no-such true
	faas 125 execute --parent '' true
	faas 125 execute --mode branched true
	has "$stderr" "--parent" "hint"
	faas snapshot delete once
	eventually eval '[[ $(layers) == '"$before"' ]]'
}

@test "snapshot: the name of a run that failed is free as soon as it is told so" {
	for i in 1 2 3 4 5 6; do
		faas 126 execute --user nosuch --snapshot "free$i" true
		faas execute --snapshot "free$i" true
	done
}

@test "snapshot: one that a run begins with is not deleted" {
	faas execute --snapshot used true
	begin --parent used 'echo up; exec sleep 1000'
	faas 5 snapshot delete used
	has "$stderr" "in use" "message"
	kill "$client"
	ended 143
	eventually eval '"$FAAS" snapshot delete used 3>&-'
}

# create_with_id <id> <snapshot> <version of the protocol>: a run with an id of the
# client's choice; the answer
create_with_id() {
	python3 - "$FAAS_STATE_DIR/run/executor.sock" "$1" "$2" "$3" <<-'E'
		import json, socket, struct, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		s.settimeout(20)
		def ask(id, op, params):
		    frame = json.dumps({"id": id, "op": op, "params": params}).encode()
		    s.sendall(struct.pack("<I", len(frame)) + frame)
		    def take(n):
		        data = b""
		        while len(data) < n:
		            more = s.recv(n - len(data))
		            assert more, "closed"
		            data += more
		        return data
		    return take(struct.unpack("<I", take(4))[0]).decode()
		hello = ask(0, "hello", {"version": int(sys.argv[4])})
		assert "result" in json.loads(hello), hello
		print(ask(1, "execution.create", {"id": sys.argv[2], "snapshot": sys.argv[3],
		    "detach": True, "steps": [[["true"]]]}))
	E
}

@test "snapshot: the id of one is not used again, when its run is forgotten" {
	local id answer version

	faas execute --snapshot mine 'echo x >/work/x'
	id=$("$FAAS" --json snapshot show mine 3>&- | jq -r .id)
	faas execution delete "$id"
	version=$(awk '/define WIRE_VERSION_NUMBER/ { print $3 }' "$BATS_TEST_DIRNAME"/../../lib/wire/wire.h)
	answer=$(create_with_id "$id" other "$version")
	same "$(jq -r .error.code <<<"$answer")" exists "$answer"
	faas snapshot exec mine -- cat /work/x
	same "$output" x "file"
	faas 3 snapshot show other
}

@test "snapshot: more layers to remove than go at once" {
	local n

	faas execute true
	faas executor stop
	for ((n = 0; n < 150; n++)); do
		mkdir -p "$FAAS_STATE_DIR/layers/stray$n/u"
	done
	faas execute true
	eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers" | grep stray) ]]'
}

@test "snapshot: of an environment of its own" {
	mkdir -p tree/bin
	cp "$(command -v busybox)" tree/bin/sh
	echo base >tree/file
	faas env create snaptiny tree
	faas execute --env snaptiny --snapshot tiny1 'echo more >/file; echo new >/other'
	faas execute --parent tiny1 'read x </file; read y </other; echo $x $y'
	same "$output" "more new" "files"
	same "$(changes tiny1 | tr '\n' ' ')" "C /file A /other " "changes"
	faas execute --snapshot ofhost true
	faas 5 snapshot diff tiny1 ofhost
	has "$stderr" "environment" "message"
	faas 5 env delete snaptiny
	has "$stderr" "'tiny1' stands on" "message"
	faas 5 env create --replace snaptiny tree
	faas snapshot delete tiny1
	faas env delete snaptiny
}

@test "snapshot: a detached run, cancelled or not, is kept when it has ended" {
	faas execute -d --snapshot later 'echo x >/work/x; sleep 0.3'
	faas execution wait "$output"
	faas snapshot exec later -- cat /work/x
	same "$output" x "file"
	faas execute -d --snapshot cut 'echo x >/work/x; echo up; exec sleep 1000'
	id=$output
	eventually eval '"$FAAS" execution logs '"$id"' 3>&- | grep -q up'
	faas 3 snapshot show cut
	faas execution cancel "$id"
	eventually eval '"$FAAS" snapshot show cut 3>&-'
	faas snapshot exec cut -- cat /work/x
	same "$output" x "file"
}

@test "snapshot: without root" {
	[[ $(id -u) == 0 ]] || skip "needs root to become another user"
	local home=$BATS_TEST_TMPDIR/rootless

	mkdir "$home"
	cp "$FAAS" "$home/faas"
	cp "${FAAS%/*}/faas-archive" "${FAAS%/*}/faas-state" "$home/"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." "$BATS_RUN_TMPDIR/.."
	chown -R 65534:65534 "$home"
	cd "$home"
	unprivileged() {
		setpriv --reuid 65534 --regid 65534 --clear-groups env -u XDG_CONFIG_HOME \
			HOME="$home" FAAS_STATE_DIR="$home/state" ./faas "$@" 3>&-
	}
	unprivileged execute --snapshot r0 'echo one >/work/a; echo two >/etc/rootless'
	unprivileged snapshot exec r0 --snapshot r1 'cat /work/a /etc/rootless; rm /etc/rootless' >got
	same "$(<got)" $'one\ntwo' "files"
	unprivileged --json snapshot diff r1 >got || true
	same "$(jq -r '.differences[] | "\(.kind) \(.path)"' got)" "D /etc/rootless" "changes"
	unprivileged snapshot delete r1
	unprivileged snapshot delete r0
	unprivileged -q executor stop --now || true
}

@test "snapshot: an executor that dies meanwhile keeps it, or leaves nothing" {
	begin --snapshot survivor 'echo up; sleep 1; echo x >/work/x'
	kill -9 "$(executor_pid)"
	ended 0
	faas snapshot exec survivor -- cat /work/x
	same "$output" x "file"
	# one that nobody makes any more
	faas executor stop
	mkdir "$FAAS_STATE_DIR/layers/abandoned"
	faas execute true
	eventually eval '[[ ! -e $FAAS_STATE_DIR/layers/abandoned ]]'
}

@test "snapshot: on a full disk nothing is lost, and deleting makes room" {
	[[ $(id -u) == 0 ]] || skip "needs root to mount"
	mkdir small
	mount -t tmpfs -o size=8m tmpfs small
	export FAAS_STATE_DIR=$PWD/small/state
	faas execute --snapshot whole 'echo x >/work/x'
	sandboxed --snapshot filled 'head -c 100000000 /dev/zero >/work/big; echo $?'
	same "$output" 1 "the program was told"
	has "$stderr" "No space left" "and why"
	faas execute 'echo on'
	same "$output" on "others go on"
	faas snapshot exec whole -- cat /work/x
	same "$output" x "what was there"
	eventually eval '"$FAAS" snapshot delete filled 3>&-'
	faas execute --snapshot after 'head -c 1000000 /dev/zero >/work/y; wc -c </work/y'
	same "$output" 1000000 "there is room again"
	faas executor stop
	faas snapshot exec after 'wc -c </work/y'
	same "$output" 1000000 "after a restart"
	faas executor stop
	eventually umount small
}

@test "snapshot: df says what each holds" {
	faas execute --snapshot big 'head -c 1000000 /dev/urandom >/work/x; mkdir /work/d'
	faas execute --parent big --snapshot small 'echo x >/work/y'
	faas --json snapshot df
	same "$(jq -r '.snapshots[] | select(.name == "big") | .entries >= 2 and .bytes >= 1000000' \
		<<<"$output")" true "$output"
	same "$(jq -r '.snapshots[] | select(.name == "small") | .bytes < 100000 and .depth == 2' \
		<<<"$output")" true "$output"
	faas snapshot delete small
	faas snapshot delete big
}

# depth <snapshot>: how many layers it stands on, and its own
depth() {
	"$FAAS" --json snapshot show "$1" 3>&- | jq .depth
}

@test "snapshot: a long chain stays a short stack, and each sees what it should" {
	local i

	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state
	faas execute --snapshot link0 'echo 0 >/work/f0; mkdir /work/d; echo 0 >/work/d/0'
	for ((i = 1; i <= 80; i++)); do
		faas execute --parent "link$((i - 1))" --snapshot "link$i" "echo $i >/work/f$i
			rm /work/f$((i - 1)); rm -r /work/d; mkdir /work/d; echo $i >/work/d/$i"
	done
	eventually eval '(($(depth link80) <= 23))'
	faas execute --parent link80 'cd /work; ls; ls d; cat f80 d/80'
	same "$output" $'d\nf80\n80\n80\n80' "the last"
	faas execute --parent link40 'cd /work; ls; ls d; cat f40 d/40'
	same "$output" $'d\nf40\n40\n40\n40' "one in the middle"
	faas 1 snapshot diff link79 link80 --no-header
	same "$(awk '{ print $1 $2 }' <<<"$output" | tr '\n' ' ')" \
		"D/work/d/79 A/work/d/80 D/work/f79 A/work/f80 " "difference"
	faas 1 snapshot diff link0 link80 --no-header
	same "$(awk '{ print $1 $2 }' <<<"$output" | tr '\n' ' ')" \
		"D/work/d/0 A/work/d/80 D/work/f0 A/work/f80 " "difference from the first"
	faas executor stop
	faas execute --parent link80 'cat /work/f80'
	for ((i = 80; i >= 0; i--)); do
		faas snapshot delete "link$i"
	done
	eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers") ]]'
	faas executor stop
}
