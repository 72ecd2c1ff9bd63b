#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2154
#
# env pull from a registry that lies. Each lie is an error that says what to do, and
# leaves neither an environment nor a folder; what can be put right, is.

load sandbox

setup_file() {
	command -v python3 >/dev/null || return 0
	"$BATS_TEST_DIRNAME/../data/lying-registry" "$BATS_FILE_TMPDIR/port" \
		"$BATS_FILE_TMPDIR/log" 3>&- >/dev/null 2>&1 &
	echo $! >"$BATS_FILE_TMPDIR/pid"
}

teardown_file() {
	[[ ! -e $BATS_FILE_TMPDIR/pid ]] || kill "$(<"$BATS_FILE_TMPDIR/pid")" || true
	end_executor
}

setup() {
	helpers_setup && own_executor
	requires_program python3
	eventually test -s "$BATS_FILE_TMPDIR/port"
	AT=127.0.0.1:$(<"$BATS_FILE_TMPDIR/port")
	LOG=$BATS_FILE_TMPDIR/log
	P=(--platform linux/amd64)
}

# every environment has a folder, and no folder is without one
no_folders() {
	local have want

	have=$(find "$FAAS_STATE_DIR/env" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
	want=$("$FAAS" env list -q 3>&- | grep -vcx host)
	((have == want))
}

partials() {
	find "$FAAS_STATE_DIR/blobs/partial" -type f 2>/dev/null | wc -l
}

large_partial() {
	[[ -n $(find "$FAAS_STATE_DIR/blobs/partial" -size +100k 2>/dev/null) ]]
}

# pulls <repository> [<option>...]: it arrives whole
pulls() {
	local repo=$1
	shift
	for name in $("$FAAS" env list -q 3>&- | grep -vx host); do
		faas env delete "$name"
	done
	eventually no_folders
	faas env prune
	faas --json env pull "$AT/$repo:v1" --name "x-$repo" "${P[@]}" "$@"
	same "$(field "$output" kind)" image "$repo: kind"
	path=$(find "$FAAS_STATE_DIR/env" -mindepth 1 -maxdepth 1)
	same "$(cat "$path/a" "$path/b")" $'2\n1' "$repo: files"
	same "$(stat -c %s "$path/noise")" 1048576 "$repo: the large one"
	same "$(partials)" 0 "$repo: partial blobs"
	faas env delete "x-$repo"
	eventually no_folders
}

# refuses <status> <message part> <repository> [<option>...]
refuses() {
	local want=$1 part=$2 repo=$3
	shift 3
	faas env prune
	faas "$want" env pull "$AT/$repo:v1" --name bad "${P[@]}" "$@"
	has "$stderr" "$part" "$repo: message"
	has "$stderr" "hint:" "$repo: hint"
	said=$stderr
	faas 3 env show bad
	eventually no_folders
}

field() {
	jq -r ".$2" <<<"$1"
}

@test "env pull: OCI and docker manifests, indexes, and digests as names" {
	pulls good
	pulls docker2
	pulls index
	digest=$(python3 - "$AT" <<-'END'
		import hashlib, sys, urllib.request
		body = urllib.request.urlopen("http://%s/v2/good/manifests/v1" % sys.argv[1]).read()
		print("sha256:" + hashlib.sha256(body).hexdigest())
	END
	)
	faas env pull "$AT/good@$digest" --name by-digest "${P[@]}"
	faas env delete by-digest
	faas --json env pull "$AT/good:v1" --name good "${P[@]}"
	same "$(field "$output" image.digest)" "$digest" "digest"
	same "$(field "$output" variables.COLOR)" red "variable"
	same "$(field "$output" workdir)" /w "folder"
	same "$(field "$output" user)" 0:0 "user"
	faas env delete good
}

@test "env pull: a second pull fetches nothing that is there" {
	faas env pull "$AT/good:v1" --name one "${P[@]}"
	: >"$LOG"
	faas env pull "$AT/good:v1" --name two "${P[@]}"
	lacks "$(<"$LOG")" /blobs/ "requests"
	faas 5 env pull "$AT/good:v1" --name two "${P[@]}"
	has "$stderr" "--replace" "hint"
	faas env pull "$AT/good:v1" --name two --replace "${P[@]}"
	faas env delete one
	faas env delete two
}

@test "env pull: wrong bytes and wrong sizes are refused, and tried once" {
	faas env prune
	refuses 7 "has the digest" wrong-bytes
	refuses 7 "longer than" long
	refuses 7 "ends after" short
	refuses 7 "another part" other-range
	refuses 7 "has the digest" manifest-digest
	same "$(find "$FAAS_STATE_DIR/blobs/sha256" -size +500k | wc -l)" 0 "nothing wrong is kept"
}

@test "env pull: what is cut off goes on where it stopped" {
	faas env prune
	: >"$LOG"
	pulls drops
	has "$(grep -c 'bytes=300000-' "$LOG")" 1 "requests for the rest"
	pulls no-ranges
	faas env prune
	refuses 7 "blob" stuck
	pulls blob-busy
}

@test "env pull: an interrupted pull keeps what came, and the next one goes on" {
	faas env prune
	"$FAAS" env pull "$AT/slow:v1" --name slow "${P[@]}" 3>&- >/dev/null 2>&1 &
	client=$!
	eventually large_partial
	# what runs in the background ignores INT, which does the same
	kill -TERM "$client"
	wait "$client" || true
	eventually no_folders
	faas 3 env show slow
	# of the small ones, which come beside it, any number may be on its way
	large_partial || die "the large blob's beginning is gone"
	: >"$LOG"
	faas env pull "$AT/good:v1" --name slow "${P[@]}"
	has "$(<"$LOG")" "bytes=" "only the rest is fetched"
	same "$(partials)" 0 "partial blobs afterwards"
	faas env delete slow
}

@test "env pull: a partial blob that is damaged is fetched again" {
	faas env prune
	noisy=$(curl -fsS "http://$AT/v2/good/manifests/v1" 2>/dev/null || python3 -c '
import sys, urllib.request
print(urllib.request.urlopen("http://%s/v2/good/manifests/v1" % sys.argv[1]).read().decode())' "$AT")
	noisy=$(jq -r '.layers[1].digest' <<<"$noisy")
	mkdir -p "$FAAS_STATE_DIR/blobs/partial"
	head -c 5000 /dev/zero >"$FAAS_STATE_DIR/blobs/partial/${noisy#sha256:}"
	faas env pull "$AT/good:v1" --name mended "${P[@]}"
	faas env delete mended
}

@test "env pull: a registry that is silent, busy or endless is given up" {
	refuses 7 "says nothing" silent --timeout 1s
	refuses 7 "redirects" loop
	refuses 7 "redirects" blob-loop
	refuses 1 "larger than" huge
	refuses 7 "status 503" always-busy
	refuses 1 "429" limit
	has "$said" "99999 s" "how long to wait"
	pulls busy
}

@test "env pull: what is no image, or not for this machine, is said" {
	refuses 3 "linux/s390x, windows/amd64" elsewhere
	has "$said" "--platform" "hint"
	refuses 3 "linux/arm64" arm-only
	refuses 6 "schema 1" schema1
	refuses 6 "no image of a file system" chart
	refuses 7 "neither" neither
	refuses 7 "not JSON" json
	refuses 7 "indexes in indexes" deep
	refuses 7 "not sha256" odd-digest
	refuses 6 "text/plain" odd-type
	refuses 1 "200 layers" many-layers
	refuses 6 "no layers" no-layers
	refuses 1 "bytes" config-size
	refuses 7 "layers" fewer-layers
	refuses 3 "no such thing" missing-blob
	refuses 3 "no such thing" gone
	refuses 4 "not for you" denied
	refuses 2 "contains '..'" evil
}

@test "env pull: names and options that are wrong are refused here" {
	for name in Alpine a//b a:b:c "a b" "$AT/UP" "a@sha256:12" -x; do
		faas 2 env pull --name x -- "$name"
	done
	faas 2 env pull "$AT/good" --platform linux/
	faas 2 env pull "$AT/good" --username u
	faas 3 env pull ./nothing --name x
	faas 2 env create x
	faas 2 env create x . --base alpine
	faas 7 env pull 127.0.0.1:1/x --name x
	has "$stderr" "hint:" "nobody there"
}

@test "env pull: tokens and passwords, from options and from docker's file" {
	refuses 4 "who" token
	has "$said" "--username" "hint"
	refuses 4 "know" basic
	printf 'wrong' >wrong
	faas 4 env pull "$AT/token:v1" --name x "${P[@]}" --username user --password-stdin <wrong
	has "$stderr" "wrong password" "message"
	printf 'secret\n' >secret
	faas env pull "$AT/basic:v1" --name basic "${P[@]}" --username user --password-stdin <secret
	faas env prune
	mkdir -p home/.docker
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$AT" "$(printf user:secret | base64)" \
		>home/.docker/config.json
	faas env pull "$AT/token:v1" --name token "${P[@]}"
	faas env prune
	faas env pull "$AT/expires:v1" --name expires "${P[@]}"
	faas env prune
	# the token is for its host alone
	: >"$LOG"
	faas env pull "$AT/redirect:v1" --name redirect "${P[@]}"
	has "$(grep '/v2/good/blobs/' "$LOG")" ' -' "the other host is asked by nobody"
	lacks "$(grep '/v2/good/blobs/' "$LOG")" Bearer "the other host"
	has "$(grep '/v2/redirect/blobs/' "$LOG")" Bearer "its own host"
	refuses 4 "without HTTPS" far-token
	lacks "$(ps -eo args)" secret "command lines"
	grep -rq secret "$FAAS_STATE_DIR" && die "the password is in the state folder"
	for name in basic token expires redirect; do
		faas env delete "$name"
	done
	printf '{"auths":{"%s":{"identitytoken":"id/en+tity="}}}' "$AT" >home/.docker/config.json
	faas env pull "$AT/token:v1" --name identity "${P[@]}"
	faas env delete identity
	printf '{"auths":{"%s":{"identitytoken":"other"}}}' "$AT" >home/.docker/config.json
	faas 4 env pull "$AT/token:v1" --name x "${P[@]}"
	has "$stderr" "wrong form" "message"
	# it asks for a token for nothing
	faas 4 env pull "$AT/basic:v1" --name x "${P[@]}"
	faas 2 env pull "$AT/token:v1" --name x "${P[@]}" --username user --password-stdin </dev/null
	echo '{' >home/.docker/config.json
	faas 2 env pull "$AT/token:v1" --name x "${P[@]}"
	has "$stderr" "config.json" "the file is named"
}

@test "env pull: HTTPS with a certificate of nobody's needs --insecure" {
	requires_program openssl
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 \
		-subj /CN=localhost 2>/dev/null
	python3 - "$PWD" "$AT" 3>&- <<-'END' &
		import http.server, os, ssl, sys, urllib.request
		class Relay(http.server.BaseHTTPRequestHandler):
		    def log_message(self, *args): pass
		    def do_HEAD(self): self.do_GET()
		    def do_GET(self):
		        with urllib.request.urlopen("http://" + sys.argv[2] + self.path) as r:
		            body = r.read()
		        self.send_response(200)
		        self.send_header("Content-Length", str(len(body)))
		        self.end_headers()
		        if self.command == "GET": self.wfile.write(body)
		class Server(http.server.ThreadingHTTPServer):
		    def handle_error(self, *args): pass
		s = Server(("127.0.0.1", 0), Relay)
		c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		c.load_cert_chain(sys.argv[1] + "/cert", sys.argv[1] + "/key")
		s.socket = c.wrap_socket(s.socket, server_side=True)
		open("tls.new", "w").write(str(s.server_address[1]))
		os.rename("tls.new", "tls")
		s.serve_forever()
	END
	relay=$!
	eventually test -s tls
	run -7 --separate-stderr run_faas env pull "127.0.0.1:$(<tls)/good:v1" --name tls "${P[@]}"
	refused=$stderr
	run --separate-stderr run_faas env pull --insecure "127.0.0.1:$(<tls)/good:v1" --name tls "${P[@]}"
	kill "$relay"
	has "$refused" "--insecure" "hint"
	same "$status" 0 "with --insecure: $stderr"
	faas env delete tls
}

@test "env pull: through the proxy of the user's variables" {
	faas env prune
	export http_proxy=http://$AT https_proxy=http://127.0.0.1:1
	faas env pull localhost:1/good:v1 --name proxied "${P[@]}"
	faas env delete proxied
	no_proxy=localhost faas 7 env pull localhost:1/good:v1 --name x "${P[@]}"
	unset http_proxy
	all_proxy=http://$AT faas env pull localhost:1/good:v1 --name proxied "${P[@]}"
	faas env delete proxied
}

@test "env login: a registry that asks nobody is no proof" {
	printf 'secret' >secret
	faas --json env login "$AT" -u user --password-stdin <secret
	same "$(field "$output" checked)" false "checked"
	faas env login "$AT" -u user --password-stdin <secret
	has "$stderr" "not checked" "warning"
	faas env pull "$AT/token:v1" --name token "${P[@]}"
	faas env delete token
	faas env logout "$AT"
}
