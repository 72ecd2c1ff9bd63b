# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# Steps that are run once (lib/executor/result*.c, cmd/chain*.c), and environments that
# are built of them.

# base: a snapshot that does not change when somebody installs a program meanwhile
base() {
	"$FAAS" snapshot show base >/dev/null 2>&1 3>&- ||
		"$FAAS" execute --snapshot base 'echo base >/work/base' >/dev/null 2>&1 3>&-
}

setup() {
	helpers_setup && own_executor
	base
}

# executions: how many were ever run
executions() {
	"$FAAS" --json execution list --limit 1000 3>&- | jq '.executions | length'
}

# hits: of the steps of the JSON in $output
hits() {
	jq -c '[.steps[].hit]' <<<"$output"
}

# states: how many layers are kept
states() {
	find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l
}

@test "chain: each step is run once, and then shown as it was" {
	local before

	printf 'one\n' >a.txt
	cat >Chainfile <<-'E'
		# what it does
		FROM base
		WORKDIR /app
		COPY a.txt ./
		ENV COLOR=red NAME="two words"
		RUN cat a.txt ../work/base; echo "$COLOR $NAME $PWD"; echo error >&2
		RUN ["/bin/sh", "-c", "date +%N; printf 'no\\0end'"]
	E
	"$FAAS" chain Chainfile >out.1 2>err.1 3>&-
	same "$(sed -n 1,3p out.1)" $'one\nbase\nred two words /app' "output"
	same "$(<err.1)" error "errors"
	before=$(executions)
	"$FAAS" chain Chainfile >out.2 2>err.2 3>&-
	cmp out.1 out.2
	cmp err.1 err.2
	same "$(executions)" "$before" "executions"
	faas chain Chainfile --json
	same "$(hits)" "[true,true,null,true,true]" "hits"
	same "$(jq -r '.steps[3].stderr' <<<"$output")" error "stderr in JSON"
	json "$output" "the report"
	faas snapshot exec "$(jq -r .snapshot <<<"$output")" -- cat /app/a.txt
	same "$output" one "files of the result"
}

@test "chain: a change runs what comes after it, and nothing before" {
	printf 'one\n' >a
	printf 'RUN echo $RANDOM$$ >/work/first\nCOPY a /work/\nRUN cat /work/a\n' >C
	faas chain --base base C
	same "$output" one "first"
	printf 'two\n' >a
	faas chain --base base C --json
	same "$(hits)" "[true,false,false]" "hits"
	same "$(jq -r '.steps[2].stdout' <<<"$output")" two "output"
	printf 'one\n' >a
	# only what is in it counts, not when it was written
	faas chain --base base C --json
	same "$(hits)" "[true,true,true]" "hits"
	same "$(jq -c '[.steps[].exit_code]' <<<"$output")" "[0,0,0]" "statuses"
	chmod 755 a
	faas chain --base base C --json
	same "$(hits)" "[true,false,false]" "hits after chmod"
	faas chain --base base C --no-cache --json
	same "$(hits)" "[false,false,false]" "hits without the cache"
	faas chain --base base C --json
	same "$(hits)" "[true,true,true]" "hits of what was made anew"
}

# explained <words> <arguments>...: of the only step that is run
explained() {
	local words=$1

	shift
	faas chain --explain "$@"
	has "$stderr" "$words" "$*"
}

