# shellcheck disable=SC2154  # bats sets stderr
load ../helpers

# Many requests, one a line.

setup_file() {
	export FAAS_TEST_STATE=$BATS_FILE_TMPDIR/state
}

teardown_file() {
	FAAS_STATE_DIR=$FAAS_TEST_STATE "$FAAS" executor stop --now >/dev/null 2>&1 3>&- || true
}

# fields <jq array>: of every result, a line each
fields() {
	jq -c "$1" <<<"$output"
}

@test "batch: each line is a result, in the order of the lines" {
	for i in 3 1 2; do
		echo "{\"id\":$i,\"code\":\"sleep 0.$i; echo out $i; echo err $i >&2\"}"
	done >jobs
	faas batch -j 3 jobs
	same "$(fields '[.line, .id, .status, .stdout, .stderr]')" \
		"$(printf '[%d,%d,0,"out %d\\n","err %d\\n"]\n' 1 3 3 3 2 1 1 1 3 2 2 2)" "results"
	same "$(jq -r 'select(.schema != "faas.v1" or .error != null)' <<<"$output")" "" \
		"those without a schema or with an error"
	same "$(fields '.usage.wall_us > 0')" $'true\ntrue\ntrue' "usage"
	faas execution list -q -n 3
	same "$(sort <<<"$output")" "$(faas batch /dev/null; "$FAAS" execution list -q -n 3 3>&- | sort)" \
		"an empty batch runs nothing"
}

@test "batch: --unordered prints what is there first" {
	printf '%s\n' '{"id":"slow","code":"sleep 3"}' '{"id":"fast","code":"true"}' >jobs
	faas batch -j 2 --unordered jobs
	same "$(fields .id)" $'"fast"\n"slow"' "order"
}

@test "batch: code, file and argv, with what each can say" {
	echo 'print(input(), *__import__("sys").argv[1:])' >program.py
	cat >jobs <<-'END'
	{"code":"printf '%s ' \"$@\" \"$COLOUR\"; pwd","args":["a","b c"],"env_vars":{"COLOUR":"blue"},"workdir":"/tmp"}
	{"file":"program.py","args":["x","y z"],"stdin":"a line\n"}
	{"argv":["cat","/work/data"],"files":["program.py:data"]}
	{"argv":["wc","-c"],"stdin":{"base64":"AAEC"}}
	{"argv":["cat"]}
	{"code":"print(6 * 7)","lang":"python","mode":"cached"}
	END
	faas batch jobs
	same "$(jq -r .stdout <<<"$output")" "$(printf '%s\n' "a b c blue /tmp" "" "a line x y z" "" \
		"$(cat program.py)" "" 3 "" "" 42 "")" "outputs"
}

@test "batch: code is code even if there is a file of that name" {
	echo 'echo wrong' >true
	echo '{"code":"true"}' >jobs
	faas batch jobs
	same "$(fields '[.status, .stdout]')" '[0,""]' "result"
	echo '{"file":"nosuch.sh"}' >jobs
	faas 1 batch jobs
	same "$(fields '.error.code')" '"not-found"' "error"
}

@test "batch: a line that is wrong says its number and stops no other" {
	cat >jobs <<-'END'
	{"code":"echo first"}
	not json
	{"code":"true","timout":3,"id":"typo"}
	{"code":"a","file":"b"}
	{"code":"true","mode":"sideways"}
	{"code":"true","timeout":"never"}

	{"code":"echo last"}
	END
	faas 1 batch jobs
	same "$(fields '[.line, .status, .error.code]')" "$(printf '%s\n' '[1,0,null]' \
		'[2,125,"usage"]' '[3,125,"usage"]' '[4,125,"usage"]' '[5,125,"usage"]' \
		'[6,125,"usage"]' '[8,0,null]')" "results"
	has "$(jq -r 'select(.line == 3) | .error.message' <<<"$output")" "line 3: there is no field 'timout'" \
		"message"
	same "$(jq -r 'select(.line == 3) | .id' <<<"$output")" typo "id"
}

@test "batch: statuses of programs that fail, are killed, late or not there" {
	cat >jobs <<-'END'
	{"code":"exit 7"}
	{"code":"kill -9 $$"}
	{"code":"sleep 60","timeout":"100ms"}
	{"code":"sleep 60","timeout":100,"grace":100}
	{"argv":["/nonexistent"]}
	{"argv":["/etc/passwd"]}
	END
	faas 1 batch jobs
	same "$(fields .status)" "$(printf '%s\n' 7 137 124 124 127 126)" "statuses"
}

@test "batch: output that is not text, and output without end" {
	printf '%s\n' '{"code":"printf \"a\\\\377\""}' \
		'{"code":"head -c 5000000 /dev/zero | tr \"\\\\0\" x; echo ende >&2"}' >jobs
	faas batch --output-limit 1000 jobs
	same "$(jq -r 'select(.line == 1) | .stdout_base64' <<<"$output" | base64 -d | xxd -p)" 61ff \
		"bytes"
	same "$(jq -c 'select(.line == 2) | [.stdout_truncated, .stdout_bytes, (.stdout | length),
		.stderr]' <<<"$output")" '[true,5000000,1000,"ende\n"]' "truncated"
}

