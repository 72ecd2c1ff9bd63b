load sandbox

# Snapshots as one file (lib/statehelper/export.c, lib/executor/snapshot-import.c).

setup_file() {
	export FAAS_STATE_DIR=$BATS_FILE_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
	cd "$BATS_FILE_TMPDIR" || return
	"$FAAS" execute --snapshot arc0 --label a=b 'cd /work; echo one >x; ln x y; mkdir d sticky; echo f >d/f
		chmod 1777 sticky; mkfifo p; ln -s ../../../../x l; truncate -s 5M hole; echo end >>hole
		printf "x%.0s" $(seq 3000) >"$(printf "name\377")"; chmod 640 x; rm /etc/profile; rm -r /etc/skel; mkdir /etc/skel' 3>&-
	"$FAAS" snapshot exec arc0 --snapshot arc1 'echo two >/work/x; rm -r /work/d' 3>&-
	"$FAAS" snapshot create arc1-wait --snapshot arc1 --sync >/dev/null 3>&-
	"$FAAS" snapshot export arc1 arc1.file 3>&-
}

# nothing_new: no snapshot, no layer and nothing half done since 'before'
state_now() {
	run_faas -q snapshot list | sort
	# what is being removed is hidden, for a moment
	find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 -name '[!.]*' -printf '%f\n' | sort
}

nothing_new() {
	same "$(state_now)" "$before" "snapshots and layers after $1"
	eventually eval '[[ -z $(find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 -name ".*") ]]'
}

checksum() {
	run_faas --json snapshot show "$1" | jq -r .checksum
}

# rewrite <out> <python statements on 'm', a list of (TarInfo, bytes or None)>
rewrite() {
	requires_program zstd
	zstd -qdc "$BATS_FILE_TMPDIR/arc1.file" >in.tar
	python3 - "$2" <<-'E'
		import io, json, sys, tarfile
		m = []
		with tarfile.open("in.tar") as t:
		    for e in t:
		        m.append((e, t.extractfile(e).read() if e.isreg() else None))
		def entry(name, type=tarfile.REGTYPE, data=b"", link="", **more):
		    e = tarfile.TarInfo(name)
		    e.type = type
		    e.linkname = link
		    e.size = len(data) if type == tarfile.REGTYPE else 0
		    for k, v in more.items():
		        setattr(e, k, v)
		    return (e, data if type == tarfile.REGTYPE else None)
		def find(name):
		    return next(i for i, (e, d) in enumerate(m) if e.name == name)
		def change_manifest(change):
		    j = json.loads(m[0][1])
		    change(j)
		    m[0] = entry("faas-snapshot.json", data=json.dumps(j).encode())
		exec(sys.argv[1])
		with tarfile.open("out.tar", "w", format=tarfile.PAX_FORMAT) as t:
		    for e, d in m:
		        e.pax_headers = {k: v for k, v in e.pax_headers.items() if not k.startswith("GNU.sparse")}
		        if d is not None:
		            e.size = len(d)
		            e.type = tarfile.REGTYPE
		        t.addfile(e, io.BytesIO(d) if d is not None else None)
	E
	zstd -qf out.tar -o "$1"
}

@test "snapshot export: and import give the same files and the same checksum" {
	faas snapshot import "$BATS_FILE_TMPDIR/arc1.file" --name back
	faas 1 snapshot diff back
	eventually eval '[[ $(checksum back) == "$(checksum arc1)" ]]'
	faas 0 snapshot diff arc1 back
	faas --json snapshot show back
	same "$(jq -r '"\(.depth) \(.environment)"' <<<"$output")" "2 host" "record"
	faas --json snapshot show "$(jq -r .parent <<<"$output")"
	same "$(jq -rc '"\(.name) \(.labels)"' <<<"$output")" 'null {"a":"b"}' "the one below"
	faas snapshot exec back 'cd /work; cat x y; test ! -e d; test -p p; readlink l; stat -c %a sticky y
		stat -c %h y; tail -c 4 hole; stat -c %s hole; ls | grep -c name; ls -A /etc/skel; test ! -e /etc/profile'
	same "$output" $'two\none\n../../../../x\n1777\n640\n2\nend\n5242884\n1' "files"
	faas snapshot check back
	# the hole is one still
	(($(stat -c %b "$FAAS_STATE_DIR/layers/$("$FAAS" --json snapshot show back 3>&- | jq -r '.layers[1]')/u/work/hole") < 1000))
}

