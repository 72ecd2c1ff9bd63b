# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# sum <file>: its checksum
sum() {
	sha256sum <"$1"
}

# ---- what is run ----

@test "execute: argv after -- is passed on word for word" {
	local words=(a 'b c' '' '*' '$HOME' "it's" '--' '-x' $'new\nline' $'\xff\xfe' '"' '\' 'ü')

	"$FAAS" execute -- /usr/bin/printf '%s\0' "${words[@]}" >got 3>&-
	printf '%s\0' "${words[@]}" >want
	cmp got want
}

@test "execute: a CODE word is the shell's, and further words are its arguments" {
	faas execute 'printf "%s," "$0" "$@"' a 'b c'
	same "$output" "sh,a,b c," "words"
}

@test "execute: options stop at the first word" {
	faas execute -- /bin/echo --json -q --help
	same "$output" "--json -q --help" "words"
	faas execute 'echo "$1"' --version
	same "$output" "--version" "words"
}

@test "execute: CODE that is not UTF-8 is run as it is" {
	"$FAAS" execute $'printf "%s" \xff\xfe\x01' >got 3>&-
	printf '\xff\xfe\x01' >want
	cmp got want
}

@test "execute: arguments of 1.9 MiB work" {
	# one word may have 128 KiB, so many
	python3 - <<-'E'
		import os, subprocess
		args = ["x" * 100000] * 19
		r = subprocess.run([os.environ["FAAS"], "execute", "--", "/bin/sh", "-c",
		                    'n=0; for a; do n=$((n + ${#a})); done; echo $n', "sh"] + args,
		                   capture_output=True, text=True)
		assert (r.returncode, r.stdout) == (0, "1900000\n"), r
	E
}

@test "execute: arguments and variables of 3 MiB are a clear error" {
	python3 - <<-'E'
		import os, subprocess, resource
		# more than any sandbox may have on its stack, from a client that may have it
		resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))
		args = ["x" * 100000] * 31
		r = subprocess.run([os.environ["FAAS"], "execute", "--", "/bin/echo"] + args,
		                   capture_output=True, text=True)
		assert r.returncode == 126, (r.returncode, r.stderr[:300])
		assert "too long" in r.stderr, r.stderr[:300]
		assert len(r.stderr) < 1000, len(r.stderr)
	E
}

@test "execute: a file's language is told by its extension" {
	echo 'print(6 * 7)' >answer.py
	faas execute answer.py
	same "$output" 42 "output"
}

@test "execute: a file's language is told by its first line" {
	printf '#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1:])\n' >answer
	faas execute answer a 'b c'
	same "$output" "['a', 'b c']" "output"
	printf '#!/bin/sh\necho "$1"\n' >answer
	faas execute ./answer x
	same "$output" x "output"
}

@test "execute: -l is stronger than the extension" {
	echo 'echo shell' >answer.py
	faas execute -l bash answer.py
	same "$output" shell "output"
}

@test "execute: '-' reads the program from standard input" {
	echo 'print("in")' | { faas execute -l python - && same "$output" in "output"; }
	echo 'echo shell $1' | { faas execute - x && same "$output" "shell x" "output"; }
}

@test "execute: a program of our own is sent along and run" {
	faas execute "$PROBE" status-NoNewPrivs
	same "$output" "status-NoNewPrivs: refused (EPERM)" "output"
}

@test "execute: an empty file is an empty program" {
	: >nothing.sh
	faas execute nothing.sh
	: >nothing.py
	faas execute nothing.py
	same "$output$stderr" "" "output"
}

