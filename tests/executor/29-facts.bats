# shellcheck disable=SC2154,SC2016  # bats sets status, output, stderr
load sandbox

# One program on the machine, in bubblewrap and in a sandbox of ours: all that it sees
# otherwise is in a file that people have read (see facts.py).

# table: "fact: ours | bubblewrap's", where "host" is what the machine's own is, and "-" what
# bubblewrap takes from a machine as it is
table() {
	python3 - host bwrap ours <<'END'
import sys
def facts(name):
    return dict(line.rstrip("\n").split(": ", 1) for line in open(name))
host, bwrap, ours = (facts(name) for name in sys.argv[1:])
assert host.keys() == bwrap.keys() == ours.keys()
for name in ours:
    if name.startswith("namespace "):
        show = lambda v: "host" if v == host[name] else "own"
    elif name.startswith(("Cap", "limit ")) or name in (
            "TracerPid", "Uid", "Gid", "Groups", "Seccomp", "umask", "descriptors"):
        show = lambda v: "host" if v == host[name] else v
    else:
        show = lambda v: v
    # what is ours is the same whatever the machine has
    mine = ours[name] if not name.startswith("namespace ") else show(ours[name])
    taken = name.startswith(("mount /sys", "read ", "open ")) or name in (
        "mount /", "mount /proc/sys", "mount /dev/mqueue", "mount /run", "devices", "variables",
        "root's home", "leads its session")
    print(f"{name}: {mine} | {'-' if taken else show(bwrap[name])}")
END
}

@test "execute: what a program sees, beside what it sees on the machine and in bubblewrap" {
	local facts=$BATS_TEST_DIRNAME/facts.py expected=$BATS_TEST_DIRNAME/../data/facts.expected

	((UID == 0)) || skip "needs root to become another user"
	requires_program bwrap
	env -i /usr/bin/python3 "$facts" >host </dev/null 3>&-
	env -i "$(command -v bwrap)" --unshare-all --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp \
		--ro-bind "$facts" /tmp/facts.py /usr/bin/python3 /tmp/facts.py >bwrap </dev/null 3>&-
	faas execute --file "$facts" -- /usr/bin/python3 facts.py
	echo "$output" >ours
	table >table
	diff -u <(grep -v '^#' "$expected") table >differs ||
		die "what is seen has changed; review it, and write it down in tests/data/facts.expected:" \
			"$(<differs)"
}
