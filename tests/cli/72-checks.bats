load ../helpers

ROOT=$BATS_TEST_DIRNAME/../..

# A copy of what the checks read, to plant mistakes in.
copy() {
	mkdir tree
	cp -r "$ROOT/scripts" "$ROOT/lib" "$ROOT/cmd" "$ROOT/man" tree/
	mkdir tree/tests
	cp -r "$ROOT/tests/unit" "$ROOT/tests/cli" tree/tests/
	cd tree || return
}

# refused <text> <command>...: fails, and says so
refused() {
	local text=$1

	shift
	run "$@" 3>&-
	((status != 0)) || die "not noticed: $text"
	has "$output" "$text" "what was said"
}

@test "check-length: a long file, a long function and an idle exception are noticed" {
	copy
	run scripts/check-length
	same "$output" "" "before"
	{
		echo 'int long_one(void)'
		echo '{'
		for ((n = 0; n < 70; n++)); do echo '	;'; done
		echo '}'
	} >lib/base/long.c
	refused "lib/base/long.c:long_one: 72 lines" scripts/check-length
	echo "lib/base/long.c:long_one 72" >>scripts/length.allowed
	run scripts/check-length
	same "$status" 0 "with an exception"
	sed -i 4,10d lib/base/long.c
	refused "remove it from length.allowed" scripts/check-length
	rm lib/base/long.c
	yes '' | head -501 >lib/base/big.h
	refused "lib/base/big.h: 501 lines" scripts/check-length
}

@test "check-headers: one that needs another first is noticed" {
	copy
	echo 'size_t f(void);' >lib/base/lonely.h
	refused "lib/base/lonely.h: does not compile alone" scripts/check-headers "${CC:-cc}" -I.
}

@test "check-layers: an include that goes up is noticed" {
	copy
	echo '#include "lib/cli/opt.h"' >lib/base/up.c
	refused "lib/base/up.c: lib/base may not include lib/cli/opt.h" scripts/check-layers
	mkdir lib/new
	echo '#include "lib/base/macro.h"' >lib/new/new.c
	refused "no rule for lib/new" scripts/check-layers
}

@test "check-symbols: a banned function is noticed, one of ours with its name is not" {
	copy
	mkdir -p b/lib/x b/cmd lib/x
	printf 'int atoi(const char *);\nint f(void);\nint f(void) { return atoi("1"); }\n' >lib/x/x.c
	"${CC:-cc}" -fno-builtin -c -o b/lib/x/x.o lib/x/x.c
	refused "lib/x/x.c: uses atoi, which is banned" scripts/check-symbols b
	printf 'int atoi(const char *);\nint atoi(const char *s) { return *s; }\n' >lib/x/y.c
	"${CC:-cc}" -fno-builtin -c -o b/lib/x/y.o lib/x/y.c
	run scripts/check-symbols b
	same "$output" "" "with a function of our own"
}

@test "check-tests: a file without a test and a command without a page are noticed" {
	copy
	printf '#!/bin/sh\necho doctor\necho frobnicate now\n' >docgen
	chmod +x docgen
	touch lib/base/untested.c
	refused "lib/base/untested.c: has no tests/unit/test-base-untested.c" \
		scripts/check-tests ./docgen
	has "$output" "frobnicate: has no man/faas-frobnicate.1.in" "page"
	has "$output" "frobnicate: no test in tests/" "test"
	[[ $output != *doctor:* ]] || die "doctor has all that" "$output"
	touch tests/unit/test-doctor-ns.c
	refused "lib/doctor/ns.c: has a test; remove it" scripts/check-tests ./docgen
}

@test "check-reliability: a case without a line and a test that is not there are noticed" {
	local list=tests/reliability.list

	mkdir -p tree/tests
	cp -r "$ROOT/scripts" tree/
	cp -r "$ROOT"/tests/{unit,cli,executor,fuzz,guest,reliability.list} tree/tests/
	cd tree
	run scripts/check-reliability
	same "$status $output" "0 " "before"
	sed -i '/^R07\t/d' $list
	refused "R07: has no line" scripts/check-reliability
	printf 'R07\ttests/cli/72-checks.bats:check-reliability: nothing\n' >>$list
	refused "R07: no such test: tests/cli/72-checks.bats:check-reliability: nothing" \
		scripts/check-reliability
	printf 'R07\tnot here: because\n' >>$list
	refused "R07: has another line" scripts/check-reliability
	printf 'Z01\tnot here: because\nR21\ttests/fuzz/fuzz-wire.c\n' >>$list
	refused "Z01: no such case" scripts/check-reliability
	has "$output" "R21: no such case" "one too many"
	printf 'R06\tnot here:\n' >>$list
	refused "R06: no such test: not here:" scripts/check-reliability
	sed -i '/^R0[67]\t/d; /^Z01/d; /^R21/d' $list
	printf 'R06\ttests/%s\n' unit/test-wire-wire.c:depth_is_counted_outside_of_texts \
		executor/probe-kernel.c:keyctl fuzz/fuzz-wire.c >>$list
	printf "R07\ttests/cli/72-checks.bats:%s\n" \
		"check-headers: one that needs another first is noticed" >>$list
	run scripts/check-reliability
	same "$status $output" "0 " "with tests of every kind"
}
