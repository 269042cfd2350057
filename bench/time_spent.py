"""Where the CPU time of a request goes, by perf: microseconds of central and of the agent in each part, per GET."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from loads import get_http1
from peer import Peer

SAMPLES_PER_S = 999
AUDIT_THREAD = "mk8s-central"  # the one besides the loops and the pools that keeps the process' name
PARTS = {"net": "net: loop and connections", "h1": "http, h1: HTTP/1.1", "http": "http, h1: HTTP/1.1",
         "h2": "h2: our end of HTTP/2", "gateway": "gateway: relay and headers", "central": "central: the request's steps",
         "agent": "agent: the request's steps", "auth": "auth: token and decision", "kube": "kube: target and attributes"}


def _part(thread: str, library: str, symbol: str) -> str:
    kernel = "kernel" in library
    if thread == AUDIT_THREAD:
        return f"audit's writer: {'kernel' if kernel else 'rows and SQLite'}"
    if kernel:
        return "kernel: sockets, epoll, wake-ups"
    if "ssl" in library or "crypto" in library:
        return "OpenSSL: TLS"
    if "nghttp2" in library:
        return "nghttp2: HTTP/2"
    if re.search(r"^(libc\.|libstdc|ld-|\[vdso)", library):
        return "malloc and free" if re.search("alloc|free|unlink_chunk", symbol) else "libc: copies, strings, locks, clock"
    ours = re.search(r"mk8s::(\w+)::", symbol)
    return PARTS.get(ours[1] if ours else "", "std's containers, and others")


def _shares(samples: Path) -> Counter:
    report = subprocess.run(["perf", "report", "-i", str(samples), "--no-children", "--stdio", "-g", "none", "-t", "|",
                             "-F", "overhead,comm,dso,sym"], check=True, capture_output=True, text=True).stdout
    shares: Counter = Counter()
    for line in report.splitlines():
        if "|" in line and not line.startswith("#"):
            overhead, thread, library, symbol = (word.strip() for word in line.split("|")[:4])
            shares[_part(thread, library, symbol)] += float(overhead.rstrip("%"))
    return shares


def where_time_goes(folder: Path, peer: Peer, connections: int, seconds: int) -> dict[str, float]:
    """Empty where there is no perf."""
    if not shutil.which("perf"):
        return {}
    files = {name: folder / f"{name}.perf" for name in peer.pids}
    recording = [subprocess.Popen(["perf", "record", "-q", "-F", str(SAMPLES_PER_S), "-p", str(pid), "-o", str(files[name]),
                                   "--", "sleep", str(seconds)]) for name, pid in peer.pids.items()]
    cpu_us = get_http1(peer, connections, seconds).cpu_ms_per_1000  # which is us per request
    if any(process.wait() for process in recording):
        return {}
    found = {}
    for name, file in files.items():
        shares = _shares(file)
        whole = sum(shares.values())
        found |= {f"{connections} conn., us of {name} per GET in {part}": cpu_us[name] * share / whole
                  for part, share in shares.most_common()}
    return found
