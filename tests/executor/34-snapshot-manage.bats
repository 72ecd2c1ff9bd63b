load sandbox

# Snapshots made, chosen, checked and deleted without a run (lib/executor/snapshot-*.c).

# ids <filter>: names, or ids, of the listed snapshots
names() {
	run_faas --json snapshot list "$@" | jq -r '[.snapshots[].name] | join(" ")'
}

id_of() {
	run_faas --json snapshot show "$1" | jq -r .id
}

# synced <snapshot>: it is on the disk, and measured
synced() {
	[[ $(run_faas --json snapshot show "$1" | jq .synced) == true ]]
}

@test "snapshot create: of an execution that kept its files, and of one that did not" {
	local id

	faas execute --snapshot '' --id-file id 'echo x >/work/x'
	id=$(<id)
	faas snapshot create mk-run --execution "$id" -m why --label a=b
	faas --json snapshot show mk-run
	same "$(jq -r '"\(.parent) \(.comment) \(.labels.a) \(.execution) \(.depth)"' <<<"$output")" \
		"$id why b $id 1" "record"
	faas snapshot exec mk-run -- cat /work/x
	same "$output" x "file"
	faas 1 snapshot diff "$id"
	faas snapshot diff mk-run --no-header
	same "$output" "" "one more name is no change"
	# the first one is needed as long as the other is there
	faas 5 snapshot delete "$id"
	has "$stderr" "'mk-run' stands on it" "message"
	faas snapshot delete mk-run
	faas snapshot exec "$id" -- cat /work/x
	same "$output" x "file, when the other has gone"
	faas execute --id-file id2 true
	faas 5 snapshot create mk-no --execution "$(<id2)"
	has "$stderr" "--snapshot" "hint"
	faas 3 snapshot create mk-no --execution no-such
	faas 3 snapshot show mk-no
	# as it is said elsewhere
	faas snapshot create --execution-id "$id" --name mk-seed
	faas snapshot delete mk-seed
}

@test "snapshot create: of a branch and of an environment" {
	faas execute --snapshot mk-base 'echo 1 >/work/n'
	faas branch mk-base --branch mk-branch
	faas branch exec mk-branch 'echo 2 >/work/n'
	faas snapshot create mk-head --branch mk-branch
	faas branch exec mk-branch 'echo 3 >/work/n'
	faas snapshot exec mk-head -- cat /work/n
	same "$output" 2 "as it was then"
	faas branch delete mk-branch
	faas snapshot exec mk-head -- cat /work/n
	same "$output" 2 "when the branch has gone"
	faas snapshot create mk-env --environment host --sync
	has "$output" "synced" "shown"
	synced mk-env
	faas snapshot exec mk-env --snapshot mk-env2 'echo x >/work/x; test -w /tmp; stat -c %a /tmp'
	same "$output" 1777 "mode"
	faas snapshot diff mk-env --no-header
	same "$output" "" "nothing in it"
	faas 1 snapshot diff mk-env2
	has "$output" /work/x "what a run on it left"
	faas 3 snapshot create mk-bad --environment no-such
	faas 3 snapshot create mk-bad --branch no-such
	faas 2 snapshot create mk-bad
	faas 2 snapshot create mk-bad --branch x --environment host
	has "$stderr" "one thing" "message"
	faas 2 snapshot create 'a b' --environment host
	faas 5 snapshot create mk-env --environment host
	has "$stderr" "already" "message"
	faas 2 snapshot create mk-bad --environment host --ttl soon
	faas 3 snapshot show mk-bad
}

@test "snapshot: a time to live, changed and taken away" {
	faas execute --snapshot ttl-run --snapshot-ttl 1s true
	faas execute --snapshot ttl-base true
	faas snapshot create ttl-made --environment host --ttl 7d
	faas snapshot tag ttl-made --ttl none
	faas --json snapshot show ttl-made
	same "$(jq .expires_at <<<"$output")" null "taken away"
	faas snapshot exec ttl-base --snapshot ttl-child true
	faas snapshot tag ttl-base --ttl 1s
	eventually eval '! "$FAAS" snapshot show ttl-run 3>&-'
	# needed, and so kept until it is not
	eventually eval '(($("$FAAS" --json snapshot show ttl-base 3>&- | jq -r ".expires_at | sub(\"\\\\.[0-9]+\"; \"\") | fromdate") < $(date +%s)))'
	faas snapshot show ttl-base
	faas snapshot delete ttl-child
	eventually eval '! "$FAAS" snapshot show ttl-base 3>&-'
	faas 2 snapshot tag ttl-made --ttl 0
	faas 125 execute --snapshot-ttl 1s true
	# when nobody was there to look
	faas snapshot tag ttl-made --ttl 1s
	faas executor stop
	sleep 1.1
	faas execute true
	eventually eval '! "$FAAS" snapshot show ttl-made 3>&-'
}

