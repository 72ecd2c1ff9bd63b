"""An executor and all below it, as /proc shows them."""

import os


def read(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as f:
        return f.read()


def children():
    """{pid: [its children]} and {pid: its name}"""
    below, names = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = read(entry, "stat")
        except OSError:
            continue
        name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:]
        below.setdefault(int(rest.split()[1]), []).append(int(entry))
        names[int(entry)] = name
    return below, names


class Tree:
    def __init__(self, executor):
        self.below, self.names = children()
        self.executor = executor
        self.spawner = next(p for p in self.below.get(executor, [])
                            if self.names[p] == "faas-spawner")

    def all(self, pid=None):
        pid = pid or self.executor
        return [pid] + [d for c in self.below.get(pid, []) for d in self.all(c)]

    def idle(self):
        """[monitor, init] of each sandbox that waits, blank or built."""
        return [self.all(m) for m in self.below.get(self.spawner, []) if self.below.get(m)]

    def memory(self, pids):
        """Resident and proportional size in KiB."""
        rss = pss = 0
        for pid in pids:
            for line in read(pid, "smaps_rollup").split("\n"):
                if line.startswith("Rss:"):
                    rss += int(line.split()[1])
                elif line.startswith("Pss:"):
                    pss += int(line.split()[1])
        return rss, pss

    def descriptors(self, pid):
        return len(os.listdir(f"/proc/{pid}/fd"))

    def cgroups(self):
        """Folders below ours, which the executor has open."""
        n = 0
        for fd in os.listdir(f"/proc/{self.executor}/fd"):
            path = os.readlink(f"/proc/{self.executor}/fd/{fd}")
            if path.startswith("/sys/fs/cgroup/"):
                n += sum(len(dirs) for _, dirs, _ in os.walk(path))
        return n

    def counts(self):
        return {
            "executor's descriptors": self.descriptors(self.executor),
            "spawner's descriptors": self.descriptors(self.spawner),
            "executor's KiB resident": self.memory([self.executor])[0],
            "spawner's KiB resident": self.memory([self.spawner])[0],
            "mounts outside": len(read(self.executor, "mountinfo").split("\n")),
            "spawner's mounts": len(read(self.spawner, "mountinfo").split("\n")),
            "cgroups": self.cgroups(),
            "processes": len(self.all()),
        }
