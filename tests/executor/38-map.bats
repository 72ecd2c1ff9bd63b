# shellcheck disable=SC2154  # bats sets stderr
load sandbox

# A command for each of many items (cmd/map*.c, lib/client/items.c, cmd/batch-loop.c).

snapshots() {
	"$FAAS" --json snapshot list 3>&- | jq '.snapshots | length'
}

# fields <jq array>: of every result, a line each
fields() {
	jq -c "$1" <<<"$output"
}

# in_background <faas arguments>...: $client is its pid, out and err what it says
in_background() {
	rm -f out err
	"$FAAS" "$@" >out 2>err </dev/null 3>&- &
	client=$!
}

# its_status <status>: the one in the background ends with it
its_status() {
	local got=0

	wait "$client" || got=$?
	same "$got" "$1" "status; it said: $(cat out err)"
}

@test "map: each item on a branch of its own, results in their order" {
	local before

	faas execute --snapshot base 'echo base >/work/f'
	before=$(snapshots)
	faas map base -j 3 'sleep 0.$FAAS_BRANCH_INDEX; echo {} >>/work/f; cat /work/f; echo "err {}" >&2' ::: 'a b' "it's" '$HOME'
	same "$output" $'base\na b\nbase\nit\'s\nbase\n$HOME' "output"
	same "$stderr" $'err a b\nerr it\'s\nerr $HOME' "errors"
	same "$(snapshots)" "$before" "snapshots"
	faas map base -- echo 'x{}y{}' '{}' ::: 1 '2  3'
	same "$output" $'x1y1 1\nx2  3y2  3 2  3' "words"
	faas map base 'echo "{}" {} '"'{}'"' "$(echo {})" # it is {}' ::: '$(touch /work/ran) `id`' '*'
	same "$output" '$(touch /work/ran) `id` $(touch /work/ran) `id` $(touch /work/ran) `id` $(touch /work/ran) `id`
* * * *' "what is in an item is no code"
	faas map base 'echo "$FAAS_ITEM/$1 $FAAS_BRANCH_INDEX/$FAAS_BRANCH_COUNT $FAAS_BRANCH_ID $FAAS_BRANCH_PARENT"' ::: a b
	same "$output" $'a/a 0/2 base.0 base\nb/b 1/2 base.1 base' "variables, and an item without a place"
	faas map base -b other -l python 'import sys; d = {}; print(d, sys.argv[1])' ::: q
	same "$output" '{} q' "another language is left alone"
	echo 'echo "file $1 $2"' >script.sh
	faas map base script.sh '<{}>' two ::: i
	same "$output" 'file <i> two' "a file"
	faas map base -I % -- echo '{} %' ::: i
	same "$output" '{} i' "another mark"
	faas map base -- cat ::: /work/f /work/f
	same "$output" $'base\nbase' "the snapshot is as it was"
}

@test "map: items from stdin, from a file, and with any bytes" {
	faas execute --snapshot in true
	printf 'one\n\n two \nthree' >items
	faas map in -- printf '<%s>' <items
	same "$output" '<one>< two ><three>' "stdin"
	faas map in -a items -- printf '<%s>'
	same "$output" '<one>< two ><three>' "file"
	printf 'a\nb\0\0c' >items
	faas map in -0 -a items -- printf '<%s>'
	same "$output" $'<a\nb><><c>' "NUL bytes"
	printf '\377x' >items
	faas map in -a items -- printf '%s'
	same "$(printf %s "$output" | xxd -p)" ff78 "not UTF-8"
	faas map in --json -a items -- printf '%s'
	json "$output" "result"
	faas map in -- touch /work/ran </dev/null
	same "$output$stderr" "" "no items"
	faas map in -- echo :::
	same "$output" "" "none after the colons"
	faas map in --tag 'printf "1\n2"; echo e >&2' ::: a b
	same "$output" $'a\t1\na\t2\nb\t1\nb\t2' "tags"
	same "$stderr" $'a\te\nb\te' "tags of errors"
}

