# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# What differs, and inside of text (cmd/diff*.c, lib/statehelper/diff.c).

# two <name> <base> <changes>: a snapshot NAME and a branch NAME.b of it
two() {
	faas execute --snapshot "$1" "$2"
	faas branch "$1" --branch "$1.b" "$3"
}

@test "diff: of snapshots and branches, with and without another" {
	two kinds 'echo 1 >/work/c; echo 1 >/work/d' 'echo 22 >/work/c; rm /work/d; echo 3 >/work/a; chmod 600 /etc/hostname'
	faas 1 diff kinds.b
	same "$output" $'KIND  PATH           BEFORE  AFTER
C     /etc/hostname'"$(printf '%8s%7s' "$(stat -c %s /etc/hostname)" "$(stat -c %s /etc/hostname)")"$'
A     /work/a             -      2
C     /work/c             2      3
D     /work/d             2      -' "table"
	all=$output
	faas 1 branch diff kinds.b
	same "$output" "$all" "of the branch"
	faas 1 diff kinds kinds.b
	same "$output" "$all" "of both"
	faas 1 diff kinds.b kinds -q
	same "$output" $'/etc/hostname\n/work/a\n/work/c\n/work/d' "names"
	faas 1 diff kinds --name-only --no-header -- /work
	same "$output" $'/work/c\n/work/d' "against its parent, the environment"
	faas diff kinds.b kinds.b
	faas 3 diff no-such
	faas 3 branch diff kinds
	faas 3 snapshot diff kinds no-such
}

@test "diff --patch: what git apply takes" {
	two patch 'mkdir /work/t; cd /work/t; seq 20 >text; printf "no end" >end; printf "a\0b" >bin; ln -s x link; echo run >mode; echo gone >gone; echo q >"q\"uote"' \
		'cd /work/t; sed -i "s/^3$/three/;s/^18$/eighteen/" text; printf "no end\nmore" >end; ln -sfn y link; chmod 755 mode; rm gone; echo new >"ne
w"; : >empty; echo Q >"q\"uote"; echo ü >ü'
	mkdir was is
	faas execute --parent patch -a /work/t --artifact-dir was true
	faas branch exec patch.b -a /work/t --artifact-dir is true
	faas 1 diff patch patch.b --patch -- /work
	has "$output" $'@@ -1,6 +1,6 @@\n 1\n 2\n-3\n+three' "hunk"
	has "$output" '\ No newline at end of file' "no line end"
	printf '%s\n' "$output" >changes.diff
	mkdir work && mv was/t work/t
	git apply --unsafe-paths changes.diff
	diff -r --no-dereference work/t is/t
	[[ -x work/t/mode ]]
	faas branch exec patch.b 'printf "a\0c" >/work/t/bin'
	faas 1 diff patch patch.b -p -- /work/t/bin/
	same "$output" $'diff --git a/work/t/bin b/work/t/bin\nBinary files a/work/t/bin and b/work/t/bin differ' "binary"
}

@test "diff --stat and --json: lines, and text that is not UTF-8" {
	two lines 'seq 10 >/work/a; printf "a\0" >/work/b' 'sed -i 1,3d /work/a; echo 11 >>/work/a; printf "b\0" >/work/b; printf "\351\n" >"/work/c"'
	faas 1 diff lines.b --stat
	same "$output" $' work/a | 4 +---\n work/b | binary\n work/c | 1 +\n 3 paths changed, 2 insertions(+), 3 deletions(-)' "stat"
	faas 1 --json diff lines.b --patch -- work/a /work/c
	same "$(jq -r '.differences[0] | "\(.path) \(.lines_added) \(.lines_deleted) \(.binary)"' <<<"$output")" \
		"/work/a 1 3 false" "fields"
	same "$(jq -r '.differences[0].patch' <<<"$output" | head -2)" $'@@ -1,6 +1,3 @@\n-1' "patch"
	same "$(jq -r '.differences[1].patch_base64' <<<"$output" | base64 -d | tail -1 | od -An -tx1)" " 2b e9 0a" "bytes"
	same "$(jq '.differences | length' <<<"$output")" 2 "filter"
}

