#!/usr/bin/env python3
"""What clients that stop reading a flood cost everyone else: p99 of small requests with them and without, in turn, and memory.

usage: stalled_reader.py [--quick]     after run.sh has installed and built
"""

import argparse
import socket
import ssl
import statistics
import tempfile
import urllib.parse
from pathlib import Path

from loads import get_http1
from mk8s import CLUSTER, Mk8s
from peer import Peer
from processes import Processes, rss_bytes, wait_for
from upstream import BIG, make_certificates, start_upstream, write_kubeconfig

ROOT = Path(__file__).resolve().parent.parent
STALLED = 20
CONNECTIONS = 16
RATIO_MAX = 1.2  # what the project promises


def stall(peer: Peer) -> ssl.SSLSocket:
    """Asks for 64 MiB and reads only that it begins."""
    address = urllib.parse.urlsplit(peer.url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = context.wrap_socket(socket.create_connection((address.hostname, address.port)))
    fields = "".join(f"{name}: {value}\r\n" for name, value in peer.headers.items())
    connection.sendall(f"GET {address.path}{BIG} HTTP/1.1\r\nHost: bench\r\n{fields}\r\n".encode())
    if not connection.recv(1).startswith(b"H"):
        raise RuntimeError("no answer")
    return connection


def megabytes(peer: Peer) -> dict[str, float]:
    return {name: rss_bytes(pid) / 1e6 for name, pid in peer.pids.items()}


def settled(peer: Peer) -> dict[str, float]:
    """Memory once the buffers on the way have filled."""
    last = {}

    def same():
        nonlocal last
        before, last = last, megabytes(peer)
        return before and all(abs(before[name] - last[name]) < 0.2 for name in last)
    wait_for("memory settled", same)
    return last


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: to see that it works")
    parser.add_argument("--binaries", type=Path, default=ROOT / "build/release/bin")
    options = parser.parse_args()
    rounds, seconds = (1, 2) if options.quick else (7, 4)
    with tempfile.TemporaryDirectory(prefix="mk8s-bench-") as folder:
        Path(folder).chmod(0o755)
        processes = Processes(Path(folder))
        try:
            make_certificates(processes.folder)
            mk8s = Mk8s(processes, options.binaries)
            peer = mk8s.peer(mk8s.add_agent(CLUSTER, write_kubeconfig(processes.folder, start_upstream(processes))))
            get_http1(peer, CONNECTIONS, seconds)  # warm
            before, without, beside, memory = megabytes(peer), [], [], {}
            for _ in range(rounds):
                without.append(get_http1(peer, CONNECTIONS, seconds).p99_ms)
                stalled = [stall(peer) for _ in range(STALLED)]
                memory = settled(peer)
                beside.append(get_http1(peer, CONNECTIONS, seconds).p99_ms)
                for connection in stalled:
                    connection.close()
        finally:
            processes.stop()
    ratio = statistics.median(b / a for a, b in zip(without, beside))
    print(f"p99 of small GETs on {CONNECTIONS} connections: {statistics.median(without):.2f} ms; beside {STALLED} stalled "
          f"readers of 64 MiB: {statistics.median(beside):.2f} ms; ratio {ratio:.2f} (promised: at most {RATIO_MAX}; "
          f"median of {rounds})")
    for name in before:
        print(f"memory of {name}: {before[name]:.0f} MB before, {memory[name]:.0f} MB with them")


if __name__ == "__main__":
    main()
