load sandbox

# What runs without libc (cmd/quick.h) asks for the same, and answers the same, as
# the ordinary program; -q makes any line one for the latter.

record() {
	jq -S 'del(.id, .created_at, .started_at, .ended_at, .created_ms, .started_ms, .ended_ms,
		.usage, .pid, .cursor)'
}

last() {
	"$FAAS" --json execution show @last 3>&- | record
}

@test "quick: it is the entry point of a static program" {
	[[ -z ${SANITIZE-} ]] || skip "a sanitizer's program is dynamic"
	[[ $(uname -m) == x86_64 ]] || skip "only for x86-64"
	requires_program readelf nm
	local entry at

	entry=$(readelf -h "$FAAS" | sed -n 's/.*Entry point address: *0x//p')
	at=$(nm "$FAAS" | sed -n 's/^0*\([0-9a-f]*\) . quick_entry$/\1/p')
	same "$entry" "$at" "entry point"
}

@test "quick: the record is the ordinary program's" {
	local words=(printf '%s ' 'a "b"' '\\c' '$d' '')

	faas execute -- "${words[@]}"
	same "$output" 'a "b" \\c $d  ' "output"
	last >quick
	faas -q execute -- "${words[@]}"
	last >ordinary
	cmp quick ordinary || die "$(diff quick ordinary)"
	faas execute --mode=cached --env host -- true
	last >quick
	faas -q execute --mode=cached --env host -- true
	last >ordinary
	cmp quick ordinary || die "$(diff quick ordinary)"
	same "$(jq -r .mode quick)" cached "mode"
}

@test "quick: statuses, and what the ordinary program says when it goes on" {
	faas 3 execute -- sh -c 'exit 3'
	faas 255 execute --mode cached -- sh -c 'exit 255'
	faas 143 execute -- sh -c 'kill -TERM $$'
	faas 127 execute -- no-such-program
	has "$stderr" "no-such-program" "message"
	has "$stderr" "hint: " "hint"
	faas 126 execute -- /etc/passwd
	faas 125 execute --env no-such -- true
	has "$stderr" "no environment 'no-such'" "message"
	faas 125 execute --mode no-such -- true
	faas 125 execute --mode
}

@test "quick: a signal is passed on, and the second Ctrl-C kills" {
	begin -- sh -c 'trap "echo got; exit 9" TERM; echo up; while :; do sleep 0.05; done'
	kill -TERM "$client"
	ended 9
	has "$(<client.out)" got "signal"
	begin -- sh -c 'trap "echo once >&2" INT; echo up; while :; do sleep 0.05; done'
	kill -INT "$client"
	eventually grep -q once client.err
	kill -INT "$client"
	ended 137
}

@test "quick: an executor that dies is replaced, and the run goes on" {
	begin -- sh -c 'echo up; sleep 1; echo done; exit 5'
	kill -9 "$(executor_pid)"
	ended 5
	same "$(tail -1 client.out)" "done" "output"
}

@test "quick: a killed client leaves nothing running" {
	begin -- sh -c "trap '' TERM HUP; echo up; exec sleep $nap"
	kill -KILL "$client"
	ended 137
	eventually no_process "sleep $nap"
}

@test "quick: configuration and variables are heeded" {
	faas config set --user mode cached
	faas execute -- true
	same "$(last | jq -r .mode)" cached "from the user's file"
	faas config unset --user mode
	mkdir -p .faas
	echo 'timeout = 100ms' >.faas/config
	faas 124 execute -- sleep 10
	mkdir deep
	cd deep
	faas 124 execute -- sleep 10
	cd ..
	rm .faas/config
	FAAS_TIMEOUT=100ms faas 124 execute -- sleep 10
	FAAS_MODE=cached faas execute -- true
	same "$(last | jq -r .mode)" cached "from the environment"
}

@test "quick: words that it leaves to the ordinary program" {
	faas execute -- printf '%s' $'ü\n\t\x01'
	same "$output" $'ü\n\t\x01' "not plain ASCII"
	faas execute -- printf '%s' "$(printf 'x%.0s' {1..20000})"
	same "${#output}" 20000 "long"
	faas 127 execute -- ''
	faas 125 execute --
}

@test "quick: closed descriptors" {
	"$FAAS" execute -- sh -c 'exit 4' <&- 3>&- || code=$?
	same "$code" 4 "no stdin"
	code=0
	"$FAAS" execute -- sh -c 'echo x; exit 5' <&- >&- 2>&- 3>&- || code=$?
	same "$code" 5 "none at all"
}
