"""Hazards of peers that are slow or half gone: bounded time, bounded memory, and the others do not wait.  Their
deadlines run side by side."""

import concurrent.futures
import contextlib
import socket
import threading
import time
import urllib.parse

from harness.h2 import HEADERS, SETTINGS, Http2, frame
from harness.hazard import memory, status
from harness.process import until
from harness.recording_upstream import switch


def until_closed(tls, trickle=None, seconds=60):
    """How long central keeps a connection on which only `trickle` comes, byte by byte; and what it said."""
    begin, said = time.monotonic(), b""
    tls.settimeout(0.5)
    while time.monotonic() - begin < seconds:
        try:
            if trickle:
                time.sleep(0.3)
                tls.sendall(trickle)
            chunk = tls.recv(65536)
            if not chunk:
                return time.monotonic() - begin, said
            said += chunk
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - begin, said
    return seconds, said


def slow_header(hazard, _word):
    """A byte each half second never ends its head."""
    with hazard.connect() as tls:
        tls.sendall(b"GET /version HTTP/1.1\r\nX: ")
        return until_closed(tls, b"a")


def slow_header_after_a_request(hazard, _word):
    with hazard.connect() as tls:
        tls.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status(tls.recv(65536)) == 200
        tls.sendall(b"GET /version HTTP/1.1\r\nX: ")
        return until_closed(tls, b"a")


def no_header(hazard, _word):
    with hazard.connect() as tls:
        return until_closed(tls)


def no_handshake(hazard, _word):
    address = urllib.parse.urlsplit(hazard.central.url)
    with socket.create_connection((address.hostname, address.port)) as plain:
        plain.sendall(b"\x16\x03\x01")
        return until_closed(plain)


def http2_without_a_request(hazard, _word):
    with Http2(hazard) as h2:
        return until_closed(h2.tls, frame(SETTINGS))


def http2_header_without_an_end(hazard, _word):
    with Http2(hazard) as h2:
        h2.send(frame(HEADERS, 0, 1, h2.block("GET", "/version")))
        return until_closed(h2.tls)


def body_that_stops(hazard, word):
    with hazard.connect() as tls:
        tls.sendall(hazard.head("POST", f"/api/v1/namespaces/{word}/pods", hazard.user("operator"), "Content-Length: 100") + b"{")
        return until_closed(tls)


def review_that_stops(hazard, _word):
    with hazard.connect() as tls:
        tls.sendall(hazard.head("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", hazard.user("operator"),
                                "Content-Length: 100") + b"{")
        return until_closed(tls)


def body_that_nobody_wants(hazard, _word):
    """Refused at once, but the client goes on with what it promised, byte by byte."""
    with hazard.connect() as tls:
        tls.sendall(hazard.head("POST", "/api/v1/namespaces/x/pods", None, "Connection: keep-alive", "Content-Length: 100000"))
        assert status(tls.recv(65536)) == 401
        return until_closed(tls, b"a")


def half_open(hazard, word):
    """Of an upgraded stream: the client ended its direction (TLS close_notify), and the command in the pod neither ends
    nor speaks."""
    user, over = hazard.user("operator"), threading.Event()
    path = f"/api/v1/namespaces/{word}/pods/web/exec?command=id"
    hazard.upstream.script(path, lambda c, _: (c.send(switch("SPDY/3.1")), c.drain(), over.wait(60), False)[-1])
    tls, begin = hazard.connect(), time.monotonic()
    tls.sendall(hazard.head("POST", path, user, "Connection: Upgrade", "Upgrade: SPDY/3.1"))
    assert status(tls.recv(65536)) == 101
    tls.setblocking(False)
    with contextlib.suppress(OSError):
        tls.unwrap()  # sends close_notify, and does not wait for the answer
    try:
        assert hazard.upstream.one(path).connection.ended.wait(5), "the end of the direction is relayed"
        assert hazard.until_events(user, word)[0]["status"] == "started"
        ended = until(lambda: (e := hazard.events(user, word)[0])["status"] != "started" and e, 40, "its end", pause=0.5)
        assert ended["status"] == "allowed", ended
        return time.monotonic() - begin, ended["reason"].encode()
    finally:
        over.set()
        tls.close()


WAYS = [half_open, slow_header, slow_header_after_a_request, no_header, no_handshake, http2_without_a_request,
        http2_header_without_an_end, body_that_stops, review_that_stops, body_that_nobody_wants]


def test_slow_header_slow_body_or_half_open_client_is_cut_in_bounded_time(hazard):
    """kHeaderDeadline, kTlsHandshakeDeadline, kRequestBodyStall and kHalfOpenStall are 10 s each; the rest is the busy machine's."""
    words = [hazard.word() for _ in WAYS]
    with concurrent.futures.ThreadPoolExecutor(len(WAYS)) as pool:
        cut = dict(zip(WAYS, pool.map(lambda way, word: way(hazard, word), WAYS, words)))
    for way, (seconds, said) in cut.items():
        print(f"{way.__name__}: cut after {seconds:.1f} s, {said[:60]!r}")
        assert 5 < seconds < 40, way.__name__
    for way in (body_that_stops, review_that_stops):
        assert status(cut[way][1]) == 504 and b"did not come in time" in cut[way][1], cut[way]
    request = hazard.upstream.one(f"/api/v1/namespaces/{words[WAYS.index(body_that_stops)]}/")
    assert request.connection.ended.wait(10), "the cluster's connection is not kept either"


