#!/usr/bin/env python3
"""Types at a terminal in which faas runs, and looks at what it shows.

terminal.py FAAS <script; a line of it is one of
	run ARGS...		start faas with them (shell words) on a new terminal
	run-piped ARGS...	the same with stdout through a pipe and cat
	size ROWS COLS		of the terminal, before or while it runs
	type TEXT		\\n is Return
	key HEX			bytes as they are
	expect TEXT		wait until this was shown, after what was expected before
	wait-for COMMAND LINE	wait until such a process exists
	signal NAME		to faas
	hang-up			close the terminal
	status N, ended		wait for its end
	note, same		remember the terminal's modes; require them again
Every wait has a deadline; what fails says what was shown until then.
"""
import fcntl, os, pty, select, shlex, signal, struct, subprocess, sys, termios, time

DEADLINE = 60
faas = sys.argv[1]
master, slave = pty.openpty()
seen, at, child, modes, size = b"", 0, None, None, (24, 80)


def fail(why):
    sys.exit(f"{why}\nshown so far: {seen!r}")


def read(timeout):
    """What the terminal shows now; False when nothing came."""
    global seen
    if not select.select([master], [], [], timeout)[0]:
        return False
    try:
        data = os.read(master, 65536)
    except OSError:
        return False
    seen += data
    return bool(data)


def until(true, why):
    end = time.monotonic() + DEADLINE
    while not true():
        if time.monotonic() > end:
            fail(why)
        read(0.02)


def resize():
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))


def start(args, piped):
    global child
    resize()
    child = os.fork()
    if child:
        return
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    out = slave
    if piped:
        out = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=slave, close_fds=True).stdin.fileno()
    os.dup2(slave, 0), os.dup2(out, 1), os.dup2(slave, 2)
    os.closerange(3, 256)
    os.execv(faas, [faas] + args)


def ended():
    status = []

    def gone():
        pid, s = os.waitpid(child, os.WNOHANG)
        if pid:
            status.append(os.waitstatus_to_exitcode(s))
        return bool(pid)
    until(gone, "it did not end")
    while read(0):
        pass
    return status[0] if status[0] >= 0 else 128 - status[0]


def expect(text):
    global at
    want = text.replace("\\n", "\n").encode()

    def there():
        return seen.replace(b"\r", b"").find(want, at) >= 0
    until(there, f"never shown: {text!r}")
    at = seen.replace(b"\r", b"").find(want, at) + len(want)


def step(line):
    global master, size, modes
    word, _, rest = line.partition(" ")
    if word in ("run", "run-piped"):
        start(shlex.split(rest), word == "run-piped")
    elif word == "size":
        size = tuple(int(n) for n in rest.split())
        resize()
    elif word == "type":
        os.write(master, rest.replace("\\n", "\r").encode())
    elif word == "key":
        os.write(master, bytes.fromhex(rest))
    elif word == "expect":
        expect(rest)
    elif word == "wait-for":
        until(lambda: subprocess.run(["pgrep", "-fx", rest], stdout=subprocess.DEVNULL).returncode == 0,
              f"no process {rest!r}")
    elif word == "signal":
        os.kill(child, signal.Signals["SIG" + rest])
    elif word == "hang-up":
        os.close(slave)
        os.close(master)
        master = os.open("/dev/null", os.O_RDONLY)
        until(lambda: os.waitpid(child, os.WNOHANG)[0], "it did not end")
    elif word == "status":
        got = ended()
        if got != int(rest):
            fail(f"status {got}, not {rest}")
    elif word == "ended":
        ended()
    elif word == "note":
        modes = termios.tcgetattr(slave)
    elif word == "same":
        if termios.tcgetattr(slave) != modes:
            fail(f"the terminal's modes changed: {modes} to {termios.tcgetattr(slave)}")
    else:
        fail(f"no step {word!r}")


for line in sys.stdin.read().splitlines():
    if line.strip():
        step(line)
