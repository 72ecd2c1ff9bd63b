load sandbox

# Named lines of states (lib/executor/branch.c, cmd/branch*.c).

# states: how many layers are kept
states() {
	find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 | wc -l
}

head_of() {
	"$FAAS" --json branch show "$1" 3>&- | jq -r .head
}

@test "branch: several at once, each on its own, and what each is told" {
	local i

	faas execute --snapshot many 'echo base >/work/f'
	faas branch many --count 5 --json -- sh -c '
		echo "$FAAS_BRANCH_INDEX/$FAAS_BRANCH_COUNT $FAAS_BRANCH_ID $FAAS_BRANCH_PARENT"
		echo $FAAS_BRANCH_INDEX >>/work/f; cat /work/f; echo err >&2'
	all=$output
	same "$(jq -r '.branches | length' <<<"$all")" 5 "branches"
	for ((i = 0; i < 5; i++)); do
		same "$(jq -r ".branches[$i] | \"\(.branch) \(.exit) \(.stdout)\(.stderr)\"" <<<"$all")" \
			"many.$i 0 $i/5 many.$i many"$'\n'"base"$'\n'"$i"$'\n'err "branch $i"
		faas branch exec "many.$i" -- cat /work/f
		same "$output" $'base\n'"$i" "files of branch $i"
	done
	faas snapshot exec many -- cat /work/f
	same "$output" base "the snapshot"
	faas branch many --count 2 true
	has "$output" many.5 "the next names"
}

@test "branch: one that fails is reported, and disturbs no other" {
	faas execute --snapshot some true
	faas 1 branch some --count 4 -b part --json 'echo $FAAS_BRANCH_INDEX >/work/i; exit $((FAAS_BRANCH_INDEX % 2))'
	same "$(jq -c '[.branches[] | .exit]' <<<"$output")" "[0,1,0,1]" "exits"
	faas branch exec part.1 -- cat /work/i
	same "$output" 1 "what a failed one left"
	faas 1 branch some --count 2 -b none --json -- no-such-program
	same "$(jq -c '[.branches[] | .exit]' <<<"$output")" "[127,127]" "exits"
	has "$output" "no-such-program" "message"
	same "$(head_of none.0)" "$("$FAAS" --json snapshot show some 3>&- | jq -r .id)" "it did not move"
	faas 1 branch some --count 2 -b late --timeout 200ms --json -- sleep 100
	same "$(jq -c '[.branches[] | .exit]' <<<"$output")" "[124,124]" "deadline"
}

@test "branch exec: moves it on, with the code's exit, one at a time" {
	faas execute --snapshot line true
	faas branch line --branch l
	faas 3 branch exec l 'echo 1 >/work/n; exit 3'
	faas branch exec l -- cat /work/n
	same "$output" 1 "file"
	(
		"$FAAS" branch exec l 'echo up; exec sleep 1000' >client.out 2>client.err </dev/null 3>&- &
		echo $! >client.pid
		status=0
		wait $! || status=$?
		echo $status >client.status
	) 3>&- &
	eventually grep -q up client.out
	faas 125 branch exec l true
	has "$stderr" "is moving branch" "message"
	faas 5 branch delete l
	# to begin another one there is no harm
	faas branch l --branch other
	kill "$(<client.pid)"
	ended 143
	faas branch exec l -- cat /work/n
	same "$output" 1 "file"
	faas 125 branch exec no-such true
	faas 125 branch exec l --parent line true
}

@test "branch: of a branch, diff, promote and delete" {
	local before

	faas execute --snapshot root 'echo 1 >/work/a'
	before=$(states)
	faas branch root -b x 'echo 2 >/work/b'
	faas branch x -b y 'echo 3 >/work/c'
	faas --json branch show y
	same "$(jq -r .base <<<"$output")" "$(head_of x)" "base"
	faas 1 branch diff x
	same "$(awk '{ print $1, $2 }' <<<"$output" | tail -1)" "A /work/b" "of x"
	faas 1 branch diff y x
	same "$(awk '{ print $1, $2 }' <<<"$output" | tail -1)" "D /work/c" "from y to x"
	faas 0 branch diff y y
	faas 5 snapshot delete root
	faas 5 snapshot delete "$(head_of y)"
	has "$stderr" "branch 'y'" "message"
	# y stands on what x is: only the name goes
	faas branch delete x
	faas branch exec y -- cat /work/a /work/b /work/c
	same "$output" $'1\n2\n3' "files"
	faas branch promote y done -m finished
	faas 3 branch show y
	faas snapshot exec done -- cat /work/c
	same "$output" 3 "promoted"
	faas branch root -b z
	faas 5 branch promote z nothing
	has "$stderr" "nothing to promote" "message"
	faas branch root --count 3 -b gone true
	faas branch delete z gone.0 gone.1 gone.2
	faas snapshot delete done
	# what x was has no name, and stays until it is deleted
	faas --json snapshot list
	for id in $(jq -r '[.snapshots[] | select(.name == null)] | reverse | .[] | .id' <<<"$output"); do
		run_faas snapshot delete "$id" || true
	done
	eventually eval '(($(states) <= '"$before"'))'
}

@test "branch delete: what a run stands on stays" {
	local head

	faas execute --snapshot ground true
	faas branch ground -b used 'echo x >/work/x'
	head=$(head_of used)
	begin_held --parent "$head" 'echo up; read x; cat /work/x'
	faas branch delete used
	faas snapshot show "$head"
	let_go
	ended 0
	same "$(<client.out)" $'up\nx' "files"
	eventually eval '"$FAAS" snapshot delete '"$head"' 3>&-'
}