@test "snapshot list: filters and order" {
	faas execute --snapshot ls-b --label team=core 'head -c 300000 /dev/zero | tr "\0" x >/work/f'
	faas execute --snapshot ls-a --label team=core --label x=y true
	faas snapshot create ls-c --environment host
	eventually synced ls-a
	eventually synced ls-c
	same "$(names --name 'ls-*')" "ls-b ls-a ls-c" "by name"
	same "$(names --name 'ls-?' --label team=core)" "ls-b ls-a" "by label"
	same "$(names --label team=core --label x=y)" "ls-a" "by labels"
	same "$(names --name 'ls-*' -n 2)" "ls-a ls-c" "the newest"
	same "$(names --name 'ls-*' --sort name)" "ls-a ls-b ls-c" "order"
	same "$(names --name 'ls-*' --sort size --reverse)" "ls-b ls-c ls-a" "largest first"
	same "$(names --name 'ls-*' --since 1h -r)" "ls-c ls-a ls-b" "since"
	same "$(names --environment no-such)" "" "none"
	faas 2 snapshot list --label team
	faas 2 snapshot list --sort x
	# a list that is longer than a page
	faas --json snapshot list --name 'ls-b'
	same "$(jq -c '.snapshots[0] | [.entries > 0, .bytes >= 300000, .synced, (.checksum | length)]' <<<"$output")" \
		"[true,true,true,64]" "measured"
}

@test "snapshot: the same steps have the same checksum, others have another" {
	local n

	for n in 1 2; do
		faas execute --snapshot "sum$n" 'mkdir /work/d; echo x >/work/d/f; ln /work/d/f /work/g; ln -s a /work/l
			rm -r /etc/skel; mkdir /etc/skel; rm /etc/profile; truncate -s 1M /work/hole'
		faas snapshot exec "sum$n" --snapshot "sum$n-next" 'echo y >>/work/d/f'
	done
	faas execute --snapshot sum3 'mkdir /work/d; echo x >/work/d/f; ln /work/d/f /work/g; ln -s a /work/l
		rm -r /etc/skel; mkdir /etc/skel; rm /etc/profile; head -c 1M /dev/zero >/work/hole'
	faas execute --snapshot sum4 'mkdir /work/d; echo x >/work/d/f; ln /work/d/f /work/g; ln -s b /work/l
		rm -r /etc/skel; mkdir /etc/skel; rm /etc/profile; truncate -s 1M /work/hole'
	checksum() {
		run_faas --json snapshot show "$1" | jq -r .checksum
	}
	for n in sum1-next sum2-next sum3 sum4; do
		eventually synced "$n"
	done
	same "$(checksum sum2)" "$(checksum sum1)" "the same run"
	same "$(checksum sum2-next)" "$(checksum sum1-next)" "the same run on it"
	same "$(checksum sum3)" "$(checksum sum1)" "a hole is zeros"
	[[ $(checksum sum4) != "$(checksum sum1)" && $(checksum sum1-next) != "$(checksum sum1)" ]]
	faas snapshot create sum1-again --snapshot sum1
	same "$(checksum sum1-again)" "$(checksum sum1)" "one more name"
	faas snapshot create sum5 --environment host --sync
	[[ -n $(checksum sum5) ]]
}

