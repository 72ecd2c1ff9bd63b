"""A dockerd of our own, for what `docker commit` takes: nothing of it is left."""

import os
import shutil
import subprocess
import time

WAIT_S = 30


class Docker:
    """Runs while the `with` block does; .why says why it does not, or is None."""

    def __init__(self, work):
        self.folder = work + "/docker"
        self.socket = "unix://" + self.folder + "/socket"
        self.daemon = None
        self.why = None

    def __enter__(self):
        if not shutil.which("dockerd") or not shutil.which("docker"):
            self.why = "docker is not installed (apt-get install docker.io)"
            return self
        os.mkdir(self.folder)
        with open(self.folder + "/log", "w", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(
                ["dockerd", "--data-root", self.folder + "/data", "--exec-root",
                 self.folder + "/exec", "--pidfile", self.folder + "/pid", "-H", self.socket,
                 "--bridge=none", "--iptables=false", "--ip6tables=false"],
                stdout=log, stderr=log)
        end = time.monotonic() + WAIT_S
        while self.run("info", check=False).returncode:
            if self.daemon.poll() is not None or time.monotonic() > end:
                self.why = "dockerd does not start here"
                break
            time.sleep(0.2)
        return self

    def __exit__(self, *_):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def words(self, *words):
        return ["docker", "-H", self.socket, *words]

    def run(self, *words, check=True):
        return subprocess.run(self.words(*words), capture_output=True, text=True, check=check)

    def changed(self, tree, change):
        """The name of a container of that tree, in which the change was made."""
        tar = subprocess.Popen(["tar", "-C", tree, "-c", "."], stdout=subprocess.PIPE)
        subprocess.run(self.words("import", "-", "bench"), stdin=tar.stdout, check=True,
                       capture_output=True)
        tar.stdout.close()
        tar.wait()
        self.run("rm", "-f", "bench", check=False)
        self.run("run", "--name", "bench", "--network", "none", "bench", "/bin/sh", "-c", change)
        return "bench"
