# shellcheck disable=SC2154  # bats sets stderr
load sandbox

# What is done with branches once there are some: compare, race by metric, try --review
# (cmd/compare.c, cmd/outcome.c, cmd/race.c, cmd/try.c, lib/executor/branch-advance.c).

head_of() {
	"$FAAS" --json branch show "$1" 3>&- | jq -r .head
}

# snapshots: how many there are
snapshots() {
	"$FAAS" --json snapshot list 3>&- | jq '.snapshots | length'
}

# answered <answers> <faas arguments>...: on a terminal, with a line typed each time it
# asks; '^' is Ctrl-C
answered() {
	local answers=$1 words

	shift
	printf -v words ' %q' "$FAAS" "$@"
	run timeout 90 python3 - "$answers" "$words" 3>&- <<-'END'
		import os, pty, sys
		answers, words = sys.argv[1:]
		pid, fd = pty.fork()
		if not pid:
		    os.execvp("/bin/sh", ["sh", "-c", "exec" + words])
		said = b""
		asked = 0
		while True:
		    try:
		        data = os.read(fd, 4096)
		    except OSError:
		        break
		    if not data:
		        break
		    said += data
		    while asked < len(answers) and said.count(b"show it again] ") > asked:
		        os.write(fd, b"\x03" if answers[asked] == "^" else answers[asked].encode() + b"\n")
		        asked += 1
		sys.stdout.write(said.decode().replace("\r", ""))
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}

@test "compare: runs of one command, in groups by outcome" {
	faas execute --snapshot base 'echo base >/work/f'
	faas 1 branch base -b c --count 5 --compare --json --metric 'half=half=([0-9]+)' \
		'h=$((FAAS_BRANCH_INDEX / 2)); echo "half=$h"; echo $h >/work/h; exit $((FAAS_BRANCH_INDEX == 4))'
	same "$(jq -c '.outcomes | map([.name, .group, .group_size, .exit, .files, .metrics.half])' <<<"$output")" \
		'[["c.0",1,2,0,1,0],["c.1",1,2,0,1,0],["c.2",2,2,0,1,1],["c.3",2,2,0,1,1],["c.4",3,1,1,1,2]]' "outcomes"
	same "$(jq '[.outcomes[] | .output] | unique | length' <<<"$output")" 3 "outputs"
	same "$(jq -r '.outcomes[0].output' <<<"$output")" "$(echo half=0 | b2sum -l 256 | cut -d ' ' -f 1)" "digest"
	same "$(jq '[.outcomes[] | select(.wall_us > 0 and .cpu_us > 0 and .execution != null)] | length' \
		<<<"$output")" 5 "usage"
	# the same files, however they came to be there
	faas branch base -b d --count 3 --compare 'echo x >/work/x; [ $FAAS_BRANCH_INDEX = 0 ] || { rm /work/x; echo x >/work/x; }'
	has "$output" "all 3 are the same" "summary"
	faas 1 branch base -b e --count 3 --compare 'echo x >/work/x; chmod 60$FAAS_BRANCH_INDEX /work/x'
	has "$output" "3 different outcomes: group 1 has 1 of 3, group 2 has 1 of 3" "modes"
	faas 1 branch base -b l --count 2 --compare 'ln -s $FAAS_BRANCH_INDEX /work/l'
	faas 1 branch base -b o --count 2 --compare 'echo $FAAS_BRANCH_INDEX'
	faas 1 branch base -b x --count 2 --compare 'exit $FAAS_BRANCH_INDEX'
	faas 1 --json branch base -b s --count 2 --compare 'echo $FAAS_BRANCH_INDEX >&2' --metric 'n=([0-9])'
	same "$(jq -c '[.outcomes[].output] | unique | length' <<<"$output")" 1 "stdout"
	same "$(jq -r '.outcomes[1].errors' <<<"$output")" "$(echo 1 | b2sum -l 256 | cut -d ' ' -f 1)" "stderr"
	same "$(jq -c '[.outcomes[].metrics.n]' <<<"$output")" '[null,null]' "metrics are of stdout"
	# more than is kept, and all of it counts
	faas 1 branch base -b m --count 2 --compare 'head -c 3000000 /dev/zero; echo $FAAS_BRANCH_INDEX'
}