@test "snapshot export: through a pipe, and only what is above another" {
	faas 1 snapshot diff arc1
	"$FAAS" snapshot export arc1 - --since arc0 3>&- | "$FAAS" snapshot import - --name since 3>&- >imported
	faas --json snapshot show since
	same "$(jq -r .parent <<<"$output")" "$("$FAAS" --json snapshot show arc0 3>&- | jq -r .id)" "parent"
	same "$(jq '.layers | length' <<<"$output")" 2 "layers"
	faas 0 snapshot diff arc1 since
	faas 5 snapshot export arc1 nowhere --since since
	faas 5 snapshot export arc0 nowhere --since arc1
	has "$stderr" "does not stand on" "message"
	[[ ! -e nowhere ]]
	# the other side has it not
	faas execute --snapshot lonely true
	faas snapshot exec lonely --snapshot lonely2 'echo x >/work/lonely'
	faas snapshot create lonely3 --snapshot lonely --sync
	faas snapshot export lonely2 l.file --since lonely
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/other faas 3 snapshot import l.file
	has "$stderr" "is not here" "message"
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/other faas executor stop
}

@test "snapshot export: bad arguments and places leave nothing" {
	faas 3 snapshot export no-such f
	faas 2 snapshot export arc1 f --compress 99
	faas 3 snapshot export arc1 /no/such/folder/f
	echo mine >f
	faas 5 snapshot export arc1 f
	same "$(<f)" mine "a file that is there"
	faas snapshot export arc1 f --force --compress 19
	faas snapshot import f --name forced
	run bash -c '"$FAAS" snapshot export arc1 - 3>&- >/dev/full'
	same "$status" 1 "a full disk"
	has "$output" "No space left" "message"
	same "$(ls | grep -v separate)" $'f\nhome\nstore' "what is left"
}

@test "snapshot import: a signature is made and checked" {
	requires_program openssl
	openssl genpkey -algorithm ed25519 -out key.pem
	openssl pkey -in key.pem -pubout -out public.pem
	openssl genpkey -algorithm ed25519 -out other.pem
	openssl pkey -in other.pem -pubout -out other-public.pem
	faas snapshot export arc1 signed --sign key.pem
	faas snapshot import signed --verify public.pem --name signed
	before=$(state_now)
	faas 4 snapshot import signed --verify other-public.pem --name no
	has "$stderr" "not of this key" "message"
	faas 4 snapshot import "$BATS_FILE_TMPDIR/arc1.file" --verify public.pem --name no
	has "$stderr" "not signed" "message"
	faas 2 snapshot import signed --verify key.pem --name no
	has "$stderr" "Ed25519 public" "message"
	faas 2 snapshot export arc1 nothing --sign public.pem
	[[ ! -e nothing ]]
	cp signed "$BATS_FILE_TMPDIR/arc1.signed"
	mv "$BATS_FILE_TMPDIR/arc1.file" keep
	cp signed "$BATS_FILE_TMPDIR/arc1.file"
	rewrite changed 'change_manifest(lambda j: j["layers"][1].update(comment="forged"))'
	mv keep "$BATS_FILE_TMPDIR/arc1.file"
	faas 4 snapshot import changed --verify public.pem --name no
	has "$stderr" "not of this key" "message of a changed manifest"
	nothing_new "wrong signatures"
}

