load ../helpers

user_file() {
	mkdir -p "$XDG_CONFIG_HOME/faas"
	cat >"$XDG_CONFIG_HOME/faas/config"
}

@test "config: flag over variable over project over user over system over default" {
	faas config get env
	same "$output" host "default"
	echo 'env = system' >"$FAAS_SYSTEM_CONFIG"
	faas config get env
	same "$output" system "system"
	echo 'env = user' | user_file
	faas config get env
	same "$output" user "user"
	mkdir -p .faas deep/er
	echo 'env = project' >.faas/config
	faas config get env
	same "$output" project "project"
	faas -C deep/er config get env
	same "$output" project "project, found upward"
	FAAS_NO_PROJECT=1 faas config get env
	same "$output" user "FAAS_NO_PROJECT"
	FAAS_ENV=variable faas config get env
	same "$output" variable "variable"
}

@test "config list: --show-origin names file and line" {
	unset FAAS_STATE_DIR
	printf '# first\n\nenv = x\n' | user_file
	FAAS_MODE=cached faas config list --show-origin
	has "$output" "$XDG_CONFIG_HOME/faas/config:3" "file"
	has "$output" "FAAS_MODE" "variable"
	lacks "$output" "timeout" "what nothing sets"
	faas config list --all
	has "$output" "timeout" "--all"
	rm "$XDG_CONFIG_HOME/faas/config"
	faas config list --json
	same "$output" '{"schema":"faas.v1","config":[]}' "an empty list"
}

@test "config set: keeps comments and the rest of the file" {
	printf '# mine\nenv = a  # old\n\n[alias]\nx = version\n' | user_file
	faas config set env b
	faas config set timeout 30s
	faas config set alias.y 'version --json'
	same "$(cat "$XDG_CONFIG_HOME/faas/config")" '# mine
env = b

timeout = 30s
[alias]
x = version
y = version --json' "the file"
	faas config unset alias.x
	faas config get alias.y
	same "$output" 'version --json' "alias.y"
	faas 3 config unset alias.x
	faas 3 config get alias.x
}

@test "config set: values come back as they went in" {
	local value
	for value in 'less -R' ' blanks ' 'a "quote" and \ back' '# hash' '; semi' \
		$'tab\tand\nline' "it's" ''; do
		faas config set pager "$value"
		faas config get pager --json
		same "$(field "$output" value)" "$value" "pager"
	done
}

@test "config set: makes private folders and a private file" {
	faas config set env x
	same "$(stat -c %a "$XDG_CONFIG_HOME/faas")" 700 "folder"
	same "$(stat -c %a "$XDG_CONFIG_HOME/faas/config")" 600 "file"
	chmod 640 "$XDG_CONFIG_HOME/faas/config"
	faas config set env y
	same "$(stat -c %a "$XDG_CONFIG_HOME/faas/config")" 640 "mode is kept"
	same "$(ls "$XDG_CONFIG_HOME/faas")" config "nothing is left beside it"
}

@test "config set: a linked file stays a link" {
	mkdir -p "$XDG_CONFIG_HOME/faas"
	echo 'env = a' >real
	ln -s "$PWD/real" "$XDG_CONFIG_HOME/faas/config"
	faas config set env b
	[[ -L $XDG_CONFIG_HOME/faas/config ]]
	same "$(cat real)" "env = b" "the target"
}

@test "config set: --project and --system choose the file" {
	mkdir deep
	faas config set --project env here
	same "$(cat .faas/config)" "env = here" "project"
	faas -C deep config set --project env there
	same "$(cat .faas/config)" "env = there" "the nearest one above"
	faas config set --system env all
	same "$(cat system-config)" "env = all" "system"
	faas 2 config set --system --project env x
}

