"""The table that bench prints, and the files that it leaves."""

import datetime
import json
import os
import platform
import subprocess

HEADER = ("what", "faas", "peer", "ratio", "goal", "verdict")
FORM = "{:<48} {:>14} {:>24} {:>8} {:>9}  {}"


def first_line(path, key=None):
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                if key is None or line.startswith(key):
                    return line.split(":", 1)[-1].strip()
    except OSError:
        pass
    return "unknown"


def git(*words):
    r = subprocess.run(("git",) + words, capture_output=True, text=True, check=False)
    return r.stdout.strip() if r.returncode == 0 else ""


def machine():
    memory = first_line("/proc/meminfo", "MemTotal").split()[0]
    return {
        "cpu": first_line("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory) / 1048576, 1) if memory.isdigit() else None,
        "kernel": platform.release(),
        "system": first_line("/etc/os-release", "PRETTY_NAME").split("=")[-1].strip('"'),
        "load_before": os.getloadavg()[0],
        "commit": git("describe", "--always", "--dirty", "--abbrev=12") or "unknown",
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


class Report:
    def __init__(self, folder):
        self.folder = folder
        self.machine = machine()
        self.rows = []
        self.notes = []
        self.commands = {}
        self.raw = {}
        self.failed = []
        self.at = ""

    def heading(self):
        m = self.machine
        print(f"{m['cpus']} x {m['cpu']}, {m['memory_gib']} GiB, Linux {m['kernel']}, "
              f"{m['system']}\ncommit {m['commit']}, {m['date']}, load {m['load_before']:.2f}")

    def section(self, name):
        self.at = name
        print("\n" + FORM.format(name, *HEADER[1:]), flush=True)

    def row(self, what, value, peer="", ratio=None, goal=None):
        """goal: ("<=", 0.6) of the ratio, or ("<=", 8, number) of a number."""
        verdict = text = ""
        if goal:
            number = goal[2] if len(goal) > 2 else ratio
            good = number <= goal[1] if goal[0] == "<=" else number >= goal[1]
            verdict = "met" if good else "MISSED"
            text = f"{goal[0]} {goal[1]:g}"
        self.rows.append({
            "section": self.at, "what": what, "value": value, "peer": peer,
            "ratio": None if ratio is None else round(ratio, 4), "goal": text,
            "verdict": verdict})
        print(FORM.format(what, value, peer, "" if ratio is None else f"{ratio:.3f}",
                          text, verdict).rstrip(), flush=True)

    def note(self, text):
        self.notes.append({"section": self.at, "text": text})
        print("  " + text, flush=True)

    def broken(self, name, why):
        self.failed.append({"section": name, "why": why})
        print(f"  BROKEN: {why}", flush=True)

    def markdown(self):
        m = self.machine
        lines = [
            "# Speed and memory", "",
            f"{m['cpus']} x {m['cpu']}, {m['memory_gib']} GiB, Linux {m['kernel']}, "
            f"{m['system']}; commit {m['commit']}, {m['date']}, load {m['load_before']:.2f}",
            ""]
        at = None
        for r in self.rows:
            if r["section"] != at:
                at = r["section"]
                lines += ["", f"## {at}", "", "| " + " | ".join(HEADER) + " |",
                          "|---" * len(HEADER) + "|"]
            ratio = "" if r["ratio"] is None else f"{r['ratio']:.3f}"
            lines.append(f"| {r['what']} | {r['value']} | {r['peer']} | {ratio} | "
                         f"{r['goal']} | {r['verdict']} |")
        lines += [""] + [f"- {n['section']}: {n['text']}" for n in self.notes]
        lines += [f"- BROKEN: {f['section']}: {f['why']}" for f in self.failed]
        return "\n".join(lines) + "\n"

    def finish(self):
        os.makedirs(self.folder, exist_ok=True)
        everything = {
            "machine": self.machine, "results": self.rows, "notes": self.notes,
            "broken": self.failed, "commands": self.commands, "raw": self.raw}
        with open(self.folder + "/results.json", "w", encoding="utf-8") as f:
            json.dump(everything, f, indent=1)
            f.write("\n")
        with open(self.folder + "/results.md", "w", encoding="utf-8") as f:
            f.write(self.markdown())
        goals = [r for r in self.rows if r["goal"]]
        met = sum(r["verdict"] == "met" for r in goals)
        print(f"\n{met} of {len(goals)} goals met, {len(self.failed)} sections broken; "
              f"{self.folder}/results.json and .md")
        return 1 if self.failed else 0