@test "chain: --explain names the component that changed" {
	local name

	mkdir src
	for name in a b; do echo "$name" >"src/$name"; done
	faas chain --base base --copy src --run true --explain
	same "$(grep -c 'never succeeded here' <<<"$stderr")" 2 "the first time"
	faas chain --base base --copy src --run true --explain
	same "$stderr" "" "when nothing changed"
	echo more >>src/b
	faas chain --base base --copy src --run true --explain
	same "$stderr" "faas: step 1: file '/work/src/b' changed"$'\n'"faas: step 2: what it stands on changed" "a file"
	rm src/a
	ln -s b src/c
	explained "file '/work/src/c' is new, file '/work/src/a' is gone" --base base --copy src --run true
	chmod 700 src
	explained "step 1: file '/work/src' changed" --base base --copy src --run true
	explained "step 2: the command changed" --base base --copy src --run 'true '
	cat >C <<<$'FROM base\nENV A=1\nRUN true'
	faas chain C
	sed -i s/A=1/A=2/ C
	explained "step 2: variable 'A' changed" C
	lacks "$stderr" 2, "values are not told"
	sed -i s/ENV.*/'ENV B=1'/ C
	explained "step 2: variable 'B' is new, variable 'A' is gone" C
	explained "step 2: limit 'pids' is new" C --pids 100
	explained "step 2: the network changed, the user changed" C --pids 100 --network host --user 1000
	sed -i 's/ENV.*/WORKDIR \/x/' C
	explained "the work folder changed" C
	explained "step 2: --no-cache was given" C --no-cache
	# the same command where an environment stands is another
	explained "step 1: what it stands on changed" C --base host
}

@test "chain: a step that fails ends it, is not kept, and what was before stays" {
	local made

	printf 'FROM base\nRUN echo 1 >/work/one\n\nRUN echo out; echo bad >&2; test -e /nothing || exit 7\nRUN echo never\n' >C
	faas 7 chain C
	same "$output" out "output"
	has "$stderr" bad "its errors"
	has "$stderr" "step 2 of 3 (line 4) failed with status 7: RUN echo out" "which one"
	made=$(sed -n 's/.*is snapshot //p' <<<"$stderr")
	faas snapshot exec "$made" -- cat /work/one
	same "$output" 1 "the step before"
	faas 7 chain C --json
	same "$(hits)" "[true,false]" "hits"
	same "$(jq -c '[.exit_code, .failed_step, .steps[1].exit_code, .steps[1].stderr]' <<<"$output")" \
		'[7,2,7,"bad\n"]' "report"
	same "$(jq -r .snapshot <<<"$output")" "$made" "snapshot"
	faas 7 chain -q C
	same "$output" "" "-q"
	has "$stderr" bad "-q shows why"
	faas 124 chain --base base --timeout 200ms --run 'sleep 100'
	has "$stderr" "deadline" "deadline"
	faas 127 chain --base base --run 'echo x' --run 'exec no-such-program'
	printf 'FROM base\nRUN ["/no/such"]\n' >C
	faas 127 chain C
	has "$stderr" "step 1, line 2: " "where"
}

@test "chain: a file that makes no sense is refused with its line, and nothing is run" {
	local before

	before=$(executions)
	refused() {
		printf '%b' "$1" >C
		faas 125 chain C
		has "$stderr" "$2" "$1"
	}
	refused 'RUN true\nCMD true\n' "C:2: 'CMD' is no instruction"
	refused 'RNU true\n' "C:1: 'RNU' is no instruction"
	has "$stderr" "did you mean 'RUN'" "hint"
	refused 'RUN true\n\nRUN true \\\n' "C:3: the last line"
	refused 'ENV PATH=/x:$PATH\nRUN true\n' "C:1: '\$' is not expanded"
	refused 'RUN true\nRUN a\0b\n' "C:2: a NUL byte"
	refused 'RUN true\nFROM base\n' "C:2: FROM"
	refused 'COPY a\n' "C:1: COPY needs"
	refused '# nothing\n' "there are no steps"
	faas 125 chain no-such-file
	has "$stderr" "no-such-file" "file"
	faas 125 chain .
	has "$stderr" "folder" "a folder"
	faas 125 chain --base no-such --run true
	has "$stderr" "no snapshot or environment 'no-such'" "base"
	faas 125 chain --base base --set A --run true
	has "$stderr" "is not NAME=value" "option"
	faas 125 chain --base base --run true --name 'a b'
	same "$(executions)" "$before" "executions"
}

