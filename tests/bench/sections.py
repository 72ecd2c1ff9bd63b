"""What bench measures, one function a section."""

import json
import os
import subprocess
import time

from peers import PAYLOAD
import processes
from image import image
from state import state

PATIENCE = 900


class Broken(Exception):
    """A measurement that could not be made."""


def number(name, default):
    return int(os.environ.get(name) or default)


def us(value):
    return f"{value / 1000:.2f} ms"


class Bench:
    def __init__(self, build, work, out):
        self.program = os.path.abspath(build + "/faas")
        self.tools = os.path.abspath(build + "/tests/bench")
        self.work = work
        self.out = out
        self.peers = {}
        self.runs = number("BENCH_RUNS", 200)
        self.long = os.environ.get("BENCH_LONG", "") not in ("", "0")

    def call(self, argv):
        try:
            r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               check=False, timeout=PATIENCE)
        except subprocess.TimeoutExpired as e:
            raise Broken(f"{' '.join(argv[:4])}... did not end in {PATIENCE} s") from e
        if r.returncode:
            raise Broken(f"{' '.join(argv[:4])}... ended with {r.returncode}: "
                         f"{r.stderr.strip()[-300:]}")
        return r.stdout

    def faas(self, *words):
        return self.call([self.program, *words])

    def execute(self, mode):
        return [self.program, "execute", "--mode", mode, "--", PAYLOAD]

    def status(self):
        return json.loads(self.faas("--json", "executor", "status"))

    def stop(self):
        subprocess.run([self.program, "executor", "stop", "--now"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pairs(self, key, commands, runs=0, warm_up=10, before=None):
        """{name: argv} in turns; {name: its quantiles}."""
        argv = [self.tools + "/pairs", "-n", str(runs or self.runs), "-w", str(warm_up)]
        for name, words in commands.items():
            argv += ["@" + name, *words]
            if before and before[0] == name:
                argv += ["%before", *before[1]]
        self.out.commands[key] = argv
        result = json.loads(self.call(argv))
        self.out.raw[key] = result
        return {c["name"]: c for c in result["commands"]}

    def load(self, *words):
        argv = [self.tools + "/load", *map(str, words)]
        result = json.loads(self.call(argv))
        self.out.raw[" ".join(argv[1:])] = result
        return result

    def floor(self, *words):
        argv = [self.tools + "/floor", *map(str, words)]
        result = json.loads(self.call(argv))
        self.out.raw[" ".join(argv)] = result
        return result

    def settle(self, sandboxes=0, seconds=90):
        """Waits until the pools are full and, if told, until they have shrunk."""
        for _ in range(seconds * 5):
            s = self.status()
            if (all(p["ready"] >= p["target"] for p in s["pools"]) and not s["active"] and
                    (not sandboxes or s["sandboxes"] <= sandboxes)):
                break
            time.sleep(0.2)
        time.sleep(0.5)
        return self.status()

    def compare(self, what, result, name, peer, goal):
        if peer not in result:
            return
        a, b = result[name], result[peer]
        self.out.row(f"{what}, p50", us(a["p50_us"]), f"{us(b['p50_us'])} {peer}",
                     a["p50_us"] / b["p50_us"], ("<=", goal))
        self.out.row(f"{what}, p99", us(a["p99_us"]), f"{us(b['p99_us'])} {peer}",
                     a["p99_us"] / b["p99_us"])


def start(bench):
    commands = {
        "ephemeral": bench.execute("ephemeral"), "cached": bench.execute("cached"),
        "version": [bench.program, "version"], "empty": [bench.tools + "/empty"],
        "bare": [PAYLOAD]}
    if "bwrap" in bench.peers:
        commands["bwrap"] = bench.peers["bwrap"]
    bench.load("spawn", 1, 20, "--", *bench.execute("cached"))
    r = bench.pairs("start", commands)
    if "runc" in bench.peers:
        slow = bench.pairs("start-runc", {
            "ephemeral": commands["ephemeral"], "runc": bench.peers["runc"]},
            max(20, bench.runs // 4), 3)
        bench.compare("ephemeral, next to runc", slow, "ephemeral", "runc", 0.12)
    bench.compare("ephemeral", r, "ephemeral", "bwrap", 0.6)
    bench.compare("cached", r, "cached", "bwrap", 0.35)
    bench.compare("faas version", r, "version", "empty", 1.3)
    bench.out.row("bare " + PAYLOAD + ", p50", us(r["bare"]["p50_us"]))
    floor = r["version"]["p50_us"] + r["bare"]["p50_us"]
    bench.out.row("cached, less the client's and the payload's own", us(
        r["cached"]["p50_us"] - floor))


def first(bench):
    commands = {"first": [bench.program, "execute", "--", PAYLOAD]}
    if "bwrap" in bench.peers:
        commands["bwrap"] = bench.peers["bwrap"]
    r = bench.pairs("first", commands, max(20, bench.runs // 5), 2,
                    ("first", [bench.program, "executor", "stop"]))
    if "bwrap" in r:
        bench.compare("first call, executor's start included", r, "first", "bwrap", 4)
    else:
        bench.out.row("first call, p50", us(r["first"]["p50_us"]))


def clients(bench):
    """Rates with no rest between runs, so that refilled pools and clean-up count."""
    for n in (1, 16, 64):
        runs = max(100, bench.runs * (2 if n == 1 else 4))
        bench.load("spawn", n, runs, "--", PAYLOAD)
        bare = [bench.load("spawn", n, runs, "--", PAYLOAD)["rate"]]
        for mode, name in (("ephemeral", "cold"), ("cached", "warm")):
            for form, words in (
                    ("processes", ("spawn", n, runs, "--", *bench.execute(mode))),
                    ("connections", ("hold", n, runs, mode, "--", PAYLOAD))):
                r = bench.load(*words)
                bare.append(bench.load("spawn", n, runs, "--", PAYLOAD)["rate"])
                peer = (bare[-1] + bare[-2]) / 2
                goal = (">=", 0.5) if n == 16 and mode == "cached" else None
                bench.out.row(f"{n} {name} {form}, runs a second", f"{r['rate']:.0f}",
                              f"{peer:.0f} bare loops", r["rate"] / peer, goal)
                bench.out.row(f"{n} {name} {form}, p50 / p99",
                              f"{r['p50_us'] / 1000:.1f} / {r['p99_us'] / 1000:.1f} ms")
        if os.geteuid() == 0:
            bench.floor(n, max(n, runs // 4), PAYLOAD)
            rate = bench.floor(n, runs, PAYLOAD)["rate"]
            bench.out.row(f"{n} loops of the kernel's part alone, runs a second",
                          f"{rate:.0f}", f"{bare[-1]:.0f} bare loops", rate / bare[-1])


def memory(bench):
    bench.load("hold", 4, 200, "cached", "--", PAYLOAD)
    s = bench.settle()
    time.sleep(1)
    tree = processes.Tree(s["pid"])
    rss, pss = tree.memory([tree.executor, tree.spawner])
    bench.out.row("idle executor and its spawner, resident", f"{rss / 1024:.1f} MiB", "", None,
                  ("<=", 8, rss / 1024))
    bench.out.row("idle executor and its spawner, proportional", f"{pss / 1024:.1f} MiB")
    idle = tree.idle()
    if not idle:
        raise Broken("there is no idle sandbox to look at")
    sums = [tree.memory(w) for w in idle]
    pss = sum(p for _, p in sums) / len(sums)
    rss = sum(r for r, _ in sums) / len(sums)
    bench.out.row(f"each of {len(idle)} idle sandboxes, proportional", f"{pss:.0f} KiB", "", None,
                  ("<=", 600, pss))
    bench.out.row("each idle sandbox, resident, shared pages in each", f"{rss:.0f} KiB")


def leaks(bench):
    runs = 20000 if bench.long else 2000

    def counts():
        s = bench.settle(4)
        return processes.Tree(s["pid"]).counts()

    for mode in ("ephemeral", "cached"):
        bench.load("hold", 1, 200, mode, "--", PAYLOAD)
    before = counts()
    for mode in ("ephemeral", "cached"):
        bench.load("hold", 4, runs // 4, mode, "--", PAYLOAD)
        bench.load("spawn", 4, runs // 4, "--", *bench.execute(mode))
    after = counts()
    for name, value in before.items():
        grown = after[name] - value
        limit = 1024 if "KiB" in name else 0
        bench.out.row(f"{name} after {runs} runs", str(after[name]), f"{value} before", None,
                      ("<=", limit, grown))


def output(bench):
    gib = number("BENCH_GIB", 10 if bench.long else 1)
    bare = ["head", "-c", str(gib << 30), "/dev/zero"]
    r = bench.pairs("output", {
        "faas": [bench.program, "execute", "--", *bare, "|", "cat"],
        "bare": bare + ["|", "cat"]}, 3 if gib > 2 else 15, 1)
    mine, peer = (gib * 1024 / (r[n]["p50_us"] / 1e6) for n in ("faas", "bare"))
    bench.out.row(f"{gib} GiB through a pipe", f"{mine:.0f} MiB/s", f"{peer:.0f} MiB/s bare",
                  mine / peer, (">=", 0.9))


ALL = {"start": start, "first": first, "clients": clients, "memory": memory, "leaks": leaks,
       "output": output, "state": state, "image": image}
