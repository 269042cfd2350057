"""Loads on a peer, each giving one Sample: requests a second, latency, CPU of the parts in the middle."""

import re
import ssl
import subprocess
import time
import urllib.request
from dataclasses import dataclass

from peers import BIG, BIG_BYTES, SMALL, Peer
from processes import cpu_seconds


@dataclass
class Sample:
    requests_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    cpu_ms_per_1000: float = 0.0
    mb_per_s: float = 0.0


def _cpu(peer: Peer) -> float:
    return sum(cpu_seconds(pid) for pid in peer.pids.values())


def _header_arguments(peer: Peer) -> list[str]:
    return [word for name, value in peer.headers.items() for word in ("-H", f"{name}: {value}")]


def _milliseconds(text: str) -> float:
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def http1(peer: Peer, connections: int, seconds: int) -> Sample:
    """wrk: small GETs over `connections` kept connections."""
    before = _cpu(peer)
    output = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency",
                             *_header_arguments(peer), peer.url + SMALL],
                            check=True, capture_output=True, text=True).stdout
    used = _cpu(peer) - before
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"{peer.name}: not all requests succeeded\n{output}")
    requests = int(re.search(r"(\d+) requests in", output)[1])
    return Sample(requests_per_s=float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]),
                  p50_ms=_milliseconds(re.search(r"\n\s+50%\s+(\S+)", output)[1]),
                  p99_ms=_milliseconds(re.search(r"\n\s+99%\s+(\S+)", output)[1]),
                  cpu_ms_per_1000=used * 1e6 / requests)


def http2(peer: Peer, connections: int, seconds: int) -> Sample:
    """h2load: small GETs, one at a time on each of `connections`."""
    before = _cpu(peer)
    output = subprocess.run(["h2load", "-t", "1", "-c", str(connections), "-m", "1", "-D", str(seconds),
                             *_header_arguments(peer), peer.url + SMALL],
                            check=True, capture_output=True, text=True).stdout
    used = _cpu(peer) - before
    counts = re.search(r"(\d+) succeeded, (\d+) failed", output)
    good = int(re.search(r"status codes: (\d+) 2xx", output)[1])
    if int(counts[2]) or good < int(counts[1]):
        raise RuntimeError(f"{peer.name}: not all requests succeeded\n{output}")
    mean = re.search(r"time for request:\s+\S+\s+\S+\s+(\S+)", output)[1]
    return Sample(requests_per_s=float(re.search(r"finished in [\d.]+s, ([\d.]+) req/s", output)[1]),
                  p50_ms=_milliseconds(mean), cpu_ms_per_1000=used * 1e6 / good)


def one_stream(peer: Peer) -> Sample:
    """One 64 MiB body."""
    request = urllib.request.Request(peer.url + BIG, headers=peer.headers)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    buffer = bytearray(1024 * 1024)
    started, received = time.monotonic(), 0
    with urllib.request.urlopen(request, context=context) as response:
        while count := response.readinto(buffer):
            received += count
    if received != BIG_BYTES:
        raise RuntimeError(f"{peer.name}: {received} bytes of {BIG_BYTES}")
    return Sample(mb_per_s=received / 1e6 / (time.monotonic() - started))