@test "chain: COPY takes what is beside its file, by name and by pattern" {
	local made

	mkdir -p "$PWD/[a]" && cd "[a]" && mkdir -p x/src/deep y
	touch x/1.txt x/2.txt x/three
	echo deep >x/src/deep/f
	ln -s deep/f x/src/l
	ln -s ../y x/out
	cat >x/C <<-'E'
		FROM base
		COPY *.txt three texts/
		COPY src /work/src
		COPY three four
		COPY ["1.txt", "/a b/"]
	E
	faas chain -q x/C
	made=$output
	faas snapshot exec "$made" 'find /work/texts /work/src /work/four "/a b" | sort; readlink /work/src/l; cat /work/src/l'
	same "$output" "$(printf '%s\n' "/a b" "/a b/1.txt" /work/four /work/src /work/src/deep \
		/work/src/deep/f /work/src/l /work/texts /work/texts/1.txt /work/texts/2.txt \
		/work/texts/three deep/f deep)" "files"
	for path in ../y /etc/passwd out x/../../y; do
		printf 'FROM base\nCOPY %s z\n' "$path" >x/C
		faas 125 chain x/C
		has "$stderr" "line 2: " "$path"
	done
	printf 'FROM base\nCOPY *.none z/\n' >x/C
	faas 125 chain x/C
	has "$stderr" "has a name like '*.none'" "no file"
	printf 'FROM base\nCOPY 1.txt ../z\n' >x/C
	faas 125 chain x/C
	has "$stderr" "'..'" "destination"
	# of the user's own command line anything may be copied
	faas chain --base base --copy y/../x/three:/work/y --copy x/1.txt:/work/ --run 'ls /work/y /work/1.txt'
}

@test "chain: steps of the command line are in the order given" {
	echo in >f
	faas chain --base base --workdir /w --set A=1 --run 'echo $A >a' --set A=2 --copy f:b \
		--run 'cat a b; echo $A $PWD' --workdir sub --run 'echo $PWD'
	same "$output" $'1\nin\n2 /w\n/w/sub' "output"
	printf 'RUN echo first\n' >steps
	faas chain --base base - --run 'echo second' <steps
	same "$output" $'first\nsecond' "a file on stdin, and then options"
	faas env build usual --base base --layer 'echo usual >/work/which'
	FAAS_ENV=usual faas chain --run 'cat /work/which'
	same "$output" usual "the configured environment"
	printf 'FROM base\nRUN test ! -e /work/which\n' >steps
	FAAS_ENV=usual faas chain steps
}

@test "chain: --name moves to the newest result, and is never taken from others" {
	faas chain --base base --run 'echo 1 >/work/v' --name app
	faas chain --base base --run 'echo 2 >/work/v' --name app
	faas snapshot exec app -- cat /work/v
	same "$output" 2 "the newest"
	# a second name of the same files
	faas chain --base base --run 'echo 2 >/work/v' --name app2 -q
	same "$("$FAAS" chain --base base --run 'echo 2 >/work/v' --name app2 -q 3>&-)" "$output" "twice"
	faas snapshot exec app2 -- cat /work/v
	same "$output" 2 "the other name"
	faas snapshot exec app -- cat /work/v
	faas 125 chain --base app --run true --name base
	has "$stderr" "no chain made" "message"
	faas snapshot exec base -- cat /work/base
	same "$output" base "what had the name"
}