@test "branch: bad input makes nothing" {
	faas execute --snapshot ok true
	faas 3 branch no-such
	faas 2 branch ok --count 0
	faas 2 branch ok --count 1001
	faas 2 branch ok --count x
	faas 2 branch ok -b 'a b'
	faas 2 branch ok --parent ok
	echo true | faas 2 branch ok --count 2 -
	faas branch ok -b taken.1
	faas 5 branch ok --count 3 -b taken
	faas 3 branch show taken.0
	faas 3 branch show no-such
	faas 3 branch delete no-such
	faas 3 branch diff no-such
	faas --json branch list
	same "$(jq '[.branches[] | select(.name | startswith("taken"))] | length' <<<"$output")" 1 "branches"
}

@test "branch: a hundred of one snapshot" {
	faas execute --snapshot crowd 'head -c 1000000 /dev/urandom >/work/big'
	faas branch crowd --count 100 --json 'echo $FAAS_BRANCH_INDEX >/work/mine; cat /work/mine; wc -c </work/big'
	same "$(jq -r '[.branches[] | select(.exit == 0)] | length' <<<"$output")" 100 "that ended well"
	same "$(jq -r '[.branches[] | .stdout] | unique | length' <<<"$output")" 100 "outcomes"
	# disk grows by what they change
	(($(du -sk "$FAAS_STATE_DIR/layers" | cut -f1) < 100 * 100)) || die "$(du -sk "$FAAS_STATE_DIR/layers")"
}

@test "try: what succeeds is kept, and of what fails nothing happened" {
	local before at

	faas execute --snapshot tried 'echo 0 >/work/n'
	faas branch tried -b t
	faas try t 'echo 1 >/work/n'
	at=$(head_of t)
	before=$(states)
	faas 3 try t 'echo 2 >/work/n; rm -rf /usr/bin 2>/dev/null; exit 3'
	faas 143 try t 'echo 2 >/work/n; kill -TERM $$'
	faas 124 try t --timeout 200ms 'echo 2 >/work/n; sleep 100'
	faas 127 try t -- no-such-program
	same "$(head_of t)" "$at" "where it is"
	eventually eval '(($(states) == '"$before"'))'
	faas branch exec t -- cat /work/n
	same "$output" 1 "file"
	faas 125 try no-such true
	faas 125 try t --parent tried true
}

@test "try: the executor may die meanwhile" {
	faas execute --snapshot mortal true
	faas branch mortal -b m
	(
		"$FAAS" try m 'echo up; sleep 1; echo x >/work/x; exit 7' >client.out 2>client.err </dev/null 3>&- &
		echo $! >client.pid
		status=0
		wait $! || status=$?
		echo $status >client.status
	) 3>&- &
	eventually grep -q up client.out
	kill -9 "$(executor_pid)"
	ended 7
	same "$(head_of m)" "$("$FAAS" --json snapshot show mortal 3>&- | jq -r .id)" "where it is"
	eventually eval '[[ $("$FAAS" --json snapshot list 3>&- | jq "[.snapshots[] | select(.parent == \"$(head_of m)\")] | length") == 0 ]]'
}

@test "race: the first success wins, the others are killed and leave nothing" {
	local before

	faas execute --snapshot track true
	before=$(states)
	faas race track --count 4 -b run -e nap=$nap '
		case $FAAS_BRANCH_INDEX in
		0) exit 1 ;;
		1) sleep 0.3; echo won >/work/f; echo "out $FAAS_BRANCH_INDEX"; echo err >&2 ;;
		*) trap "" TERM; echo no >/work/f; exec sleep $nap ;;
		esac'
	same "$output" "out 1" "output"
	has "$stderr" err "its errors"
	same "$("$FAAS" branch list -q 3>&- | grep ^run)" run.1 "branches"
	faas branch exec run.1 -- cat /work/f
	same "$output" won "what it left"
	eventually no_process "sleep $nap"
	# the winner's state, and what reading it left
	eventually eval '(($(states) <= '"$((before + 2))"'))'
	faas race track --count 3 -b all --json -- true
	same "$(jq '[.branches[] | select(.won)] | length' <<<"$output")" 1 "winners"
}

@test "race: without a winner all is shown, and nothing stays" {
	faas execute --snapshot dead true
	faas 1 race dead --count 3 -b nowin 'echo "at $FAAS_BRANCH_INDEX"; exit 2'
	has "$output" "nowin.2 | at 2" "output"
	faas 3 branch show nowin.0
	faas 1 race dead --count 2 -b nowin -- no-such-program
	faas 2 race dead --count 1 true
	faas 2 race dead
	faas 3 race no-such -- true
	# more than run at once: those that did not begin are not begun
	faas race dead --count 30 -j 2 -b few --json 'sleep 0.1'
	same "$(jq '[.branches[] | select(.won)] | length' <<<"$output")" 1 "winners"
	(($(jq '[.branches[] | select(.execution == null)] | length' <<<"$output") > 20)) || die "$output"
}

@test "branch tree: which began on which" {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state
	faas execute --snapshot root 'echo 0 >/work/n'
	faas branch root --branch one
	faas branch exec one 'echo 1 >/work/n'
	faas branch one --branch two
	faas branch exec one 'echo 2 >/work/n'
	faas branch root --branch other
	faas branch tree
	same "$(sed 's/  [a-z2-7]\{12\}  /  ID  /' <<<"$output")" \
		$'root\n|-- one  2 states\n|   `-- two  ID  0 states\n`-- other  0 states' "tree"
	faas --json branch tree
	same "$(jq -c '[.branches[] | [.name, .above, .states]]' <<<"$output")" \
		'[["one",null,2],["other",null,0],["two","one",0]]' "rows"
	faas executor stop
}