@test "snapshot check: damaged and missing layers are found" {
	local id

	faas execute --snapshot chk0 'echo one >/work/x'
	faas snapshot exec chk0 --snapshot chk1 'echo two >/work/y'
	eventually synced chk1
	faas snapshot check chk0 chk1
	lacks "$output" "not what they were" "problems"
	id=$(id_of chk0)
	echo other >"$FAAS_STATE_DIR/layers/$id/u/work/x"
	faas 1 --json snapshot check chk0 chk1
	same "$(jq -r '[.snapshots[] | .problem != null] | join(" ")' <<<"$output")" "true true" "both"
	has "$output" "not what they were" "message"
	has "$output" "on which it stands" "message of the other"
	echo one >"$FAAS_STATE_DIR/layers/$id/u/work/x"
	faas snapshot check chk1
	mv "$FAAS_STATE_DIR/layers/$id" "$BATS_TEST_TMPDIR/away"
	faas 1 snapshot check chk1
	has "$output" "missing" "message"
	mv "$BATS_TEST_TMPDIR/away" "$FAAS_STATE_DIR/layers/$id"
	faas snapshot check
	faas 3 snapshot check no-such
}

@test "snapshot delete: several at once, all or none, and with what stands on them" {
	faas execute --snapshot del0 true
	faas snapshot exec del0 --snapshot del1 true
	faas snapshot exec del1 --snapshot del2 true
	faas execute --snapshot del9 true
	faas 5 snapshot delete del9 del1
	has "$stderr" "'del2' stands on it" "message"
	same "$(names --name 'del?')" "del0 del1 del2 del9" "nothing was deleted"
	faas 3 snapshot delete del9 no-such
	faas snapshot delete del1 del2 --dry-run
	same "$(names --name 'del?')" "del0 del1 del2 del9" "dry run"
	faas -q snapshot delete del1 del2 del9
	same "${#lines[@]}" 3 "three were deleted"
	same "$(names --name 'del?')" "del0" "the rest"
	faas snapshot exec del0 --snapshot del1 true
	faas snapshot exec del1 --snapshot del2 true
	faas 2 snapshot delete -r del0
	has "$stderr" "--yes" "nobody can be asked"
	faas --json snapshot delete -r --yes del0
	same "$(jq -c '[.snapshots[].name]' <<<"$output")" '["del2","del1","del0"]' "order"
	faas execute --snapshot del3 true
	faas branch del3 --branch delb
	faas 5 snapshot delete -r --yes del3
	has "$stderr" "branch 'delb'" "message"
	faas branch delete delb
	faas snapshot delete -r --yes del3
	eventually eval '! ls -A "$FAAS_STATE_DIR/layers" | grep -q "^\."'
}

@test "snapshot prune: the old, the many and the unnamed, as far as nothing needs them" {
	local i

	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/prune
	export FAAS_STATE_DIR
	for i in 1 2 3 4 5; do
		faas execute --snapshot '' --label "n=$i" true
	done
	faas execute --snapshot named true
	faas 2 snapshot prune
	has "$stderr" "--dry-run" "hint"
	faas 2 snapshot prune --all --keep-last 3
	faas 2 snapshot prune --named --unnamed
	faas --json snapshot prune --keep-last 3 --dry-run
	same "$(jq -c '[.snapshots[] | .deleted]' <<<"$output")" "[false,false]" "would go"
	same "$(run_faas -q snapshot list | wc -l)" 6 "snapshots"
	faas --json snapshot prune --keep-last 3
	same "$(jq -c '[.snapshots[] | .deleted]' <<<"$output")" "[true,true]" "went"
	faas snapshot prune --older-than 1h
	same "$(run_faas -q snapshot list | wc -l)" 4 "nothing is that old"
	faas snapshot prune --label n=5
	same "$(run_faas -q snapshot list | wc -l)" 3 "one with the label"
	faas snapshot exec named --snapshot '' true
	faas branch @last --branch keeps
	faas --json snapshot prune --all --named
	same "$(jq -r '[.snapshots[] | select(.deleted | not) | .why] | join(" | ")' <<<"$output" |
		sed 's/.[a-z2-7]\{12\}. stands/X stands/')" "branch 'keeps' needs it | X stands on it" "why"
	same "$(run_faas -q snapshot list | wc -l)" 2 "what is needed"
	faas branch delete keeps
	faas snapshot prune --unnamed
	same "$(names)" "named" "those with a name stay"
	faas snapshot prune --all --named
	same "$(run_faas -q snapshot list)" "" "all"
	eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers") ]]'
	faas executor stop
}

