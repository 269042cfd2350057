"""What clients that stop reading a flood cost everyone else: p99 of small requests with them and without, in turn, and memory."""

import socket
import ssl
import statistics
import urllib.parse

from loads import get_http1
from peer import Peer
from processes import rss_bytes, wait_for
from upstream import BIG

STALLED = 20
CONNECTIONS = 16


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


def beside_stalled_readers(peer: Peer, rounds: int, seconds: int) -> dict[str, float]:
    """p99 of small GETs beside clients that ask for a flood and read none of it."""
    before, without, beside, memory = megabytes(peer), [], [], {}
    for _ in range(rounds):
        without.append(get_http1(peer, CONNECTIONS, seconds).p99_ms)
        stalled = [stall(peer) for _ in range(STALLED)]
        memory = settled(peer)
        beside.append(get_http1(peer, CONNECTIONS, seconds).p99_ms)
        for connection in stalled:
            connection.close()
    grown = {f"{name}'s memory with them, MB more": memory[name] - before[name] for name in before}
    return {"stalled readers of 64 MiB": STALLED, "p99 of GETs on 16 connections without them, ms": statistics.median(without),
            "p99 beside them, ms": statistics.median(beside),
            "ratio of the two (promised: at most 1.2)": statistics.median(b / a for a, b in zip(without, beside))} | grown