@test "chain: two at once make the same steps, and one result of each stays" {
	local i before pids=()

	before=$("$FAAS" --json chain list 3>&- | jq '.results | length')
	for ((i = 0; i < 4; i++)); do
		"$FAAS" chain --base base -q --run 'sleep 0.3; echo same >/work/s' --run 'sleep 0.1; cat /work/s' \
			>"out.$i" 2>"err.$i" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for ((i = 1; i < 4; i++)); do
		same "$(<"out.$i")" "$(<out.0)" "result of $i; $(<"err.$i")"
	done
	same "$("$FAAS" --json chain list 3>&- | jq '.results | length')" "$((before + 2))" "results"
	faas snapshot exec "$(<out.0)" -- cat /work/s
	same "$output" same "files"
	faas --json snapshot list
	same "$(jq '[.snapshots[] | select(.comment == "RUN sleep 0.3; echo same >/work/s")] | length' <<<"$output")" \
		1 "snapshots of the first step"
}

@test "chain: one that is interrupted leaves no result and nothing that runs" {
	local pid

	"$FAAS" chain --base base --run 'echo up; exec sleep 1000' >client.out 2>client.err 3>&- &
	pid=$!
	eventually grep -q up client.out
	kill -INT "$pid"
	wait "$pid" && status=0 || status=$?
	same "$status" 130 "status"
	"$FAAS" chain --base base --run 'echo up; exec sleep 1000' >client.out 2>client.err 3>&- &
	pid=$!
	eventually grep -q up client.out
	kill -KILL "$pid"
	wait "$pid" || true
	eventually nothing_runs
	faas --json chain list
	same "$(jq '[.results[] | select(.command | contains("sleep 1000"))] | length' <<<"$output")" 0 "results"
	faas --json snapshot list
	same "$(jq '[.snapshots[] | select(.comment == "RUN echo up; exec sleep 1000")] | length' <<<"$output")" 0 "snapshots"
}

@test "chain list: keys, sizes and uses; chain show: what a key is made of" {
	local key

	faas chain --base base --run 'head -c 100000 /dev/zero >/work/large' --json
	key=$(jq -r '.steps[0].key' <<<"$output")
	faas chain --base base --run 'head -c 100000 /dev/zero >/work/large'
	faas --json chain list
	same "$(jq -r '.results[0] | "\(.key) \(.hits) \(.size_bytes >= 100000)"' <<<"$output")" "$key 1 true" "latest"
	faas --json chain show "${key:0:8}"
	same "$(jq -r '.components | "\(.network) \(.argv[2])"' <<<"$output")" \
		"none head -c 100000 /dev/zero >/work/large" "components"
	faas 3 chain show ffffffffff
}

@test "chain prune: results go, and snapshots that nothing else needs with them" {
	local mine

	"$FAAS" -q chain prune -y 3>&-
	mine=$(states)
	faas chain --base base --run 'echo 1 >/work/p' --run 'echo 2 >>/work/p' --name pruned
	faas chain --base base --run 'echo 1 >/work/p' --run 'echo 3 >>/work/p'
	same "$(states)" $((mine + 3)) "layers"
	faas --json chain prune --dry-run
	same "$(jq .count <<<"$output")" 3 "dry run"
	faas --json chain prune --older-than 1h
	same "$(jq .count <<<"$output")" 0 "older than an hour"
	faas 2 chain prune
	has "$stderr" "--yes" "asks"
	faas --json chain prune --keep-last 1
	same "$(jq -c '[.count, .snapshots]' <<<"$output")" "[2,0]" "all but the one used last"
	faas --json chain prune -y
	same "$(jq -c '[.count, .snapshots]' <<<"$output")" "[1,1]" "all"
	eventually eval '[[ $(states) == $((mine + 2)) ]]'
	faas snapshot exec pruned -- cat /work/p
	same "$output" $'1\n2' "what has a name"
	faas chain --base base --run 'echo 1 >/work/p' --json
	same "$(hits)" "[false]" "run again"
}

