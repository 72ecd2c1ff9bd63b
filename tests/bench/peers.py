"""bwrap and runc commands that show their payload the same files as faas does.

faas' environment `host` has the machine's program folders, read-only underneath and
writable on top by an overlay, a /proc, /dev, /dev/pts, /dev/shm and /tmp of its own.
bwrap before 0.11 has no overlays: there the folders are bound read-only, which is less
work than faas does.
"""

import json
import os
import shutil
import subprocess

PAYLOAD = "/bin/true"
SHOWN = ("bin", "sbin", "usr", "etc", "opt", "nix", "gnu")


def shown():
    """(path, link target or None) of the machine's folders that `host` shows."""
    for name in sorted(os.listdir("/")):
        if name in SHOWN or name.startswith("lib"):
            path = "/" + name
            yield path, os.readlink(path) if os.path.islink(path) else None


def works(argv):
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       check=False)
    return r.returncode == 0, r.stderr.strip().split("\n")[-1]


def bwrap_command(program, overlay):
    argv = [program, "--unshare-all", "--die-with-parent"]
    for path, link in shown():
        if link:
            argv += ["--symlink", link, path]
        elif overlay:
            argv += ["--overlay-src", path, "--tmp-overlay", path]
        else:
            argv += ["--ro-bind", path, path]
    return argv + ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/work",
                   "--chdir", "/work", PAYLOAD]


def find_bwrap(out):
    program = shutil.which("bwrap")
    if not program:
        out.note("bwrap is not installed: nothing to compare with (apt-get install bubblewrap)")
        return None
    for overlay in (True, False):
        argv = bwrap_command(program, overlay)
        good, why = works(argv)
        if good:
            out.note("bwrap: " + ("overlays" if overlay else
                     "read-only binds, for this bwrap has no overlays, which faas uses"))
            return argv
    out.broken("peers", f"bwrap is there but fails: {why}")
    return None


def runc_config(config):
    config["process"].update(terminal=False, args=[PAYLOAD], cwd="/work")
    config["root"] = {"path": "rootfs", "readonly": False}
    os.makedirs("rootfs/work", exist_ok=True)
    for path, link in shown():
        if link:
            os.symlink(link, "rootfs" + path)
        else:
            config["mounts"].append({"destination": path, "type": "bind", "source": path,
                                     "options": ["bind", "ro"]})
    config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
    return config


def without_cgroup_mount(config):
    config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]


def find_runc(work, out):
    """Runs in a bundle of its own; gives up parts of the config until it works."""
    program = shutil.which("runc")
    steps = (
        ("the config of `runc spec`", lambda c: None),
        ("no rlimits", lambda c: c["process"].pop("rlimits", None)),
        ("no cgroup mount", without_cgroup_mount),
        ("no device rules", lambda c: c["linux"].pop("resources", None)),
    )
    if not program:
        out.note("runc is not installed: nothing to compare with (apt-get install runc)")
        return None
    bundle = work + "/bundle"
    os.mkdir(bundle)
    before = os.getcwd()
    os.chdir(bundle)
    try:
        subprocess.run([program, "spec"], check=True)
        with open("config.json", encoding="utf-8") as f:
            config = runc_config(json.load(f))
        given_up = []
        argv = [program, "run", "--bundle", bundle, "faas-bench"]
        for name, give_up in steps:
            give_up(config)
            given_up.append(name)
            with open("config.json", "w", encoding="utf-8") as f:
                json.dump(config, f)
            good, why = works(argv)
            if good:
                out.note("runc: " + ", ".join(given_up) + "; the folders bound read-only")
                return argv
    finally:
        os.chdir(before)
    out.broken("peers", f"runc is there but fails: {why}")
    return None


def find(work, out):
    out.section("peers")
    found = {"bwrap": find_bwrap(out), "runc": find_runc(work, out)}
    found = {name: argv for name, argv in found.items() if argv}
    out.commands.update(found)
    return found
