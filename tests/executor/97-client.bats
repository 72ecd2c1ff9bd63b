# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# What others say to the client, and where it runs: terminals, homes, signals, proxies,
# names, and executors that are none.

own_executor() {
	export FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state FAAS_IDLE_TIMEOUT=2m
}

teardown() {
	[[ ! -s $BATS_TEST_TMPDIR/pid ]] || kill "$(<"$BATS_TEST_TMPDIR/pid")" 2>/dev/null || true
	FAAS_STATE_DIR=$BATS_TEST_TMPDIR/state "$FAAS" -q executor stop --now 3>&- >&- 2>&- || true
}

teardown_file() {
	:
}

# lying <lie>: an executor that does so, instead of ours
lying() {
	mkdir -p -m 700 "$FAAS_STATE_DIR/run"
	rm -f "$FAAS_STATE_DIR/run/executor.sock"
	echo "$1" >lie
	"$BATS_TEST_DIRNAME/../data/lying-executor" "$FAAS_STATE_DIR/run/executor.sock" lie \
		2>/dev/null 3>&- &
	echo $! >pid
	eventually test -S "$FAAS_STATE_DIR/run/executor.sock"
}

honest() {
	kill "$(<pid)"
	eventually gone "$(<pid)"
	rm -f pid "$FAAS_STATE_DIR/run/executor.sock"
}

# ---- what is not ours to believe ----

@test "execution list: an executor that lies is an error, in bounded memory" {
	local lie

	lying garbage
	for lie in garbage length torn array text deep type inner error endless; do
		echo $lie >lie.new
		mv lie.new lie
		run --separate-stderr prlimit --as=400000000 timeout 50 "$FAAS" --json execution list 3>&-
		[[ $status == [1-7] ]] || [[ $lie == inner && $status == 0 ]] ||
			die "$lie: status $status: ${output:0:200} $stderr"
		json "$output" "$lie"
		[[ $status == 0 || -n $(jq -r .error.message <<<"$output") ]] || die "$lie: $output"
	done
	honest
}

@test "execution list: fields that are not known yet are no matter" {
	lying unknown
	faas --json execution list
	same "$(jq -r '.executions[] | "\(.id) \(.state)"' <<<"$output")" "abcdefghijkl exited" "output"
	honest
}

@test "execution list: what a terminal would obey is shown, whoever said it" {
	local esc=$'\e]52;c;QUJD\a' bel=$'\a'

	faas execute --label "l=$esc" --env-var "V=$esc" --comment "$esc" --snapshot s \
		"echo '$esc' >/work/x; : '$esc'" || faas execute --snapshot s "echo '$esc' >/work/x; : '$esc'"
	for words in "execution list --no-trunc" "execution show @last" "snapshot list" "snapshot show s" \
		"execution logs $esc" "snapshot show $esc" "execute -e $esc true" "instance show $esc"; do
		# shellcheck disable=SC2086
		on_tty $words
		[[ $output != *"$bel"* && $output != *$'\e]52'* ]] || die "$words" "$(printf %q "$output")"
	done
	# a program's own output is its own
	faas execute 'printf "\033]52;c;QUJD\007"'
	same "$output" "$esc" "output"
}

