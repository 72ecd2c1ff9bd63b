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

# What a program can try to become another one's neighbour.
meddle='
import fcntl, socket, struct
def refused(what, f):
    try: f()
    except OSError as e: return
    print("allowed:", what)
ip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
name = open("/proc/net/dev").read().splitlines()[-1].split(":")[0].strip().encode()
ifreq = struct.pack("16sH2s4s8x", name, socket.AF_INET, b"", socket.inet_aton("10.0.2.77"))
SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFHWADDR, SIOCSARP = 0x890B, 0x8914, 0x8916, 0x8924, 0x8955
for what, call, arg in (("address", SIOCSIFADDR, ifreq), ("flags", SIOCSIFFLAGS, ifreq),
        ("hardware address", SIOCSIFHWADDR, ifreq), ("route", SIOCADDRT, bytes(120)),
        ("arp", SIOCSARP, bytes(68))):
    refused(what, lambda: fcntl.ioctl(ip, call, arg))
refused("packets", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3))
refused("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
def add_route():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    rta = struct.pack("HH4s", 8, 1, socket.inet_aton("192.0.2.1")) + struct.pack("HHi", 8, 4, 1)
    s.send(struct.pack("IHHIIBBBBBBBBI", 28 + len(rta), 24, 0x605, 1, 0, 2, 32, 0, 0, 254, 4, 253, 1, 0) + rta)
    code = struct.unpack_from("i", s.recv(4096), 16)[0]
    if code: raise OSError(-code, "refused")
refused("netlink route", add_route)
'

@test "execute --network nat: two sandboxes are no neighbours" {
	requires_nat
	begin --network nat -l python 'import socket, time
t = socket.create_server(("0.0.0.0", 45679))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("0.0.0.0", 45679)); u.setblocking(False)
print("up", flush=True)
while True:
    c, a = t.accept()
    print("heard", a, flush=True)'
	faas execute --network nat -l python "$meddle"'
import errno, select, time
tries = []
for n in range(1, 255):
    if n == 100: continue           # what each of them calls itself
    s = socket.socket(); s.setblocking(False)
    s.connect_ex(("10.0.2.%d" % n, 45679))
    tries.append(s)
    ip.sendto(b"hello", ("10.0.2.%d" % n, 45679))
reached, end = 0, time.monotonic() + 1
while tries and time.monotonic() < end:
    for s in select.select([], tries, [], 0.1)[1]:
        reached += not s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        tries.remove(s)
print("reached", reached)
s = socket.socket()
print("own", s.connect_ex(("10.0.2.100", 45679)) == errno.ECONNREFUSED)'
	same "$output" $'reached 0\nown True' "what it reached, and what it was allowed"
	same "$(<client.out)" up "what the other one heard"
	kill "$client"
	ended 143
	# nor may it with no network, or the host's
	faas execute -l python "$meddle"
	same "$output" "" "allowed with none"
	faas execute --network host -l python "$meddle"
	same "$output" "" "allowed with the host's"
}

@test "execute --network nat: a name that says it is the host's loopback leads nowhere" {
	requires_nat
	listen
	faas execute --network nat -l python '
import socket, sys
open("/etc/hosts", "w").write("127.0.0.1 one\n10.0.2.2 two\n10.0.2.3 three\n0.0.0.0 four\n127.9.9.9 five\n")
for name in "one", "two", "three", "four", "five":
    s = socket.socket(); s.settimeout(3)
    try: s.connect((name, int(sys.argv[1]))); print(name, s.recv(20))
    except OSError: pass
print("done")' "$port"
	same "$output" "done" "what was reached by name"
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