@test "diff: colour when it is asked for, and what a terminal would obey is escaped" {
	two shown 'printf "1\n" >/work/a' 'printf "\033[2J\n" >/work/a'
	faas 1 --color=always diff shown.b -p
	has "$output" $'\e[31m-1\e[m\n\e[32m+' "colours"
	faas 1 diff shown.b -p
	lacks "$output" $'\e[31m' "no colours"
}

@test "diff: a file with too many changed lines is named, in the output and on stderr" {
	two much true 'seq 2000000 >/work/much; seq 3 >/work/few'
	faas 1 diff much.b
	faas 1 diff much.b -p
	has "$output" "2000000 lines, too many to show" "output"
	has "$output" "+3" "the other"
	has "$stderr" "1 file has too many" "message"
	faas 1 --json diff much.b -p
	same "$(jq -c '[.differences[] | [.path, .lines_added, .patch_omitted]]' <<<"$output")" \
		'[["/work/few",3,null],["/work/much",2000000,true]]' "fields"
	faas 1 diff much.b -p -- /work/few
	has "$output" "+3" "what is named"
	same "$stderr" "" "nothing is left out"
	faas 1 diff much.b --stat
	has "$output" "2000003 insertions" "count"
}

@test "diff: more than one answer holds comes in several" {
	two pages true 'cd /work; i=0; while [ $i -lt 41000 ]; do i=$((i+1)); echo /work/f$i; : >f$i; done >/tmp/list
		for n in 1 2 3; do head -c 4000000 /dev/zero | tr "\0" "x" | fold -w 100 >/work/text$n; done'
	faas 1 diff pages.b --no-header --name-only -- /work
	same "$(grep -c '^/work/f' <<<"$output")" 41000 "paths"
	same "$(sort -u <<<"$output" | wc -l)" 41003 "each once"
	faas 1 diff pages.b --patch -- /work/text1 /work/text2 /work/text3
	same "$(grep -c '^+x' <<<"$output")" 120000 "lines"
	same "$stderr" "" "nothing is left out"
}

@test "diff: attributes alone are a change" {
	two attr 'cd /work; touch file same; mkdir folder; python3 -c "import os
for p in (\"file\", \"same\", \"folder\"): os.setxattr(p, \"user.a\", b\"1\")"' \
		'cd /work; python3 -c "import os
os.setxattr(\"file\", \"user.a\", b\"2\"); os.setxattr(\"folder\", \"user.b\", b\"\")
os.setxattr(\"same\", \"user.a\", b\"3\"); os.setxattr(\"same\", \"user.a\", b\"1\")"'
	faas 1 --json diff attr.b
	same "$(jq -c '[.differences[] | [.kind, .path, .content, .attributes]]' <<<"$output")" \
		'[["C","/work/file",false,true],["C","/work/folder",false,true]]' "differences"
	faas 1 diff attr.b --patch
	lacks "$output" same "patch"
	faas branch attr --branch attr.c 'python3 -c "import os
os.setxattr(\"/work/file\", \"user.a\", b\"4\"); os.setxattr(\"/work/folder\", \"user.b\", b\"\")"'
	faas 1 --json compare attr.b attr.c
	same "$(jq -c '[.outcomes[] | .files], ([.outcomes[] | .changes] | unique | length)' <<<"$output" | tr -d '\n')" \
		'[2,2]2' "what they changed is not the same"
}

@test "diff: what reads strangers' files keeps no more rights than that takes" {
	[[ -z ${SANITIZE-} ]] || skip "no filter under a sanitizer"
	[[ $(id -u) == 0 ]] || skip "needs root's capabilities"
	local pid head

	two held true 'seq 100000 >/work/t'
	head=$("$FAAS" --json branch show held.b 3>&- | jq -r .head)
	"$FAAS" --json snapshot show "$head" 3>&- |
		jq '{do: "diff", from: .layers[1:], to: .layers, root: "", shift: 2130706432, patch: true}' >ask
	mkfifo out
	"${FAAS%/*}/faas-state" <ask >out 3<"$FAAS_STATE_DIR/layers" &
	pid=$!
	# nobody reads: it waits with an answer that the pipe has no room for
	exec 9<out
	eventually eval '(($(filters "$pid") > $(filters self)))'
	same "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")" 1 "no new privileges"
	same "$(awk '/^Cap(Eff|Prm)/ { print $2 }' "/proc/$pid/status" | sort -u)" 0000000000200002 "capabilities"
	kill "$pid"
	exec 9<&-
	wait "$pid" || true
}
