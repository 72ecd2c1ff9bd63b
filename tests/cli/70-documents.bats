# run-tests: alone
load ../helpers

ROOT=$BATS_TEST_DIRNAME/../..

# examples <file>...: every example in them does what it says
examples() {
	[[ ${SANITIZE-} != thread ]] || skip "the thread sanitizer's thread forbids user namespaces"
	run "$ROOT/scripts/doc-examples" "$FAAS" "$@"
	((status == 77)) && skip "this faas has no command '${lines[-1]}'"
	((status == 0)) || die "$output"
}

@test "README: every example does what it says" {
	export HOME=$PWD
	examples "$ROOT/README.md"
}

@test "manuals: every example does what it says" {
	export HOME=$PWD
	for page in "$ROOT"/man/*.in; do
		grep -q '^\.EX' "$page" || continue
		# as for somebody who begins with it
		export FAAS_STATE_DIR=$PWD/state-${page##*/}
		examples "$page"
		"$FAAS" -q executor stop --now 2>/dev/null 3>&- || true
	done
}

@test "manuals: each is clean roff" {
	n=0
	for page in "$ROOT"/man/*.[13578]; do
		same "$(groff -man -ww -z "$page" 2>&1)" "" "$page"
		n=$((n + 1))
	done
	((n > 0)) || die "no manual was looked at"
}

@test "documents: a wrong example is noticed" {
	printf '```sh\n$ echo one two\none ...\n```\n' >right.md
	run "$ROOT/scripts/doc-examples" "$FAAS" right.md
	same "$status" 0 "status of a right example"
	printf '```sh\n$ echo one\ntwo\n```\n' >wrong.md
	run "$ROOT/scripts/doc-examples" "$FAAS" wrong.md
	same "$status" 1 "status of a wrong example"
	printf '```sh\n$ false\n```\n' >fails.md
	run "$ROOT/scripts/doc-examples" "$FAAS" fails.md
	same "$status" 1 "status of one that fails"
	echo none >none.md
	run "$ROOT/scripts/doc-examples" "$FAAS" none.md
	same "$status" 1 "status of a document without examples"
}
