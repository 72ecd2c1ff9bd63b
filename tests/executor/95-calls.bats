# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# Calls of the system and of malloc(3) fail, and the wall's clock jumps: see
# lib/base/fault.h. Here are some points of each kind; 'make soak' goes through all.

setup() {
	requires_faults
	helpers_setup && own_executor
}

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
	export FAAS_FAULT_CALL=@$PWD/spec FAAS_FAULT_LOG=$PWD/log
	: >spec
}

teardown() {
	rm -f "$BATS_TEST_TMPDIR/spec"
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

teardown_file() {
	:
}

# fails <call=errno@n>: from now on
fails() {
	rm -f log
	echo "$1" >spec.new
	mv spec.new spec
}

# failed <call>: it did
failed() {
	grep -q "^call.$1\$" log
}

# soak <arguments>...: of tests/soak/calls, without what this file set
soak() {
	run env -u FAAS_FAULT_CALL -u FAAS_FAULT_LOG TMPDIR="$BATS_TEST_TMPDIR" \
		"$BATS_TEST_DIRNAME/../soak/calls" "$@" "$FAAS" 3>&-
	((status == 0)) || die "$output"
	[[ $output =~ ([0-9]+)\ points ]] || die "$output"
	((BASH_REMATCH[1] >= 3)) || die "nothing failed: $output"
}

@test "execute: a call of the executor that fails is an error, and no more" {
	soak --only execute,logged --calls write,mkdirat,accept4,sendmsg,recvmsg
}

@test "snapshot: a call of the executor that fails leaves one, or none" {
	soak --only keep,delete --every 3 --calls write,mkdirat,pwrite64,renameat2,unlinkat
}

@test "instance: a call of the executor that fails leaves one, or none" {
	soak --only instance --every 7 --calls write,openat,mkdirat,pwrite64
}

@test "branch: an answer that cannot be sent ends its connection, and nobody waits for it" {
	soak --only branch --first 6 --every 6 --calls realloc
}

@test "executor run: without memory, what was begun is done by the next one or was never begun" {
	soak --only execute --first 30 --every 61 --calls malloc,calloc,realloc
}

@test "execute: the client without memory says so, and runs nothing twice" {
	local n

	"$FAAS" executor start >/dev/null 3>&-
	# every size is the same to it
	for n in 1 2 3 5 8 13 21 34 55 89 144; do
		rm -f ran
		fails "faas:malloc=ENOMEM@$n"
		run --separate-stderr run_faas execute --log 'echo ran'
		# the last ones may be more than it needs
		((n > 20)) || failed malloc
		fails ''
		if [[ $status != 0 ]]; then
			same "$status $output" "125 " "status after $n: $stderr"
			has "$stderr" "faas: " "message after $n"
		else
			same "$output" ran "output after $n"
		fi
	done
	fails "faas:malloc=ENOMEM@3+"
	run --separate-stderr run_faas --json execution list
	fails ''
	same "$status $stderr" "1 " "status"
	json "$output" "the error"
	[[ $output == *[Mm]emory* ]] || die "$output"
}
