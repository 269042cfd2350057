"""Loads on a peer, each giving one Sample: requests a second, latency, CPU of the parts in the middle."""

import random
import re
import ssl
import http.client
import subprocess
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from peer import Peer
from processes import cpu_seconds
from upstream import BIG, BIG_BYTES, CREATE, SMALL

POST_LUA = 'wrk.method = "POST"\nwrk.body = "{}"\nwrk.headers["Content-Type"] = "application/json"\n'
SPARSE_CONNECTIONS = 20
SPARSE_PAUSE_S = (1.0, 3.0)


@dataclass
class Sample:
    requests_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    mb_per_s: float = 0.0
    cpu_ms_per_1000: dict[str, float] = field(default_factory=dict)  # by process


def _cpu(peer: Peer) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in peer.pids.items()}


def _cpu_per_1000(peer: Peer, before: dict[str, float], requests: int) -> dict[str, float]:
    return {name: (after - before[name]) * 1e6 / requests for name, after in _cpu(peer).items()}


def _header_arguments(headers: dict[str, str]) -> list[str]:
    return [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]


def _milliseconds(text: str) -> float:
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _quantile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def _wrk(peer: Peer, path: str, connections: int, seconds: int, headers: dict[str, str], *more: str) -> Sample:
    before = _cpu(peer)
    output = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency", *more,
                             *_header_arguments({**peer.headers, **headers}), peer.url + path],
                            check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output or re.search(r"Socket errors: connect (?!0, read 0, write 0, timeout 0)", output):
        raise RuntimeError(f"{peer.name}: not all requests succeeded\n{output}")
    requests = int(re.search(r"(\d+) requests in", output)[1])
    return Sample(requests_per_s=float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]),
                  p50_ms=_milliseconds(re.search(r"\n\s+50%\s+(\S+)", output)[1]),
                  p99_ms=_milliseconds(re.search(r"\n\s+99%\s+(\S+)", output)[1]),
                  cpu_ms_per_1000=_cpu_per_1000(peer, before, requests))


def get_http1(peer: Peer, connections: int, seconds: int, path: str = SMALL) -> Sample:
    """wrk: GETs over `connections` kept connections."""
    return _wrk(peer, path, connections, seconds, {})


def post_http1(peer: Peer, connections: int, seconds: int) -> Sample:
    """wrk: POSTs, which mk8s makes durable in its audit log before they leave central."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(POST_LUA)
        script.flush()
        return _wrk(peer, CREATE, connections, seconds, {}, "-s", script.name)


def churn(peer: Peer, connections: int, seconds: int) -> Sample:
    """wrk: a new TLS connection for each GET."""
    return _wrk(peer, SMALL, connections, seconds, {"Connection": "close"})


def get_http2(peer: Peer, connections: int, seconds: int) -> Sample:
    """h2load: GETs, one at a time on each of `connections`."""
    with tempfile.NamedTemporaryFile("r") as log:
        Path(log.name).unlink()  # h2load makes it itself
        before = _cpu(peer)
        output = subprocess.run(["h2load", "-t", "1", "-c", str(connections), "-m", "1", "-D", str(seconds),
                                 "--log-file", log.name, *_header_arguments(peer.headers), peer.url + SMALL],
                                check=True, capture_output=True, text=True).stdout
        took_ms = sorted(int(line.split("\t")[2]) / 1000 for line in Path(log.name).read_text().splitlines())
        Path(log.name).touch()
    good = int(re.search(r"status codes: (\d+) 2xx", output)[1])
    succeeded, failed = re.search(r"(\d+) succeeded, (\d+) failed", output).groups()
    if int(failed) or good < int(succeeded):
        raise RuntimeError(f"{peer.name}: not all requests succeeded\n{output}")
    return Sample(requests_per_s=float(re.search(r"finished in [\d.]+s, ([\d.]+) req/s", output)[1]),
                  p50_ms=_quantile(took_ms, 0.5), p99_ms=_quantile(took_ms, 0.99),
                  cpu_ms_per_1000=_cpu_per_1000(peer, before, good))


def streams(peer: Peer, count: int) -> Sample:
    """`count` bodies of 64 MiB at once, each taken by a curl of its own."""
    command = ["curl", "-sk", "--http1.1", "--fail", "-o", "/dev/null", "-w", "%{size_download}",
               *_header_arguments(peer.headers), peer.url + BIG]
    started = time.monotonic()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    received = [int(process.communicate()[0]) for process in running]
    took_s = time.monotonic() - started
    if received != [BIG_BYTES] * count:
        raise RuntimeError(f"{peer.name}: {received} bytes where each should be {BIG_BYTES}")
    return Sample(mb_per_s=count * BIG_BYTES / 1e6 / took_s)


def sparse(peer: Peer, seconds: int) -> Sample:
    """GETs 1 to 3 s apart on each of 20 kept connections: what one person at a terminal meets."""
    took_ms: list[float] = []
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=_sparse_connection, args=(peer, until, took_ms)) for _ in range(SPARSE_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_ms.sort()
    return Sample(p50_ms=_quantile(took_ms, 0.5), p99_ms=_quantile(took_ms, 0.99))


def _sparse_connection(peer: Peer, until: float, took_ms: list[float]):
    where = urllib.parse.urlsplit(peer.url)
    context = ssl._create_unverified_context()
    connection = (http.client.HTTPSConnection(where.netloc, context=context) if where.scheme == "https"
                  else http.client.HTTPConnection(where.netloc))
    first = True
    while time.monotonic() < until:
        started = time.monotonic()
        connection.request("GET", where.path + SMALL, headers=peer.headers)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{peer.name}: {response.status}")
        if not first:  # the first one pays for the connection
            took_ms.append((time.monotonic() - started) * 1000)
        first = False
        time.sleep(random.uniform(*SPARSE_PAUSE_S))
    connection.close()