@test "map: --stream runs an item while the next is not there yet" {
	faas execute --snapshot live true
	mkfifo pipe
	"$FAAS" map live --stream -j 2 'echo "{} ${FAAS_BRANCH_COUNT-unknown} $FAAS_BRANCH_INDEX"' \
		<pipe >out 2>err 3>&- &
	client=$!
	exec 7>pipe
	echo one >&7
	eventually eval '[[ $(<out) == "one unknown 0" ]]'
	printf 'two\n\nth' >&7
	eventually eval '[[ $(<out) == *"two unknown 1" ]]'
	# what is wrong with one is its own failure
	printf 'ree\na\0b\nlast' >&7
	exec 7>&-
	its_status 1
	same "$(<out)" $'one unknown 0\ntwo unknown 1\nthree unknown 2\nlast unknown 4' "output"
	has "$(<err)" "item 4, 'a': it has a NUL byte" "message"
	# as many as there are, a few at a time; a log; a count once it is known
	seq 302 >items
	head -n 300 items >some
	faas map live --stream -j 8 --joblog log --reduce \
		'sort -n | tail -n 1; echo $FAAS_BRANCH_COUNT' 'echo {}' <some
	same "$output" $'300\n300' "reduced"
	faas map live --stream -j 8 --joblog log --resume --reduce 'wc -l' 'echo {}' <items
	same "$output" 302 "with those of before"
	same "$(wc -l <log)" 302 "lines of the log"
	printf 'a\0\0b\n' >items
	faas map live --stream -0 -a items -- printf '<%s>'
	same "$output" $'<a><><b\n>' "NUL bytes"
	faas map live --stream -a /dev/null 'echo ran'
	same "$output$stderr" "" "none"
	faas 125 map live --stream 'echo ran' ::: a
}

@test "map: --stream ends when it is halted or interrupted, though more would come" {
	faas execute --snapshot ends true
	mkfifo pipe
	# open on both sides: an end never comes
	exec 7<>pipe
	printf 'true\nfalse\n' >&7
	faas 1 map ends --stream -j 1 --halt soon,fail=1 '$FAAS_ITEM' <pipe
	has "$stderr" "none after them" "message"
	"$FAAS" map ends --stream 'echo {}' <pipe >out 2>err 3>&- 7>&- &
	client=$!
	echo one >&7
	eventually eval '[[ $(<out) == one ]]'
	kill -INT "$client"
	its_status 130
	has "$(<err)" "interrupted: 0 of the first 1 items" "message"
	exec 7>&-
}

@test "map: bad input runs nothing" {
	faas execute --snapshot ok true
	faas 125 map ok
	faas 125 map ok ::: a
	has "$stderr" "nothing to run" "message"
	faas 125 map no-such true ::: a
	faas 125 map ok -a no-such true
	faas 125 map ok -a . true
	faas 125 map ok -a items true ::: a
	faas 125 map ok -j 0 true ::: a
	faas 125 map ok --halt later true ::: a
	faas 125 map ok --resume true ::: a
	faas 125 map ok -I '' true ::: a
	faas 125 map ok --ordered --as-completed true ::: a
	faas 125 map ok --reduce cat --as-completed true ::: a
	faas 125 map ok --label x 'echo ran' ::: a
	lacks "$output" ran "output"
	faas 125 map ok -l no-such-language 'echo ran' ::: a
	faas 125 map ok -f no-such-file 'echo ran' ::: a
	printf 'ok\na\0b\n' >items
	faas 125 map ok -a items 'echo ran'
	same "$output" "" "output"
	has "$stderr" "item 2 has a NUL byte" "message"
	head -c 200000 /dev/zero | tr '\0' x >items
	faas 125 map ok -a items 'echo ran'
	has "$stderr" "item 1 is longer" "message"
	faas 125 map ok - ::: a
	on_tty map ok -- echo ran
	same "$status" 125 "status without items"
	has "$output" "no items" "message"
}

@test "map: failures count, and are said" {
	faas execute --snapshot mixed true
	faas 1 map mixed 'echo {}; exit {}' ::: 0 3 0
	same "$output" $'0\n3\n0' "output"
	has "$stderr" "item 2, '3': exit status 3" "message"
	faas 1 map mixed --json -- sh -c 'exit "$1"' x ::: 0 3
	same "$(fields '[.index, .item, .status, .branch, .attempts]')" $'[0,"0",0,null,1]\n[1,"3",3,null,1]' "results"
	faas 1 map mixed -- no-such-program ::: a
	has "$stderr" "no-such-program" "message"
	faas 1 map mixed --timeout 200ms -- sleep ::: 100
	has "$stderr" "exit status 124" "message"
	faas 1 map mixed --output-limit 10 'echo 0123456789{}' ::: a b
	same "$output" 01234567890123456789 "what is kept"
	has "$stderr" "item 2, 'b': wrote more than is kept" "message"
}

