load sandbox

# What a sandbox can reach, with each of its networks.

# listen: a server on the host's loopback; leaves $port and $server
listen() {
	coproc SERVER { exec python3 -u -c '
import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])
while True:
    c, _ = s.accept()
    c.sendall(b"reached\n")
    c.close()
' 3>&-; }
	server=$SERVER_PID
	read -r port <&"${SERVER[0]}"
}

teardown() {
	[[ -z ${server-} ]] || kill "$server"
	# the namespace goes with the server, and the link with the namespace
	[[ -z ${link-} ]] || ip link delete "$link" 2>/dev/null || true
}

client='
import socket, sys
try:
    print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).recv(20).decode().strip())
except OSError as e:
    print("refused", e.errno)
'

@test "execute --network none: only a loopback of its own" {
	listen
	faas execute -l python "$client" 127.0.0.1 "$port"
	has "$output" refused "the host's loopback"
	faas execute 'cat /proc/net/dev'
	same "$(grep -c : <<<"$output")" 1 "devices"
	faas execute -l python 'import socket
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
print("own loopback")'
	same "$output" "own loopback" "loopback works inside"
}

@test "execute --network host: what the host reaches" {
	listen
	faas execute --network host -l python "$client" 127.0.0.1 "$port"
	same "$output" reached "the host's loopback"
}

@test "execute --network nat: out, but not to the host's loopback" {
	requires_nat
	listen
	faas execute --network nat -l python "$client" 127.0.0.1 "$port"
	has "$output" refused "its own loopback"
	faas execute --network nat -l python "$client" 10.0.2.2 "$port"
	has "$output" refused "the host's, by the gateway"
	faas execute --network nat 'cat /etc/resolv.conf'
	same "$output" "nameserver 10.0.2.3" "its name server"
}

@test "execute --network nat: reaches a host outside" {
	requires_nat
	[[ $(id -u) == 0 ]] || skip "needs root to become another user"
	link=faas$$
	# without a name: 'ip netns' would leave a mount on the machine
	coproc SERVER { exec unshare -n python3 -u -c '
import socket, sys
print("up")
sys.stdin.readline()
s = socket.create_server(("198.51.100.2", 8080))
print("ready")
while True:
    c, _ = s.accept()
    c.sendall(b"reached\n")
    c.close()
' 3>&-; }
	server=$SERVER_PID
	read -r _ <&"${SERVER[0]}"
	ip link add "$link" type veth peer name outside netns "$server"
	ip addr add 198.51.100.1/24 dev "$link"
	ip link set "$link" up
	nsenter -t "$server" -n ip addr add 198.51.100.2/24 dev outside
	nsenter -t "$server" -n ip link set outside up
	echo >&"${SERVER[1]}"
	read -r _ <&"${SERVER[0]}"
	faas execute --network nat -l python "$client" 198.51.100.2 8080
	same "$output" reached "a host outside"
	faas execute -l python "$client" 198.51.100.2 8080
	has "$output" refused "not with network none"
}

@test "execute --network nat: leaves no process behind" {
	requires_nat
	before=$(helpers)
	faas execute --network nat -d 'read x </dev/full; while :; do :; done'
	! no_helper || die "there is no helper to look for"
	faas execution cancel --grace 0s "$output"
	eventually no_helper
	# and not when the executor dies meanwhile
	faas execute --network nat -d 'read x </dev/full; while :; do :; done'
	id=$output
	kill -9 "$("$FAAS" --json executor status 3>&- | jq .pid)"
	faas execution cancel --grace 0s "$id"
	eventually no_helper
}

# none but those that were there before, zombies of a dead executor not counted
no_helper() {
	[[ $(helpers) == "$before" ]]
}

helpers() {
	ps -C slirp4netns -o pid=,stat= | awk '$2 !~ /Z/ { print $1 }' | sort
}

requires_nat() {
	"$FAAS" doctor network.nat >/dev/null 2>&1 3>&- || skip "this host has no network.nat"
}
