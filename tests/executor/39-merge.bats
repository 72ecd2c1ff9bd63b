# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# Merges of branches and snapshots (lib/executor/merge.c, lib/state/merge.c).

head_of() {
	"$FAAS" --json branch show "$1" 3>&- | jq -r .head
}

layers() {
	find "$FAAS_STATE_DIR/layers" -mindepth 1 -maxdepth 1 | wc -l
}

# parted <name> <base> <ours> <theirs>: branches NAME.o and NAME.t of a snapshot NAME
parted() {
	faas execute --snapshot "$1" "$2"
	faas branch "$1" --branch "$1.o" "$3"
	faas branch "$1" --branch "$1.t" "$4"
}

# merged <name> <strategy>: a new snapshot of the two, and what its command prints
merged() {
	faas merge "$1.o" "$1.t" --strategy "$2" --name "$1.$2"
	shift 2
}

@test "merge: lines of text, modes, links, deletions, folders: each from whoever changed it" {
	parted all 'seq 9 >/work/text; echo x >/work/mode; ln -s a /work/link; mkdir -p /work/gone/sub /work/kept
			touch /work/gone/f /work/gone/sub/g /work/kept/f' \
		'sed -i s/1/one/ /work/text; chmod 700 /work/mode; mkdir /work/empty; echo a >"/work/ü ñ"' \
		'sed -i s/9/nine/ /work/text; echo y >/work/mode; ln -sf b /work/link; rm -r /work/gone
			rm /work/kept/f; mkfifo /work/pipe; echo n >"/work/new
line"; chmod 711 /work/kept; echo new >/etc/added; rm /usr/bin/yes'
	faas --json merge all.t --into all.o
	same "$(jq -r '"\(.conflict) \(.branch) \(.steps[0].how) \(.merged_texts) \(.added)"' <<<"$output")" \
		"false all.o merged 1 3" "what it says"
	faas branch exec all.o 'cd /work; cat text mode; readlink link; stat -c "%a %u:%g %F" mode kept empty pipe
		ls; cat "new
line" /etc/added; ls kept | wc -l; ls /usr/bin/yes 2>&1 | wc -l; test -e /usr/bin/yes || echo none'
	same "$output" $'one\n2\n3\n4\n5\n6\n7\n8\nnine\ny\nb
700 0:0 regular file\n711 0:0 directory\n755 0:0 directory\n644 0:0 fifo
empty\nkept\nlink\nmode\nnew\nline\npipe\ntext\nü ñ\nn\nnew\n0\n1\nnone' "files"
	# theirs is as it was
	faas branch exec all.t 'head -1 /work/text'
	same "$output" 1 "theirs"
}

@test "merge: conflicts are listed, with exit 5, and nothing changes" {
	local before had

	parted bad 'seq 3 >/work/text; printf "a\0b" >/work/bin; echo x >/work/del; echo x >/work/type; ln -s a /work/link; echo x >/work/mode' \
		'sed -i s/2/two/ /work/text; printf "c\0d" >/work/bin; rm /work/del; rm /work/type; mkdir /work/type; ln -sf b /work/link; chmod 700 /work/mode; echo o >/work/add' \
		'sed -i s/2/zwei/ /work/text; printf "e\0f" >/work/bin; echo y >/work/del; echo y >/work/type; ln -sf c /work/link; chmod 711 /work/mode; echo t >/work/add'
	before=$(head_of bad.o)
	had=$(layers)
	faas 5 --json merge bad.t --into bad.o
	same "$(jq -r '.conflict, .snapshot' <<<"$output" | tr '\n' ' ')" "true null " "answer"
	same "$(jq -r '.steps[0].conflicts[] | "\(.conflict) \(.path)"' <<<"$output" | sort | tr '\n' ,)" \
		"added /work/add,binary /work/bin,content /work/text,deleted /work/del,link /work/link,mode /work/mode,type /work/type," \
		"conflicts"
	has "$stderr" "7 conflicts" "message"
	faas 5 merge bad.t --into bad.o
	has "$output" "content   /work/text" "table"
	faas 5 merge bad.t --into bad.o --dry-run
	same "$(head_of bad.o)" "$before" "the branch"
	eventually eval '[[ $(layers) == '"$had"' ]]'
}