@test "chain: results keep nobody from deleting a snapshot or an environment" {
	faas execute --snapshot below 'echo 1 >/work/x'
	faas chain --base below --run 'cat /work/x' --run 'true'
	faas snapshot delete below
	faas --json chain list
	same "$(jq '[.results[] | select(.command == "RUN cat /work/x")] | length' <<<"$output")" 0 "results"
	faas execute --snapshot below 'echo 1 >/work/x'
	faas chain --base below --run 'cat /work/x' --name stays
	faas 5 snapshot delete below
	has "$stderr" stays "who needs it"
	faas chain --base below --run 'cat /work/x' --json
	same "$(hits)" "[true]" "nothing was lost"
}

@test "chain delete: one result, by the first characters of its key" {
	local key

	faas chain --base base --run 'echo deleted' --json
	key=$(jq -r '.steps[0].key' <<<"$output")
	faas chain delete "${key:0:10}"
	faas 3 chain delete "$key"
	faas chain --base base --run 'echo deleted' --explain
	has "$stderr" "its result was deleted" "explained"
}

@test "snapshot exec: --cached runs what it has not run, and shows what it has" {
	local first

	faas 4 snapshot exec base --cached --explain 'echo $RANDOM; exit 4'
	faas snapshot exec base --cached --explain 'date +%N; echo e >&2'
	first=$output
	has "$stderr" "faas: step 1: " "explained"
	faas snapshot exec base --cached --explain 'date +%N; echo e >&2'
	same "$output $stderr" "$first e" "again"
	echo x >f
	faas snapshot exec base --cached --file f -e A=1 'cat f; echo $A; date +%N'
	first=$output
	faas snapshot exec base --cached --file f -e A=1 'cat f; echo $A; date +%N'
	same "$output" "$first" "with files and variables"
	echo y >f
	faas --json snapshot exec base --cached --file f -e A=1 'cat f; echo $A; date +%N'
	same "$(jq -c '.hit' <<<"$output")" false "another file"
	faas snapshot exec base --cached --snapshot next 'echo n >/work/next'
	faas snapshot exec next -- cat /work/next
	same "$output" n "its name"
	faas 125 snapshot exec base --cached --detach true
	faas 127 snapshot exec base --cached -- no-such-program
}

@test "env build: an environment of steps, over host, an environment and a snapshot" {
	local before

	echo data >data
	faas --json env build tools --layer 'mkdir /opt/t && printf "#!/bin/sh\necho tool" >/opt/t/tool && chmod +x /opt/t/tool' \
		--copy data:/opt/t/ --variable COLOR=red --workdir /opt/t
	same "$(jq -r '"\(.name) \(.kind) \(.base) \(.steps | length)"' <<<"$output")" "tools built host 4" "report"
	for mode in ephemeral cached; do
		faas execute -E tools -m "$mode" './tool; cat data; echo $COLOR $PWD; touch new'
		same "$output" $'tool\ndata\nred /opt/t' "in mode $mode"
	done
	faas execute -E tools 'test ! -e new'
	faas 125 env build tools --layer true
	has "$stderr" "--replace" "hint"
	before=$(executions)
	printf 'FROM tools\nRUN ./tool >made\n' >C
	faas env build more --file C
	same "$(executions)" $((before + 1)) "executions"
	faas env build again --file C
	same "$(executions)" $((before + 1)) "executions of what is known"
	faas execute -E more 'cat made; echo $COLOR'
	same "$output" $'tool\nred' "an environment on an environment"
	faas env build third --base more --layer true --variable SHAPE=round
	faas execute -E third 'echo $COLOR $SHAPE'
	same "$output" "red round" "variables of both"
	faas env build snapped --base base --layer true
	faas execute -E snapped -w / -- cat /work/base
	same "$output" base "an environment on a snapshot"
	faas --json env show more
	same "$(jq -r '"\(.kind) \(.base)"' <<<"$output")" "built tools" "shown"
}

