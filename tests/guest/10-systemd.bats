# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
# run-tests: alone
load ../executor/sandbox

# What is installed, under a real systemd: units, login sessions of root and of a user,
# and what each may limit. `make guest` runs it in a machine that is made for it.

setup_file() {
	: "${FAAS_TEST_GUEST:?run this by 'make guest'}"
	cp -a build/installed/. /
	systemctl daemon-reload
	systemctl start user@1000.service
}

# The state folders that the units know.
own_executor() {
	unset FAAS_STATE_DIR FAAS_STORE FAAS_IDLE_TIMEOUT
	export FAAS=/usr/bin/faas HOME=/root
}

teardown() {
	systemctl stop faas-executor.socket faas-executor.service 2>&1 || true
	"$FAAS" -q executor stop --now >/dev/null 2>&1 3>&- || true
	as_user '
		systemctl --user disable --now faas-executor.socket faas-executor.service
		faas -q executor stop --now' >/dev/null 2>&1 || true
}

teardown_file() {
	:
}

# as_user <line of shell>: in a login session of theirs
as_user() {
	systemd-run --quiet --wait --pipe --uid=user -p PAMName=login --working-directory=/home/user \
		bash -c "$1" 3>&- </dev/null
}

# user_says <line of shell>: the same for a test, in $output
user_says() {
	run as_user "$1"
	((status == 0)) || die "status $status of: $1" "$output"
}

unit_is() {
	[[ $(systemctl is-active "$1") == "$2" ]]
}

@test "units: systemd finds nothing wrong with them" {
	run systemd-analyze verify /usr/lib/systemd/system/faas-executor.{socket,service}
	same "$output" "" "system units"
	same "$status" 0 "status"
	user_says 'systemd-analyze --user verify /usr/lib/systemd/user/faas-executor.{socket,service} 2>&1'
	same "$output" "" "user units"
}

@test "units: the socket starts the executor, which has every controller" {
	systemctl start faas-executor.socket
	unit_is faas-executor.service inactive || die "it runs before anybody asks"
	faas --json execute --memory 64M --cpus 0.5 --io 1M --pids 40 --status-file status 'echo up'
	unit_is faas-executor.service active || die "$(systemctl status faas-executor)"
	same "$(field '.execution.degraded | map(select(startswith("limits.io") | not)) | length')" 0 \
		"$(field .execution.degraded)"
	begin_held 'echo up; read x; echo "$x"'
	# the sandbox, and the one that waits
	(($(find /sys/fs/cgroup/system.slice/faas-executor.service/faas-0-* -mindepth 1 -type d | wc -l) >= 1)) ||
		die "not there: $(systemd-cgls --no-pager)"
	[[ -z $(find /sys/fs/cgroup -name 'faas-0-*' ! -path '*/faas-executor.service/*') ]] ||
		die "elsewhere, too"
	let_go
	ended 0
}

@test "units: to stop is to let what runs come to its end" {
	systemctl start faas-executor.socket
	begin_held 'echo up; read x; echo "got $x"; exit 7'
	systemctl stop --no-block faas-executor.service
	eventually unit_is faas-executor.service deactivating
	echo word >&8
	ended 7
	same "$(<client.out)" $'up\ngot word' "output"
	eventually unit_is faas-executor.service inactive
	# the socket has it started again
	faas execute 'echo again'
	same "$output" again "output"
}

# goes_on: an instance does, whatever becomes of the executor
goes_on() {
	local main

	systemctl start faas-executor.socket
	faas -q instance start --name box
	faas instance exec box 'echo kept >/work/f'
	systemctl stop faas-executor.service
	unit_is faas-executor.service inactive || die "it is not"
	faas instance exec box 'cat /work/f'
	same "$output" kept "after a stop"
	main=$(systemctl show -P MainPID faas-executor.service)
	kill -KILL "$main"
	eventually eval '[[ $(systemctl show -P MainPID faas-executor.service) != '"$main"' ]]'
	faas instance exec box 'cat /work/f'
	same "$output" kept "after a kill"
	systemctl restart faas-executor.service
	faas instance exec box 'cat /work/f'
	same "$output" kept "after a restart"
	faas execute --memory 32M --cpus 0.5 true
	faas -q instance terminate box
}

@test "units: an instance goes on when its executor is stopped, started or killed" {
	goes_on
}

@test "units: and with a systemd that does not know DelegateSubgroup" {
	mkdir -p /run/systemd/system/faas-executor.service.d
	printf '%s\n' '[Service]' DelegateSubgroup= >/run/systemd/system/faas-executor.service.d/old.conf
	systemctl daemon-reload
	goes_on
	rm -r /run/systemd/system/faas-executor.service.d
	systemctl daemon-reload
}

