# What a program sees of where it runs, one fact a line. It is run on the machine itself,
# in bubblewrap and in a sandbox of ours: what differs is in tests/data/facts.expected.
import os, resource, socket, sys

FLAGS = ("ro", "rw", "nosuid", "nodev", "noexec")


def say(name, value):
    print(f"{name}: {value}")


def status():
    for line in open("/proc/self/status"):
        name, _, value = line.partition(":")
        if name in ("Uid", "Gid", "NoNewPrivs", "Seccomp", "TracerPid") or name.startswith("Cap"):
            say(name, " ".join(value.split()))
        if name == "Groups":
            say(name, "some" if value.split() else "none")


def maps():
    for name in ("uid_map", "gid_map"):
        say(name, "; ".join(" ".join(line.split()) for line in open("/proc/self/" + name)))


def mounts():
    seen = {}
    for line in open("/proc/self/mountinfo"):
        words = line.split()
        kind = words[words.index("-") + 1]
        flags = [f for f in words[5].split(",") if f in FLAGS]
        seen[words[4]] = " ".join([kind] + sorted(flags))
    for path in ("/", "/proc", "/proc/sys", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys",
                 "/sys/fs/cgroup", "/tmp", "/run"):
        say("mount " + path, seen.get(path, "none"))


def kernel_files():
    for name in ("interrupts", "kallsyms", "kcore", "keys", "kmsg", "kpagecount", "sched_debug",
                 "slabinfo", "sysrq-trigger", "timer_list", "vmallocinfo", "acpi", "bus", "fs",
                 "irq", "scsi", "1/environ", "1/maps", "1/root", "1/fd"):
        path = "/proc/" + name
        try:
            if os.path.isdir(path):
                what = "something" if os.listdir(path) else "nothing"
            else:
                fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                what = "something" if os.read(fd, 4096).strip(b"\0") else "nothing"
        except OSError:
            what = "nothing"
        say("read " + path, what)
    for name in ("sys/kernel/core_pattern", "sys/kernel/hostname", "sys/vm/drop_caches",
                 "sys/net/ipv4/ip_forward", "sysrq-trigger", "self/oom_score_adj"):
        path = "/proc/" + name
        say("open to write " + path, "yes" if can_write(path) else "no")


def can_write(path):
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True


def rest():
    for name in ("CORE", "STACK"):
        say("limit " + name, resource.getrlimit(getattr(resource, "RLIMIT_" + name))[0])
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    say("limit NOFILE", "at most 65536" if files <= 65536 else "more")
    umask = os.umask(0)
    say("umask", "%03o" % umask)
    say("pid", os.getpid() if os.getpid() < 10 else "of many")
    say("leads its session", os.getsid(0) == os.getpid())
    say("processes", "few" if sum(n.isdigit() for n in os.listdir("/proc")) <= 5 else "many")
    say("descriptors", " ".join(n for n in sorted(os.listdir("/proc/self/fd")) if int(n) < 3))
    say("devices", " ".join(sorted(os.listdir("/dev"))))
    say("network devices", " ".join(n for _, n in socket.if_nameindex()))
    say("cgroup", " ".join(sorted({line.rstrip().split(":", 2)[2] for line in open("/proc/self/cgroup")})))
    say("variables", " ".join(sorted(os.environ)))
    say("root's home", " ".join(sorted(os.listdir("/root"))) if os.access("/root", os.R_OK) else "closed")
    say("write /usr", "yes" if os.access("/usr", os.W_OK) else "no")


def namespaces():
    for name in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"):
        say("namespace " + name, os.readlink("/proc/self/ns/" + name))


namespaces()
status()
maps()
mounts()
kernel_files()
rest()
