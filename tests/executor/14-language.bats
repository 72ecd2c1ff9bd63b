# shellcheck disable=SC2154  # bats sets stderr
load ../helpers

setup_file() {
	export FAAS_TEST_STATE=$BATS_FILE_TMPDIR/state
}

teardown_file() {
	FAAS_STATE_DIR=$FAAS_TEST_STATE "$FAAS" executor stop --now >/dev/null 2>&1 3>&- || true
}

@test "language list: every language, and which of them work" {
	faas language list --json
	(($(jq '.languages | length' <<<"$output") >= 42)) || die "too few languages"
	same "$(jq -r '.languages[] | select(.works and (.programs == [] or .missing != null)) | .language' \
		<<<"$output")" "" "those that work without a program"
	same "$(jq -r '.languages[] | select((.works | not) and .missing == null) | .language' \
		<<<"$output")" "" "those that do not work without a reason"
	faas language list -q --works
	has " ${lines[*]} " " bash " "what works"
	faas language list
	has "${lines[0]}" "LANGUAGE" "heading"
}

@test "language list: tells the truth" {
	faas language list --json --fields language,works
	same "$(jq -c '.languages[0] | keys' <<<"$output")" '["language","works"]' "fields"
	works=$(jq -r '.languages[] | select(.works) | .language' <<<"$output")
	faas language list --json --fields language,missing
	other=$(jq -r '.languages[] | select(.missing // "" | startswith("no program")) | .language' \
		<<<"$output" | head -n 1)
	has " $(echo $works) " " perl " "what works"
	faas execute -l perl 'print "yes\n"'
	same "$output" yes "perl"
	[[ -z $other ]] || faas 127 execute -l "$other" x
}

@test "language list: of an environment, or of none" {
	mkdir -p root/bin root/usr/bin
	cp /bin/sh root/bin/dash
	printf '#!/bin/sh\n' >root/usr/bin/lua
	chmod +x root/usr/bin/lua
	faas env create small root
	faas language list -q --works -E small
	same "$output" lua "languages of the environment"
	faas 3 language list -E nosuch
	faas env delete small
}

@test "language list: a compiler without its half for a language, a node of any age" {
	local gcc=usr/lib/gcc/x86_64-linux-gnu/12

	mkdir -p root/usr/bin "root/$gcc"
	printf '#!/bin/sh\n' >root/usr/bin/gcc
	cp root/usr/bin/gcc root/usr/bin/node
	chmod +x root/usr/bin/*
	faas env create half root
	faas language list -q --works -E half
	same "$(echo $output)" "javascript c" "what works"
	faas language show --json -E half objc
	has "$(jq -r .missing <<<"$output")" "gcc with cc1obj" "what is missing"
	faas language show --json -E half typescript
	has "$(jq -r .missing <<<"$output")" "version of 'node'" "what is missing"
	faas 127 execute -E half -l objc x
	has "$stderr" "gobjc" "hint"
	cp root/usr/bin/gcc root/usr/bin/ts-node
	cp root/usr/bin/gcc "root/$gcc/cc1obj"
	faas env create --replace half root
	faas language list -q --works -E half
	same "$(echo $output)" "javascript typescript c objc" "what works"
	faas env delete half
}

@test "language show: by any of its names, with the commands" {
	faas language show --json C++
	same "$(jq -r .language <<<"$output")" cpp "name"
	has "$(jq -c .extensions <<<"$output")" '"cc"' "extensions"
	faas language show bash
	has "$output" "{file}" "step"
	faas 3 language show pyhton
	has "$stderr" "'python'" "hint"
}

@test "language: names for completion" {
	faas __names language
	has "$output" $'python\t.py' "name"
	faas __names environment
	has "$output" "host" "environment"
}