@test "execute: FILE that is not there, a folder, or unreadable is an error of ours" {
	faas 125 execute ./no-such.py
	has "$stderr" "no file './no-such.py'" "missing"
	faas 125 execute ./
	has "$stderr" "is a folder" "folder"
	has "$stderr" "hint: " "folder"
	mkfifo pipe.py
	faas 125 execute pipe.py
	has "$stderr" "not a regular file" "fifo"
	((UID)) || return 0
	cp "$FAAS" "$BATS_TEST_TMPDIR/faas"
	echo 1 >secret.py
	chmod 600 secret.py
	chmod 711 "$BATS_FILE_TMPDIR"/.. "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$PWD" "$PWD/.."
	run -125 --separate-stderr env FAAS_STATE_DIR=/nonexistent/x setpriv --reuid 65534 \
		--regid 65534 --clear-groups ./faas execute secret.py 3>&-
	has "$stderr" "ermission denied" "unreadable"
}

@test "execute: a file without a language says so" {
	echo hello >words.txt
	faas 125 execute ./words.txt
	has "$stderr" "cannot tell the language of './words.txt'" "message"
	has "$stderr" "-l" "hint"
}

@test "execute: a FILE that does not fit is refused, and one of 2 GiB of nothing does" {
	truncate -s 2G big.sh
	dd if=/dev/urandom of=full.sh bs=1M count=3 2>/dev/null
	faas 126 execute --disk 1M full.sh
	has "$stderr" "No space left" "message"
	has "$stderr" "--disk" "hint"
	# what is not written of it costs nothing
	faas execute --disk 1M --file big.sh 'stat -c %s big.sh; du -k big.sh'
	same "$output" $'2147483648\n0\tbig.sh' "size"
}

@test "execute: a missing interpreter is named, with all that was looked for" {
	faas 127 execute -l crystal 'puts 1'
	has "$stderr" "looked for crystal" "message"
	printf '#!/usr/bin/no-such-thing -x\n' >script
	chmod +x script
	faas 126 execute --file script -- ./script
	has "$stderr" "find the interpreter '/usr/bin/no-such-thing' of './script'" "message"
	faas 126 execute ./script
	has "$stderr" "script" "message"
	has "$stderr" "interpreter" "message"
}

@test "execute: unknown names are errors of ours that name them" {
	local row

	for row in '-E no-such|no environment' '-l no-such|unknown language' \
		'--no-such|unknown option' '--mode no-such|no-such' '--network no-such|no-such'; do
		# shellcheck disable=SC2086  # words
		faas 125 execute ${row%|*} true
		has "$stderr" "${row#*|}" "message"
		has "$stderr" "no-such" "message"
		same "$output" "" "stdout"
	done
	faas 2 no-such
	has "$stderr" "no-such" "message"
}

@test "execute: a mode that is not there yet is an error, not another mode" {
	local mode

	for mode in checkpointed branched persistent; do
		faas 125 execute --mode "$mode" true
		has "$stderr" "$mode" "message"
	done
}

@test "execute: nothing to run is an error with an example" {
	faas 125 execute
	has "$stderr" "hint: faas execute" "hint"
	faas 125 execute -l python
	faas 125 execute --
	faas 127 execute -- ''
}

# ---- how it ends ----

@test "execute: every exit status passes through" {
	local i

	for ((i = 0; i < 256; i++)); do
		code=0
		"$FAAS" execute --mode cached -- /bin/sh -c "exit $i" 3>&- || code=$?
		((code == i)) || die "status $code, not $i"
	done
}

@test "execute: a signal is 128 and its number" {
	local signal

	for signal in 1 2 3 6 9 10 11 13 14 15 31 34 64; do
		faas $((128 + signal)) execute "kill -$signal \$\$"
		same "$output$stderr" "" "output after signal $signal"
	done
}

@test "execute: 124 deadline, 125 ours, 126 cannot run, 127 not found" {
	faas 124 execute --timeout 100ms -- /bin/sleep 1000
	has "$stderr" "deadline" "124"
	faas 125 execute --no-such true
	faas 126 execute -- /etc/passwd
	has "$stderr" "Permission denied" "126"
	faas 126 execute -- /tmp
	faas 127 execute -- no-such-program
	has "$stderr" "no-such-program" "127"
	faas 127 execute -- /no/such/program
	# the program's own are its own
	for code in 124 125 126 127; do
		faas "$code" execute "exit $code"
		same "$stderr" "" "message at $code"
	done
}

