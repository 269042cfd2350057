"""Processes that the tests start: each has a log, dies with the tests, and is waited for with a bound."""

import os
import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("MK8S_BIN", ROOT / "build/release/bin"))
# What the tests' surroundings say to mk8s or kubectl must not reach the programs under test.
CLEAN = {k: v for k, v in os.environ.items() if not re.match("MK8S_|KUBE|CENTRAL_|AGENT_|CLUSTER_", k)}


def until(condition, seconds, what, pause=0.05):
    """Polls until condition() is true and returns its value; fails naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)


class Process:
    """A program in the background.  Start it on the main thread: it dies when the starting thread does."""

    all = []  # every one ever started, so that a failing test can show the logs of those it has used

    def __init__(self, name, argv, log, env=None, death_signal="KILL", stdin=subprocess.DEVNULL):
        self.name, self.log = name, pathlib.Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", death_signal, "--", *map(str, argv)],
                stdin=stdin, stdout=out, stderr=out, env={**CLEAN, **(env or {})})
        Process.all.append(self)

    @property
    def running(self):
        return self.process.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, path, seconds):
        """Until the process has written the file `path`; fails at once when it ends instead."""
        def there():
            if not self.running:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.text()[-4000:]}")
            return pathlib.Path(path).exists() and pathlib.Path(path).read_text()
        return until(there, seconds, lambda: f"{self.name} ready ({path}):\n{self.text()[-4000:]}")

    def send(self, number):
        self.process.send_signal(number)

    @property
    def memory_bytes(self):
        """Resident now."""
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, number=signal.SIGTERM, seconds=30):
        """Ends it and returns its exit status; one that does not end in time is a failure."""
        if self.running:
            self.send(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {seconds} s of signal {number}:\n{self.text()[-4000:]}") from None


class Result:
    """What a command printed and returned; prints itself wholly when an assertion on it fails."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    def __repr__(self):
        return f"$ {' '.join(self.argv)}\n[exit {self.code}]\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}"

    def ok(self):
        assert self.code == 0, self
        return self


def run(argv, stdin=None, env=None, timeout=60, cwd=None, binary=False):
    """Runs a command to its end.  A hang is a failure that shows what it had printed."""
    argv = [str(a) for a in argv]
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    if isinstance(stdin, str):
        given["input"] = stdin.encode()
    try:
        done = subprocess.run(argv, capture_output=True, env={**CLEAN, **(env or {})}, timeout=timeout, cwd=cwd, **given)
    except subprocess.TimeoutExpired as hung:
        raise AssertionError(f"hung for {timeout} s: {' '.join(argv)}\n{hung.stdout}\n--- stderr\n{hung.stderr}") from None
    text = (lambda b: b) if binary else (lambda b: b.decode(errors="replace"))
    return Result(argv, done.returncode, text(done.stdout), done.stderr.decode(errors="replace"))
