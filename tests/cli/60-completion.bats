load ../helpers

completions=$BATS_TEST_DIRNAME/../../completions

# complete_line <words>...: what bash would offer for the last word
complete_line() {
	(
		faas() { [[ $1 == __names ]] && printf 'known-%s\ttext\n' "$2"; }
		# shellcheck disable=SC1091
		source "$completions/faas.bash"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_faas
		printf '%s\n' "${COMPREPLY[@]}" | sort | xargs
	)
}

# zsh_line <line>: what zsh would offer at the end of it
zsh_line() {
	PATH=${FAAS%/*}:$PATH timeout 120 "$BATS_TEST_DIRNAME/../zsh-complete" \
		"$completions" "$1" 3>&- | sort | xargs
}

@test "completion: every command the binary has is offered" {
	local offered
	offered=" $(complete_line faas '') "
	while read -r cmd; do
		has "$offered" " ${cmd%% *} " "faas <tab>"
		[[ $cmd == *' '* ]] || continue
		# shellcheck disable=SC2086
		has " $(complete_line faas ${cmd% *} '') " " ${cmd##* } " "faas ${cmd% *} <tab>"
	done < <("$DOCGEN" commands)
	lacks "$offered" "__names" "hidden commands"
}

@test "completion: every long option --help shows is offered" {
	while read -r cmd; do
		# shellcheck disable=SC2086
		local offered=" $(complete_line faas $cmd --) "
		# shellcheck disable=SC2086
		faas $cmd --help
		for o in $(grep -oE -- '^  (-., )*--[][a-z-]+' <<<"$output" |
			grep -oE -- '--[][a-z-]+' | sed 's/\[no-\]//' | sort -u); do
			has "$offered" " $o " "faas $cmd --<tab>"
		done
	done < <("$DOCGEN" commands)
}

@test "completion: values come from the table or from the program" {
	same "$(complete_line faas completion '')" "bash zsh" "completion <tab>"
	same "$(complete_line faas --color '')" "always auto never" "--color <tab>"
	same "$(complete_line faas --color = a)" "always auto" "--color=a<tab>"
	same "$(complete_line faas config get '')" "known-config" "config get <tab>"
	same "$(complete_line faas config --context '')" "known-context" "--context <tab>"
	same "$(complete_line faas --context x config l)" "list" "after a value"
	same "$(complete_line faas help known-subcommand '')" "known-subcommand" "a list"
	same "$(complete_line faas config set env v)" "" "free text"
	touch one 'two words'
	mkdir sub
	same "$(complete_line faas -C '')" "home store sub" "-C <tab>"
}

@test "completion: the program prints the scripts that are in completions/" {
	faas completion bash
	same "$output" "$(cat "$completions/faas.bash")" "bash"
	faas completion zsh
	same "$output" "$(cat "$completions/_faas")" "zsh"
	faas 2 completion fish
	has "$stderr" "it is one of: bash, zsh" "fish"
	faas completion bash --json
	json "$output" "completion bash --json"
}

@test "completion: names are answered at once and without a word on failure" {
	faas __names config
	has "$output" $'timeout\t' "names with descriptions"
	faas __names subcommand
	has "$output" $'version\t' "names with descriptions"
	faas __names no-such-hint
	same "$output$stderr" "" "an unknown hint"
	mkdir -p "$XDG_CONFIG_HOME/faas"
	echo broken >"$XDG_CONFIG_HOME/faas/config"
	faas __names config
	same "$stderr" "" "with a broken configuration"
	echo >"$XDG_CONFIG_HOME/faas/config" 'alias.mine = version'
	faas __names subcommand
	has "$output" mine "aliases"
}

@test "completion: the scripts have no mistakes that tools can see" {
	bash -n "$completions/faas.bash"
	if command -v shellcheck >/dev/null; then
		shellcheck "$completions/faas.bash"
	fi
	if command -v zsh >/dev/null; then
		zsh -n "$completions/_faas"
	fi
}

@test "completion: zsh offers commands, options and live names" {
	requires_program zsh
	[[ ${FAAS##*/} == faas ]] || skip "the program has another name"
	has " $(zsh_line 'faas ') " " config " "faas <tab>"
	same "$(zsh_line 'faas config ')" "get list set unset" "faas config <tab>"
	same "$(zsh_line 'faas --json config l')" "list" "after a global option"
	has " $(zsh_line 'faas config list --') " " --show-origin " "options"
	same "$(zsh_line 'faas config get time')" "timeout" "live names"
	same "$(zsh_line 'faas completion z')" "zsh" "words of an operand"
}