@test "execute: --status-fd tells the program's failure from ours" {
	faas 125 execute --status-fd 9 'exit 125' 9>status
	same "$(field '"\(.schema) \(.source) \(.exit) \(.execution.exit_code) \(.error)"')" \
		"faas.v1 program 125 125 null" "the program's"
	faas 125 execute --status-fd 9 -E no-such true 9>status
	same "$(field '"\(.source) \(.exit) \(.error.code)"')" "faas 125 not-found" "ours"
	faas 127 execute --status-fd 9 -- no-such 9>status
	same "$(field '"\(.source) \(.exit) \(.error.code)"')" "faas 127 no-command" "not found"
	faas 124 execute --timeout 100ms --status-fd 9 -- /bin/sleep 1000 9>status
	same "$(field '"\(.source) \(.exit) \(.execution.timed_out)"')" "program 124 true" "deadline"
	faas 137 execute --status-file status 'kill -9 $$'
	same "$(field '"\(.source) \(.exit) \(.execution.signal) \(.execution.exit_code)"')" \
		"program 137 9 null" "signal"
	same "$(wc -l <status)" 1 "lines"
}

@test "execute: the record has argv, mode, times and usage" {
	faas execute --mode cached --status-file status --label a=b --name n1 -e X=y -- \
		/bin/sh -c 'head -c 5000000 /dev/zero >/tmp/x' 'c d'
	same "$(field '.execution | "\(.argv[3]) \(.mode) \(.labels.a) \(.name) \(.env.X) \(.environment) \(.engine) \(.network)"')" \
		"c d cached b n1 y host namespace none" "what was asked"
	same "$(field '.execution | (.created_ms <= .started_ms) and (.started_ms <= .ended_ms)')" true "times"
	same "$(field '.execution.usage | .wall_us > 0 and .memory_peak_bytes > 1000000 and .written_bytes >= 5000000')" \
		true "usage: $(field .execution.usage)"
}

@test "execute: --status-fd that is not open is an error, and nothing runs twice" {
	sandboxed --status-fd 77 'echo once'
	((status)) || die "status 0"
	same "$(grep -c once <<<"$output")" "$(grep -c . <<<"$output")" "output"
	has "$stderr" "77" "message"
}

# ---- streams ----

@test "execute: standard input streams, with its end" {
	"$FAAS" execute --env host cat <"$FAAS" >got 3>&-
	cmp got "$FAAS"
	faas execute 'wc -c' </dev/null
	same "$output" 0 "bytes"
	faas execute -n 'wc -c' <"$FAAS"
	same "$output" 0 "bytes with --no-stdin"
}

@test "execute: standard input is read only as far as the program reads" {
	printf 'one\ntwo\nthree\n' | {
		"$FAAS" execute 'read x; echo "in: $x"' 3>&-
		cat
	} >got
	same "$(cat got)" $'in: one\ntwo\nthree' "what was left"
}

@test "execute: 300 MB through both ends arrive whole" {
	head -c 300000000 /dev/zero | "$FAAS" execute cat 3>&- | cmp -n 300000000 - /dev/zero
	head -c 300000000 /dev/zero | "$FAAS" execute cat 3>&- | wc -c >got
	same "$(<got)" 300000000 "bytes"
}

@test "execute: stdout and stderr are exact and apart" {
	python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000)' >want
	"$FAAS" execute -l python 'import sys
sys.stdout.buffer.write(bytes(range(256)) * 1000)
sys.stderr.buffer.write(b"e\0e")' >got 2>got.err 3>&-
	cmp got want
	printf 'e\0e' | cmp got.err -
}

@test "execute: nothing of ours is on stdout, whatever goes wrong" {
	faas 127 execute -- no-such
	same "$output" "" "stdout"
	faas 124 execute --timeout 3s 'echo mine; sleep 1000'
	same "$output" "mine" "stdout"
	faas -v execute true
	same "$output" "" "stdout with -v"
	faas 3 --json execute 'echo mine; exit 3'
	same "$output" "mine" "stdout with --json"
}