@test "merge: what each strategy makes of the same conflicts" {
	parted how 'seq 3 >/work/text; printf "a\0b" >/work/bin; echo x >/work/del; echo x >/work/alone; echo x >/work/alike' \
		'sed -i s/2/two/ /work/text; printf "c\0d" >/work/bin; rm /work/del; echo o >/work/add; echo z >/work/alike; touch -d @1000 /work/text /work/bin /work/add' \
		'sed -i s/2/zwei/ /work/text; printf "e\0f" >/work/bin; echo y >/work/del; echo t >/work/add; echo z >/work/alike; rm /work/alone; touch -d @2000 /work/text /work/bin /work/add'
	show='cd /work; tr "\n" " " <text; tr "\0" " " <bin; for f in del add alone alike; do cat $f 2>/dev/null || echo -; done | tr "\n" " "'
	# union cannot join what is not text
	faas 5 merge how.o how.t --strategy union
	has "$output" "binary    /work/bin" "union"
	merged how intersection
	faas snapshot exec how.intersection "$show"
	same "$output" "1 2 3 a bx - x z " "intersection"
	merged how latest
	faas snapshot exec how.latest "$show"
	same "$output" "1 zwei 3 e fy t - z " "latest"
	merged how ours
	faas snapshot exec how.ours "$show"
	same "$output" "1 two 3 c d- o - z " "ours"
	merged how theirs
	faas snapshot exec how.theirs "$show"
	same "$output" "1 zwei 3 e fy t - z " "theirs"
	# three_way is what the wire says
	faas 5 merge how.o how.t --strategy three-way
	faas 2 merge how.o how.t --strategy best
	parted lines 'seq 3 >/work/text; echo x >/work/del; echo x >/work/alone' \
		'sed -i s/2/two/ /work/text; rm /work/del; echo o >/work/add' \
		'sed -i s/2/zwei/ /work/text; echo y >/work/del; echo t >/work/add; rm /work/alone'
	merged lines union
	faas snapshot exec lines.union 'cd /work; cat text del add alone | tr "\n" " "'
	same "$output" "1 two zwei 3 y o t x " "union"
}