@test "env build: what it stands on is protected, and it is let go when deleted" {
	local layers

	"$FAAS" -q chain prune -y 3>&-
	layers=$(states)
	faas env build low --layer 'echo 1 >/work/x'
	faas env build high --base low --layer 'echo 2 >/work/y'
	"$FAAS" -q chain prune -y 3>&-
	faas execute -E high 'cat /work/x /work/y'
	same "$output" $'1\n2' "files"
	faas 5 env delete low
	has "$stderr" low "who needs it"
	faas 5 snapshot delete "$("$FAAS" --json env show high 3>&- | jq -r .snapshot)"
	has "$stderr" "'high'" "who needs it"
	faas execute -E high --snapshot of-high 'echo 3 >/work/z'
	faas 5 env delete high
	faas snapshot exec of-high 'cat /work/x /work/y /work/z'
	same "$output" $'1\n2\n3' "a snapshot of a run in it"
	faas snapshot delete of-high
	faas env delete high
	faas env delete low
	eventually eval '[[ $(states) == "'"$layers"'" ]]'
}

@test "env build: a run goes on in what is replaced meanwhile" {
	mkfifo go
	faas env build moving --base base --layer 'echo 1 >/work/t'
	"$FAAS" -q chain prune -y 3>&-
	# what the program reads is ours to give
	"$FAAS" execute -E moving 'echo up; read x; cat /work/t' <go >client.out 2>client.err 3>&- &
	client=$!
	exec 4>go
	eventually grep -q up client.out
	faas env build moving --base base --layer 'echo 2 >/work/t' --replace
	"$FAAS" -q chain prune -y 3>&-
	faas 5 env delete moving
	has "$stderr" "in use by execution" "message"
	echo >&4
	exec 4>&-
	wait "$client"
	same "$(<client.out)" $'up\n1' "output"
	faas execute -E moving -- cat /work/t
	same "$output" 2 "the new one"
}

@test "env build: its programs are found, and languages with them" {
	faas env build speaking --layer 'printf "#!/bin/sh\necho spoken\n" >/usr/local/bin/speak && chmod +x /usr/local/bin/speak'
	faas execute -E speaking -- speak
	same "$output" spoken "a program of its own"
	faas execute -E speaking -l python 'print(6 * 7)'
	same "$output" 42 "a language of its base"
}

@test "env build: fails with the step, and --replace replaces" {
	faas 3 env build broken --base base --layer 'exit 3'
	has "$stderr" "step 1 of 1 failed with status 3" "message"
	faas 3 env show broken
	faas 125 env build broken --base host --variable A=1
	has "$stderr" "no step puts files" "nothing to build"
	faas env build thing --base base --layer 'echo 1 >/work/t'
	faas env build thing --base base --layer 'echo 2 >/work/t' --replace
	faas execute -E thing -- cat /work/t
	same "$output" 2 "the new one"
	faas 125 env build 'a b' --base base --layer true
}

@test "env build: over an environment of one program" {
	requires_program busybox
	mkdir -p tree/bin
	cp "$(command -v busybox)" tree/bin/busybox
	ln -s busybox tree/bin/sh
	faas env create tiny tree
	faas env build bigger --base tiny --layer 'busybox mkdir -p /etc/x; echo hi >/etc/x/f' --copy tree/bin:/usr/bin
	faas execute -E bigger -- busybox cat /etc/x/f
	same "$output" hi "files"
	# its programs are found, in its own layers too
	faas execute -E bigger -m cached -- /usr/bin/busybox echo there
	same "$output" there "program"
	faas 5 env delete tiny
	faas env delete bigger
	faas env delete tiny
}

@test "chain: --explain says what another machine means for host" {
	faas chain --base host --run 'echo machine' --explain
	faas executor stop
	# as if it had been another one then
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/faas.db")
db.execute("DELETE FROM step")
n = db.execute("UPDATE step_seen SET components = replace(components, \"environment host \", \"environment host 0\")").rowcount
assert n > 0, n
db.commit()' "$FAAS_STATE_DIR"
	faas chain --base host --run 'echo machine' --explain
	has "$stderr" "stands on changed (programs of this machine were installed or removed)" "explanation"
}