@test "execute: -v says on stderr what is done" {
	faas 3 -v execute 'echo mine; exit 3'
	same "$output" mine "stdout"
	has "$stderr" "executor that keeps its state in '$FAAS_STATE_DIR'" "executor"
	has "$stderr" "environment host, mode ephemeral, network none" "sandbox"
	has "$stderr" "status 3" "end"
	faas -v execute -d true
	[[ $output =~ ^[a-z0-9]{12}$ ]] || die "stdout: $output"
	# once there is one
	warm() {
		faas -v execute --mode cached true
		[[ $stderr == *"waited in the pool"* ]]
	}
	eventually warm
}

@test "execute: a closed reader ends it quietly" {
	{
		code=0
		"$FAAS" execute yes 2>err 3>&- || code=$?
		echo $code >code
	} | head -1 >got
	same "$(cat got err)" y "output and errors"
	same "$(<code)" 141 "status"
}

@test "execute: closed descriptors of ours are not the program's problem" {
	"$FAAS" execute 'echo to nobody; cat; echo err >&2; exit 5' <&- >&- 2>&- 3>&- || code=$?
	same "$code" 5 "status"
	"$FAAS" execute 'cat; echo out' <&- >got 3>&-
	same "$(<got)" out "output without stdin"
}

@test "execute: output to a file is appended where the file is open" {
	echo before >got
	"$FAAS" execute 'echo one; echo two >&2' >>got 2>&1 3>&-
	same "$(<got)" $'before\none\ntwo' "file"
}

# ---- what it finds ----

@test "execute: variables of the host do not leak" {
	SECRET=s3cret LD_PRELOAD='' AWS_KEY=x faas execute env
	same "$(cut -d= -f1 <<<"$output" | sort | tr '\n' ' ')" \
		"FAAS_ENVIRONMENT FAAS_EXECUTION_ID HOME LANG LOGNAME PATH PWD USER " "names"
}

@test "execute: --env-var sets, passes on, and leaves out what is not set" {
	GIVEN='from here' faas execute -e A=1 -e 'B=a = b' -e GIVEN -e NOT_SET -e EMPTY= -e A=2 env
	has "$output" "A=2" "the last wins"
	has "$output" "B=a = b" "value with ="
	has "$output" "GIVEN=from here" "passed on"
	has "$output" "EMPTY=" "empty"
	[[ $output != *NOT_SET* ]] || die "$output"
	faas 125 execute -e =x true
	faas 125 execute -e '' true
}

@test "execute: --env-file is read literally, and a bad line is named" {
	printf '# comment\n\nA=1 2\nB="$HOME"\nC=\n' >env
	faas execute --env-file env -e A=over 'printf "%s|" "$A" "$B" "$C"'
	same "$output" 'over|"$HOME"||' "values"
	printf 'A=1\nnot a variable\n' >env
	faas 125 execute --env-file env true
	has "$stderr" "env:2" "place"
	printf 'A=1\0B=2\n' >env
	faas 125 execute --env-file env true
	faas 125 execute --env-file no-such true
	has "$stderr" "no-such" "name"
}

@test "execute: --workdir" {
	faas execute pwd
	same "$output" /work "default"
	faas execute --workdir /tmp -- pwd
	same "$output" /tmp "chosen"
	faas 126 execute --workdir /no/such -- pwd
	has "$stderr" "/no/such': No such file" "missing"
	faas 125 execute --workdir relative -- pwd
	faas 126 execute --workdir /etc/passwd -- pwd
}

