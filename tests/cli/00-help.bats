# Every command, found by asking, keeps the promises its own usage line makes.

load ../helpers

usage_of() {
	# shellcheck disable=SC2086
	faas $1 --help
	# the usage line may be wrapped; join it
	usage=$(sed -n '1,/^$/p' <<<"$output" | tr -s ' \n' ' ')
	usage=${usage#"usage: faas $1"}
}

each_command() {
	"$DOCGEN" commands
}

# the status of faas' own failures
own_failure() {
	[[ $status -eq 2 || $status -eq 125 ]] || die "$1: status $status" "$stderr"
}

@test "help: goes to stdout, exits 0, fits 79 columns" {
	while read -r cmd; do
		usage_of "$cmd"
		same "$stderr" "" "faas $cmd --help: stderr"
		has "$output" "usage: faas $cmd" "faas $cmd --help"
		[[ -z $(awk 'length > 79' <<<"$output") ]] ||
			die "faas $cmd --help is too wide"
	done < <(each_command)
	for args in '' --help 'help --all' 'help --tree' help; do
		# shellcheck disable=SC2086
		faas $args
		[[ -z $(awk 'length > 79' <<<"$output") ]] ||
			die "faas $args is too wide"
	done
}

@test "help: -h, --help and 'faas help' say the same" {
	while read -r cmd; do
		# shellcheck disable=SC2086
		faas $cmd -h
		local short=$output
		# shellcheck disable=SC2086
		faas help $cmd
		same "$output" "$short" "faas help $cmd"
	done < <(each_command)
}

@test "help: nouns explain themselves, and want a verb" {
	local seen=0
	while read -r noun; do
		faas "$noun" --help
		has "$output" "usage: faas $noun <command>" "faas $noun --help"
		faas 2 "$noun"
		has "$stderr" "needs a command" "faas $noun"
		seen=1
	done < <(each_command | awk 'NF > 1 { print $1 }' | sort -u |
		grep -vxFf <(each_command))
	((seen))
}

@test "help: all and tree name every command" {
	faas help --all
	local all=$output
	faas help --tree
	while read -r cmd; do
		has "$all" "  $cmd " "help --all"
		has "$output" "-- ${cmd##* }" "help --tree"
	done < <(each_command)
}

@test "help: bare faas is short, with examples" {
	faas
	has "$output" 'usage: faas' "faas"
	has "$output" '  $ faas ' "faas: an example"
	(($(wc -l <<<"$output") < 60))
}

@test "help: a wrong name gets a suggestion, and nothing is run" {
	faas 3 help confg
	has "$stderr" "hint: did you mean 'config'?" "help confg"
	faas 2 help --tree config
}

@test "help: as JSON it is the tree" {
	faas help --json
	json "$output" "help --json"
	[[ $(field "$output" commands) == *'"config"'* ]]
	faas help config list --json
	json "$output" "help config list --json"
}

@test "help: every command has a manual, and man can read it" {
	local man=$BATS_TEST_DIRNAME/../../man
	while read -r page; do
		[[ -s $man/$page ]] || die "no man/$page: run 'make generate'"
		if command -v groff >/dev/null; then
			run groff -man -ww -Tutf8 -z "$man/$page"
			same "$output" "" "groff of $page"
		fi
	done < <("$DOCGEN" pages)
	while read -r cmd; do
		grep -q "faas ${cmd//-/\\\\-}" "$man/faas-${cmd%% *}.1" ||
			die "faas-${cmd%% *}.1 does not mention 'faas $cmd'"
	done < <(each_command)
}

@test "help: a manual opens in man on a terminal when it is installed" {
	requires_program man script
	mkdir -p share/man1
	cp "$BATS_TEST_DIRNAME/../../man/faas-config.1" share/man1
	MANPATH=$PWD/share MANPAGER=cat on_tty help config
	has "$output" "FAAS-CONFIG(1)" "faas help config on a terminal"
}

@test "help: without a manual it goes through the pager, unless --no-pager" {
	requires_program script
	mkdir empty
	printf '#!/bin/sh\necho PAGED; cat\n' >page
	chmod +x page
	MANPATH=$PWD/empty FAAS_PAGER=$PWD/page PAGER=false on_tty help version
	has "$output" "PAGED" "FAAS_PAGER"
	has "$output" "usage: faas version" "what the pager got"
	MANPATH=$PWD/empty PAGER=$PWD/page on_tty help version
	has "$output" "PAGED" "PAGER"
	FAAS_PAGER=$PWD/page on_tty --no-pager help version
	lacks "$output" "PAGED" "--no-pager"
	has "$output" "usage: faas version" "--no-pager"
}

@test "usage: an unknown option fails, names itself, prints nothing" {
	while read -r cmd; do
		# shellcheck disable=SC2086
		run --separate-stderr "$FAAS" $cmd --no-such-option 3>&-
		own_failure "faas $cmd --no-such-option"
		same "$output" "" "faas $cmd: stdout on a usage error"
		has "$stderr" "'--no-such-option'" "faas $cmd: stderr"
		has "$stderr" "hint: " "faas $cmd: stderr"
	done < <(each_command)
}

@test "usage: a required operand left out is missed by name" {
	local seen=0
	while read -r cmd; do
		usage_of "$cmd"
		# the other form, of its own commands, is tried as those
		[[ ${usage%%or: faas*} =~ [[:space:]]\<([a-z]+)\>(\.\.\.)?[[:space:]] ]] || continue
		local name=${BASH_REMATCH[1]}
		# shellcheck disable=SC2086
		run --separate-stderr "$FAAS" $cmd 3>&-
		own_failure "faas $cmd"
		has "$stderr" "missing <$name>" "faas $cmd"
		seen=1
	done < <(each_command)
	# a loop whose condition never holds proves nothing
	((seen))
}

@test "usage: a command without '...' refuses one argument too many" {
	local seen=0
	while read -r cmd; do
		usage_of "$cmd"
		[[ $usage != *...* ]] || continue
		# an operand with given words would refuse the first one
		faas help $cmd --json
		[[ $output != *'"choices":["'* ]] || continue
		# shellcheck disable=SC2086
		run --separate-stderr "$FAAS" $cmd a b c d e 3>&-
		own_failure "faas $cmd a b c d e"
		has "$stderr" "unexpected argument" "faas $cmd a b c d e"
		seen=1
	done < <(each_command)
	((seen))
}

@test "usage: with --json, an error is one JSON object" {
	while read -r cmd; do
		# shellcheck disable=SC2086
		run --separate-stderr "$FAAS" $cmd --no-such-option --json 3>&-
		own_failure "faas $cmd --no-such-option --json"
		# what runs a program leaves stdout to it
		[[ $status -eq 125 ]] && output=$stderr && stderr=
		same "$stderr" "" "faas $cmd: stderr of a JSON error"
		json "$output" "faas $cmd --no-such-option --json"
		same "$(field "$output" error.code)" usage "error.code"
		same "$(field "$output" error.exit)" "$status" "error.exit"
	done < <(each_command)
	faas 2 --json no-such-command
	json "$output" "faas --json no-such-command"
	faas 2 no-such-command --json
	json "$output" "faas no-such-command --json"
}

@test "dispatch: a command that does not exist is named, a near one suggested" {
	faas 2 frobnicate
	has "$stderr" "faas: no command 'frobnicate'" "faas frobnicate"
	has "$stderr" "hint: see 'faas help --all'" "faas frobnicate"
	faas 2 config frobnicate
	has "$stderr" "faas: no command 'config frobnicate'" "faas config frobnicate"
	faas 2 confgi
	has "$stderr" "hint: did you mean 'faas config'?" "faas confgi"
	faas 2 config lst
	has "$stderr" "hint: did you mean 'faas config list'?" "faas config lst"
	same "$output" "" "stdout: nothing was run"
}

@test "dispatch: no abbreviation is accepted" {
	faas 2 conf list
	faas 2 config li
	faas 2 version --js
}

@test "dispatch: faas-foo on PATH becomes faas foo" {
	mkdir bin dir
	cat >bin/faas-hello <<-'END'
		#!/bin/sh
		echo "context=$FAAS_CONTEXT pwd=${PWD##*/}"
		printf '<%s>' "$@"
		exit 7
	END
	cp bin/faas-hello bin/faas-version
	chmod +x bin/*
	PATH=$PWD/bin:$PATH faas 7 --json --context far -C dir hello 'a b' --flag
	same "${lines[0]}" "context=far pwd=dir" "environment of faas-hello"
	same "${lines[1]}" "<--json><a b><--flag>" "arguments of faas-hello"
	PATH=$PWD/bin:$PATH faas version
	has "$output" "faas " "a program cannot hide a command"
	chmod -x bin/faas-hello
	PATH=$PWD/bin:$PATH faas 2 hello
}

@test "dispatch: aliases by configuration, which cannot hide a command" {
	faas config set alias.ver 'version --json'
	faas ver
	json "$output" "faas ver"
	faas help ver
	has "$output" "'faas ver' stands for 'faas version --json'" "faas help ver"
	faas config set alias.show "config get"
	faas config set alias.where "show 'env'"
	faas where
	same "$output" host "an alias of an alias"
	faas 2 ver extra
	has "$stderr$output" "unexpected argument" "words after an alias are kept"
	faas config set alias.version 'config list'
	faas version
	has "$output" "faas " "an alias cannot hide a command"
	faas config set alias.a b
	faas config set alias.b a
	faas 2 a
	has "$stderr" "round in circles" "faas a"
	faas config set alias.open "x 'y"
	faas 2 open
	has "$stderr" "not closed" "faas open"
}

@test "version: is one line, and the same in JSON" {
	faas version
	[[ $output =~ ^faas\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || die "not a version" "$output"
	version=${output#faas }
	faas --json version
	has "$output" "\"version\":\"$version\"" "JSON"
	faas --version
	has "$output" "$version" "--version"
}