@test "config: an unknown key is refused, and a near one suggested" {
	faas 2 config set tiemout 3s
	has "$stderr" "unknown key 'tiemout'" "set"
	has "$stderr" "hint: did you mean 'timeout'?" "set"
	faas 2 config get tiemout
	echo 'tiemout = 3s' | user_file
	faas 2 config list
	has "$stderr" "faas/config:1: unknown key 'tiemout'" "in a file"
	# and a broken file can be mended
	faas config unset tiemout || faas config set timeout 3s
}

@test "config: a wrong value is refused before it is written" {
	faas 2 config set timeout soon
	has "$stderr" "timeout is a time such as 250ms, 30s or 5m, not 'soon'" "set"
	faas 2 config set memory lots
	faas 2 config set cpus -1
	faas 2 config set pids 1.5
	faas 2 config set mode casched
	has "$stderr" "hint: did you mean 'cached'?" "set mode"
	faas 2 config set state-dir relative
	faas 2 config set env ../etc
	[[ ! -e $XDG_CONFIG_HOME/faas/config ]] || die "something was written"
}

@test "config: a syntax error says file and line" {
	local text
	for text in 'env' '= x' '[alias' '[] ' '[a] b' 'env = "x' 'env = "x" y' \
		'env = "\q"' 'e nv = x'; do
		printf '\n%s\n' "$text" | user_file
		faas 2 config list
		has "$stderr" "faas/config:2: " "of $text"
	done
	faas version
	same "$stderr" "" "what needs no configuration works"
}

@test "config: what is no file, or no text, or no end of it, is refused at once" {
	local file=$XDG_CONFIG_HOME/faas/config

	mkdir -p "$file"
	faas 4 config list
	has "$stderr" "is not a file" "a folder"
	rmdir "$file"
	mkfifo "$file"
	faas 4 config list
	has "$stderr" "is not a file" "a pipe"
	rm "$file"
	printf 'timeout = 3\0s\n' >"$file"
	chmod 600 "$file"
	faas 2 config list
	has "$stderr" "NUL" "bytes"
	truncate -s 1G "$file"
	faas 1 config list
	has "$stderr" "larger than" "1 GiB"
}

@test "config: refuses files that others may write to" {
	echo 'env = x' | user_file
	chmod 666 "$XDG_CONFIG_HOME/faas/config"
	faas 4 config list
	has "$stderr" "anybody may write to '$XDG_CONFIG_HOME/faas/config'" "stderr"
	has "$stderr" "hint: look at it, then: chmod o-w" "stderr"
	faas 4 config list --json
	same "$(field "$output" error.code)" denied "error.code"
}

@test "config: refuses files of another user" {
	((EUID == 0)) || skip "needs root, to make such a file"
	mkdir .faas
	echo 'env = x' >.faas/config
	chown 12345 .faas/config
	faas 4 config list
	has "$stderr" "belongs to another user (12345)" "stderr"
	FAAS_NO_PROJECT=1 faas config list
}

@test "config: a project may not say what is reached nor what is started" {
	local key
	mkdir .faas
	for key in network=host context=far pager=evil state-dir=/tmp alias.x=version; do
		echo "${key%=*} = ${key#*=}" >.faas/config
		faas 4 config list
		has "$stderr" "a project may not set '${key%=*}'" "$key"
		faas 4 config set --project "${key%=*}" "${key#*=}"
	done
}

@test "config set: two writers do not meet" {
	faas config set env x
	: >"$XDG_CONFIG_HOME/faas/config.lock"
	faas 5 config set env y
	has "$stderr" "is being written" "stderr"
	faas config get env
	same "$output" x "env"
}

@test "config set: the old file stays whole when writing fails" {
	requires_faults
	faas config set env old
	local point
	for point in config.write config.fsync config.rename; do
		FAAS_FAULT=$point=ENOSPC faas 1 config set env new
		same "$(cat "$XDG_CONFIG_HOME/faas/config")" "env = old" "$point"
		same "$(ls "$XDG_CONFIG_HOME/faas")" config "$point: left behind"
	done
}