@test "compare: branches that are there, by what their last run left" {
	faas execute --snapshot root 'echo 1 >/work/a'
	faas branch root -b p --count 3 'echo $((FAAS_BRANCH_INDEX > 1)) >/work/b; rm /work/a'
	faas 1 compare p.0 p.1 p.2
	has "$output" "2 different outcomes: group 1 has 2 of 3, group 2 has 1 of 3" "summary"
	has "$output" "not compared: output, not kept for 3 of 3" "what is not known"
	same "$(awk '$1 == "p.2" { print $2, $3, $7, $8 }' <<<"$output")" "2 0 2 -" "row"
	faas branch compare p.0 p.1 --json
	same "$(jq -c '.outcomes | map([.group, .files, .output, .metrics])' <<<"$output")" \
		'[[1,2,null,{}],[1,2,null,{}]]' "as JSON"
	# changed and changed back is not changed
	faas branch exec p.0 'echo 1 >/work/b'
	faas branch exec p.0 'echo 0 >/work/b'
	faas compare p.0 p.1
	# nothing was run on it
	faas branch root -b new
	faas 1 compare p.0 new --json
	same "$(jq -c '.outcomes[1] | [.exit, .files, .execution, .message]' <<<"$output")" \
		'[null,0,null,"nothing has moved it"]' "one that did not move"
	# its run is on record no more
	faas execution delete "$(head_of p.1)"
	faas 1 compare p.1 p.0 --json
	same "$(jq -c '.outcomes[0] | [.exit, .files, .wall_us]' <<<"$output")" '[null,2,null]' "forgotten"
}

@test "compare: executions, with output where it was kept" {
	local one two three

	faas execute --log --snapshot '' --id-file one 'echo "score: 1.5"; echo "score: 2.5"; echo a >/work/a'
	faas execute --log --snapshot '' --id-file two 'echo "score: 1.5"; echo "score: 2.5"; echo a >/work/a'
	faas execute --id-file three 'echo "score: 9"; echo a >/work/a'
	one=$(<one) two=$(<two) three=$(<three)
	faas compare "$one" "$two" --metric 'score=score: ([0-9.]+)' --metric 'none=nothing (.)' --json
	same "$(jq -c '.outcomes | map([.group, .files, .metrics])' <<<"$output")" \
		'[[1,1,{"score":2.5,"none":null}],[1,1,{"score":2.5,"none":null}]]' "outcomes"
	faas compare "$one" "$two" "$three" --metric 'score=score: ([0-9.]+)'
	has "$output" "not compared: output, not kept for 1 of 3" "output"
	has "$output" "not compared: files, not kept for 1 of 3" "files"
	same "$(awk -v id="$three" '$1 == id { print $7, $8, $9 }' <<<"$output")" "- - -" "row"
	faas compare "$one" "$two" -q
	same "$output" "$one"$'\n'"$two" "names"
	faas compare "$one" "$two" --fields name,changes --no-header
	same "$(awk '{ print NF }' <<<"$output" | head -n 2 | uniq)" 2 "fields"
}

@test "compare: bad input says what is wrong" {
	faas execute --snapshot ok true
	faas branch ok -b k
	faas 2 compare
	faas 2 compare k
	faas 3 compare k no-such
	has "$stderr" "no branch or execution 'no-such'" "message"
	faas 2 compare k k --metric 'a'
	faas 2 compare k k --metric 'a=b'
	has "$stderr" "0 groups" "message"
	faas 2 compare k k --metric 'a=(b'
	faas 2 compare k k --metric 'exit=(b)'
	faas 2 compare k k --metric 'a=(b)' --metric 'a=(c)'
	faas compare k k
	faas 2 branch ok --compare true
	faas 2 branch ok --count 2 --compare
	faas 2 branch ok --count 2 --metric 'a=(b)' true
	begin --id-file id 'echo up; sleep 1000'
	faas 5 compare k "$(<id)"
	kill "$client"
	ended 143
}