@test "units: an executor that was there before them is taken over from" {
	begin_held 'echo up; read x; echo "got $x"; exit 7'
	faas -q instance start --name box
	faas instance exec box 'echo kept >/work/f'
	systemctl start faas-executor.socket
	faas execute 'echo new'
	same "$output" new "a run"
	unit_is faas-executor.service active || die "$(systemctl status faas-executor)"
	faas instance exec box 'cat /work/f'
	same "$output" kept "an instance"
	echo word >&8
	ended 7
	same "$(<client.out)" $'up\ngot word' "a run from before"
	faas -q instance terminate box
}

@test "units: a user has them too" {
	user_says '
		systemctl --user enable --now faas-executor.socket 2>/dev/null
		faas execute --memory 64M --cpus 0.5 "echo hi"
		systemctl --user is-active faas-executor.service
		systemctl --user show -P ControlGroup faas-executor.service
		systemctl --user stop faas-executor.service 2>/dev/null
		faas execute "echo again"'
	same "$output" $'hi\nactive\n/user.slice/user-1000.slice/user@1000.service/app.slice/faas-executor.service\nagain' \
		"output"
}

@test "sessions: without units, root limits memory, processes, time and disks" {
	faas --json execute --memory 64M --cpus 0.5 --io 1M --pids 40 --status-file status true
	same "$(field '.execution.degraded | map(select(startswith("limits.io") | not)) | length')" 0 \
		"$(field .execution.degraded)"
	faas 137 execute --memory 64M -- python3 -c 'x = bytearray(1 << 28)'
	has "$stderr" "--memory" "what to do"
}

@test "sessions: a user's executor has its own systemd make it a cgroup" {
	user_says '
		faas execute --memory 64M --cpus 0.5 "echo hi"
		faas execute --memory 64M -- python3 -c "x = bytearray(1 << 28)" 2>/dev/null || echo $?
		faas --json execution show @last | jq -c ".usage.memory_source, (.degraded | map(select(startswith(\"limits\"))))"
		faas -q instance start --name box >/dev/null && faas -q instance pause box >/dev/null &&
			faas --json instance show box | jq -r .state && faas -q instance terminate box >/dev/null
		systemctl --user list-units "faas-*.scope" --plain --no-legend | wc -l'
	same "$output" $'hi\n137\n"cgroup"\n[]\npaused\n1' "output"
}

@test "sessions: what a user's cgroup cannot limit is refused, and the doctor knows why" {
	user_says '
		faas execute --io 1M true 2>&1 || echo $?
		faas doctor limits.io 2>&1 || echo $?
		faas doctor limits.memory limits.cpu limits.pids pause >/dev/null && echo the others'
	has "$output" "limit io" "message"
	has "$output" "doctor limits.io" "hint"
	has "$output" "Delegate=cpu io memory pids" "fix"
	has "$output" $'\n6\nthe others' "statuses"
}

@test "sessions: a user without a systemd of their own is told what is not limited" {
	systemctl stop user@1000.service
	eventually eval '[[ ! -e /run/user/1000/bus ]]'
	run setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME=/home/user \
		PATH=/usr/bin:/bin bash -c 'cd; faas execute "echo hi"
			faas execute --cpus 1 true
			faas --json execution show @last | jq -r ".degraded[]"
			faas -q executor stop' 3>&- </dev/null
	has "$output" hi "it runs"
	has "$output" "limit cpu: there is no cgroup" "message"
	has "$output" "limits.memory: RLIMIT_DATA" "degraded"
	systemctl start user@1000.service
}

@test "sessions: an executor leaves a limit in force that is not its own" {
	run systemd-run --quiet --wait --pipe -p MemoryMax=1G bash -c '
		faas --json executor status >/dev/null; faas execute true
		faas --json execution show @last | jq -r ".degraded[]"
		faas -q executor stop' 3>&- </dev/null
	has "$output" "limits.memory: RLIMIT_DATA" "a service with a limit, not delegated"
	systemd-run --quiet --unit=limited -p MemoryMax=1G -p Delegate=yes "$FAAS" executor run
	eventually eval '[[ $("$FAAS" --json executor status 3>&- | jq .running) == true ]]'
	faas execute --memory 64M --cpus 0.5 --status-file status true
	same "$(field '.execution.degraded | length')" 0 "delegated: $(field .execution.degraded)"
	systemctl stop limited
}
