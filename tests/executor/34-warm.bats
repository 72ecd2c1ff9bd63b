#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2154
#
# What an environment is for, and its cache strategy: what is kept ready, and run ahead.

load sandbox

setup() {
	helpers_setup && own_executor
	requires_program busybox
	mkdir -p tree/bin
	cp "$(command -v busybox)" tree/bin/busybox
	for name in sh cat sleep; do
		ln -s busybox "tree/bin/$name"
	done
	printf '#!/bin/sh\necho "Python $*"\n' >tree/bin/python3
	chmod +x tree/bin/python3
}

field() {
	jq -r ".$2" <<<"$1"
}

# warm-ups <environment>: the commands of those that have ended, and how
warm_ups() {
	"$FAAS" --json execution list --label "faas.warm-up=$1" 3>&- |
		jq -r '.executions[] | select(.state != "queued" and .state != "running") |
			"\(.exit_code // .state) \(.argv | join(" "))"' | sort
}

warm_ups_are() {
	[[ $(warm_ups "$1") == "$2" ]]
}

# of the pool of an environment
pool() {
	"$FAAS" --json executor status 3>&- | jq -r ".pools[] | select(.name == \"$1\").$2"
}

pool_is() {
	[[ $(pool "$1" "$2") == "$3" ]]
}

@test "env create: languages, features and a warm-up are shown and changed" {
	faas --json env create what tree --language py --language bash --language python3 \
		--feature gpu --feature net=false --warm-up 'cat /etc/x'
	same "$(field "$output" 'languages | join(" ")')" "python bash" "languages"
	same "$(field "$output" 'features | tojson')" '{"gpu":true,"net":false}' "features"
	same "$(field "$output" warm_up)" 'cat /etc/x' "warm-up"
	faas --json env update what --feature gpu= --feature net --language ruby
	same "$(field "$output" 'languages | join(" ")')" ruby "languages"
	same "$(field "$output" 'features | tojson')" '{"net":true}' "features"
	same "$(field "$output" warm_up)" 'cat /etc/x' "warm-up stays"
	faas --json env update what --warm-up '' --language ''
	same "$(field "$output" 'languages | tojson')" '[]' "no languages"
	same "$(field "$output" warm_up)" null "no warm-up"
	faas --json env update what --memory 100M
	same "$(field "$output" 'features | tojson')" '{"net":true}' "features stay"
	faas 2 env update what --language klingon
	has "$stderr" "language list" "hint"
	faas 2 env update what --feature a=b
	faas 2 env update what --feature =true
	faas 2 env create other tree --language klingon
	faas 3 env show other
	faas 2 env update what --cache strong
	faas --json execution list --label faas.warm-up=what
	same "$(field "$output" 'executions | length')" 0 "nothing was run"
	faas env delete what
}

@test "env create: an aggressive one is warmed up, and keeps sandboxes ready" {
	faas env create hot tree --cache aggressive --language python --language ruby \
		--warm-up 'echo warm'
	ran=$'0 /bin/sh -c echo warm\n0 python3 --version\nfailed ruby --version'
	eventually warm_ups_are hot "$ran"
	eventually pool_is hot ready 2
	id=$("$FAAS" --json execution list --label faas.warm-up=hot 3>&- |
		jq -r '.executions[] | select(.argv[0] == "python3").id')
	faas execution logs "$id"
	same "$output" "Python --version" "what it printed is kept"
	hits=$(pool hot hits)
	faas execute --mode cached --env hot 'echo $((6 * 7))'
	same "$output" 42 "output"
	same "$(pool hot hits)" $((hits + 1)) "it was ready"
	eventually pool_is hot ready 2
	# again when an executor starts
	faas executor stop
	eventually warm_ups_are hot "$(sort <<<"$ran"$'\n'"$ran")"
	eventually pool_is hot ready 2
	# with space of its own, too
	faas env update hot --disk 64M --language '' --warm-up ''
	eventually pool_is hot ready 2
	hits=$(pool hot hits)
	faas execute --mode cached --env hot 'echo $((6 * 7))'
	same "$(pool hot hits)" $((hits + 1)) "it was ready"
	faas env update hot --cache none
	same "$(pool hot ready)" 0 "none is kept"
	faas env delete hot
}