@test "race: the best metric wins, of those that succeed" {
	faas execute --snapshot arena true
	faas race arena --count 4 -b best --metric 'score ([0-9.e+-]+)' '
		i=$FAAS_BRANCH_INDEX
		echo "score $i"; echo $i >/work/i
		[ $i != 2 ] || echo "score 1e1"
		[ $i != 3 ] || { echo "score 99"; exit 1; }'
	same "$output" $'score 2\nscore 1e1' "the winner's output"
	same "$("$FAAS" branch list -q 3>&- | grep '^best[.]')" best.2 "branches"
	faas branch exec best.2 -- cat /work/i
	same "$output" 2 "what it left"
	faas race arena --count 3 -b n --metric 'score (.*)' --best min --json --keep 'echo "score -$FAAS_BRANCH_INDEX"'
	same "$(jq -c '.branches | map([.won, .metric])' <<<"$output")" \
		'[[false,"-0"],[false,"-1"],[true,"-2"]]' "least"
	same "$("$FAAS" branch list -q 3>&- | grep -c '^n[.]')" 3 "kept"
	# the first of equals
	faas race arena --count 3 -b r --metric '([0-9])' --json 'echo 7'
	same "$(jq -c '.branches | map(.won)' <<<"$output")" '[true,false,false]' "equal"
	# late ones are out
	faas race arena --count 2 -b t --timeout 4s --metric '([0-9])' -e nap=$nap 'echo $((FAAS_BRANCH_INDEX + 1)); [ $FAAS_BRANCH_INDEX = 0 ] || sleep $nap'
	same "$output" 1 "in time"
	eventually no_process "sleep $nap"
}

@test "race: nobody has a number, or the pattern is wrong" {
	local before

	faas execute --snapshot void true
	before=$(snapshots)
	faas 1 race void --count 2 -b w --metric 'score ([0-9]+)' 'echo "score x"'
	has "$stderr" "none succeeded with a number" "message"
	has "$output" "w.0 | score x" "output"
	faas 1 race void --count 2 -b w --metric '(.*)' 'echo nan'
	faas 3 branch show w.0
	faas 2 race void --count 2 --metric 'score' 'echo score'
	faas 2 race void --count 2 --metric '(a)(b)' 'echo score'
	faas 2 race void --count 2 --best max 'echo score'
	faas 2 race void --count 2 --metric '(a)' --best most 'echo score'
	eventually eval '(($(snapshots) == '"$before"'))'
}

