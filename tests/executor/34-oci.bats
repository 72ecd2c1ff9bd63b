#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2154
#
# Environments from images made by umoci, copied by skopeo and served by docker-registry;
# the defaults of environments, and short names.

load sandbox

registry_answers() {
	python3 -c 'import sys, urllib.request
urllib.request.urlopen("http://127.0.0.1:%s/v2/" % sys.argv[1], timeout=5)' "$1"
}

# A port that is free now may not be so when the registry wants it: then another one.
start_registry() {
	local port pid

	for _ in 1 2 3 4 5; do
		port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
		cat >registry.yml <<-END
			version: 0.1
			log: {level: error}
			storage: {filesystem: {rootdirectory: $PWD/registry}}
			http: {addr: "127.0.0.1:$port"}
		END
		docker-registry serve registry.yml >registry.log 2>&1 3>&- &
		pid=$!
		while kill -0 $pid 2>/dev/null; do
			if registry_answers "$port" 2>/dev/null; then
				echo "$port" >port
				echo $pid >pid
				return
			fi
			read -rt 0.05 <> <(:) || true
		done
	done
	return 1
}

setup_file() {
	local tool

	for tool in docker-registry skopeo umoci busybox python3; do
		command -v $tool >/dev/null || return 0
	done
	cd "$BATS_FILE_TMPDIR" || return
	mkdir -p bin etc
	cp "$(command -v busybox)" bin/busybox
	ln -s busybox bin/sh
	ln -s busybox bin/cat
	ln -s busybox bin/ls
	echo 'root:x:0:0::/root:/bin/sh' >etc/passwd
	echo one >etc/data
	mkdir more
	echo two >more/two
	{
		umoci init --layout img
		umoci new --image img:v1
		umoci insert --image img:v1 bin /bin
		umoci insert --image img:v1 etc /etc
		umoci insert --image img:v1 --whiteout /etc/data
		umoci insert --image img:v1 more /more
		umoci insert --image img:v1 --opaque more /etc/opaque
		umoci config --image img:v1 --config.env COLOR=red --config.workingdir /more \
			--config.cmd /bin/sh --config.entrypoint /bin/cat \
			--config.label who=me --config.exposedports 80/tcp
		umoci tag --image img:v1 v2
	} >tools.log 2>&1 || return
	start_registry || return
	skopeo copy --dest-tls-verify=false oci:img:v1 "docker://127.0.0.1:$(<port)/app:v1" \
		>>tools.log 2>&1 || return
	skopeo copy --dest-tls-verify=false --format v2s2 oci:img:v1 \
		"docker://127.0.0.1:$(<port)/deep/er/docker:v1" >>tools.log 2>&1 || return
	skopeo copy oci:img:v1 docker-archive:saved.tar:app:v1 >>tools.log 2>&1 || return
	skopeo copy oci:img:v1 oci-archive:image.tar:v1 >>tools.log 2>&1
}

teardown_file() {
	[[ ! -e $BATS_FILE_TMPDIR/pid ]] || kill "$(<"$BATS_FILE_TMPDIR/pid")" || true
	end_executor
}

setup() {
	helpers_setup && own_executor
	requires_program docker-registry skopeo umoci busybox python3
	[[ -s $BATS_FILE_TMPDIR/port ]] || die "no registry: $(cat "$BATS_FILE_TMPDIR"/*.log)"
	AT=127.0.0.1:$(<"$BATS_FILE_TMPDIR/port")
	FROM=$BATS_FILE_TMPDIR
}

# holds <environment>: what the image has, and code runs in it
holds() {
	faas execute --env "$1" 'echo $COLOR $PWD; cat two; ls /etc'
	same "$output" $'red /more\ntwo\nopaque\npasswd' "code in $1"
	faas --json env show "$1"
	same "$(jq -c .image.entrypoint <<<"$output")" '["/bin/cat"]' "entrypoint"
	same "$(jq -c .image.cmd <<<"$output")" '["/bin/sh"]' "command"
	same "$(jq -c .image.ports <<<"$output")" '["80/tcp"]' "ports"
	same "$(jq -r .image.labels.who <<<"$output")" me "label"
	same "$(jq -r .kind <<<"$output")" image "kind"
}

