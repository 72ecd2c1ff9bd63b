#!/usr/bin/env bats
# shellcheck shell=bash disable=SC2154
#
# Private registries: docker-registry with TLS and passwords, and where those are kept.

load sandbox

# user "me", password "se:cret"
HTPASSWD='me:$2b$05$abcdefghijklmnopqrstuuWqeDdmk0qhXLYvA33lbC9M700ynI2Oa'

answers() {
	openssl s_client -connect "127.0.0.1:$1" </dev/null
}

# A port that is free now may not be so when the registry wants it: then another one.
start_registry() {
	local port pid

	for _ in 1 2 3 4 5; do
		port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
		cat >registry.yml <<-END
			version: 0.1
			log: {level: error}
			storage: {filesystem: {rootdirectory: $PWD/registry}}
			http: {addr: "127.0.0.1:$port", tls: {certificate: $PWD/tls.crt, key: $PWD/tls.key}}
			auth: {htpasswd: {realm: test, path: $PWD/htpasswd}}
		END
		docker-registry serve registry.yml >registry.log 2>&1 3>&- &
		pid=$!
		while kill -0 $pid 2>/dev/null; do
			if answers "$port" >/dev/null 2>&1; then
				echo "$port" >port
				echo $pid >pid
				return
			fi
			read -rt 0.05 <> <(:) || true
		done
	done
	return 1
}

setup_file() {
	local tool

	for tool in docker-registry skopeo umoci python3 openssl; do
		command -v $tool >/dev/null || return 0
	done
	cd "$BATS_FILE_TMPDIR" || return
	mkdir tree
	echo one >tree/data
	echo "$HTPASSWD" >htpasswd
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
			-subj /CN=faas-test -addext subjectAltName=IP:127.0.0.1 \
			-keyout tls.key -out tls.crt
		umoci init --layout img
		umoci new --image img:v1
		umoci insert --image img:v1 tree /tree
	} >tools.log 2>&1 || return
	start_registry || return
	skopeo copy --dest-tls-verify=false --dest-creds me:se:cret oci:img:v1 \
		"docker://127.0.0.1:$(<port)/team/app:v1" >>tools.log 2>&1
}

teardown_file() {
	[[ ! -e $BATS_FILE_TMPDIR/pid ]] || kill "$(<"$BATS_FILE_TMPDIR/pid")" || true
	end_executor
}

setup() {
	helpers_setup && own_executor
	requires_program docker-registry skopeo umoci python3 openssl
	AT=127.0.0.1:$(<"$BATS_FILE_TMPDIR/port")
	CA=$BATS_FILE_TMPDIR/tls.crt
	export HOME=$PWD/own
	unset XDG_CONFIG_HOME XDG_RUNTIME_DIR DOCKER_CONFIG REGISTRY_AUTH_FILE
	KEPT=$HOME/.config/faas/auth.json
	mkdir own
	printf 'se:cret' >secret
}

field() {
	jq -r ".$2" <<<"$1"
}

# the certificate is known without an option
trust() {
	mkdir -p "$HOME/.config/containers/certs.d/$AT"
	cp "$CA" "$HOME/.config/containers/certs.d/$AT/ca.crt"
}

# pulls [<option>...]: and deletes it again
pulls() {
	faas env pull "$AT/team/app:v1" --name private "$@"
	faas env delete private
}

# a helper that keeps credentials: docker-credential-$1, first in PATH, does $2
credential_helper() {
	mkdir -p bin
	printf '#!/bin/sh\n%s\n' "$2" >"bin/docker-credential-$1"
	chmod +x "bin/docker-credential-$1"
	PATH=$PWD/bin:$PATH
}

@test "env login: what is right is kept, privately, and used by a pull; logout forgets it" {
	faas 4 env pull "$AT/team/app:v1" --name private --ca-file "$CA"
	has "$stderr" "faas env login" "hint"
	faas --json env login "$AT" -u me --password-stdin --ca-file "$CA" <secret
	same "$(field "$output" registry)" "$AT" "registry"
	same "$(field "$output" username)" me "name"
	same "$(field "$output" checked)" true "checked"
	same "$(field "$output" file)" "$KEPT" "file"
	lacks "$output$stderr" "se:cret" "result"
	same "$(stat -c %a "$KEPT")" 600 "mode"
	pulls --ca-file "$CA"
	grep -rq "se:cret" "$FAAS_STATE_DIR" && die "the password is in the state folder"
	grep -rqF "$(printf 'me:se:cret' | base64)" "$FAAS_STATE_DIR" && die "so is it in base64"
	faas env logout "https://$AT/"
	lacks "$(<"$KEPT")" "$AT" "file"
	faas 4 env pull "$AT/team/app:v1" --name private --ca-file "$CA"
	faas 3 env logout "$AT"
	has "$stderr" "docker login" "hint"
}