@test "try: --review keeps what was agreed to, and nothing else" {
	local before at

	faas execute --snapshot reviewed 'echo 0 >/work/n; echo gone >/work/g'
	faas branch reviewed -b rv
	at=$(head_of rv)
	before=$(snapshots)
	answered n try --review -n rv 'echo 1 >/work/n; rm /work/g; echo new >/work/a; echo said'
	same "$status" 125 "status: $output"
	has "$output" said "what it wrote"
	has "$output" "C  /work/n" "change"
	has "$output" "D  /work/g" "deletion"
	has "$output" "A  /work/a" "addition"
	has "$output" "not kept: branch 'rv' is as it was" "answer"
	same "$(head_of rv) $(snapshots)" "$at $before" "branch, snapshots"
	answered "?" try --review -n rv 'echo 1 >/work/n'
	same "$status $(head_of rv) $(snapshots)" "125 $at $before" "any other word is no"
	answered '^' try --review -n rv 'echo 1 >/work/n'
	same "$status $(head_of rv) $(snapshots)" "125 $at $before" "interrupted"
	answered dy try --review -n rv 'echo 1 >/work/n'
	same "$status" 0 "status: $output"
	same "$(grep -c 'C  /work/n' <<<"$output")" 2 "shown twice"
	[[ $(head_of rv) != "$at" ]] || die "it did not move"
	faas branch exec rv -- cat /work/n
	same "$output" 1 "file"
	# with a terminal of its own, which is ours again when it asks
	answered y try --review rv 'tty >/dev/null && echo on a tty; echo 2 >/work/n'
	has "$output" "on a tty" "the program's terminal"
	same "$status" 0 "status: $output"
	before=$(snapshots)
	faas 3 try --review --yes rv 'echo 2 >/work/n; exit 3'
	same "$(snapshots)" "$before" "of a failure nothing is asked, and nothing stays"
	faas try --review --yes rv 'echo 3 >/work/n'
	has "$stderr" "C  /work/n" "shown"
	same "$output" "" "stdout is the program's"
	faas branch exec rv -- cat /work/n
	same "$output" 3 "file"
}

@test "try: --review is refused before anything runs when nobody can answer" {
	faas execute --snapshot unasked true
	faas branch unasked -b u
	faas 125 try --review u 'touch /work/ran; echo ran'
	has "$stderr" "nobody can answer" "message"
	has "$stderr" "'--yes' keeps it" "hint"
	lacks "$output" ran "output"
	on_tty --no-input try --review u 'echo ran'
	same "$status" 125 "no input"
	lacks "$output" $'\nran' "output"
	faas 125 try --yes u true
	faas 125 try --review --yes --detach u true
	faas 125 try --review --yes u --parent unasked true
	faas 125 try --review --yes no-such true
	same "$(head_of u)" "$("$FAAS" --json snapshot show unasked 3>&- | jq -r .id)" "where it is"
}

# operation <name> <parameters>: as a program with libfaas asks it
operation() {
	cat >operation.c <<-'END'
		#include <stdio.h>
		#include "lib/client/faas.h"
		int main(int argc, char **argv)
		{
			struct faas_error error;
			struct faas *f;
			char *result;

			(void)argc;
			if (faas_open(NULL, &f, &error) < 0 ||
			    faas_call(f, argv[1], argv[2], &result, &error) < 0) {
				printf("%s: %s\n", error.code, error.message);
				return error.exit;
			}
			puts(result);
			faas_free(result);
			faas_close(f);
			return 0;
		}
	END
	[[ -x operation ]] ||
		cc -I"$BATS_TEST_DIRNAME/../.." -o operation operation.c "${FAAS%/*}/libfaas.a" -ljansson -lm
	run ./operation "$@" 3>&-
}

@test "try: --review does not undo what another one did meanwhile" {
	local from to at

	faas execute --snapshot shared true
	faas branch shared -b two
	faas execute --parent shared --snapshot mine 'echo mine >/work/f'
	faas branch exec two 'echo theirs >/work/f'
	from=$("$FAAS" --json snapshot show shared 3>&- | jq -r .id)
	to=$("$FAAS" --json snapshot show mine 3>&- | jq -r .id)
	at=$(head_of two)
	operation branch.advance "{\"name\":\"two\",\"from\":\"$from\",\"to\":\"$to\"}"
	same "$status" 5 "status: $output"
	has "$output" "was moved on meanwhile" "message"
	same "$(head_of two)" "$at" "where it is"
	# from where it is, and made elsewhere
	operation branch.advance "{\"name\":\"two\",\"from\":\"$at\",\"to\":\"$to\"}"
	same "$status" 5 "status: $output"
	has "$output" "did not begin at" "message"
	operation branch.advance "{\"name\":\"no-such\",\"from\":\"$at\",\"to\":\"$to\"}"
	same "$status" 3 "status: $output"
	operation branch.advance '{"name":"two"}'
	same "$status" 2 "status: $output"
}