@test "env pull: from a real registry, by tag and by docker's own format" {
	faas env pull "$AT/app:v1" --name pulled
	holds pulled
	faas env pull "docker://$AT/deep/er/docker:v1"
	holds "$AT/deep/er/docker:v1"
	faas 3 env pull "$AT/app:none" --name none
	has "$stderr" "no such thing" "a tag that is not there"
	faas 3 env pull "$AT/none" --name none
}

# said <file>: the plain lines of a pull, without digests and sizes, in no order
said() {
	grep '^blob' "$1" | sed 's/^blob sha256:[0-9a-f]\{12\}, [^:]*: //; s/ (.*//' | sort | uniq -c |
		sed 's/^ *//'
}

@test "env pull: off a terminal it says what begins and what is there, unless asked not to" {
	faas env prune
	layers=$(jq '.layers | length' "$FROM/img/blobs/sha256/$(jq -r \
		'.manifests[0].digest | ltrimstr("sha256:")' "$FROM/img/index.json")")
	run_faas env pull "$AT/app:v1" --name loud >out 2>err
	same "$(said err)" "$((layers + 1)) fetched"$'\n'"$((layers + 1)) fetching" "what is said"
	grep -q "($((layers + 1)) of $((layers + 1)) done)" err || die "the last: $(<err)"
	run_faas env pull "$AT/app:v1" --name loud --replace >out 2>err
	same "$(said err)" "$((layers + 1)) is here" "what is said of what is there"
	# a folder on this machine, and one who asks for JSON
	faas env prune
	run_faas env create loud2 --base "oci:$FROM/img:v1" --progress json >out 2>err
	same "$(jq -r 'select(.phase == "blob") | [.schema, .event, .state] | join(" ")' err |
		sort -u)" $'faas.v1 progress begun\nfaas.v1 progress done' "events"
	faas env prune
	run_faas --json env pull "docker-archive:$FROM/saved.tar" --name loud3 >out 2>err
	same "$(<err)" "" "beside --json"
	jq -e .name out >/dev/null
	run_faas --json env pull "$AT/app:v1" --name loud --replace --progress plain >out 2>err
	has "$(<err)" "blob sha256:" "beside --json, asked for"
	run_faas -q env pull "$AT/app:v1" --name loud --replace --progress plain >out 2>err
	same "$(<err)" "" "with -q"
	run_faas env pull "$AT/app:v1" --name loud --replace --progress none >out 2>err
	same "$(<err)" "" "with none"
	for name in loud loud2 loud3; do
		faas env delete "$name"
	done
}

@test "env build: --pull has the image that it begins with, and keeps it" {
	faas 125 env build built --base "$AT/app:v1" --layer 'cat two >/three'
	has "$stderr" "no snapshot or environment" "without it"
	faas 125 env build built --base "$AT/app:v1" --layer 'cat two >/three' --insecure
	has "$stderr" "--pull" "hint"
	faas env build built --pull --base "$AT/app:v1" --layer 'cat two >/three'
	faas execute --env built 'echo $COLOR $PWD; cat /three'
	same "$output" $'red /more\ntwo' "what was built"
	holds "$AT/app:v1"
	# one that is there is taken as it is, from a file of steps, too
	echo "FROM $AT/app:v1" >Chainfile
	faas env build built --replace --pull --file Chainfile --layer 'echo more >/three'
	faas execute --env built 'cat /three'
	same "$output" more "what was built on that"
	faas 125 env build none --pull --base "$AT/app:none" --layer 'echo ran >&2'
	lacks "$stderr" ran "messages"
	faas 125 env build none --pull --layer 'echo ran >&2'
	has "$stderr" "no base to pull" "no base"
	faas 125 env build none --pull --base "oci:$FROM/img:v1" --layer 'echo ran >&2'
	has "$stderr" "env pull" "hint"
	faas 3 env show none
}

@test "env pull: two at once share what they fetch" {
	faas env prune
	run_faas -q env pull "$AT/app:v1" --name twin1 >one 2>&1 &
	first=$!
	run_faas -q env pull "$AT/app:v1" --name twin2 >two 2>&1 &
	wait $first || die "the first: $(<one)"
	wait $! || die "the second: $(<two)"
	holds twin1
	holds twin2
	same "$(ls -A "$FAAS_STATE_DIR/blobs/partial")" "" "partial blobs"
}