@test "batch: keeps all slots busy, and no more than those" {
	local id n ids

	for n in 1 2 3 4 5 6; do
		echo '{"code":"exec sleep 1000"}'
	done >jobs
	"$FAAS" batch -j 4 jobs >results 3>&- &
	batch=$!
	# each time that one is ended, the next one is begun
	for n in 4 4 4 3 2 1; do
		eventually eval '(($(running_now | wc -l) == n))'
		ids=$(running_now)
		id=${ids%%$'\n'*}
		faas execution cancel --grace 0s "$id"
	done
	wait "$batch" || true
	same "$(wc -l <results)" 6 "results"
	for n in 1 2 3 4 5 6; do
		echo '{"code":"date +%s%N; sleep 0.1; date +%s%N"}'
	done >jobs
	faas batch -j 2 jobs
	(($(jq -rs '[.[].stdout | split("\n") | {t: .[0], d: 1}, {t: .[1], d: -1}] | sort_by(.t) |
		reduce .[] as $e ({n: 0, max: 0}; .n += $e.d | .max = ([.max, .n] | max)) | .max' \
		<<<"$output") <= 2)) || die "more than two at once: $output"
}

running_now() {
	"$FAAS" execution list -q --state running 3>&-
}

@test "batch: a line begins when it comes, and results do not wait for the end" {
	mkfifo in out
	"$FAAS" batch -j 2 - <in >out 3>&- &
	batch=$!
	exec 8>in 9<out
	for word in one two; do
		echo "{\"code\":\"echo $word\"}" >&8
		read -r -t 60 line <&9 || die "no result of $word"
		has "$line" "\"stdout\":\"$word\\n\"" "result"
	done
	exec 8>&-
	wait "$batch"
	exec 9<&-
}

@test "batch: --halt soon lets the others end, now ends them" {
	cat >jobs <<-'END'
	{"code":"exit 1"}
	{"code":"sleep 1"}
	{"code":"true"}
	{"code":"true"}
	{"code":"true"}
	END
	faas 1 batch -j 2 --halt soon,fail=1 jobs
	same "$(jq -c '[.line, .status]' <<<"$output" | head -n 2)" $'[1,1]\n[2,0]' "soon"
	((${#lines[@]} < 5)) || die "all of them ran"
	sed -i 's/sleep 1/sleep 60/' jobs
	faas 1 batch -j 2 --halt now,fail=1 jobs
	same "$(jq -c 'select(.line == 2) | [.status, .cancelled]' <<<"$output")" '[137,true]' "now"
	faas 2 batch --halt later jobs
	faas 2 batch --halt now,fail=0 jobs
}

@test "batch: a job log is resumed after kill -9" {
	# the first go through, the others when the file says so
	for i in $(seq 40); do
		echo "{\"id\":$i,\"code\":\"[ $i -lt \$(cat gate) ] || sleep 1000; echo $i\",\"files\":[\"gate\"]}"
	done >jobs
	echo 12 >gate
	"$FAAS" batch -j 2 --joblog log jobs >first 3>&- &
	batch=$!
	eventually eval '(($(wc -l <log) >= 8))'
	kill -9 "$batch"
	wait "$batch" || true
	done=$(wc -l <log)
	((done >= 8 && done < 12)) || die "$done lines were done"
	echo 99 >gate
	faas 5 batch --joblog log jobs
	has "$stderr" "--resume" "hint"
	# what was torn by the kill is done again
	printf '{"line":40,"digest":"' >>log
	faas batch -j 2 --joblog log --resume jobs
	same "${#lines[@]}" $((40 - done)) "lines that were left"
	same "$(cat first - <<<"$output" | jq -r .id | sort -n | uniq)" "$(seq 40)" "all ids"
	faas batch --joblog log --resume jobs
	same "$output" "" "nothing is left"
	echo '{"code":"another"}' >jobs
	faas 5 batch --joblog log --resume jobs
	has "$stderr" "line 1" "message"
}

@test "batch: --resume-failed runs those again that failed" {
	printf '%s\n' '{"code":"true"}' '{"code":"exit 4"}' >jobs
	faas 1 batch --joblog log jobs
	faas batch --joblog log --resume jobs
	same "$output" "" "a failure is done, too"
	faas 1 batch --joblog log --resume-failed jobs
	same "$(fields '[.line, .status]')" '[2,4]' "the one that failed"
	faas 2 batch --resume jobs
}

@test "batch: survives the executor's death" {
	for i in 1 2 3 4 5 6; do
		echo "{\"id\":$i,\"code\":\"sleep 0.5; echo $i\"}"
	done >jobs
	"$FAAS" batch -j 3 --retries 3 jobs >results 3>&- &
	batch=$!
	eventually eval '(($(running_now | wc -l) > 0)) || gone "$batch"'
	faas executor status --json
	kill -9 "$(jq .pid <<<"$output")"
	wait "$batch" || die "status $?: $(cat results)"
	same "$(jq -c '[.id, .status]' results)" "$(printf '[%d,0]\n' 1 2 3 4 5 6)" "results"
}

@test "batch: what cannot be read is said" {
	faas 3 batch nosuch
	faas 2 batch .
	faas 2 batch
	head -c 17000000 /dev/zero | tr '\0' x >jobs
	printf '\n{"code":"true"}\n' >>jobs
	faas 1 batch jobs
	same "$(fields '[.line, .status]')" $'[1,125]\n[2,0]' "a line without end"
	has "$(jq -r .error.message <<<"${lines[0]}")" "line 1: longer than" "message"
}

@test "batch: quiet when its reader leaves, and leaves nothing running" {
	for i in $(seq 20); do
		echo '{"code":"sleep 0.05; echo x"}'
	done >jobs
	run bash -c '"$FAAS" batch -j 2 jobs 2>err | head -n 1 >one; exit "${PIPESTATUS[0]}"' 3>&-
	same "$status" 141 "status"
	same "$(cat err)" "" "stderr"
	same "$(wc -l <one)" 1 "one result"
	eventually eval '[[ -z $(running_now) ]]'
}