def test_many_slow_connections_cost_little_and_delay_nobody(hazard):
    user = hazard.user("operator")
    latency(hazard, user)
    quiet, before = latency(hazard, user), memory(hazard.central)
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            tls = stack.enter_context(hazard.connect())
            tls.sendall(b"GET /version HTTP/1.1\r\nX: " + b"a" * 4000)
        slow, grown = latency(hazard, user), memory(hazard.central) - before
    print(f"p90 {quiet * 1000:.1f} ms alone, {slow * 1000:.1f} ms beside 200 slow ones; {grown / 200:,.0f} bytes each")
    assert grown < 200 * 128 * 1024
    assert slow < max(5 * quiet, 0.25)


def latency(hazard, user, count=60):
    """The 90th percentile, in seconds, of requests relayed to the cluster."""
    times = []
    with Http2(hazard) as h2:
        for _ in range(count):
            begin = time.monotonic()
            assert h2.ask("GET", "/clusters/recorded/k8s/api/v1/namespaces/x/pods", user).status == 200
            times.append(time.monotonic() - begin)
    return sorted(times)[count * 9 // 10]


def test_slow_reader_is_held_in_bounded_memory(hazard):
    """Ten clients that read nothing of an endless answer: a window each, and whoever reads goes on."""
    user, word, stop = hazard.user("operator"), hazard.word(), threading.Event()
    sent = []

    def endless(connection, _):
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        mine = len(sent)
        sent.append(0)
        while not stop.is_set():
            connection.send(piece)
            sent[mine] += 65536
        return False
    path = f"/api/v1/namespaces/{word}/pods/web/log?follow=true"
    hazard.upstream.script(path, endless)
    latency(hazard, user)
    quiet, before = latency(hazard, user), (memory(hazard.central), memory(hazard.agent))
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            tls = stack.enter_context(hazard.connect(receive_buffer=4096))
            tls.sendall(hazard.head("GET", path, user))
        until(lambda: len(sent) == 10 and stands_still(lambda: sum(sent)), 30, "the senders to be held up")
        grown = memory(hazard.central) - before[0], memory(hazard.agent) - before[1]
        slow = latency(hazard, user)
    stop.set()
    print(f"10 stalled readers: central grew by {grown[0]:,}, the agent by {grown[1]:,} bytes; p90 {quiet * 1000:.1f} ms"
          f" before, {slow * 1000:.1f} ms beside them")
    assert max(grown) < 10 * 4 * 1024 * 1024
    assert slow < max(5 * quiet, 0.25)


def stands_still(value, seconds=1):
    before = value()
    time.sleep(seconds)
    return value() == before


def watch(connection, _):
    """A watch with one event, until the agent leaves it."""
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    connection.drain()
    return False


def test_vanished_client_is_looked_for(hazard):
    """One that went without a word (its machine lost power) is found by TCP's own probes, also below an open watch."""
    user, word = hazard.user("operator"), hazard.word()
    path = f"/api/v1/namespaces/{word}/pods?watch=1"
    hazard.upstream.script(path, watch)
    with hazard.connect() as tls:
        tls.sendall(hazard.head("GET", path, user))
        assert status(tls.recv(65536)) == 200
        port = tls.getsockname()[1]
        until(lambda: tcp_timer(port) == "02", 10, lambda: f"keepalive's timer to run, not {tcp_timer(port)}")


def tcp_timer(port):
    """Which timer runs on central's end of a connection from `port`: 02 is keepalive's, 01 a retransmission's."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return next(row[5][:2] for row in map(str.split, table) if row[2].endswith(f":{port:04X}"))


def test_client_that_went_ends_its_watch(hazard):
    """By FIN alone, by close_notify alone, by RST: within seconds the cluster is not asked any more."""
    user = hazard.user("operator")
    for leave in ("fin", "close_notify", "rst"):
        word = hazard.word()
        path = f"/api/v1/namespaces/{word}/pods?watch=1"
        hazard.upstream.script(path, watch)
        tls = hazard.connect()
        tls.sendall(hazard.head("GET", path, user))
        assert status(tls.recv(65536)) == 200
        if leave == "close_notify":
            tls.setblocking(False)
            with contextlib.suppress(OSError):
                tls.unwrap()
        elif leave == "fin":
            socket.socket.shutdown(tls, socket.SHUT_WR)
        else:
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            socket.socket.close(tls)
        assert hazard.upstream.one(path).connection.ended.wait(10), leave
        tls.close()