@test "snapshot import: damaged and truncated files change nothing" {
	local size n

	before=$(state_now)
	size=$(stat -c %s "$BATS_FILE_TMPDIR/arc1.file")
	for n in 0 1 100 $((size / 2)) $((size - 10)) $((size - 1)); do
		head -c "$n" "$BATS_FILE_TMPDIR/arc1.file" >cut
		faas 2 snapshot import cut --name no
	done
	for n in 10 $((size / 3)) $((size / 2)) $((size - 30)); do
		cp "$BATS_FILE_TMPDIR/arc1.file" bad
		printf '\x5a\xa5\x5a' | dd of=bad bs=1 seek="$n" conv=notrunc status=none
		run --separate-stderr run_faas snapshot import bad --name no
		((status == 1 || status == 2)) || die "byte $n: status $status: $stderr"
	done
	head -c 100000 /dev/urandom >noise
	faas 2 snapshot import noise --name no
	faas 3 snapshot import no-such-file
	faas 1 snapshot import / || true
	tar -cf env.tar --zstd -C "$BATS_FILE_TMPDIR" arc1.file 2>/dev/null || zstd -qf "$BATS_FILE_TMPDIR/arc1.file" -o env.tar
	faas 2 snapshot import env.tar --name no
	nothing_new "damaged files"
}