@test "snapshot restore: a branch goes back, or begins there" {
	faas execute --snapshot r0 'echo 0 >/work/n'
	faas branch r0 --branch rb
	faas branch exec rb 'echo 1 >/work/n'
	faas snapshot create r1 --branch rb
	faas branch exec rb 'echo 2 >/work/n'
	faas branch exec rb -- cat /work/n
	same "$output" 2 "before"
	faas snapshot restore r0 --branch rb
	faas branch exec rb -- cat /work/n
	same "$output" 0 "moved back"
	faas 5 snapshot restore r1 --branch rb
	has "$stderr" "not in the history" "message"
	faas snapshot restore r1 --branch rb --force
	faas branch exec rb -- cat /work/n
	same "$output" 1 "moved by force"
	faas snapshot restore r1 --branch 5
	faas branch exec 5 -- cat /work/n
	same "$output" 1 "begun"
	faas 3 snapshot restore no-such --branch rb
	faas 2 snapshot restore r0
	faas 2 snapshot restore r0 --branch 'a b'
	# forced before its beginning, it begins there
	faas snapshot restore r0 --branch 5 --force
	faas --json branch show 5
	same "$(jq -r .base <<<"$output")" "$(id_of r0)" "base"
}

@test "snapshot restore: not while a run moves the branch" {
	faas execute --snapshot rm0 true
	faas branch rm0 --branch rmb
	"$FAAS" branch exec rmb 'echo up; exec sleep 1000' >client.out 2>client.err </dev/null 3>&- &
	client=$!
	eventually grep -q up client.err client.out
	faas 5 snapshot restore rm0 --branch rmb
	has "$stderr" "is moving branch" "message"
	kill "$client"
	wait "$client" || true
	eventually "$FAAS" snapshot restore rm0 --branch rmb
}

@test "doctor: --repair mends what is kept of snapshots, and says what" {
	local id

	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/repair
	faas execute --snapshot rep0 'echo x >/work/x'
	faas snapshot exec rep0 --snapshot rep1 true
	faas execute --snapshot rep2 true
	faas execute --snapshot rep3 true
	faas branch rep3 --branch repb
	faas -q doctor --repair
	same "$output" "" "nothing to mend"
	mkdir -p "$FAAS_STATE_DIR/layers/stray/u"
	rm -r "$FAAS_STATE_DIR/layers/$(id_of rep0)" "$FAAS_STATE_DIR/layers/$(id_of rep3)"
	run run_faas doctor
	has "$output" "4 snapshots or layers are damaged" "report"
	faas 1 --json doctor --repair --dry-run
	same "$(jq -r '[.problems[].removed] | unique | join(" ")' <<<"$output")" false "dry run"
	same "$(names)" "rep0 rep1 rep2 rep3" "snapshots"
	faas 1 --json doctor --repair
	same "$(jq -r '[.problems[] | "\(.name):\(.removed)"] | sort | join(" ")' <<<"$output")" \
		"null:true rep0:true rep1:true rep3:false" "problems"
	has "$output" "branch 'repb' needs it" "why one stays"
	same "$(names)" "rep2 rep3" "snapshots"
	faas branch delete repb
	faas doctor --repair
	same "$(names)" "rep2" "snapshots"
	eventually eval '[[ $(ls -A "$FAAS_STATE_DIR/layers" | wc -l) == 1 ]]'
	faas 2 doctor --dry-run
	faas 2 doctor --repair execute
	faas executor stop
}

@test "doctor: --repair leaves alone what is in use: instances, sandboxes, what is being made" {
	local i

	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/used
	faas execute --snapshot used 'echo base >/work/base'
	faas -q instance start --name box --snapshot used
	faas instance exec box 'echo own >/work/own'
	faas -q instance start --name still
	faas instance exec still 'echo own >/work/own'
	faas -q instance stop still
	begin_held --parent used 'echo up; read x; cat /work/base'
	# a line of ten is made shorter in the background meanwhile
	faas -q branch used --branch line
	for i in 1 2 3 4 5 6 7 8 9 10; do
		faas branch exec line "echo $i >/work/n$i"
		faas --json doctor --repair
		same "$(jq -c .problems <<<"$output")" "[]" "after $i"
	done
	faas branch exec line 'cat /work/n* | wc -l'
	same "${lines[0]}" 10 "the line"
	faas instance exec box 'cat /work/base /work/own'
	same "$output" $'base\nown' "an instance"
	faas -q instance start still
	faas instance exec still 'cat /work/own'
	same "$output" own "a stopped instance"
	let_go
	ended 0
	same "$(<client.out)" $'up\nbase' "a sandbox"
	faas -q instance terminate box still
	faas executor stop --now
}