@test "execute: --user by name, uid and uid:gid" {
	faas execute --user nobody 'id -un; id -u; echo $USER $HOME; touch mine; stat -c %U mine'
	same "$output" $'nobody\n65534\nnobody /nonexistent\nnobody' "by name"
	faas execute --user 1234 'id -u; id -g; id -G'
	same "$output" $'1234\n1234\n1234' "by uid"
	faas execute --user 1234:5 'id -u; id -g; id -G'
	same "$output" $'1234\n5\n5' "by uid and gid"
	faas execute --user nobody:daemon 'id -u; id -gn'
	same "$output" $'65534\ndaemon' "by names"
}

@test "execute: --user that does not exist, or is not a user, runs nothing" {
	local user

	for user in -1 4294967295 4294967296 65535 99999999999999999999 root:0x 0:-1 :0 0: \
		no-such $'root\n' ' 0' 0x0 +0 '0 ' 1e3 $'\e[31m'; do
		sandboxed "--user=$user" 'echo ran as $(id -u)'
		[[ $status == 12[56] ]] || die "--user $(printf %q "$user"): status $status"
		same "$output" "" "--user $(printf %q "$user")"
	done
	run script -qefc "'$FAAS' execute --user $'\\e[31mx' true" /dev/null 3>&-
	same "$status" 126 "status"
	has "$output" '\x1b[31mx' "the name, to be seen and not to be obeyed"
}

# ---- files ----

@test "execute: --file puts a file or folder where it should be" {
	mkdir -p in/sub
	echo one >in/one
	echo two >in/sub/two
	ln -s sub/two in/link
	chmod 750 in/one
	cp in/one 'a:b'
	faas execute --file in --file in/one:/etc/deep/er/one --file a:b --file in/one:here \
		'cat in/one in/sub/two in/link /etc/deep/er/one a:b here; readlink in/link; stat -c %a in/one'
	same "$output" $'one\ntwo\ntwo\none\none\none\nsub/two\n750' "files"
}

@test "execute: --file of what is not there, or is not a file, is an error" {
	faas 125 execute --file no-such true
	has "$stderr" "no-such" "missing"
	mkfifo pipe
	sandboxed --file pipe 'echo ran'
	[[ $status == 12[56] ]] || die "status $status"
	same "$output" "" "nothing ran"
}

@test "execute: --file cannot climb out of the sandbox or follow its links" {
	echo x >f
	faas execute --file f:../../../../etc/climbed 'cat /etc/climbed'
	same "$output" x "inside"
	[[ ! -e /etc/climbed ]] || die "outside"
}

@test "execute: --artifact brings files and folders back" {
	faas 3 execute --artifact out --artifact file.bin --artifact-dir . '
		mkdir -p out/sub; echo hello >out/sub/f; ln -s sub/f out/l
		head -c 3000000 /dev/urandom >file.bin; sha256sum <file.bin; exit 3'
	same "$(sum file.bin)" "$output" "bytes"
	same "$(cat out/sub/f; readlink out/l)" $'hello\nsub/f' "folder"
}

@test "execute: --artifact that is not there is an error after the run" {
	sandboxed --artifact no-such --status-file status 'echo ran'
	same "$output" ran "it ran"
	has "$stderr" "no-such" "message"
	((status)) || die "status 0"
}

@test "execute: --artifact never writes outside its folder" {
	mkdir to elsewhere
	ln -s "$PWD/elsewhere" to/link
	sandboxed --artifact link --artifact ../../tmp/x --artifact-dir to \
		'mkdir link; echo bad >link/f; echo bad >/tmp/x; ln -s /etc/passwd evil; echo done'
	same "$(ls -A elsewhere)" "" "what is behind the link"
	echo secret >"$BATS_FILE_TMPDIR/secret"
	sandboxed --artifact evil --artifact-dir to "ln -s '$BATS_FILE_TMPDIR/secret' evil"
	[[ ! -s to/evil ]] || die "a file of the host was copied"
}

# ---- names, detach ----

@test "execute: a --name that runs already is refused, and free afterwards" {
	begin --name twin 'echo up; exec sleep 1000'
	faas 125 execute --name twin 'echo ran'
	has "$stderr" "twin" "message"
	same "$output" "" "it did not run"
	kill "$client"
	ended 143
	faas execute --name twin 'echo ran'
	faas 125 execute --name 'a b' true
	faas 125 execute --name ../x true
}

