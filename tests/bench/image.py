"""What bench measures of images: a pull, next to skopeo and umoci doing the same."""

import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import tarfile
import time
import urllib.request

LAYERS = 10
FILES = 400
FILE = 32 << 10		# half noise, half zeros
RUNS = 5


def layer(number):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as out:
        for i in range(FILES):
            info = tarfile.TarInfo(f"l{number}/d{i // 50}/f{i}")
            info.size, info.mtime = FILE, 1
            data = os.urandom(FILE // 2) + bytes(FILE // 2)
            out.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def write_layout(path):
    """An OCI layout with an image of that many layers; how many bytes its files have."""
    blobs = path + "/blobs/sha256"
    os.makedirs(blobs)
    media = "application/vnd.oci.image."

    def put(data, kind):
        name = hashlib.sha256(data).hexdigest()
        with open(f"{blobs}/{name}", "wb") as f:
            f.write(data)
        return {"mediaType": media + kind, "digest": "sha256:" + name, "size": len(data)}

    tars = [layer(i) for i in range(LAYERS)]
    layers = [put(gzip.compress(t, 6), "layer.v1.tar+gzip") for t in tars]
    config = {"architecture": os.uname().machine.replace("x86_64", "amd64").replace(
                  "aarch64", "arm64"), "os": "linux", "config": {},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(t).hexdigest()
                                                        for t in tars]}}
    manifest = {"schemaVersion": 2, "mediaType": media + "manifest.v1+json",
                "config": put(json.dumps(config).encode(), "config.v1+json"), "layers": layers}
    entry = put(json.dumps(manifest).encode(), "manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
    with open(path + "/index.json", "w", encoding="utf-8") as f:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, f)
    with open(path + "/oci-layout", "w", encoding="utf-8") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
    return LAYERS * FILES * FILE


def start_registry(work):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(work + "/registry.yml", "w", encoding="utf-8") as f:
        f.write("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: "
                f'{work}/registry}}}}\nhttp: {{addr: "127.0.0.1:{port}"}}\n')
    server = subprocess.Popen(["docker-registry", "serve", work + "/registry.yml"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(400):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
                return server, port
        except OSError:
            time.sleep(0.05)
    server.kill()
    raise OSError("docker-registry does not answer")


def timed(bench, *commands):
    begin = time.monotonic()
    for c in commands:
        bench.call(c)
    return time.monotonic() - begin


def image(bench):
    missing = [t for t in ("docker-registry", "skopeo", "umoci") if not shutil.which(t)]
    if missing:
        bench.out.note(f"{missing[0]} is not installed: there is nothing to pull from, or to "
                       "compare with")
        return
    size = write_layout(bench.work + "/image")
    server, port = start_registry(bench.work)
    try:
        there = f"docker://127.0.0.1:{port}/bench:v1"
        bench.call(["skopeo", "copy", "--dest-tls-verify=false", f"oci:{bench.work}/image:v1",
                    there])
        ours, theirs = [], []
        for i in range(RUNS):
            bench.faas("env", "prune")
            ours.append(timed(bench, [bench.program, "-q", "env", "pull", "--name", f"pull{i}",
                                      there]))
            bench.faas("env", "delete", f"pull{i}")
            copy, bundle = f"{bench.work}/copy{i}", f"{bench.work}/bundle{i}"
            theirs.append(timed(bench, ["skopeo", "copy", "--src-tls-verify=false", there,
                                        f"oci:{copy}:v1"],
                                ["umoci", "unpack", "--image", f"{copy}:v1", bundle]))
            shutil.rmtree(copy)
            shutil.rmtree(bundle)
        mine, other = statistics.median(ours), statistics.median(theirs)
        bench.out.row(f"pull of {LAYERS} layers, {size >> 20} MiB in {LAYERS * FILES} files",
                      f"{mine * 1000:.0f} ms", f"skopeo + umoci {other * 1000:.0f} ms",
                      other / mine, (">=", 1))
    finally:
        server.terminate()
        server.wait()
