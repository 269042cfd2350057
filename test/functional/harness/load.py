"""Requests that go on while something breaks: each with when it began, how long it took and what came of it."""

import http.client
import socket
import threading
import time
from dataclasses import dataclass


@dataclass
class Asked:
    at: float  # time.monotonic()
    seconds: float
    status: int  # 0: the connection broke
    body: str = ""


class Load:
    """`threads` that each ask for `path` again and again, until stop()."""

    def __init__(self, rest, path, threads=1, pause=0.1, method="GET", timeout=90):
        self.rest, self.path, self.method, self.pause, self.timeout = rest, path, method, pause, timeout
        self.asked, self.waiting = [], {}
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        while not self.stopped.is_set():
            at = self.waiting[number] = time.monotonic()
            try:
                answer = self.rest(self.method, self.path, timeout=self.timeout)
                status, body = answer.status, answer.body
            except (OSError, http.client.HTTPException):
                status, body = 0, ""
            self.asked.append(Asked(at, time.monotonic() - at, status, body))
            self.stopped.wait(self.pause)

    def since(self, at):
        return [asked for asked in list(self.asked) if asked.at >= at]

    def stop(self):
        """Ends it; none may still be waiting for its answer after the time a request may take."""
        self.stopped.set()
        for thread in self.threads:
            thread.join(self.timeout)
        assert not any(thread.is_alive() for thread in self.threads), f"{self.path}: a request hangs"
        return self.asked


class Follower:
    """A request whose answer streams; `ended` is when it did (or broke), and stays None while it goes on."""

    def __init__(self, rest, path):
        self.connection = rest.connect(timeout=120)
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {rest.token}"})
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, (self.answer.status, self.answer.read())
        self.received_bytes, self.received_at, self.ended = 0, time.monotonic(), None
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            while chunk := self.answer.read1(65536):
                self.received_bytes, self.received_at = self.received_bytes + len(chunk), time.monotonic()
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # cut off, or closed under it: an end like any other here
        self.ended = time.monotonic()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # its reader may wait in it, and keeps it open till then
        except OSError:
            pass  # it has ended
        self.thread.join(10)
        self.connection.close()
