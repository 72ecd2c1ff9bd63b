load sandbox

# a root file system of one static program and a few files
make_tree() {
	mkdir -p tree/bin tree/etc
	cp "$(command -v busybox)" tree/bin/busybox
	ln -s busybox tree/bin/sh
	ln -s busybox tree/bin/cat
	echo 'root:x:0:0::/root:/bin/sh' >tree/etc/passwd
	echo content >tree/data
}

@test "env create: from a folder and from archives, and code runs in each" {
	requires_program busybox
	make_tree
	tar czf tree.tgz -C tree .
	tar cJf tree.txz -C tree .
	for from in tree tree.tgz tree.txz; do
		faas env create "e-${from//./-}" "$from"
		faas execute --env "e-${from//./-}" 'cat /data'
		same "$output" content "code in an environment from $from"
	done
	faas env list -q
	same "$(sort <<<"$output" | xargs)" "e-tree e-tree-tgz e-tree-txz host" "names"
	faas env create stdin - <tree.tgz
	faas execute --env stdin 'cat /data'
	same "$output" content "from standard input"
}

@test "env create: variables, folder and limits are defaults of its programs" {
	requires_program busybox
	make_tree
	faas env create tuned tree -e COLOR=red -w /etc --memory 64M --pids 50
	faas execute --env tuned 'echo "$COLOR $PWD"'
	same "$output" "red /etc" "defaults"
	faas execute --env tuned -e COLOR=blue -w / 'echo "$COLOR $PWD"'
	same "$output" "blue /" "the command line is stronger"
	faas execute --env tuned --status-file status true
	has "$(<status)" '"memory":67108864' "limit of memory"
	has "$(<status)" '"pids":50' "limit of processes"
	faas --json env show tuned
	has "$output" '"memory":67108864' "shown"
}

@test "env create: a name that is taken is refused, and --replace replaces" {
	requires_program busybox
	make_tree
	faas env create taken tree
	faas 5 env create taken tree
	has "$stderr" "--replace" "hint"
	echo newer >tree/data
	faas env create --replace taken tree
	faas execute --env taken 'cat /data'
	same "$output" newer "the new one"
	faas 5 env create host tree
}

@test "env create: a pipe is read as slowly as it is written" {
	mkdir tree
	echo text >tree/file
	mkfifo pipe
	faas -q env create substituted <(sleep 0.3; tar c -C tree .)
	(sleep 0.3; tar c -C tree . >pipe) 3>&- &
	faas -q env create named pipe
	wait $!
	faas --json env list
	has "$output" '"name":"substituted"' "process substitution"
	has "$output" '"name":"named"' "named pipe"
}

@test "env create: bad names, missing and hostile sources leave nothing" {
	faas 2 env create ../x /
	faas 2 env create "a b" /
	faas 3 env create gone ./nothing
	mkdir hostile
	(cd hostile && touch f && tar cPf ../hostile.tar --transform 's,f,/etc/evil,' f)
	faas 2 env create bad hostile.tar
	has "$stderr" "etc/evil" "the entry is named"
	echo "not an archive" >text
	faas 2 env create bad text
	faas 3 env show bad
	eventually no_folders
}

# what was refused is removed, and only environments that exist have a folder
no_folders() {
	local have want

	have=$(find "$FAAS_STATE_DIR/env" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
	want=$("$FAAS" env list -q 3>&- | grep -vcx host)
	((have == want))
}

@test "env delete: removes it, and not while it is used" {
	requires_program busybox
	make_tree
	faas env create used tree
	faas execute --env used -d 'read x </dev/full; while :; do :; done'
	id=$output
	faas 5 env delete used
	has "$stderr" "$id" "who uses it"
	faas execution cancel --grace 0s "$id"
	run "$FAAS" execution wait "$id" 3>&-
	faas env delete used
	faas 3 env show used
	faas 125 execute --env used true
	faas 5 env delete host
	eventually no_folders
}

@test "env list: is JSON with --json, with host in it from the start" {
	faas --json env list
	has "$output" '"name":"host"' "host"
	faas env list --fields name --no-header
	has "$output" host "fields"
}

@test "env create: what expands too much is refused, and can be given decompressed" {
	mkdir thin
	head -c 80000000 /dev/zero >thin/zeros
	tar czf thin.tgz -C thin .
	faas 1 env create thin thin.tgz
	has "$stderr" "more than 200 times" "message"
	has "$stderr" "decompress" "hint"
	gzip -dc thin.tgz >thin.tar
	faas env create thin thin.tar
	faas env delete thin
}