@test "env pull: an answer of a network's log-in page is none of a registry's" {
	local port

	cat >portal.py <<-'END'
		import http.server, sys
		class Portal(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        page = b"<html><title>Welcome! Please log in</title></html>"
		        open("requests", "a").write(self.requestline + "\n" + str(self.headers))
		        self.send_response(200); self.send_header("Content-Type", "text/html")
		        self.send_header("Content-Length", str(len(page))); self.end_headers()
		        self.wfile.write(page)
		    do_HEAD = do_CONNECT = do_POST = do_GET
		    def log_message(self, *args): pass
		server = http.server.HTTPServer(("127.0.0.1", 0), Portal)
		open("port.new", "w").write(str(server.server_port))
		import os; os.rename("port.new", "port")
		server.serve_forever()
	END
	python3 portal.py 3>&- &
	echo $! >pid
	eventually test -s port
	port=$(<port)
	faas 7 env pull "127.0.0.1:$port/app:v1" --name x --insecure
	has "$stderr" "not" "message"
	has "$stderr" "hint: " "hint"
	faas 3 env show x
	# as a proxy it is asked for a way to the registry, and told no secret
	mkdir -p home/.config/faas
	printf '{"auths":{"registry.invalid":{"auth":"%s"}}}' "$(printf 'user:se:cret' | base64)" >auth.json
	chmod 600 auth.json
	REGISTRY_AUTH_FILE=$PWD/auth.json https_proxy=http://127.0.0.1:$port \
		faas 7 env pull registry.invalid/app:v1 --name x
	has "$(<requests)" "CONNECT registry.invalid:443" "what it was asked"
	lacks "$(<requests)" "$(printf 'user:se:cret' | base64)" "what it was told"
	lacks "$(<requests)" Authorization "what it was told"
	faas 3 env show x
	eventually eval '[[ -z $(ls -A "$FAAS_STATE_DIR/layers" 2>/dev/null) ]]'
}

# ---- where it runs ----

@test "execute: without a home, with one that cannot be, on a terminal of one column" {
	env -u HOME -u XDG_CONFIG_HOME "$FAAS" execute 'echo homeless' >out 3>&-
	same "$(<out)" homeless "output"
	for HOME in /proc/nowhere /dev/null; do
		XDG_CONFIG_HOME='' faas execute 'echo hi'
		same "$output" hi "with HOME=$HOME"
		XDG_CONFIG_HOME='' run --separate-stderr run_faas config set env x
		[[ $status == [13] && $stderr == *"$HOME"* ]] || die "$status: $stderr"
	done
	HOME=$PWD/home
	export PAGER=cat
	for words in 'execution list' 'execute --help' 'help --all' 'doctor' 'executor status' 'execute --nosuch'; do
		run timeout 60 script -qec "stty cols 1 rows 1; '$FAAS' $words" /dev/null 3>&- </dev/null
		((status < 7 || status == 125)) || die "$words: $status: $output"
		[[ -n $output ]] || die "$words: nothing"
	done
}

@test "execute: names that look like options, or have lines in them, are names" {
	local name

	for name in -x --help -- $'a\nb' ' ' '-' '*' $'\xff'; do
		printf 'echo %s\n' ran >"./$name"
		faas execute -l sh "./$name"
		same "$output" ran "FILE $(printf %q "$name")"
		faas execute --file "./$name:/work/in" 'cat in'
		same "$output" "echo ran" "--file $(printf %q "$name")"
		faas execute -- /bin/sh -c 'printf "%s|" "$@"' sh "$name"
		same "$output" "$name|" "argument $(printf %q "$name")"
		rm "./$name"
	done
	faas execute --artifact=-x 'echo out >./-x'
	same "$(cat ./-x)" out "artifact"
	faas 3 snapshot show -- -x
	has "$stderr" "'-x'" "message"
	faas 3 env delete -- --help
	has "$stderr" "'--help'" "message"
	for name in -x $'a\nb' '' 'a b'; do
		faas 2 env create -- "$name" .
	done
}

@test "env alias: twelve that are set at once are all there" {
	local i pids=()

	for i in {1..12}; do
		"$FAAS" env alias set "short$i" "registry.invalid/long$i:v$i" >/dev/null 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || die "one failed"
	done
	faas env alias list
	for i in {1..12}; do
		has "$output" "registry.invalid/long$i:v$i" "short$i"
	done
}

@test "snapshot export: Ctrl-C leaves no file, and nothing that works on" {
	local client pid

	faas execute --snapshot base 'echo x >/work/x'
	eventually eval '"$FAAS" --json snapshot show base 3>&- | jq -e .synced'
	# its reader takes nothing more: it is in the midst of it for as long as we like
	mkfifo pipe
	exec 8<>pipe
	head -c 1000000 /dev/urandom >noise
	faas execute --parent base --snapshot big --file noise:/work/noise true
	# no other helper is at work
	eventually eval '"$FAAS" --json snapshot show big 3>&- | jq -e .synced'
	eventually eval '"$FAAS" --json executor status 3>&- | jq -e ".helpers == []"'
	# a shell without job control lets its jobs ignore it
	env --default-signal=INT "$FAAS" snapshot export big - >pipe 2>err 3>&- 8>&- &
	client=$!
	eventually eval 'pid=$("$FAAS" --json executor status 3>&- | jq -e .helpers[0].pid) && echo "$pid" >helper'
	eventually eval 'kill -INT "$client"; gone "$client"'
	exec 8>&-
	eventually gone "$(<helper)"
	faas snapshot delete big
	same "$(find . -name '*.part*' -o -name '.*.tmp')" "" "what is left"
}