@test "env login: what is wrong is not kept" {
	trust
	echo wrong >wrong
	faas 4 env login "$AT" -u me --password-stdin <wrong
	has "$stderr" "does not know 'me'" "message"
	lacks "$stderr" "wrong" "the password in the message"
	[[ ! -e $KEPT ]]
	faas 2 env login "$AT" -u me --password-stdin </dev/null
	faas 2 env login "$AT" --password-stdin <secret
	faas 2 env login "$AT" -u a:b --password-stdin <secret
	faas 2 env login "not a host" -u me --password-stdin <secret
	faas 2 env login name -u me --password-stdin <secret
	faas 2 --no-input env login "$AT" -u me
	has "$stderr" "--password-stdin" "hint"
	faas 7 env login 127.0.0.1:1 -u me --password-stdin <secret
	[[ ! -e $KEPT ]]
	# a file that is not such a one is left as it is
	mkdir -p "${KEPT%/*}"
	echo text >"$KEPT"
	faas 2 env login "$AT" -u me --password-stdin <secret
	same "$(<"$KEPT")" text "file"
}

@test "env login: on a terminal it asks, and does not show the password" {
	trust
	cat >ask.py <<-'END'
		import os, pty, sys

		pid, fd = pty.fork()
		if not pid:
		    os.execv(sys.argv[1], sys.argv[1:])
		seen = b""
		for question, answer in ((b"Username: ", b"mx\x7fe\r"), (b"Password: ", b"se:cret\r"), (None, None)):
		    while question is None or not seen.endswith(question):
		        try:
		            data = os.read(fd, 1000)
		        except OSError:
		            data = b""
		        if not data:
		            break
		        seen += data
		    if answer:
		        os.write(fd, answer)
		sys.stdout.buffer.write(seen)
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	run python3 ask.py "$FAAS" env login "$AT" 3>&-
	same "$status" 0 "status: $output"
	has "$output" "Username: m" "first question"
	lacks "$output" "se:cret" "what was shown"
	pulls
}

@test "env login: for a part of a registry, and in a file of the user's choice" {
	trust
	export REGISTRY_AUTH_FILE=$PWD/deep/auth.json
	faas env login "$AT/team" -u me --password-stdin <secret
	[[ ! -e $KEPT ]]
	same "$(jq -r '.auths | keys[]' deep/auth.json)" "$AT/team" "key"
	pulls
	skopeo inspect --tls-verify=false "docker://$AT/team/app:v1" >inspected
	faas env logout "$AT/team"
	faas 4 env pull "$AT/team/app:v1" --name private
}

@test "env logout: what podman or docker wrote is read, and stays" {
	trust
	mkdir "$HOME/.docker"
	skopeo login --tls-verify=false --authfile "$HOME/.docker/config.json" -u me \
		--password-stdin "$AT" <secret >/dev/null
	pulls
	faas 3 env logout "$AT"
	pulls
}

@test "env pull: certificates of a folder or an option, and of nobody" {
	faas 7 env pull "$AT/team/app:v1" --name private
	has "$stderr" "--ca-file" "hint"
	faas 2 env pull "$AT/team/app:v1" --name private --ca-file "$PWD/secret"
	has "$stderr" "no certificate" "message"
	faas 3 env pull "$AT/team/app:v1" --name private --ca-file "$PWD/nothing"
	faas 2 env pull "$AT/team/app:v1" --name private --ca-file "$CA" --insecure
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=other -keyout other.key -out other.crt 2>/dev/null
	faas 7 env pull "$AT/team/app:v1" --name private --ca-file other.crt
	for how in "--insecure" "--ca-file $CA"; do
		# shellcheck disable=SC2086  # an option and its value
		faas env pull "$AT/team/app:v1" --name private $how --username me \
			--password-stdin <secret
		faas env delete private
	done
	trust
	faas env pull "$AT/team/app:v1" --name private --username me --password-stdin <secret
	faas env delete private
}

@test "env pull: programs that keep credentials are asked" {
	trust
	mkdir "$HOME/.docker"
	credential_helper x 'read -r server; echo "$1 $server" >>'"$PWD/asked"'
		echo "{\"Username\":\"me\",\"Secret\":\"se:cret\"}"'
	echo "{\"credHelpers\":{\"$AT\":\"x\"}}" >"$HOME/.docker/config.json"
	pulls
	same "$(<asked)" "get $AT" "what it was asked"
	echo '{"credsStore":"x"}' >"$HOME/.docker/config.json"
	pulls
	credential_helper x 'echo "credentials not found in native keychain"; exit 1'
	faas 4 env pull "$AT/team/app:v1" --name private
	has "$stderr" "faas env login" "hint"
	credential_helper x 'echo "the keychain is locked"; exit 1'
	faas 4 env pull "$AT/team/app:v1" --name private
	has "$stderr" "the keychain is locked" "message"
	echo '{"credsStore":"missing"}' >"$HOME/.docker/config.json"
	faas 3 env pull "$AT/team/app:v1" --name private
	has "$stderr" "docker-credential-missing" "message"
	# our own file is asked before
	faas env login "$AT" -u me --password-stdin <secret
	pulls
}
