# run-tests: alone
load ../helpers

ROOT=$BATS_TEST_DIRNAME/../..

# mk <argument>...: make, in the tree, with the compiler of this run
mk() {
	run make -s --no-print-directory -C "$ROOT" CC="${CC:-cc}" FAULTS="${FAULTS-}" "$@" 3>&-
	((status == 0)) || die "make $*" "$output"
}

@test "install: puts what there is under DESTDIR and prefix, and uninstall takes it away" {
	mk install DESTDIR="$PWD/root" prefix=/opt/faas
	for f in bin/faas lib/systemd/system/faas-executor.socket \
		lib/systemd/system/faas-executor.service \
		lib/systemd/user/faas-executor.service share/man/man1/faas-doctor.1 \
		share/doc/faas/LICENSE; do
		[[ -f root/opt/faas/$f ]] || die "not installed: $f"
	done
	same "$(find root -type f ! -path 'root/opt/faas/*')" "" "files outside the prefix"
	same "$(grep -rl "@[a-zA-Z]*@" root/opt/faas/lib/systemd)" "" "unreplaced words"
	has "$(<root/opt/faas/lib/systemd/system/faas-executor.service)" \
		"ExecStart=/opt/faas/bin/faas executor run" "service"
	root/opt/faas/bin/faas version >out
	has "$(<out)" "faas " "version"
	mk uninstall DESTDIR="$PWD/root" prefix=/opt/faas
	same "$(find root -type f -o -type l)" "" "left after uninstall"
}

@test "libfaas: a C program builds against what pkg-config says" {
	mk install DESTDIR="$PWD/root" prefix=/opt/faas
	lib=$PWD/root/opt/faas/lib
	export PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PWD/root
	printf '%s\n' '#include <faas.h>' 'int main(void) { return 0; }' >use.c
	# shellcheck disable=SC2046  # words of flags
	"${CC:-cc}" -Wall -Werror -o use use.c $(pkg-config --cflags --libs faas)
	LD_LIBRARY_PATH=$lib ./use
	same "$(pkg-config --variable=prefix faas)" "$PWD/root/opt/faas" "prefix"
	has "$(readelf -d "$lib/libfaas.so.0")" "soname: [libfaas.so.0]" "soname"
	same "$(nm -D --defined-only "$lib/libfaas.so.0" |
		awk '$2 != "A" && $3 !~ /^faas_/ { print $3 }')" "" "symbols that are not ours"
	# The declared functions are those that are there.
	for f in $(grep -oE '\bfaas_[a-z0-9_]+ *\(' "$ROOT/lib/client/faas.h" | tr -d ' (' |
		sort -u); do
		nm -D --defined-only "$lib/libfaas.so.0" | grep -qE " $f(@|$)" ||
			die "declared, not exported: $f"
	done
}

# bats test_tags=slow
@test "dist: the tarball builds without git" {
	git -C "$ROOT" rev-parse HEAD >/dev/null 2>&1 || skip "this is not a git checkout"
	mk dist
	tar -xzf "$(echo "$ROOT"/build/dist/faas-*.tar.gz)"
	cd faas-*/
	[[ -s VERSION ]] || die "no VERSION in the tarball"
	PATH=/usr/bin:/bin run make -s CC="${CC:-cc}" CFLAGS=-O0 3>&-
	((status == 0)) || die "$output"
	has "$(build/*/faas version)" "faas $(<VERSION)" "version"
}
