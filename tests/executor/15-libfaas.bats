# run-tests: alone
# shellcheck disable=SC2154  # bats sets stderr
load ../helpers

# Programs that use libfaas as it is installed: they run code in real sandboxes.

ROOT=$BATS_TEST_DIRNAME/../..

setup_file() {
	export FAAS_TEST_ROOT=$BATS_FILE_TMPDIR/root FAAS_TEST_STATE=$BATS_FILE_TMPDIR/state

	make -s --no-print-directory -C "$ROOT" CC="${CC:-cc}" FAULTS="${FAULTS-}" install \
		DESTDIR="$FAAS_TEST_ROOT" prefix=/opt/faas >&2 3>&-
}

teardown_file() {
	FAAS_STATE_DIR=$FAAS_TEST_STATE "$FAAS" executor stop --now >/dev/null 2>&1 3>&- || true
}

# The library's own view of the machine: no FAAS_PROGRAM, what is installed in PATH.
use_installed() {
	local prefix=$FAAS_TEST_ROOT/opt/faas

	export FAAS_STATE_DIR=$FAAS_TEST_STATE PATH=$prefix/bin:$PATH
	export PKG_CONFIG_PATH=$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$FAAS_TEST_ROOT
	export LD_LIBRARY_PATH=$prefix/lib
}

# build <program> <source> <flags>...: with what pkg-config says
build() {
	local flags=()

	[[ " $* " != *" -static "* ]] || flags=(--static)
	# shellcheck disable=SC2046  # words of flags
	"${CC:-cc}" -Wall -Wextra -Werror ${SANITIZE:+-fsanitize="$SANITIZE"} -o "$1" "$2" "${@:3}" \
		$(pkg-config "${flags[@]}" --cflags --libs faas) -lpthread
}

# runs <status> <program> <argument>...: stdout in $output, stderr in $stderr
runs() {
	run --separate-stderr timeout 50 "${@:2}" 3>&-
	((status == $1)) || die "${*:2}" "status $status, not $1" "stdout: $output" \
		"stderr: $stderr"
}

@test "libfaas: the example of the manual is the one that is tested" {
	sed -n '/^\.EX$/,/^\.EE$/p' "$ROOT/man/libfaas.3" | sed '1d; $d' |
		sed 's/\\(aq/'\''/g; s/\\-/-/g; s/\\e/\\/g; s/^\\&//' >shown.c
	run diff "$ROOT/tests/data/example.c" shown.c
	same "$output" "" "tests/data/example.c and man/libfaas.3"
}

@test "libfaas: the example runs, linked to the shared library" {
	use_installed
	build example "$ROOT/tests/data/example.c"
	has "$(readelf -d example)" libfaas.so.0 "libraries"
	runs 0 ./example
	same "$output" $'1\n4\n9' "output"
	same "$stderr" "" "stderr"
	same "$(<squares.txt)" $'1\n4\n9' "artifact"
}

@test "libfaas: the example runs, linked to the static library" {
	[[ -z ${SANITIZE-} ]] || skip "a sanitizer's program is dynamic"
	use_installed
	build example "$ROOT/tests/data/example.c" -static
	lacks "$(readelf -d example)" NEEDED "libraries"
	runs 0 ./example
	same "$output" $'1\n4\n9' "output"
}

@test "libfaas: only names of its own are defined for a program that links it" {
	same "$(nm -g --defined-only "$FAAS_TEST_ROOT/opt/faas/lib/libfaas.a" |
		awk 'NF == 3 && $3 !~ /^faas_/ { print $3 }')" "" "names in libfaas.a"
}

@test "libfaas: streams, files, failures, threads, and an executor that goes away" {
	use_installed
	build use "$ROOT/tests/data/use-libfaas.c"
	echo local >local
	mkdir back
	runs 0 ./use
	same "$(<back/both)" "from memorylocal" "artifact"
	has "$("$FAAS" version)" "$output" "version"
}

@test "libfaas: the header is C++ as well" {
	requires_program g++
	use_installed
	printf '%s\n' '#include <faas.h>' 'int main() { struct faas_result r = {}; struct faas_execute e = {};' \
		'return e.argv || faas_status(&r); }' >use.cc
	# shellcheck disable=SC2046  # words of flags
	g++ -Wall -Werror ${SANITIZE:+-fsanitize="$SANITIZE"} -o use use.cc $(pkg-config --cflags --libs faas)
	runs 0 ./use
}

@test "libfaas: says how to find faas when there is none" {
	use_installed
	build example "$ROOT/tests/data/example.c"
	export FAAS_STATE_DIR=$PWD/other
	FAAS_PROGRAM=/no/such/program runs 7 ./example
	has "$stderr" "FAAS_PROGRAM is '/no/such/program'" "message"
	# the place it was installed in is another one than where the test put it
	[[ ! -e /opt/faas/bin/faas ]] || return 0
	runs 7 env PATH=/nowhere ./example
	has "$stderr" "there is no program faas" "message"
}