@test "merge: line ends, no line end, empty files, and many files" {
	parted ends 'printf "1\r\n2\r\n3\r\n" >/work/crlf; printf "a\nb\nc" >/work/last; : >/work/empty
			mkdir /work/many; for i in $(seq 1000); do echo $i >/work/many/$i; done' \
		'sed -i s/1/one/ /work/crlf; sed -i s/a/A/ /work/last; for i in $(seq 1 2 1000); do echo odd >/work/many/$i; done' \
		'sed -i s/3/three/ /work/crlf; printf "a\nb\nC" >/work/last; echo x >/work/empty; for i in $(seq 2 2 1000); do rm /work/many/$i; done'
	faas merge ends.t --into ends.o
	faas branch exec ends.o 'cd /work; od -An -c crlf | tr -d " \n"; od -An -c last | tr -d " \n"; cat empty
		ls many | wc -l; cat many/* | sort | uniq -c | tr -d " "'
	same "$output" $'one\\r\\n2\\r\\nthree\\r\\nA\\nb\\nCx\n500\n500odd' "files"
}

@test "merge: hard links, opaque folders, sparse files and times" {
	parted odd 'mkdir /work/d; touch /work/d/a /work/d/b; echo x >/work/x' \
		'echo y >/work/x' \
		'cd /work; echo h >h1; ln h1 h2; rm -r d; mkdir d; touch -d @5000 d/c; truncate -s 100M sparse; mkdir e; touch -d @7000 e'
	faas merge odd.t --into odd.o
	faas branch exec odd.o 'cd /work; ls d; stat -c %Y e d/c; stat -c %h h1; [ h1 -ef h2 ] && echo same; stat -c "%s" sparse; [ $(stat -c %b sparse) -lt 100 ] && echo holes'
	same "$output" $'c\n7000\n5000\n2\nsame\n104857600\nholes' "files"
}

@test "merge: a rename is a deletion and an addition" {
	parted name 'seq 3 >/work/old' 'mv /work/old /work/new' 'touch /work/other'
	faas merge name.t --into name.o
	faas branch exec name.o 'ls /work'
	same "$output" $'new\nother' "files"
	parted lost 'seq 3 >/work/old' 'mv /work/old /work/new' 'echo 4 >>/work/old'
	faas 5 merge lost.t --into lost.o
	has "$output" "deleted   /work/old" "an edit of what was renamed"
}

@test "merge: again, of a merge, of several, fast-forward and up to date" {
	local at

	parted again 'seq 9 >/work/t' 'sed -i s/1/one/ /work/t' 'sed -i s/9/nine/ /work/t'
	faas branch again --branch again.f 'sed -i s/5/five/ /work/t'
	faas merge again.t again.f --into again.o --name both -m 'both of them'
	faas --json snapshot show both
	same "$(jq -r '"\(.comment) \(.parent != null)"' <<<"$output")" "both of them true" "the snapshot"
	faas branch exec again.o 'tr "\n" " " </work/t'
	same "$output" "one 2 3 4 five 6 7 8 nine " "three lines"
	# the base is the last merge: what came before is no conflict
	faas branch exec again.t 'sed -i s/nine/NINE/ /work/t'
	faas merge again.t --into again.o
	faas branch exec again.o 'tr "\n" " " </work/t'
	same "$output" "one 2 3 4 five 6 7 8 NINE " "once more"
	at=$(head_of again.o)
	faas --json merge again.t --into again.o
	same "$(jq -r '.steps[0].how + " " + .snapshot' <<<"$output")" "up-to-date $at" "nothing to do"
	faas branch again.o --branch again.n
	faas branch exec again.n 'echo more >/work/more'
	faas --json merge again.n --into again.o
	same "$(jq -r '.steps[0].how' <<<"$output")" fast-forward "it had not moved"
	same "$(head_of again.o)" "$(head_of again.n)" "the same head"
	faas branch delete again.n
	faas branch exec again.o -- cat /work/more
	same "$output" more "what the deleted branch had"
	# the other way round: what it is merged into has it all
	faas merge again.o --into again.t
	same "$(head_of again.t)" "$(head_of again.o)" "both ways"
}

@test "merge: two snapshots that share no more than their environment" {
	faas execute --snapshot lone1 'echo 1 >/work/one'
	faas execute --snapshot lone2 'echo 2 >/work/two; rm /usr/bin/yes'
	faas --json merge lone1 lone2 --name lone
	same "$(jq -r '.steps[0].base' <<<"$output")" null "no snapshot is their base"
	faas snapshot exec lone 'cat /work/one /work/two; test -e /usr/bin/yes || echo gone'
	same "$output" $'1\n2\ngone' "files"
}

@test "merge: bad input" {
	parted in 'echo 1 >/work/f' true true
	faas 3 merge in.t --into no-such
	faas 3 merge no-such --into in.o
	faas 2 merge in.t
	faas 2 merge in.o in.t --name 'a b'
	faas execute --snapshot taken true
	faas 5 merge in.o in.t --name taken
	has "$stderr" "already" "message"
	mkdir root && cp "$(command -v busybox)" root/ && ln -s busybox root/sh
	faas env create other root
	faas execute --env other --snapshot elsewhere -- /busybox true
	faas 5 merge elsewhere --into in.o
	has "$stderr" "environment" "message"
}

@test "merge: two clients at once: one moves the branch, none moves it twice" {
	local i pids=()

	parted busy 'mkdir /work/d; for i in $(seq 300); do seq 100 >/work/d/$i; done' \
		'sed -i s/^1$/one/ /work/d/*' 'sed -i s/^100$/hundred/ /work/d/*'
	for i in 1 2 3; do
		(
			status=0
			"$FAAS" merge busy.t --into busy.o >"out.$i" 2>"err.$i" 3>&- || status=$?
			echo $status >"status.$i"
		) 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	# one of them made it; the others found it busy, or done
	for i in 1 2 3; do
		[[ $(<"status.$i") == 0 ]] || same "$(<"status.$i") $(grep -c 'is moving' "err.$i")" "5 1" "client $i"
	done
	has "$(cat status.*)" 0 "one client"
	faas branch exec busy.o 'sed -n "1p;100p" /work/d/7; ls /work/d | wc -l'
	same "$output" $'one\nhundred\n300' "files"
	same "$(faas --json merge busy.t --into busy.o && jq -r '.steps[0].how' <<<"$output")" up-to-date "once"
}

@test "merge: when the disk is full nothing is changed" {
	[[ $(id -u) == 0 ]] || skip "needs root to mount"
	mkdir small
	mount -t tmpfs -o size=16m tmpfs small
	export FAAS_STATE_DIR=$PWD/small/state
	parted full true 'echo x >/work/x' 'head -c 7000000 /dev/urandom >/work/big'
	faas execute --snapshot filler 'head -c 3000000 /dev/zero >/work/fill' || true
	before=$(head_of full.o)
	had=$(layers)
	run --separate-stderr run_faas merge full.t --into full.o
	same "$status" 1 "$stderr"
	has "$stderr" "No space left" "message"
	same "$(head_of full.o)" "$before" "the branch"
	eventually eval '[[ $(layers) == '"$had"' ]]'
	eventually eval '"$FAAS" snapshot delete filler 3>&-'
	faas executor stop
	eventually umount small
}

@test "merge: without root" {
	[[ $(id -u) == 0 ]] || skip "needs root to become another user"
	local home=$BATS_TEST_TMPDIR/rootless

	mkdir "$home"
	cp "$FAAS" "$home/faas"
	cp "${FAAS%/*}/faas-archive" "${FAAS%/*}/faas-state" "$home/"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." "$BATS_RUN_TMPDIR/.."
	chown -R 65534:65534 "$home"
	cd "$home"
	unprivileged() {
		setpriv --reuid 65534 --regid 65534 --clear-groups env -u XDG_CONFIG_HOME \
			HOME="$home" FAAS_STATE_DIR="$home/state" ./faas "$@" 3>&-
	}
	unprivileged execute --snapshot r 'seq 3 >/work/t; mkdir /work/d; touch /work/d/old /work/gone'
	unprivileged -q branch r --branch ro 'sed -i s/1/one/ /work/t; echo a >/work/a'
	unprivileged -q branch r --branch rt 'sed -i s/3/three/ /work/t; rm /work/gone; rm -r /work/d; mkdir /work/d; touch /work/d/new; echo s >/work/secret; chmod 0 /work/secret'
	unprivileged -q merge rt --into ro
	unprivileged branch exec ro 'cd /work; cat t; ls; ls d; stat -c "%a %s" secret' >got
	same "$(<got)" $'one\n2\nthree\na\nd\nsecret\nt\nnew\n0 2' "files"
	unprivileged -q executor stop --now || true
}

# sent <name>: folder src of the user's, a snapshot NAME that has it, and a branch NAME.b
sent() {
	mkdir -p src/d
	seq 9 >src/text
	echo x >src/d/f
	echo x >src/gone
	echo x >src/mode
	ln -s text src/link
	faas execute --file src --snapshot "$1" true
	faas branch "$1" --branch "$1.b" "$2"
}

# listed <folder>: modes, names and text of all in it
listed() {
	(cd "$1" && find . -mindepth 1 -printf '%M %P %l\n' | sort -k2 && find . -type f | sort | xargs cat)
}

@test "merge --to: back into a folder of the user's, which changed elsewhere" {
	sent back 'cd /work/src; sed -i s/1/one/ text; rm gone; chmod 755 mode; ln -sf d link; mkdir new; echo n >new/n; rm -r d; echo no >/work/else; chmod 4755 text'
	sed -i s/9/nine/ src/text
	echo mine >src/mine
	cp -a src before
	faas merge back.b --to src --dry-run
	has "$output" $'D     /gone\nC     /link' "what would be"
	diff -r --no-dereference before src
	faas merge back.b --to src
	same "$(listed src)" "$(printf '%s\n' 'lrwxrwxrwx link d' '-rw-r--r-- mine ' '-rwxr-xr-x mode ' \
		'drwxr-xr-x new ' '-rw-r--r-- new/n ' '-rwxr-xr-x text ' mine x n one 2 3 4 5 6 7 8 nine)" "folder"
	# once more there is nothing to do
	cp -a src before2
	faas --json merge back.b --to src
	same "$(jq -r '"\(.added) \(.changed) \(.deleted) \(.folder)"' <<<"$output")" "0 0 0 src" "again"
	diff -r --no-dereference before2 src
}

@test "merge --to: what moved is not replaced, nothing outside is touched" {
	sent moved 'cd /work/src; sed -i s/1/one/ text; rm -r d; echo y >mode; mkdir -p way; echo evil >way/in'
	sed -i s/1/eins/ src/text
	echo changed >src/d/f
	cp -a src before
	faas 5 merge moved.b --to src
	same "$(sort <<<"$output")" $'CONFLICT  PATH\ncontent   /text\ndeleted   /d/f' "conflicts"
	diff -r --no-dereference before src
	faas merge moved.b --to src --strategy ours
	same "$(cat src/mode src/d/f src/way/in; head -1 src/text)" $'y\nchanged\nevil\neins' "ours"
	rm -r src && cp -a before src
	# a link of the user's where the branch has a folder: not followed
	mkdir outside
	ln -s ../outside src/way
	faas 5 merge moved.b --to src
	has "$output" "/way" "conflict"
	faas merge moved.b --to src --strategy theirs
	same "$(ls outside)" "" "what the link leads to"
	same "$(cat src/way/in)" evil "in place of the link"
	faas 2 merge moved.b --to src --into moved.b
	faas 2 merge moved.b --path /work/src
	faas 3 merge moved.b --to no-such
	faas 3 merge moved --to src
	mkdir other
	faas merge moved.b --to other --path /work/none
	same "$(ls -A other)" "" "nothing there"
}

@test "merge --to: union keeps what either has, intersection what both did" {
	sent joint 'cd /work/src; sed -i s/9/nine/ text; rm gone; echo n >new; echo same >alike'
	sed -i s/1/one/ src/text
	rm src/mode
	echo mine >src/mine
	echo same >src/alike
	cp -a src before
	faas merge joint.b --to src --strategy union --dry-run
	diff -r --no-dereference before src
	faas merge joint.b --to src --strategy union
	same "$(head -1 src/text; tail -1 src/text; cat src/new src/mine src/alike src/mode)" \
		$'one\nnine\nn\nmine\nsame\nx' "union"
	[[ -e src/gone ]] || die "union lost what one deleted"
	rm -r src && cp -a before src
	faas merge joint.b --to src --strategy intersection
	same "$(head -1 src/text; tail -1 src/text; cat src/alike src/mode)" $'1\n9\nsame\nx' "intersection"
	[[ -e src/gone && ! -e src/new && ! -e src/mine ]] || die "intersection: $(ls src)"
}

@test "merge --conflict: text that both changed is kept between marks, with exit 5" {
	local head

	parted mark 'seq 3 >/work/text; echo x >/work/plain' \
		'sed -i s/2/two/ /work/text; echo o >/work/add; chmod 700 /work/text' \
		'sed -i s/2/zwei/ /work/text; echo t >/work/add; echo y >/work/plain'
	head=$(head_of mark.o)
	faas 5 --json merge mark.t --into mark.o --conflict merge --dry-run
	same "$(head_of mark.o)" "$head" "dry run"
	faas 5 merge mark.t --into mark.o --conflict none
	same "$(head_of mark.o)" "$head" "none"
	faas 5 --json merge mark.o mark.t --conflict diff3 --name mark.diff3
	same "$(jq -r '"\(.conflict) \(.steps[0].n_conflicts) \(.steps[0].n_marked) \(.snapshot != null)
\([.steps[0].conflicts[] | "\(.conflict) \(.path) \(.marked)"] | sort | join(", "))"' <<<"$output")" \
		$'true 2 2 true\nadded /work/add true, content /work/text true' "what it says"
	has "$stderr" "2 conflicts: the files have marks of them" "message"
	faas snapshot exec mark.diff3 -- cat /work/text
	same "$output" "$(printf '%s\n' 1 '<<<<<<< mark.o' two '||||||| base' 2 ======= zwei '>>>>>>> mark.t' 3)" diff3
	faas 5 merge mark.t --into mark.o --conflict merge
	faas branch exec mark.o 'cd /work; cat text add plain; stat -c %a text'
	same "$output" "$(printf '%s\n' 1 '<<<<<<< mark.o' two ======= zwei '>>>>>>> mark.t' 3 \
		'<<<<<<< mark.o' o ======= t '>>>>>>> mark.t' y 700)" merge
	# other conflicts leave everything as it is
	parted more 'seq 3 >/work/text; echo x >/work/del' 'sed -i s/2/two/ /work/text; rm /work/del' \
		'sed -i s/2/zwei/ /work/text; echo y >/work/del'
	head=$(head_of more.o)
	faas 5 --json merge more.t --into more.o --conflict merge
	same "$(jq -c '[.snapshot, .steps[0].n_conflicts, .steps[0].n_marked]' <<<"$output")" "[null,2,1]" "left"
	has "$stderr" "nothing was changed" "message"
	same "$(head_of more.o)" "$head" "the branch"
	faas 2 merge more.t --into more.o --conflict always
}

@test "merge --conflict: in a folder of the user's" {
	sent marked 'sed -i s/1/one/ /work/src/text'
	sed -i s/1/eins/ src/text
	faas 5 merge marked.b --to src --conflict merge
	same "$(head -5 src/text)" "$(printf '%s\n' '<<<<<<< src' eins ======= one '>>>>>>> marked.b')" "folder"
}

@test "merge --to: a folder that the branch deleted stays for what the user put into it" {
	sent kept 'rm -r /work/src/d; touch /work/src/late'
	echo mine >src/d/mine
	faas merge kept.b --to src
	same "$(ls src/d)" mine "what is left"
	[[ -e src/late ]]
}

@test "merge --to: of a hostile tree nothing leaves the folder, and what cannot be put changes nothing" {
	local b

	sent evil 'cd /work/src; umask 0; mkfifo p; truncate -s 1T h; ln text hard; ln -s /etc/passwd abs
		ln -s ../../../../etc/passwd rel; rm -r d; ln -s /tmp d; echo w >w; chmod 6777 w; mkdir -m 1777 st
		: >"$(printf "a\033[2Jb\nc")"; printf y >link.new; mv link.new link; mkdir -p "$(printf "n%.0s" $(seq 200))"'
	cp -a src before
	b=$PWD/src
	faas branch exec evil.b 'python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"/work/src/s\")"'
	faas 6 merge evil.b --to src
	has "$stderr" "a socket or a device" "message"
	diff -r --no-dereference before src
	faas branch exec evil.b 'rm /work/src/s'
	faas merge evil.b --to src
	[[ $output != *$'\033'* ]] || die "a terminal would obey"
	same "$(readlink src/abs src/rel src/d)" $'/etc/passwd\n../../../../etc/passwd\n/tmp' "links are links"
	same "$(find "$b" ! -type l -perm /6000)" "" "set-user-ID"
	same "$(stat -c %s src/h)" $((1 << 40)) "size of what is a hole"
	(($(du -k src/h | cut -f1) < 1024)) || die "the hole was filled"
	# to look at it again takes no time, whatever its size
	faas --json merge evil.b --to src
	same "$(jq -r '"\(.added) \(.changed) \(.deleted)"' <<<"$output")" "0 0 0" "again"
	printf x | dd of=src/h bs=1 seek=900G conv=notrunc status=none
	faas 5 merge evil.b --to src
	has "$output" "/h" "a byte in the middle of it"
}