@test "execute: --label must be KEY=value" {
	faas 125 execute --label novalue true
	faas 125 execute --label =x true
	faas execute --label k= --label a=b=c --status-file status true
	same "$(field '.execution.labels | "\(.k)|\(.a)"')" "|b=c" "labels"
}

@test "execute: --detach prints the id and nothing else" {
	faas execute --detach "echo hidden; exec sleep $nap"
	[[ $output =~ ^[a-z0-9]{12}$ ]] || die "$output"
	same "$stderr" "" "stderr"
	[[ $("$FAAS" --json executor status 3>&- | jq .active) -ge 1 ]] || die "it does not run"
	faas 125 execute --detach --artifact x true
	end_executor
	eventually no_process "sleep $nap"
}

@test "execution list: what runs and has a client is there, too" {
	begin --id-file id 'echo up; exec sleep 1000'
	faas execution list -q --state running
	has "$output" "$(<id)" "running"
	faas --json execution show @last
	same "$(jq -r '"\(.id) \(.state)"' <<<"$output")" "$(<id) running" "the last"
	kill "$client"
	ended 143
	faas --json execution show "$(<id)"
	same "$(jq -r '"\(.state) \(.signal) \(.created_ms <= .started_ms and .started_ms <= .ended_ms)"' \
		<<<"$output")" "exited 15 true" "the end"
	faas execution list -q --state running
	lacks "$output" "$(<id)" "running"
}

# ---- signals ----

@test "execute: signals reach the program" {
	local signal

	for signal in HUP INT QUIT ABRT USR1 USR2 ALRM TERM; do
		begin -l python "import signal, sys, time
def on(n, f): print('got', signal.Signals(n).name, flush=True); sys.exit(9)
signal.signal(signal.SIG$signal, on)
print('up', flush=True)
while True: time.sleep(1000)"
		kill -s "$signal" "$client"
		ended 9
		has "$(<client.out)" "got SIG$signal" "signal"
	done
}

@test "execute: a program that does not handle TERM or INT ends with it" {
	begin 'echo up; exec sleep 1000'
	kill -TERM "$client"
	ended 143
	begin 'echo up; exec sleep 1000'
	kill -INT "$client"
	ended 130
}

@test "execute: a second Ctrl-C kills" {
	begin 'trap "echo once >&2" INT TERM; echo up; while :; do sleep 0.1; done'
	kill -INT "$client"
	eventually grep -q once client.err
	kill -INT "$client"
	ended 137
}

@test "execute: a killed client leaves nothing running" {
	begin "trap '' TERM HUP; setsid sleep $nap & echo up; exec sleep $nap"
	kill -KILL "$client"
	ended 137
	eventually no_process "sleep $nap"
	eventually nothing_runs
}

@test "execute: a client's stop and continue are the program's" {
	begin -l python 'import os, signal, time
signal.signal(signal.SIGCONT, lambda n, f: os.write(1, b"continued\n"))
print("up", flush=True)
while True: time.sleep(1000)'
	kill -TSTP "$client"
	eventually grep -q '^State:.T' "/proc/$client/status"
	kill -CONT "$client"
	eventually grep -q continued client.out
	kill "$client"
	ended 143
	same "$(grep -c continued client.out)" 1 "how often"
}

# ---- time ----

@test "execute: --timeout asks first, and kills after --grace" {
	faas 124 execute --timeout 3s --grace 40s \
		'trap "echo asked; exit 0" TERM; while :; do sleep 0.05; done'
	same "$output" asked "TERM came"
	faas 124 execute --timeout 1s --grace 200ms --status-file status \
		'trap "" TERM; while :; do sleep 0.05; done'
	same "$(field '.execution | "\(.timed_out) \(.signal)"')" "true 9" "record"
	faas 125 execute --timeout nonsense true
	faas 125 execute --timeout -1s true
}
