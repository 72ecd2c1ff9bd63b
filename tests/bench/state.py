"""What bench measures of snapshots: does their cost grow with what they stand on?"""

import json
import os
import shutil
import statistics

from docker import Docker

CHANGE = "i=0; while [ $i -lt 10 ]; do echo x >/data/d0/new$i; i=$((i + 1)); done"
SIZES = ((10, 500), (100, 5000))
LONG = ((1024, 50000),)


def fill(folder, mib, files):
    """A tree of that size and number of files, with a shell in it."""
    os.makedirs(folder + "/bin")
    shutil.copy(shutil.which("busybox"), folder + "/bin/sh")
    for name in ("true", "cp"):
        os.link(folder + "/bin/sh", folder + "/bin/" + name)
    block = os.urandom((mib << 20) // files)
    for i in range(files):
        at = f"{folder}/data/d{i // 500}"
        if i % 500 == 0:
            os.makedirs(at)
        with open(f"{at}/f{i}", "wb") as f:
            f.write(block)


def difference(bench, key, less, more, runs):
    """Medians of two commands that alternate, in microseconds, and what lies between."""
    r = bench.pairs(key, {"less": less, "more": more}, runs, 3)
    return r["less"]["p50_us"], r["more"]["p50_us"] - r["less"]["p50_us"]


def setup_us(bench, words, runs):
    """From the request to the program's first instruction, as the records say."""
    path = bench.work + "/status"
    times = []
    for _ in range(runs):
        bench.faas("execute", "--status-file", path, *words)
        with open(path, encoding="utf-8") as f:
            times.append(json.load(f)["execution"]["usage"]["setup_us"])
    return statistics.median(times)


def held(folder):
    """Bytes on the disk below a folder."""
    total = 0
    for at, _, names in os.walk(folder):
        total += sum(os.lstat(os.path.join(at, n)).st_blocks * 512 for n in names)
        total += os.lstat(at).st_blocks * 512
    return total


def branches(bench, count):
    """Of one snapshot of 10 MiB, each of which writes one small file."""
    layers = bench.work + "/state/layers"
    bench.faas("execute", "--snapshot", "wide", "head -c 10485760 /dev/urandom >/work/big")
    before = held(layers)
    bench.faas("branch", "wide", "--count", str(count), "--", "sh", "-c", "echo x >/work/own")
    each = (held(layers) - before) / count
    bench.out.row(f"{count} branches of 10 MiB: disk for each", f"{each / 1024:.1f} KiB")


def commit(bench, docker, tree, size, extra):
    """docker commit of the same change, next to what a snapshot adds to its run."""
    r = bench.pairs("commit", {"docker": docker.words("commit", docker.changed(tree, CHANGE))},
                    5, 1)
    peer = r["docker"]["p50_us"]
    bench.out.row(f"{size}: the same by docker commit", f"{peer / 1000:.0f} ms", "",
                  peer / max(extra, 1), (">=", 20))


def as_one_file(bench, mib, files):
    """A snapshot to a file and back, next to tar and zstd, whose files are on the disk then, too."""
    if not shutil.which("zstd"):
        bench.out.note("zstd is not installed: export and import are left out")
        return
    size = f"{mib} MiB in {files} files"
    bench.faas("execute", "--env", f"bench{mib}", "--snapshot", "whole", "cp -a /data /copy")
    bench.faas("snapshot", "create", "--snapshot", "whole", "--sync", "whole2")
    snapshot = json.loads(bench.faas("--json", "snapshot", "show", "whole"))
    layer = f"{os.environ['FAAS_STATE_DIR']}/layers/{snapshot['layers'][0]}"
    one, two, to = bench.work + "/one", bench.work + "/two", bench.work + "/unpacked"
    r = bench.pairs("export", {
        "ours": [bench.program, "-q", "snapshot", "export", "whole", one, "--force"],
        "tar": ["sh", "-c", f"tar -C {layer} -cf - u | zstd -q -3 -T2 >{two}; sync {two}"]}, 7, 1)
    ours, peer = r["ours"]["p50_us"], r["tar"]["p50_us"]
    bench.out.row(f"{size}: export", f"{ours / 1000:.0f} ms", f"tar, zstd -T2 {peer / 1000:.0f} ms",
                  peer / ours, (">=", 0.8))
    r = bench.pairs("import", {
        "ours": ["sh", "-c", f"{bench.program} -q snapshot import {one} --name imported >{to}.log &&"
                 f" {bench.program} -q snapshot delete imported >{to}.log"],
        "tar": ["sh", "-c", f"mkdir {to}; zstd -qdc {two} | tar -C {to} -xf -; sync -f {to};"
                f" mv {to} {to}.old; rm -rf {to}.old &"]}, 7, 1)
    ours, peer = r["ours"]["p50_us"], r["tar"]["p50_us"]
    bench.out.row(f"{size}: import", f"{ours / 1000:.0f} ms", f"zstd, tar {peer / 1000:.0f} ms",
                  peer / ours, (">=", 0.8))
    shutil.rmtree(to, ignore_errors=True)


def sizes(bench, docker):
    for mib, files in SIZES + (LONG if bench.long else ()):
        name = f"bench{mib}"
        tree = f"{bench.work}/{name}"
        fill(tree, mib, files)
        bench.faas("env", "create", name, tree)
        size = f"{mib} MiB in {files} files"
        faas = [bench.program, "-q", "execute", "--env", name]
        plain, extra = difference(bench, f"snapshot-{mib}", faas + [CHANGE],
                                  faas + ["--snapshot", "", CHANGE], 60)
        bench.out.row(f"{size}: a run that changes 10", f"{plain / 1000:.2f} ms")
        bench.out.row(f"{size}: a snapshot of it, besides", f"{extra / 1000:.2f} ms", "", None,
                      ("<=", 3, extra / 1000))
        bench.faas("execute", "--env", name, "--snapshot", name, CHANGE)
        branch = setup_us(bench, ("--parent", name, "true"), 100)
        bench.out.row(f"{size}: a branch, until its command starts", f"{branch / 1000:.2f} ms", "",
                      None, ("<=", 1, branch / 1000))
        copies = bench.pairs(f"copy-{mib}", {
            "cp": ["sh", "-c", f"rm -rf {tree}.copy; cp -a --reflink=auto {tree} {tree}.copy"]},
            3, 1)
        copy = copies["cp"]["p50_us"]
        bench.out.row(f"{size}: the same by cp -a --reflink=auto", f"{copy / 1000:.0f} ms",
                      "", copy / max(extra, 1), (">=", 20))
        if not docker.why:
            commit(bench, docker, tree, size, extra)
        shutil.rmtree(tree)
        shutil.rmtree(tree + ".copy", ignore_errors=True)


def state(bench):
    if not shutil.which("busybox"):
        bench.out.note("busybox is not installed: there is nothing to fill environments with")
        return
    with Docker(bench.work) as docker:
        if docker.why:
            bench.out.note(docker.why + ": its commit is left out")
        sizes(bench, docker)
    branches(bench, 1000 if bench.long else 200)
    for b in json.loads(bench.faas("--json", "branch", "list"))["branches"]:
        bench.faas("branch", "delete", b["name"])
    as_one_file(bench, *SIZES[1])
    bench.faas("snapshot", "prune", "--all", "--named")
