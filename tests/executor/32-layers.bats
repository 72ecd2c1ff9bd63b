#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2154
#
# faas-archive with the layers of an image, driven directly: what a layer says of those
# below it is done, and nothing more.

load ../helpers

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export LC_ALL=C
	ARCHIVE=${FAAS%/*}/faas-archive
	MAKE=$BATS_TEST_DIRNAME/../data/make-layer
	mkdir outside
	echo canary >outside/canary
}

# layers <entries>...: unpacks layers, each of the words of one argument
layers() {
	local n=0 words=() fd=20

	rm -rf stage
	mkdir stage
	((EUID)) || chown 65534:65534 stage
	for layer; do
		# shellcheck disable=SC2086  # a list of words
		"$MAKE" $layer >"layer$n"
		eval "exec $fd<layer$n"
		words+=(--layer-fd "$fd")
		((++n, ++fd))
	done
	if ((EUID == 0)); then
		run timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$ARCHIVE" unpack --root-fd 7 --status-fd 1 "${words[@]}" \
			--skip-special 3>&- 7<stage
	else
		run timeout 60 "$ARCHIVE" unpack --root-fd 7 --status-fd 1 "${words[@]}" \
			--skip-special 3>&- 7<stage
	fi
	output=${lines[-1]-}
	same "$(cat outside/canary)" canary "the file outside"
}

# whole <names> <layers>...: the names in the tree, sorted
whole() {
	local want=$1
	shift
	layers "$@"
	same "$status" 0 "status; output: $output"
	same "$(cd stage && find . -mindepth 1 -printf '%P\n' | sort | xargs)" "$want" "$*"
}

# refused <message part> <layers>...
refused() {
	local part=$1
	shift
	layers "$@"
	same "$status" 1 "status of $*; output: $output"
	has "$output" "$part" "message of $*"
	same "$(ls -A stage)" "" "the staging folder after $*"
}

@test "layers: a later one adds, replaces and takes away" {
	whole "a a/x b" "a/ a/x=1 b=1" "b=2"
	same "$(cat stage/b)" 2 "the upper one"
	whole "a a/y" "a/ a/x=1 a/y=1 b=1" "a/.wh.x= .wh.b="
	whole "b" "a/ a/d/ a/d/x=1 b=1" ".wh.a="
	whole "a a/z b" "a/ a/x=1 a/d/ a/d/y=2 b=1" "a/ a/.wh..wh..opq= a/z=3"
	whole "z" "a/ a/x=1 b=1" ".wh..wh..opq= z=1"
}

@test "layers: a whiteout is about what lies below, wherever it stands" {
	whole "a a/new" "a/ a/old=1" "a/ a/new=2 a/.wh..wh..opq="
	whole "a a/x" "a/ a/x=1 a/y=1" "a/ a/x=2 a/.wh.x= a/.wh.y="
	same "$(cat stage/a/x)" 2 "its own"
	whole "a a/d a/d/n" "a/ a/d/ a/d/o=1" "a/d/n=1 .wh.a="
	whole "a" "a=1" "a=2 .wh.a="
	whole "b" "a=1 b=1" ".wh.a=" ".wh.a="
}

@test "layers: whiteouts of nothing are nothing, and those of no name are refused" {
	whole "a" "a=1" ".wh.b= c/.wh.d= .wh.a/.wh.e= no/.wh..wh..opq="
	whole "a" "a=1" "a/.wh.x= .wh..wh.plnk/ .wh..wh.aufs="
	refused "whiteout of no name" "a=1" ".wh.="
	refused "whiteout of no name" "a=1" ".wh..="
	refused "whiteout of no name" "a=1" ".wh...="
	refused "contains '..'" "a=1" "../outside/.wh.canary="
	refused "contains '..'" "a=1" "x/../../outside/.wh..wh..opq="
}

@test "layers: files and folders take each other's place" {
	whole "a" "a/ a/b/ a/b/c=1" "a=2"
	whole "a a/x" "a=1" "a/ a/x=2"
	whole "a" "a/ a/x=1" "a->b"
	same "$(readlink stage/a)" b "a link instead of a folder"
	whole "a b" "b=1 a/ a/x=1" "a=>b"
	same "$(stat -c %h stage/a)" 2 "a hard link instead of a folder"
	refused "replaces a directory" "a/ a/x=1" "a/ a/y=2 a=3"
}

@test "layers: a folder that is a link below is followed, inside the root only" {
	whole "lib usr usr/lib usr/lib/a usr/lib/b" "usr/ usr/lib/ usr/lib/a=1 lib->usr/lib" \
		"lib/b=2"
	whole "lib usr usr/lib usr/lib/x usr/lib/x/b" "usr/ usr/lib/ lib->/usr/lib" "lib/x/ lib/x/b=1"
	whole "lib usr usr/lib" "usr/ usr/lib/ usr/lib/a=1 lib->usr/lib" "lib/.wh.a="
	whole "lib lib/a usr usr/lib" "usr/ usr/lib/ lib->usr/lib" "lib/ lib/a=1"
	# outside the root is the root
	ln -s "$PWD/outside" probe
	layers "up->$PWD/outside" "up/canary=mine"
	same "$status" 1 "a folder that is not in the root; output: $output"
	layers "${PWD#/}/outside/ up->$PWD/outside" "up/canary=mine"
	same "$status" 0 "the same folder inside; output: $output"
	same "$(cat "stage$PWD/outside/canary")" mine "inside"
}

@test "layers: hard links reach what is below, and nothing outside" {
	whole "a b" "a=1" "b=>a"
	same "$(stat -c %h stage/a)" 2 "links"
	refused "contains '..'" "a=1" "b=>../outside/canary"
	refused "absolute path" "a=1" "b=>/etc/passwd"
	refused "not in the archive" "a=1" "b=>missing"
	refused "absolute path" "/etc/passwd=1"
	refused "leaves the archive" "a->../../etc"
	whole "a" "a->/etc/passwd"
}

@test "layers: privilege is stripped, devices and FIFOs are left out" {
	whole "su" "su@6755=x null! pipe?"
	same "$(stat -c %a stage/su)" 755 "mode"
	has "$output" '"skipped":{"device":1,"fifo":1}' "what was left out"
	has "$output" '"setuid":1' "what was stripped"
}

@test "layers: modes and times of folders stay those of the layer that has them" {
	layers "d/ d/x=1" "d/y=1"
	same "$(stat -c %a stage/d)" 755 "mode"
	layers "a/ a/b/ a/b/c/ a/b/c/x=1" "a/b/.wh.c="
	same "$(ls -A stage/a/b)" "" "what is gone"
}

@test "layers: deep trees go too, and limits are of all layers together" {
	local deep

	deep=$(printf 'd/%.0s' {1..200})
	whole "a" "$deep/x=1 a=1" ".wh.d="
	layers "a=1 b=2" "c=3"
	has "$output" '"entries":3,"bytes":3' "counts"
	layers
	same "$status" 1 "no layers at all"
}