@test "map: --retries begins again where all began" {
	faas execute --snapshot flaky 'mkdir /work/d; chmod 777 /work/d'
	faas map flaky --retries 5 --json 'ls /work/d | wc -l; touch /work/d/x; [ $(($(date +%N | sed s/^0*//) % 2)) = 0 ] || exit 1' ::: a b c ||
		true
	# each attempt found what the snapshot has
	same "$(jq -r .stdout <<<"$output" | sort -u | tr -d '\n')" 0 "what attempts saw"
	faas 1 map flaky --retries 2 --json 'exit 1' ::: a
	same "$(fields '[.attempts, .status]')" '[3,1]' "attempts"
	faas 1 map flaky --retries 2 --json -- no-such-program ::: a
	same "$(fields '.attempts')" 1 "what cannot be better another time"
}

@test "map: --halt soon lets the others end, now ends them" {
	faas execute --snapshot stop true
	faas 1 map stop -j 2 --halt soon,fail=1 '[ {} != f ] || exit 1; [ {} != s ] || { sleep 1; echo slow; }' ::: f s a b c d
	has "$output" slow "the other one"
	has "$stderr" "of 6 items were not run" "message"
	faas 1 map stop -j 2 --halt now,fail=1 --joblog log -e nap=$nap '[ {} != f ] || exit 1; exec sleep $nap' ::: f s a
	eventually no_process "sleep $nap"
	same "$(jq -c '[.line, .status]' log)" '[1,1]' "the log has what has a result"
}

@test "map: a job log is resumed after kill -9, and after Ctrl-C" {
	local finished

	faas execute --snapshot long true
	seq 40 >items
	# the first go through, the others when GO says so
	slow='[ {} -lt ${GO:-12} ] || sleep 1000; echo {}'
	in_background map long -j 2 --joblog log -a items "$slow"
	eventually eval '(($(wc -l <log) >= 8))'
	kill -9 "$client"
	its_status 137
	cp out first
	finished=$(wc -l <log)
	((finished >= 8 && finished < 12)) || die "$finished items were done"
	faas 125 map long --joblog log -a items 'echo {}'
	has "$stderr" "--resume" "hint"
	# what was torn is done again
	printf '{"line":40,"digest":"' >>log
	in_background map long -j 2 --joblog log --resume -e GO=30 -a items "$slow"
	eventually eval '(($(wc -l <log) >= '$((finished + 8))'))'
	kill -INT "$client"
	its_status 130
	has "$(<err)" "interrupted" "message"
	cat out >>first
	same "$(jq -Rc 'fromjson? | select(.status != 0)' log)" "" "those that were ended are not in the log"
	eventually nothing_runs
	faas map long -j 2 --joblog log --resume -e GO=99 -a items "$slow"
	same "$(cat first - <<<"$output" | sort -n | uniq)" "$(seq 40)" "all items"
	faas map long --joblog log --resume -a items "$slow"
	same "$output" "" "nothing is left"
	faas 125 map long --joblog log --resume -a items 'echo another {}'
	has "$stderr" "item 1 is another one" "message"
}

@test "map: --resume-failed runs those again that failed" {
	faas execute --snapshot again true
	faas 1 map again --joblog log 'exit {}' ::: 0 4
	faas map again --joblog log --resume 'exit {}' ::: 0 4
	faas 1 map again --joblog log --resume-failed --json 'exit {}' ::: 0 4
	same "$(fields '[.index, .status]')" '[1,4]' "the one that failed"
}

@test "map: Ctrl-C ends what runs, at once the second time" {
	faas execute --snapshot stubborn true
	in_background map stubborn -j 2 -e nap=$nap 'trap "" TERM INT; echo up; sleep $nap; sleep $nap' ::: a b c d
	eventually eval '(($(pgrep -fxc "sleep $nap") == 2))'
	kill -INT "$client"
	# of two that wait, one would be lost
	eventually took "$client"
	# TERM does not end them, so it waits
	kill -0 "$client"
	kill -INT "$client"
	its_status 130
	eventually nothing_runs
	has "$(<err)" "4 of 4 items were not run" "message"
}

