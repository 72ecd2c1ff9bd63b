# Options that every command has, and what is true of output everywhere.

load ../helpers

@test "global options: before, between and after the words of a command" {
	faas --json config list
	json "$output" "before"
	faas config --json list
	json "$output" "between"
	faas config list --json
	json "$output" "after"
	faas -qv version --no-input --color never --color=always
}

@test "global options: a value that is wrong says so" {
	faas 2 --color=sometimes version
	has "$stderr" "invalid <when> 'sometimes' for '--color'" "--color"
	has "$stderr" "hint: it is one of: auto, always, never" "--color"
	faas 2 --color=alwys version
	has "$stderr" "hint: did you mean 'always'?" "--color"
	faas 2 version --context
	has "$stderr" "'--context' needs <name>" "--context"
	faas 2 version --json=yes
	has "$stderr" "'--json' takes no value" "--json=yes"
	faas 2 --jsno version
	has "$stderr" "hint: did you mean '--json'?" "--jsno"
}

@test "global options: -C enters the folder first" {
	mkdir -p a/.faas
	echo 'env = there' >a/.faas/config
	faas -C a config get env
	same "$output" there "before"
	faas config get -C a env
	same "$output" there "after"
	faas 3 -C nowhere config list
	has "$stderr" "enter 'nowhere': No such file or directory" "stderr"
}

@test "global options: nothing runs here that was meant for another context" {
	faas 3 --context far execution list
	has "$stderr" "no context 'far'" "--context"
	has "$stderr" "hint: 'local' is the only one" "--context"
	faas 125 execute --context far -- true
	FAAS_CONTEXT=far faas 125 execute -- true
	has "$stderr" "no context 'far'" "FAAS_CONTEXT"
	faas config set context far
	faas 125 execute -- true
	faas 3 --json executor status
	same "$(field "$output" error.code)" not-found "code"
	[[ ! -e $FAAS_STATE_DIR ]] || die "an executor was started"
	# what asks no executor can still be asked, and the key be taken out
	faas config get context
	same "$output" far "config get"
	faas version
	faas config unset context
	faas --context local env list
}

@test "--version is version" {
	faas --version
	local first=$output
	faas version
	same "$output" "$first" "faas --version"
	faas --json --version
	json "$output" "faas --json --version"
}

@test "output: a full or closed stdout is a failure" {
	run bash -c '"$FAAS" version >/dev/full'
	same "$status" 1 "status, /dev/full"
	has "$output" "write to standard output: No space left" "/dev/full"
	run bash -c '"$FAAS" version >&-'
	same "$status" 1 "status, closed"
	has "$output" "write to standard output" "closed"
	run bash -c '"$FAAS" config list -a --json >/dev/full'
	same "$status" 1 "status, --json"
	json "$output" "the error, which cannot go to stdout"
}

@test "output: a reader that goes away is no message" {
	run bash -c 'set -o pipefail; "$FAAS" completion bash 2>err | true; cat err'
	same "$output" "" "stderr"
	# also when SIGPIPE is ignored
	run bash -c 'trap "" PIPE; { "$FAAS" completion bash; echo $? >code; } 2>err |
		true; cat err code'
	[[ $output == 141 || $output == 0 ]] || die "status and stderr: $output"
}

@test "output: colour only for a terminal, or when forced" {
	requires_program script
	local esc=$'\e'
	faas config list -a
	lacks "$output" "$esc" "not a terminal"
	faas --color=always config list -a
	has "$output" "$esc" "--color=always"
	CLICOLOR_FORCE=1 faas config list -a
	has "$output" "$esc" "CLICOLOR_FORCE"
	CLICOLOR_FORCE=1 NO_COLOR=1 faas config list -a
	lacks "$output" "$esc" "NO_COLOR"
	TERM=xterm on_tty config list -a
	has "$output" "$esc" "a terminal"
	TERM=dumb on_tty config list -a
	lacks "$output" "$esc" "TERM=dumb"
	TERM=xterm NO_COLOR=1 on_tty config list -a
	lacks "$output" "$esc" "NO_COLOR on a terminal"
	faas config set color never
	TERM=xterm on_tty config list -a
	lacks "$output" "$esc" "configured"
}

@test "output: tables have headings, fields can be chosen, -q is names" {
	faas config list -a
	has "${lines[0]}" "KEY " "heading"
	faas config list -a --no-header --fields value,key
	has "${lines[0]}" "host " "first column"
	has "${lines[0]}" " env" "second column"
	faas -q config list -a
	same "${lines[0]}" env "-q"
	faas config list -a --json --fields key
	has "$output" '{"key":"env"}' "--json --fields"
	faas 2 config list --fields kye
	has "$stderr" "hint: did you mean 'key'?" "--fields kye"
}

@test "output: what a terminal would obey is shown, and JSON is valid whatever it is" {
	unset FAAS_STATE_DIR
	requires_program script
	printf 'pager = \033[31mred\nstate-dir = /\377x\n' >"$FAAS_SYSTEM_CONFIG"
	on_tty config list
	has "$output" '\x1b[31mred' "escape"
	lacks "$output" $'\e[31m' "escape"
	faas config list --json
	json "$output" "config list --json"
	has "$output" '"value_base64":"L/94"' "wrong bytes"
}

@test "output: lines are cut on a terminal only" {
	requires_program script
	faas config set pager "$(printf 'x%.0s' {1..300})"
	COLUMNS=40 on_tty config list
	[[ -z $(awk 'length > 40' <<<"$output") ]] || die "wider than the terminal" "$output"
	COLUMNS=40 on_tty config list --no-trunc
	[[ -n $(awk 'length > 300' <<<"$output") ]] || die "--no-trunc" "$output"
	COLUMNS=40 faas config list
	[[ -n $(awk 'length > 300' <<<"$output") ]] || die "cut in a pipe" "$output"
}

@test "errors: FAAS_DEBUG shows where they are from" {
	FAAS_DEBUG=1 faas 2 config get nothing
	has "$stderr" "(usage, errno 0, at lib/config/keys.c:" "stderr"
	FAAS_DEBUG=1 faas 2 config get nothing --json
	has "$(field "$output" error.where)" "lib/config/keys.c:" "where"
	same "$stderr" "" "stderr, as JSON"
}
