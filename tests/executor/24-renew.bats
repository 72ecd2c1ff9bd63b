load sandbox

# Cgroups and network namespaces serve again when a run left no trace in them
# (lib/spawner/untouched.c, leaf.c); nothing else of a sandbox does.

# seen: what a program can read of its network and its own place
seen='cat /proc/net/dev /proc/net/snmp /proc/net/netstat /proc/net/snmp6 /proc/net/tcp; ls /tmp /dev/shm /work;
	cat /proc/sysvipc/shm; hostname; echo pid $$; cat /proc/self/mountinfo | wc -l'

# used: which network namespace it was
network() {
	"$FAAS" execute -- readlink /proc/self/ns/net 3>&-
}

# rest: all sandboxes are ready again
rest() {
	eventually eval '"$FAAS" --json executor status 3>&- |
		jq -e "[.pools[] | .ready >= .target] | all" >/dev/null'
}

# networks: those that 12 runs, one after another, have
networks() {
	local i

	for ((i = 0; i < 12; i++)); do
		network
		rest
	done
}

@test "renew: a network that nobody used serves again" {
	same "$(($(networks | sort -u | wc -l) < 12))" 1 "some came twice"
}

@test "renew: traffic of one run is not counted in another's network" {
	local first code i

	faas execute "$seen"
	first=$output
	for code in 's = socket.create_server(("127.0.0.1", 8080)); socket.create_connection(("127.0.0.1", 8080))' \
		's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("127.0.0.1", 9))' \
		's = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.sendto(b"x", ("::1", 9))' \
		's = socket.socket(); s.connect_ex(("127.0.0.1", 9))' \
		's = socket.socket(); s.connect_ex(("192.0.2.1", 9))'; do
		faas execute -l python "import socket; $code"
		rest
		for ((i = 0; i < 6; i++)); do
			faas execute "$seen"
			same "$output" "$first" "after $code"
			rest
		done
	done
}

@test "renew: a run finds nothing of the one before" {
	local i first

	faas execute "$seen"
	first=$output
	for ((i = 0; i < 8; i++)); do
		faas execute --mode "$( ((i % 2)) && echo cached || echo ephemeral)" '
			echo x >/tmp/x; echo x >/dev/shm/x; echo x >/work/y; (sleep 1000 &)
			head -c 30000000 /dev/zero >/tmp/big'
		rest
		faas execute --mode "$( ((i % 2)) && echo cached || echo ephemeral)" "$seen"
		same "$output" "$first" "after run $i"
	done
}

@test "renew: usage and limits are each run's own" {
	local i

	for ((i = 0; i < 6; i++)); do
		faas execute --memory 512M 'head -c 100000000 /dev/zero >/tmp/x'
		rest
		faas execute --status-file status -- true
		jq -e '.execution.usage.memory_peak_bytes < 20000000' status >/dev/null ||
			die "$(cat status)"
		faas 137 execute --memory 32M 'exec head -c 100000000 /dev/zero >/tmp/x'
		rest
		faas execute 'head -c 100000000 /dev/zero >/tmp/x'
	done
}

@test "renew: an executor that dies meanwhile takes them along" {
	faas execute -- true
	faas execute -- true
	kill -9 "$(executor_pid)"
	faas execute -- true
	end_executor
	eventually eval '! pgrep -f "faas-monitor.*$BATS_FILE_TMPDIR"'
}