@test "map: --reduce has all outputs in order, and its exit is map's" {
	faas execute --snapshot sum 'echo 100 >/work/add'
	seq 50 >items
	faas map sum -j 8 -a items --reduce 'paste -sd+ | cat - /work/add | paste -sd+' 'sleep 0.0$((RANDOM % 9)) 2>/dev/null; expr {} \* 2'
	same "$output" "$(seq 2 2 100 | paste -sd+)+100" "outcome"
	faas 7 map sum --reduce 'cat; exit 7' 'echo {}' ::: a b
	same "$output" $'a\nb' "output"
	faas map sum --reduce 'wc -c; echo $FAAS_BRANCH_COUNT' 'echo {}' </dev/null
	same "$output" $'0\n0' "of nothing"
	faas 1 map sum --reduce 'echo reduced' 'exit {}' ::: 0 1
	has "$stderr" "--reduce was not run" "message"
	same "$output" "" "output"
	faas 1 map sum --reduce 'cat' --output-limit 3 'echo {}' ::: abc abcdef
	has "$stderr" "--reduce was not run" "message"
	faas 5 map sum --json --reduce 'wc -l; exit 5' 'echo {}' ::: a b
	jsonl "$output" "results"
	same "$(fields '[.reduce, .status, .stdout]' | tail -n 1)" '[true,5,"2\n"]' "as JSON"
}

@test "map: --reduce after --resume has what was done before" {
	faas execute --snapshot half true
	faas 1 map half --joblog log --reduce cat '[ {} != b ] || [ -n "$GO" ] || exit 1; printf "%s\0" {}' ::: a b c
	faas 1 map half --joblog log --resume --reduce cat '[ {} != b ] || [ -n "$GO" ] || exit 1; printf "%s\0" {}' ::: a b c
	has "$stderr" "item 2, 'b': exit status 1, as the job log says" "message"
	faas map half --joblog log --resume-failed -e GO=1 --reduce 'tr "\0" .' '[ {} != b ] || [ -n "$GO" ] || exit 1; printf "%s\0" {}' ::: a b c
	same "$output" a.b.c. "outcome"
	rm log
	faas map half --joblog log 'echo {}' ::: a
	faas 125 map half --joblog log --resume --reduce cat 'echo {}' ::: a
	has "$stderr" "does not hold what item 1 wrote" "message"
}

@test "map: --keep has a branch for each that succeeded" {
	faas execute --snapshot kept 'echo 0 >/work/n'
	faas 1 map kept --keep -b k --retries 1 --json 'cat /work/n; echo {} >/work/n; exit $((FAAS_BRANCH_INDEX == 1))' ::: a b c
	same "$(fields '[.branch, .status, .stdout]')" $'["k.0",0,"0\\n"]\n[null,1,"0\\n"]\n["k.2",0,"0\\n"]' "results"
	same "$("$FAAS" branch list -q 3>&- | grep '^k[.]' | xargs)" "k.0 k.2" "branches"
	faas branch exec k.2 -- cat /work/n
	same "$output" c "file"
	faas 125 map kept --keep -b k 'echo ran' ::: a
	has "$stderr" "there is a branch 'k.0' already" "message"
	same "$output" "" "output"
	faas 1 map kept --keep -b 'k k' 'echo ran' ::: a
	same "$output" "" "output"
	# a run that was interrupted left branches that have not moved
	faas branch kept -b r.0
	faas map kept --keep -b r --joblog log --resume 'echo {} >/work/n' ::: a b
	faas branch exec r.0 -- cat /work/n
	same "$output" a "taken over"
}

@test "map: survives the executor's death" {
	faas execute --snapshot mortal true
	in_background map mortal -j 3 --retries 3 'sleep 0.5; echo {}' ::: 1 2 3 4 5 6
	eventually eval '(($("$FAAS" --json executor status 3>&- | jq .active) > 0)) || gone "$client"'
	kill -9 "$(executor_pid)"
	its_status 0
	same "$(<out)" "$(seq 6)" "output"
}

@test "map: a thousand items, a few at a time" {
	faas execute --snapshot many 'echo x >/work/x'
	seq 1000 >items
	run timeout 200 "$FAAS" map many -j 16 -a items -- echo 3>&-
	same "$status" 0 "status"
	same "$output" "$(seq 1000)" "output"
}

@test "map: from a branch, all begin where it was" {
	faas execute --snapshot line true
	faas branch line -b moving 'echo 1 >/work/n'
	faas map moving -- cat ::: /work/n
	same "$output" 1 "file"
	same "$("$FAAS" branch list -q 3>&- | grep -c '^moving')" 1 "branches"
}