@test "env create --base: layouts, archives of them, and docker save" {
	faas env create layout --base "oci:$FROM/img:v1"
	holds layout
	cp -r "$FROM/img" here
	faas env create here --base ./here:v2
	holds here
	faas env create archive --base "oci-archive:$FROM/image.tar"
	holds archive
	faas env create saved --base "docker-archive:$FROM/saved.tar"
	holds saved
	faas env create stdin --base - <"$FROM/saved.tar"
	holds stdin
	gzip -c "$FROM/image.tar" >image.tar.gz
	faas env create packed --base ./image.tar.gz
	holds packed
	faas --json env show layout
	same "$(jq -r .source <<<"$output")" "$(realpath "$FROM")/img" "source"
}

@test "env create --base: a layout that lies, or is none, leaves nothing" {
	mkdir empty
	faas 2 env create bad --base ./empty
	has "$stderr" "no image" "message"
	faas 3 env create bad --base "oci:$FROM/img:nothing"
	has "$stderr" "v1, v2" "the tags that there are"
	echo text >text
	faas 2 env create bad --base ./text
	cp -r "$FROM/img" lies
	for blob in lies/blobs/sha256/*; do
		(($(stat -c %s "$blob") < 100000)) || printf x | dd of="$blob" conv=notrunc status=none
	done
	faas env prune
	faas 7 env create bad --base ./lies:v1
	has "$stderr" "has the digest" "message"
	cp -r "$FROM/img" cut
	for blob in cut/blobs/sha256/*; do
		(($(stat -c %s "$blob") < 100000)) || truncate -s 5 "$blob"
	done
	faas 7 env create bad --base ./cut:v1
	has "$stderr" "manifest says" "message"
	cp -r "$FROM/img" out
	rm out/index.json
	ln -s /etc/passwd out/index.json
	faas 7 env create bad --base ./out
	has "$stderr" "leads out" "message"
	mkdir saved
	tar xf "$FROM/saved.tar" -C saved
	jq -c '.[0].Layers[0] = "../../etc/passwd"' saved/manifest.json >m
	mv m saved/manifest.json
	faas 7 env create bad --base ./saved
	faas 3 env show bad
	faas env list -q
	lacks "$output" bad "names"
}

@test "env create --base: what is given is stronger than what the image says" {
	faas env create own --base "oci:$FROM/img:v1" -e COLOR=blue -e EXTRA=1 -w /etc --memory 64M
	faas execute --env own 'echo $COLOR $EXTRA $PWD'
	same "$output" "blue 1 /etc" "defaults"
	faas 5 env create own --base "oci:$FROM/img:v1"
	has "$stderr" "--replace" "hint"
	faas env create own --replace --base "oci:$FROM/img:v1"
	holds own
}

@test "env update: changes what the next execution begins with" {
	mkdir -p tree/bin tree/data
	cp "$(command -v busybox)" tree/bin/sh
	faas env create changed tree -e COLOR=red -e KEEP=1 --memory 64M --pids 50
	faas execute --env changed 'echo $COLOR$KEEP'
	same "$output" red1 "before"
	faas env update changed -e COLOR=blue --unset KEEP -w /data --no-limit pids --memory 80M \
		--cache none
	faas execute --env changed --status-file status 'echo $COLOR$KEEP $PWD'
	same "$output" "blue /data" "after"
	has "$(<status)" '"memory":83886080' "limit"
	faas --json env show changed
	lacks "$output" '"pids"' "a limit that was taken away"
	same "$(jq -r .cache <<<"$output")" none "cache strategy"
	faas executor stop
	faas execute --env changed 'echo $COLOR'
	same "$output" blue "after a restart"
	faas 2 env update changed
	faas 2 env update changed --no-limit time
	faas 2 env update changed -w not/absolute
	faas 3 env update missing -e A=b
	faas 5 env update host -e A=b
}

@test "env prune: frees the layers, and environments stay whole" {
	faas env pull "$AT/app:v1" --name kept
	faas --json env prune --dry-run
	(($(jq .blobs <<<"$output") > 0)) || die "nothing is kept: $output"
	faas --json env prune
	(($(jq .size_bytes <<<"$output") > 0)) || die "nothing was freed: $output"
	same "$(find "$FAAS_STATE_DIR/blobs" -type f)" "" "blobs"
	holds kept
}

@test "env alias: short names of one's own, and those that are built in" {
	faas env alias list
	has "$output" alpine-fast "built in"
	faas env alias set mine "$AT/app:v1"
	faas env alias set anytag "$AT/app"
	faas env pull mine
	holds mine
	faas env pull anytag:v1
	holds anytag:v1
	faas --json env alias list
	same "$(jq -r '.aliases[] | select(.name == "mine") | .reference' <<<"$output")" \
		"$AT/app:v1" "listed"
	faas env alias delete mine
	faas env alias list
	lacks "$output" mine "deleted"
	faas 3 env alias delete mine
	faas 3 env alias delete alpine-fast
	faas 2 env alias set a/b alpine
	faas 2 env alias set ok "Not An Image"
	echo 'one two three' >>home/.config/faas/images
	faas 2 env alias list
	has "$stderr" "line" "which line is wrong"
}

# the same names, kinds, modes, times, links and contents
same_trees() {
	same "$(cd "$1" && find . -printf '%P %y %m %T@ %n %l\n' | LC_ALL=C sort)" \
		"$(cd "$2" && find . -printf '%P %y %m %T@ %n %l\n' | LC_ALL=C sort)" "$1 and $2"
	diff -r --no-dereference "$1" "$2"
}

@test "env export: an archive has what the environment has, and makes the same one" {
	mkdir -p tree/bin tree/deep/er tree/empty
	cp "$(command -v busybox)" tree/bin/sh
	ln tree/bin/sh tree/bin/cat
	ln -s ../bin/sh tree/deep/link
	echo x >tree/deep/er/$'na\xefve'
	echo y >tree/deep/er/naïve
	printf 'z%.0s' {1..70000} >"tree/$(printf 'n%.0s' {1..200})"
	truncate -s 3M tree/sparse
	chmod 1777 tree/empty
	faas env create whole tree
	root=$(find "$FAAS_STATE_DIR/env" -mindepth 1 -maxdepth 1 -newer tree/sparse \
		-exec test -e {}/sparse \; -print)
	for end in tar tar.gz tar.zst; do
		faas env export whole "out.$end"
		mkdir "out-$end"
		tar xpf "out.$end" -C "out-$end"
		same_trees "$root" "out-$end"
	done
	faas env export whole again.tar.zst
	cmp out.tar.zst again.tar.zst
	"$FAAS" env export whole - --format tar 3>&- | cmp - out.tar
	faas env create twice out.tar.zst
	faas execute --env twice -w / 'cat deep/er/naïve'
	same "$output" y "code in the copy"
}

@test "env export: an image that skopeo and umoci read, and pull takes back" {
	faas env create source --base "oci:$FROM/img:v1"
	faas env export source oci:layout --tag v7
	faas env export source oci-archive:image.tar
	skopeo copy oci:layout:v7 oci:copied:v7 >log 2>&1 || die "skopeo: $(<log)"
	skopeo copy oci-archive:image.tar "docker-archive:saved.tar:x:1" >log 2>&1 || die "$(<log)"
	skopeo inspect --config oci:layout:v7 >config
	same "$(jq -c .config.Env config)" '["COLOR=red"]' "variables"
	same "$(jq -c .config.Cmd config)" '["/bin/sh"]' "command"
	same "$(jq -r .config.WorkingDir config)" /more "folder"
	((EUID)) || umoci unpack --image layout:v7 bundle >log 2>&1 || die "umoci: $(<log)"
	((EUID)) || same "$(cat bundle/rootfs/more/two)" two "what umoci has unpacked"
	faas env create back --base ./layout
	holds back
	faas env create archived --base ./image.tar
	holds archived
	faas env create resaved --base ./saved.tar
	holds resaved
}

@test "env export: nothing is overwritten, nothing half written stays" {
	mkdir -p tree dir
	echo x >tree/x
	faas env create small tree
	echo mine >taken.tar
	faas 5 env export small taken.tar
	same "$(<taken.tar)" mine "the file"
	faas env export small taken.tar --force
	has "$(tar tf taken.tar)" x "the archive"
	faas 5 env export small oci:dir
	faas 2 env export small what
	faas 2 env export small oci:x --format tar.gz
	faas 2 env export small x.tar --tag v1
	faas 3 env export missing x.tar
	faas 5 env export host x.tar
	faas 3 env export small no/where/x.tar
	same "$(ls -I 'separate-*')" $'dir\nhome\nstore\ntaken.tar\ntree' "what is there"
	faas env delete small
}
