# shellcheck shell=bash disable=SC2154  # bats sets status, output, stderr
#
# Loaded by every test file. Each helper says what it checks and, when it
# fails, everything needed to see why without running again.

bats_require_minimum_version 1.5.0

: "${FAAS:?run this through 'make check'}"

# A home, a configuration and an executor's state of its own for every test.
setup() {
	local name

	cd "$BATS_TEST_TMPDIR" || return
	# $FAAS itself and what is said to the tests stay
	for name in ${!FAAS_*}; do
		[[ $name == FAAS_TEST_* ]] || unset "$name"
	done
	unset NO_COLOR CLICOLOR_FORCE PAGER LESS COLUMNS
	mkdir home store
	export HOME=$PWD/home XDG_CONFIG_HOME=$PWD/home/.config
	export FAAS_SYSTEM_CONFIG=$PWD/system-config
	export FAAS_STORE=$PWD/store
	# of the file, when its setup_file says so
	export FAAS_STATE_DIR=${FAAS_TEST_STATE:-$PWD/state}
	# script(1) runs what it is given with $SHELL
	export LC_ALL=C TERM=dumb SHELL=/bin/bash
	# for how long a program sleeps by which no other test's is found
	nap=100$$
}

# An executor of this test's own ends with it.
teardown() {
	[[ -n ${FAAS_TEST_STATE-} || ! -S $FAAS_STATE_DIR/run/executor.sock ]] ||
		"$FAAS" executor stop --now >/dev/null 2>&1 3>&- || true
}

# die <words>: fail the test with a message
die() {
	printf '%s\n' "$@" >&2
	return 1
}

# FAAS_TEST_PATIENCE is how often longer everything may take that waits for what should come:
# on a machine that is only simulated.

# faas [<status>] <args>...: run it, require the status (0), keep $output
# (stdout) and $stderr apart. A death by signal is never an expected status.
faas() {
	# bats 1.8.2 loses the caller's $i in any 'run' that has a flag
	local want=0 flags=(--separate-stderr) i

	if [[ $1 =~ ^[0-9]+$ ]]; then
		want=$1
		shift
	fi
	# without this bats warns of 127, which it takes for a typing error
	((want != 127)) || flags+=(-127)
	run "${flags[@]}" run_faas "$@"
	if ((status != want)); then
		die "faas $*" "status $status, not $want" \
			"stdout: $output" "stderr: $stderr"
	fi
}

# bats keeps fd 3, and needs it itself; a daemon that inherited it would hang the run
run_faas() {
	timeout $((60 * ${FAAS_TEST_PATIENCE:-1})) "$FAAS" "$@" 3>&-
}

# eventually <command>...: wait until it succeeds. How long that takes is the machine's
# business; the limit is for what never comes.
eventually() {
	local end=$((SECONDS + 60 * ${FAAS_TEST_PATIENCE:-1}))

	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || {
			die "never came true: $*"
			return 1
		}
		# nothing tells when: look again, later
		read -rt 0.02 <> <(:) || true
	done
}

# gone <pid>: there is no such process
gone() {
	! kill -0 "$1" 2>&1
}

# running, no_process <words>: something with exactly that command line is on this machine
running() {
	pgrep -fx "$1"
}

no_process() {
	! pgrep -fx "$1"
}

# filters <pid>: how many seccomp filters it has; a container's tests have one themselves
filters() {
	awk '/^Seccomp_filters/ { print $2 }' "/proc/$1/status"
}

# took <pid>: the signals that were sent to it are no more waiting for it
took() {
	grep -q '^ShdPnd:[[:space:]]*0*$' "/proc/$1/status"
}

# same <actual> <expected> <what>
same() {
	[[ $1 == "$2" ]] ||
		die "$3" "expected: $(printf %q "$2")" "  actual: $(printf %q "$1")"
}

# has <actual> <part> <what>
has() {
	[[ $1 == *"$2"* ]] ||
		die "$3" "expected within it: $(printf %q "$2")" \
			"            actual: $(printf %q "$1")"
}

# lacks <actual> <part> <what>
lacks() {
	[[ $1 != *"$2"* ]] ||
		die "$3" "not expected within it: $(printf %q "$2")" \
			"                actual: $(printf %q "$1")"
}

# json <text> <what>: one JSON object of the schema, and nothing else
json() {
	python3 -c 'import json, sys
assert json.loads(sys.argv[1]).get("schema") == "faas.v1", "no schema"' "$1" ||
		die "$2: not one JSON object of schema faas.v1" "$1"
}

# jsonl <text> <what>: at least one line, and each such an object
jsonl() {
	local line n=0

	while IFS= read -r line; do
		json "$line" "$2, line $((++n))" || return
	done <<<"$1"
	((n))
}

# field <json> <path>: a field such as error.code; strings as they are
field() {
	python3 -c 'import json, sys
v = json.loads(sys.argv[1])
for k in sys.argv[2].split("."):
    v = v[int(k)] if isinstance(v, list) else v[k]
print(v if isinstance(v, str) else json.dumps(v))' "$1" "$2"
}

# on_tty <args>...: faas on a terminal of its own; what it shows is in $output
on_tty() {
	# shellcheck disable=SC2034  # see faas()
	local words i

	printf -v words ' %q' "$FAAS" "$@"
	run timeout 60 script -qec "$words" /dev/null 3>&- </dev/null
	output=${output//$'\r'/}
}

# requires_faults: skip unless the binary has failure points
requires_faults() {
	[[ -n ${FAULTS-} ]] || skip "built without FAULTS=1"
}

# requires_program <name>...: skip unless it is there
requires_program() {
	local name

	for name in "$@"; do
		command -v "$name" >/dev/null && continue
		[[ -z ${FAAS_TEST_STRICT-} ]] || die "no $name"
		skip "no $name"
	done
}