@test "env update: none keeps no sandbox, normal those that were asked for" {
	faas env create cold tree --cache none
	for _ in 1 2 3; do
		faas execute --mode cached --env cold 'echo $((6 * 7))'
		same "$output" 42 "output"
	done
	same "$(pool cold target) $(pool cold made)" "0 0" "pool of 'none'"
	faas env update cold --cache normal
	faas execute --mode cached --env cold 'echo $((6 * 7))'
	eventually pool_is cold ready 2
	faas env update cold --cache aggressive --warm-up 'echo again'
	eventually warm_ups_are cold "0 /bin/sh -c echo again"
	faas env delete cold
}

@test "env delete: a warm-up that still runs is no hindrance" {
	faas env create slow tree --cache aggressive --warm-up 'echo up; sleep 1000'
	running() {
		[[ $("$FAAS" --json execution list --label faas.warm-up=slow 3>&- |
			jq -r '.executions[].state') == running ]]
	}
	eventually running
	faas env delete slow
	ended() {
		! running
	}
	eventually ended
	faas 3 env show slow
	faas env create broken tree --cache aggressive --warm-up 'exit 3'
	eventually warm_ups_are broken "3 /bin/sh -c exit 3"
	faas execute --env broken 'echo $((6 * 7))'
	faas env delete broken
}

@test "env build: an aggressive one is warmed up" {
	faas env create base tree
	faas env build built --base base --layer 'echo x >/layer' --cache aggressive \
		--warm-up 'cat /layer' --language python
	eventually warm_ups_are built $'0 /bin/sh -c cat /layer\n0 python3 --version'
	faas execute --mode cached --env built 'cat /layer'
	same "$output" x "output"
	same "$(pool built made)" 0 "none can be made ahead"
	faas env delete built
	faas env delete base
}

@test "env build: languages, features and a shell are its base's, or its own" {
	printf '#!/bin/sh\necho "my shell, $2"\n' >tree/bin/mysh
	chmod +x tree/bin/mysh
	faas env create base tree --language python --feature gpu --feature net \
		--warm-up 'cat /etc/x' --shell mysh
	# without anything to say it has what its base has
	faas env build same --base base --layer 'echo 1 >/one'
	what='[.languages, .features, .warm_up, .shell] | tojson'
	faas --json env show same
	same "$(jq -r "$what" <<<"$output")" '[["python"],{"gpu":true,"net":true},"cat /etc/x","mysh"]' \
		"what it has of its base"
	faas env build own --base base --layer 'echo 1 >/one' --language bash --feature gpu= \
		--feature x=false --warm-up '' --shell ''
	faas --json env show own
	same "$(jq -r "$what" <<<"$output")" '[["bash"],{"net":true,"x":false},null,null]' "its own"
	# and before any step runs it is known that they make no sense
	faas 125 env build bad --base base --layer 'echo ran >&2' --language klingon
	has "$stderr" "language list" "hint"
	lacks "$stderr" ran "messages"
	faas 125 env build bad --base base --layer 'echo ran >&2' --feature a=b
	faas 3 env show bad
	for name in same own base; do
		faas env delete "$name"
	done
}

@test "env create: code without a language is its shell's" {
	printf '#!/bin/sh\necho "my shell, $2"\nexec /bin/sh "$@"\n' >tree/bin/mysh
	chmod +x tree/bin/mysh
	faas env create base tree --shell mysh
	faas execute --env base 'echo $((6 * 7)) $1' word
	same "$output" $'my shell, echo $((6 * 7)) $1\n42 word' "output"
	id=$("$FAAS" --json execution list 3>&- | jq -r '.executions[0].argv[0]')
	same "$id" mysh "what is recorded"
	faas execute --env base -- sh -c 'echo $((6 * 7))'
	same "$output" 42 "a command is none"
	# in the verbs that run code, too, and a result of another shell is no result
	faas chain --base base --name s --run 'echo x >/x; echo x'
	has "$output$stderr" "my shell, echo x" "a step"
	faas snapshot exec --cached s 'echo y'
	has "$output$stderr" "my shell, echo y" "cached"
	faas instance start --env base --name i
	faas instance exec i 'echo z'
	same "$output" $'my shell, echo z\nz' "in an instance"
	faas instance terminate i
	faas env update base --shell /bin/sh
	faas snapshot exec --cached s 'echo y'
	same "$output" y "cached, with another shell"
	faas execute --env base --mode cached 'echo $((6 * 7))'
	same "$output" 42 "the usual shell"
}