@test "snapshot import: hostile files change nothing" {
	local count=0 what

	before=$(state_now)
	while IFS= read -r what; do
		rewrite "evil$((++count))" "$what"
		run --separate-stderr run_faas snapshot import "evil$count" --name no
		((status == 2 || status == 6 || status == 3)) || die "$what: status $status: $output $stderr"
		has "$stderr" "faas: nothing was imported: " "message of: $what"
		nothing_new "$what"
	done <<-'E'
		m.append(entry("../../../escaped", data=b"x"))
		m.append(entry("/tmp/escaped", data=b"x"))
		m.append(entry("layers/0/u/../../../../escaped", data=b"x"))
		m.append(entry("escaped", data=b"x"))
		m.append(entry("opaque", data=b"layers/0/u\0"))
		m.append(entry("layers/0/w/x", data=b"x"))
		m.append(entry("layers/2/u/x", data=b"x"))
		m.append(entry("layers/0/u/dev", tarfile.CHRTYPE, devmajor=1, devminor=3))
		m.append(entry("layers/0/u/blk", tarfile.BLKTYPE, devmajor=0, devminor=0))
		m.append(entry("layers/0/u/hard", tarfile.LNKTYPE, link="layers/1/u/work/x"))
		m.append(entry("layers/0/u/hard", tarfile.LNKTYPE, link="faas-snapshot.json"))
		m.append(entry("layers/0/u/hard", tarfile.LNKTYPE, link="/etc/passwd"))
		m.append(entry("layers/0/u/hard", tarfile.LNKTYPE, link="layers/0/u/../../../x"))
		m += [entry("layers/0/u/s", tarfile.SYMTYPE, link="/etc"), entry("layers/0/u/s/escaped", data=b"x")]
		m[0] = entry("faas-snapshot.json", tarfile.SYMTYPE, link="/etc/passwd")
		m.append(entry("layers/0/u/new", data=b"x"))
		m.pop(find("layers/0/u/work/y"))
		m[find("layers/0/u/work/p")][0].mode = 0o777
		m.append(entry("layers/0/u/new", data=b"x", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/etc"}))
		m.append(entry("layers/0/u/new", data=b"x", pax_headers={"SCHILY.xattr.security.capability": "x"}))
		m[find("layers/0/u/etc/skel")][0].pax_headers = {}
		m[find("layers/0/u/work")][0].pax_headers = {"SCHILY.xattr.trusted.overlay.opaque": "y"}
		change_manifest(lambda j: j.update(format="faas.snapshot.v99"))
		change_manifest(lambda j: j.update(layers=[]))
		change_manifest(lambda j: j.update(layers=j["layers"][:1]))
		change_manifest(lambda j: j["layers"][0].update(digest="00" * 64))
		change_manifest(lambda j: j["layers"][0].update(digest=7))
		change_manifest(lambda j: j.update(environment=None))
		change_manifest(lambda j: j.update(environment={"name": "no-such-environment"}))
		change_manifest(lambda j: j.update(environment={"name": "../../etc"}))
		change_manifest(lambda j: j.update(base={"id": "x"}))
		change_manifest(lambda j: j.update(base={"id": "x", "checksum": "y"}))
		change_manifest(lambda j: j["layers"][0].update(labels={"x": 7}))
		change_manifest(lambda j: j["layers"][1].update(comment="x" * 5000))
		m[0] = entry("faas-snapshot.json", data=b"[" * 100000)
		m.pop(0)
		m.append(entry("faas-snapshot.json", data=b"{}"))
	E
	same "$count" 37 "how many"
	[[ ! -e /tmp/escaped && ! -e $FAAS_STATE_DIR/escaped ]]
}

@test "snapshot import: set-user-ID is taken away, and a bomb is refused" {
	rewrite setuid 'm[find("layers/0/u/work/x")][0].mode = 0o4640'
	faas snapshot import setuid --name setuid
	faas snapshot exec setuid -- stat -c %a /work/y
	same "$output" 640 "mode"
	before=$(state_now)
	rewrite bomb 'm.append(entry("layers/0/u/bomb", data=bytes(200 << 20)))'
	faas 1 snapshot import bomb --name no --max-size 50M
	has "$stderr" "nothing was imported" "message"
	nothing_new bomb
}

@test "snapshot import: of an environment that is not here, and of another" {
	mkdir -p tree/bin
	cp "$(command -v busybox)" tree/bin/sh
	faas env create arctiny tree
	faas env create arctiny2 tree
	faas execute --env arctiny --snapshot arcenv 'echo x >/file'
	faas snapshot export arcenv e.file
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/other faas 3 snapshot import e.file
	has "$stderr" "--environment" "hint"
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/other faas executor stop
	faas snapshot import e.file --name arcenv2 --environment arctiny2
	faas execute --parent arcenv2 'read x </file; echo $x'
	same "$output" x "file"
	faas 5 snapshot import e.file
	has "$stderr" "already" "the name is taken"
}

@test "snapshot import: without root what was exported with it, and back" {
	[[ $(id -u) == 0 ]] || skip "needs root to become another user"
	local home=$BATS_TEST_TMPDIR/rootless

	mkdir "$home"
	cp "$FAAS" "${FAAS%/*}/faas-archive" "${FAAS%/*}/faas-state" "$home/"
	cp "$BATS_FILE_TMPDIR/arc1.file" "$home/"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." "$BATS_RUN_TMPDIR/.."
	chown -R 65534:65534 "$home"
	cd "$home"
	unprivileged() {
		setpriv --reuid 65534 --regid 65534 --clear-groups env -u XDG_CONFIG_HOME \
			HOME="$home" FAAS_STATE_DIR="$home/state" "$home/faas" "$@" 3>&-
	}
	unprivileged execute true || skip "no sandboxes without root here"
	unprivileged snapshot import arc1.file --name there >imported
	unprivileged snapshot exec there 'cd /work; cat x y; ls -A /etc/skel; test ! -e /etc/profile; test ! -e d'
	unprivileged snapshot export there back.file >exported
	unprivileged executor stop --now
	faas snapshot import back.file --name from-rootless
	faas 0 snapshot diff arc1 from-rootless
}

@test "snapshot export: what reads strangers' files keeps no more rights than that takes" {
	[[ -z ${SANITIZE-} ]] || skip "no filter under a sanitizer"
	[[ $(id -u) == 0 ]] || skip "needs root's capabilities"
	local pid

	faas execute --snapshot walls 'head -c 3000000 /dev/urandom >/work/x'
	mkfifo pipe
	"$FAAS" snapshot export walls - >pipe 2>err 3>&- &
	client=$!
	exec 7<pipe
	# it waits with what the pipe has no room for
	head -c 1000 <&7 >/dev/null
	# another one may still look at the new snapshot
	alone() {
		[[ $(pgrep -c -P "$(executor_pid)" faas-state) == 1 ]]
	}
	eventually alone
	pid=$(pgrep -P "$(executor_pid)" faas-state)
	same "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" 2 "filter"
	same "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")" 1 "no new privileges"
	same "$(awk '/^Cap(Eff|Prm)/ { print $2 }' "/proc/$pid/status" | sort -u)" 0000000000200002 "capabilities"
	(($(awk '/^Threads/ { print $2 }' "/proc/$pid/status") > 1)) || die "it compresses in one thread"
	cat <&7 >/dev/null
	exec 7<&-
	wait "$client"
}
