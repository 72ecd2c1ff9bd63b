#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2154
#
# faas-archive, driven directly: what is hostile is refused, nothing outside of
# the staging folder changes, and after a refusal the folder is empty. Each test
# runs as root with shifted owners (when it can) and as an ordinary user.

load ../helpers

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export LC_ALL=C
	ARCHIVE=${FAAS%/*}/faas-archive
	MAKE=$BATS_TEST_DIRNAME/../data/make-hostile-tar
	BASE=2147483648
	mkdir outside
	echo canary >outside/canary
	users=(user)
	((EUID)) || users=(user root)
}

# as <user|root> <args>...: the helper with the staging folder on fd 7
as() {
	local who=$1
	shift
	if [[ $who == root ]]; then
		set -- "$ARCHIVE" "$@" --uid-base "$BASE" --uid-count 65536
	elif ((EUID == 0)); then
		set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$ARCHIVE" "$@"
	else
		set -- "$ARCHIVE" "$@"
	fi
	run timeout 60 "$@" --root-fd 7 --status-fd 1 3>&- 7<stage
	output=${lines[-1]-}
}

# stage: an empty folder that the helper may write to
stage() {
	rm -rf stage
	mkdir stage
	((EUID)) || chown 65534:65534 stage
}

outside_is_whole() {
	same "$(ls -A outside)" canary "$1: the folder outside"
	same "$(cat outside/canary)" canary "$1: the file outside"
	[[ ! -e /tmp/faas-escaped && ! -e /tmp/escaped ]] || die "$1: written to /tmp"
}

# unpack <who> <case> [<option>...]: archive "case" of the generator, or a file
unpack() {
	local who=$1 what=$2
	shift 2
	stage
	# shellcheck disable=SC2094  # the case and its file have one name
	[[ -f $what ]] || "$MAKE" "$what" >"$what"
	as "$who" unpack --archive-fd 8 "$@" 8<"$what"
}

# refused <code> <message part> <case> [<option>...]
refused() {
	local code=$1 part=$2 who
	shift 2
	for who in "${users[@]}"; do
		unpack "$who" "$@"
		same "$status" 1 "$who, $1: status; output: $output"
		has "$output" "\"ok\":false,\"code\":\"$code\"" "$who, $1: code"
		has "$output" "$part" "$who, $1: message"
		same "$(ls -A stage)" "" "$who, $1: the staging folder"
		outside_is_whole "$who, $1"
	done
}

accepted() {
	local who=$1
	unpack "$@"
	same "$status" 0 "$who, $2: status; output: $output"
	has "$output" '{"ok":true,' "$who, $2: output"
	outside_is_whole "$who, $2"
}

@test "archive: a root file system arrives whole" {
	for who in "${users[@]}"; do
		accepted "$who" good
		has "$output" '"entries":10,"bytes":2501' "counts"
		same "$(stat -c %a stage/var/spool)" 1777 "sticky folder"
		same "$(stat -c %Y stage/etc/passwd)" 1000000000 "time of a file"
		same "$(stat -c %Y stage/etc)" 1000000000 "time of a folder"
		same "$(stat -c %a stage/etc)" 700 "mode of a folder"
		same "$(readlink stage/etc/alt)" /etc/passwd "absolute link"
		same "$(stat -c %h stage/bin/sh)" 2 "hard link"
	done
}

@test "archive: owners are shifted for root, and one's own otherwise" {
	accepted user owners
	same "$(stat -c %u stage/known)" "$(stat -c %u stage)" "owner"
	((EUID)) && return
	accepted root owners
	same "$(stat -c %u:%g stage/known)" "$((BASE + 1000)):$((BASE + 1001))" "owner"
	same "$(stat -c %u stage/unknown)" "$((BASE + 65534))" "owner out of range"
	has "$output" '"owner":1' "count of changed owners"
}

@test "archive: names that leave are refused" {
	refused usage "absolute path" absolute
	refused usage "contains '..'" dotdot
	refused usage "contains '..'" dotdot-inside
	refused usage "contains '..'" zip-dotdot
	refused usage "contains '..'" cpio-dotdot
	refused usage "not a directory" root-is-a-link
}

@test "archive: nothing is written through a link" {
	refused usage "symbolic link" symlink-through
	refused usage "symbolic link" symlink-inside-through
	refused usage "replaces a directory" dir-to-symlink
	refused usage "symbolic link" file-to-symlink
	refused usage "leaves the archive" symlink-leaves
	refused usage "leaves the archive" symlink-absolute-leaves
}

@test "archive: hard links name only what came before" {
	refused usage "absolute path" hardlink-absolute
	refused usage "contains '..'" hardlink-dotdot
	refused usage "contains '..'" hardlink-dotdot-data
	refused usage "symbolic link" hardlink-through-symlink
	refused usage "symbolic link" hardlink-deferred
	refused usage "not in the archive" hardlink-missing
	refused usage "to a directory" hardlink-dir
	for who in "${users[@]}"; do
		accepted "$who" hardlink-data
		accepted "$who" hardlink-to-symlink-data
		same "$(readlink stage/h)" /etc/passwd "a second name of the link"
	done
}

@test "archive: special files are refused, or left out in dev/" {
	refused usage "device outside of dev/" device
	refused usage "FIFO" fifo
	refused usage "socket" cpio-socket
	for who in "${users[@]}"; do
		accepted "$who" device-in-dev
		has "$output" '"skipped":{"device":2}' "count"
		same "$(ls -A stage/dev)" "" "dev/"
		accepted "$who" device --skip-special
		accepted "$who" fifo --skip-special
		has "$output" '"skipped":{"fifo":1}' "count"
		accepted "$who" whiteout
		has "$output" '"skipped":{"whiteout":2}' "count"
	done
}

@test "archive: privilege is stripped and counted" {
	for who in "${users[@]}"; do
		accepted "$who" setuid
		has "$output" '"stripped":{"setuid":1,"setgid":2}' "count"
		same "$(stat -c %a stage/su stage/sg stage/d stage/s | xargs)" \
			"755 755 1777 644" "modes"
		accepted "$who" xattr
		has "$output" '"xattr":1,"acl":1,"flags":1' "count"
	done
}

@test "archive: folders without permissions do not break later entries" {
	for who in "${users[@]}"; do
		accepted "$who" mode-000
		same "$(stat -c %a stage/a)" 0 "mode"
		run "$ARCHIVE" remove --root-fd 7 --name stage --status-fd 1 7<.
		same "$status" 0 "removal: $output"
		[[ ! -e stage ]] || die "stage is still there"
	done
}

@test "archive: names keep their bytes, and are shown escaped" {
	for who in "${users[@]}"; do
		accepted "$who" odd-names
		same "$(find stage -type f | wc -l)" 12 "files, one with a newline"
		for f in stage/*; do
			same "$(cat "$f")" "${f#stage/}" "content of a name"
		done
		accepted "$who" odd-names-pax
		same "$(cd stage && printf '%s|' *)" \
			$'e\xcc\x81|\xc3\xa9|\xe6\x97\xa5\xe6\x9c\xac|' "names"
		accepted "$who" zip-good
	done
	refused usage 'esc\\x1b]0;x\\x07\\x0aname\\x5c"' odd-name-refused
}

@test "archive: a later entry replaces an earlier one, but never a folder" {
	for who in "${users[@]}"; do
		accepted "$who" duplicates
		same "$(cat stage/f stage/l stage/d/f)" newownin "contents"
	done
	refused usage "replaces a directory" file-replaces-dir
}

@test "archive: every limit is kept, on both sides" {
	refused limit "longer than 4095" deep-path
	refused limit "longer than 255" long-component
	refused limit "deeper than 256" deep-in-steps
	refused usage "header too large" long-name
	refused limit "more than 2999 entries" many-entries --max-entries 2999
	refused limit "more than 2500 bytes" good --max-bytes 2500
	refused limit "1 TiB" sparse-endless
	for who in "${users[@]}"; do
		accepted "$who" many-entries --max-entries 3000
		accepted "$who" good --max-bytes 2501
		accepted "$who" deep-in-steps --max-depth 299
		accepted "$who" sparse
		same "$(stat -c %s stage/s)" 1048576 "size of a sparse file"
		(($(stat -c %b stage/s) < 64)) || die "the hole was filled"
	done
}

@test "archive: bombs stop at the limit, in little memory" {
	refused limit "more than 200 times" gz-bomb
	refused limit "more than 200 times" gz-bomb-nested
	refused limit "more than 200 times" gz-bomb-skipped
	refused limit "more than 100000000 bytes" gz-bomb --max-ratio 100000 \
		--max-bytes 100000000
	refused usage "too much memory" zstd-window
	[[ $FAAS != *address* ]] || skip "address space is not limited under a sanitizer"
	refused limit "too much memory" xz-dictionary
	stage
	run python3 - "$ARCHIVE" <<-'EOF'
		import os, resource, subprocess, sys
		fds = os.open("stage", 0), os.open("gz-bomb", 0)
		subprocess.run([sys.argv[1], "unpack", "--status-fd", "1", "--root-fd",
		    str(fds[0]), "--archive-fd", str(fds[1])], pass_fds=fds)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	EOF
	((${lines[-1]} < 65536)) || die "${lines[-1]} KiB of memory for a bomb"
}

@test "archive: what is cut short is refused at every length" {
	local size at want
	"$MAKE" good >whole
	size=$(stat -c %s whole)
	for ((at = 0; at < size; at += 512)); do
		head -c "$at" whole >part
		unpack user part
		# complete from its first end mark on: there are zeros from here
		want=1
		((at > 0)) && cmp -s <(tail -c +$((at - 511)) whole) \
			<(head -c $((size - at + 512)) /dev/zero) && want=0
		same "$status" "$want" "status of the first $at bytes; output: $output"
		((want == 0)) || same "$(ls -A stage)" "" "the folder after $at bytes"
	done
	refused usage "Truncated" early-end
	refused usage "Unrecognized" nothing
	refused usage "Unrecognized" noise
}

@test "archive: what follows the end is ignored" {
	for who in "${users[@]}"; do
		accepted "$who" garbage
		accepted "$who" concatenated
		same "$(ls -A stage)" first "entries"
		accepted "$who" no-entries
		accepted "$who" huge-mtime
	done
}

@test "archive: formats and filters are recognised" {
	for who in "${users[@]}"; do
		accepted "$who" cpio-good
		same "$(cat stage/l)" hello "a link of a cpio"
		accepted "$who" zip-good
		same "$(stat -c %s stage/d/f)" 1000 "a file of a zip"
		for filter in gzip bzip2 xz zstd lzma; do
			type "$filter" >/dev/null 2>&1 || continue
			"$MAKE" good | "$filter" -c >"good.$filter"
			accepted "$who" "good.$filter"
			has "$output" '"bytes":2501' "$filter"
		done
	done
}

@test "archive: a pipe will do" {
	stage
	"$MAKE" good >whole
	as user unpack --archive-fd 8 8< <(cat whole)
	same "$status" 0 "status; output: $output"
}

@test "archive: only an empty folder is filled" {
	stage
	touch stage/f
	"$MAKE" good >whole
	as user unpack --archive-fd 8 8<whole
	same "$status" 1 "status"
	has "$output" '"code":"conflict"' "output"
	same "$(ls -A stage)" f "what was there"
}

@test "archive: wrong arguments are usage errors" {
	for args in "" frob unpack "unpack --root-fd x" "unpack --root-fd 7 --status-fd 1" \
		"remove --root-fd 7" "unpack --frob"; do
		# shellcheck disable=SC2086  # words
		run "$ARCHIVE" $args 7<.
		same "$status" 1 "status of '$args'"
		has "$output" '"code":"usage"' "output of '$args'"
	done
}

# reader: the process that reads the archive, which is the helper's only child
reader() {
	local helper=$1 child

	confined() {
		child=$(ps -o pid= --ppid "$helper" | tr -d ' ')
		[[ -n $child ]] && (($(filters "$child") > $(filters self)))
	}
	eventually confined
	echo "$child"
}

@test "archive: the reader has nothing but the folder" {
	[[ $FAAS != *address* ]] || skip "no filter under a sanitizer"
	local pid child caps as
	mkfifo pipe
	for who in "${users[@]}"; do
		stage
		exec 9<>pipe
		as=("$ARCHIVE" unpack)
		[[ $who == root ]] && as+=(--uid-base "$BASE" --uid-count 65536)
		[[ $who == user ]] && ((EUID == 0)) &&
			as=(setpriv --reuid 65534 --regid 65534 --clear-groups "${as[@]}")
		"${as[@]}" --root-fd 7 --archive-fd 8 --status-fd 1 7<stage 8<pipe >out 3>&- &
		pid=$!
		child=$(reader "$pid")
		# CAP_DAC_OVERRIDE and CAP_FOWNER; CAP_CHOWN when there are owners
		caps=000000000000000a
		[[ $who == root ]] && caps=000000000000000b
		same "$(grep '^CapEff' "/proc/$child/status" | cut -f2)" "$caps" "$who: caps"
		same "$(grep '^CapBnd' "/proc/$child/status" | cut -f2)" 0000000000000000 bound
		same "$(grep '^NoNewPrivs' "/proc/$child/status" | cut -f2)" 1 "$who: privileges"
		for ns in user mnt pid net ipc uts; do
			[[ $(readlink "/proc/$child/ns/$ns") != $(readlink "/proc/self/ns/$ns") ]] ||
				die "$who: shares the $ns namespace"
		done
		same "$(wc -l <"/proc/$child/mountinfo")" 1 "$who: mounts"
		has "$(cat "/proc/$child/mountinfo")" "nosuid,nodev,noexec" "$who: options"
		same "$(stat -Lc %i "/proc/$child/root")" "$(stat -c %i stage)" "$who: its root"
		exec 9>&-
		wait "$pid" || true
		has "$(cat out)" '"ok":false' "$who: result"
		same "$(ls -A stage)" "" "$who: the folder"
	done
}

@test "archive: when the reader is killed, that is said and nothing stays" {
	local pid child ids=()
	((EUID)) || ids=(--uid-base "$BASE" --uid-count 65536)
	mkfifo pipe
	stage
	exec 9<>pipe
	"$ARCHIVE" unpack --root-fd 7 --archive-fd 8 --status-fd 1 "${ids[@]}" \
		7<stage 8<pipe >out 3>&- &
	pid=$!
	# more than it reads at once, and less than all
	mkdir etc
	head -c 100000 /dev/zero >etc/zero
	tar c etc | head -c 50000 >&9
	child=$(reader "$pid")
	eventually test -e stage/etc
	kill -KILL "$child"
	wait "$pid" && die "it ended with 0"
	exec 9>&-
	has "$(cat out)" '{"ok":false,"code":"limit"' "result"
	same "$(ls -A stage)" "" "the folder"
}

@test "archive: a full disk is an error that says so" {
	((EUID == 0)) || skip "needs root"
	"$MAKE" good >whole
	run unshare -m bash -c "mkdir stage; mount -t tmpfs -o size=4k x stage
		chmod 777 stage; '$ARCHIVE' unpack --root-fd 7 --status-fd 1 --archive-fd 8 \
			7<stage 8<whole; echo \$?; ls -A stage"
	same "${lines[-1]}" 1 "status, and an empty folder: $output"
	has "$output" '"code":"limit","message":"write: No space left on device"' "message"
}

# folder <who> [<option>...]: a copy of the folder "from"
folder() {
	local who=$1
	shift
	stage
	as "$who" unpack --source-dir-fd 8 "$@" 8<from
}

@test "folder: is copied with links, holes, times and modes" {
	mkdir -p from/d/e
	echo x >from/d/f
	ln from/d/f from/d/e/same
	ln -s ../d from/d/link
	truncate -s 1M from/sparse
	chmod 4755 from/d/f
	touch -d @1000000000 from/d/f from/d/e from/sparse
	((EUID)) || chown -R 1000:1001 from/d
	for who in "${users[@]}"; do
		folder "$who"
		same "$status" 0 "$who: status; output: $output"
		same "$(stat -c %h:%a:%Y stage/d/f)" 2:755:1000000000 "$who: the file"
		same "$(readlink stage/d/link)" ../d "$who: the link"
		same "$(stat -c %s stage/sparse)" 1048576 "$who: size"
		(($(stat -c %b stage/sparse) < 64)) || die "$who: the hole was filled"
		same "$(stat -c %Y stage/d/e)" 1000000000 "$who: time of a folder"
		[[ $who == user ]] ||
			same "$(stat -c %u:%g stage/d)" $((BASE + 1000)):$((BASE + 1001)) owner
	done
}

@test "folder: root can read what only its owner may" {
	((EUID == 0)) || skip "needs root"
	mkdir -m 700 from
	(umask 077 && echo secret >from/f)
	chown -R 1000:1000 from
	folder root
	same "$status" 0 "status; output: $output"
	same "$(cat stage/f)" secret content
	folder user
	same "$status" 1 "a stranger: status"
	has "$output" '"code":"denied"' "a stranger"
}

@test "folder: a reader gets no more than it may read" {
	((EUID == 0)) || skip "needs root"
	local reader="--source-uid 1000 --source-gid 1000"
	mkdir -p from/open
	echo public >from/open/f
	ln -s open/f from/l
	# shellcheck disable=SC2086  # words
	folder root $reader
	same "$status" 0 "status; output: $output"
	same "$(cat stage/l)" public content
	same "$(stat -c %u stage/open)" "$BASE" owner
	(umask 077 && echo secret >from/open/g)
	# shellcheck disable=SC2086
	folder root $reader
	same "$status" 1 "a file of root: status"
	has "$output" '"code":"denied","message":"open: Permission denied","entry":"open/g"' a
	chown 1000 from/open/g
	# shellcheck disable=SC2086
	folder root $reader
	same "$status" 0 "its own file: status; output: $output"
	chmod 700 from/open
	# shellcheck disable=SC2086
	folder root $reader
	same "$status" 1 "a folder of root: status"
	folder root --source-uid 1000
	has "$output" '"code":"usage"' "half of the reader"
}

@test "folder: the same rules as for archives" {
	mkdir from
	mkfifo from/fifo
	for who in "${users[@]}"; do
		folder "$who"
		same "$status" 1 "status"
		has "$output" FIFO "output"
		same "$(ls -A stage)" "" "stage"
		folder "$who" --skip-special
		has "$output" '"skipped":{"fifo":1}' "output"
		folder "$who" --skip-special --max-entries 0
		has "$output" '"code":"limit"' "output"
	done
	rm from/fifo
	ln -s ../../outside from/l
	folder user
	has "$output" "leaves the archive" "link"
}

@test "folder: does not copy into itself" {
	stage
	for who in "${users[@]}"; do
		stage
		as "$who" unpack --source-dir-fd 8 8<.
		same "$status" 1 "$who: parent of the folder: status"
		has "$output" "contains the place" "$who"
		stage
		as "$who" unpack --source-dir-fd 8 8<stage
		same "$status" 1 "$who: the folder itself: status"
		has "$output" "contains the place" "$who"
	done
}

@test "folder: other file systems are left out unless asked for" {
	((EUID == 0)) || skip "needs root"
	mkdir -p from/m from/n
	run unshare -m bash -c "mount -t tmpfs x from/m && echo in >from/m/f &&
		$(declare -f as stage folder); ARCHIVE=$ARCHIVE BASE=$BASE
		run() { output=\$(\"\$@\"); lines=(\"\$output\"); }
		for w in user root; do folder \$w; echo \"\$output\"; ls -A stage/m
		folder \$w --cross-mounts; cat stage/m/f; done"
	same "$(grep -c '^in$' <<<"$output")" 2 "crossed when asked for: $output"
	same "$(grep -c '"skipped":{"mount":1}' <<<"$output")" 1 "left out: $output"
}

@test "folder: a racing writer cannot make it read elsewhere" {
	mkdir -p from/d real secret
	echo ours >from/d/f
	echo stolen >secret/f
	ln -s "$PWD/secret" link
	python3 - "$$" <<-'EOF' 3>&- &
		import os, sys
		os.rename("from/d", "real/d")
		while os.path.exists("link") and os.path.exists("/proc/" + sys.argv[1]):
		    os.rename("real/d", "from/d")
		    os.rename("from/d", "real/d")
		    os.rename("link", "from/d")
		    os.rename("from/d", "link")
	EOF
	local writer=$! who i whole=0 refused=0 links=0
	for ((i = 0; i < ${RACES:-200}; i++)); do
		who=${users[i % ${#users[@]}]}
		folder "$who"
		[[ $output == *'"ok":'* ]] || die "no result: $output"
		# the link itself may be what was copied: that is no content
		[[ -L stage/d ]] && rm stage/d && links=$((links + 1))
		if grep -rqs stolen stage || [[ -f stage/d/f && $(cat stage/d/f) != ours ]]; then
			kill "$writer"
			die "round $i: content from elsewhere"
		fi
		((status)) && refused=$((refused + 1))
		[[ -f stage/d/f ]] && whole=$((whole + 1))
	done
	kill "$writer"
	echo "# $whole copies had the file, $links the link, $refused were refused" >&3
}
