"""Hazards of HTTP/2: floods of frames that move nothing end in GOAWAY with memory flat; malformed requests are reset;
other connections do not notice."""

import concurrent.futures
import itertools
import struct

import pytest

from harness.h2 import (CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PING, PRIORITY,
                        PROTOCOL_ERROR, REFUSED_STREAM, RST_STREAM, SETTINGS, Http2, frame)
from harness.hazard import memory

GROWTH_MAX = 24 * 1024 * 1024
PODS = "/clusters/recorded/k8s/api/v1/namespaces/{}/pods"


def flood(h2, pieces):
    """Sends until central closes the connection; the number of pieces sent."""
    sent = 0
    try:
        for piece in pieces:
            h2.send(piece)
            sent += 1
    except OSError:
        h2.closed = True
    try:
        h2.read_until(lambda: h2.closed, 10)
    except AssertionError:
        pass
    return sent


def rapid_reset(h2, user, path):
    for stream in range(1, 2**20, 2):
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, h2.block("GET", path, user)) + frame(
            RST_STREAM, 0, stream, struct.pack(">I", CANCEL))


def provoked_reset(h2, user, path):
    """CVE-2025-8671: each WINDOW_UPDATE of 0 makes the server reset its stream."""
    for stream in range(1, 2**20, 2):
        yield frame(HEADERS, END_HEADERS, stream, h2.block("POST", path, user)) + frame(8, 0, stream, b"\0\0\0\0")


def continuation(h2, _user, _path):
    """CVE-2024-27316: a header section that never ends."""
    yield frame(HEADERS, END_STREAM, 1, h2.block("GET", "/version"))
    for number in itertools.count():
        yield frame(CONTINUATION, 0, 1, h2.encoder.encode([(f"x-{number}", "y" * 8000)], huffman=False))
        if number > 50_000:
            return


def continuation_of_nothing(h2, _user, _path):
    yield frame(HEADERS, END_STREAM, 1, h2.block("GET", "/version"))
    yield from itertools.repeat(frame(CONTINUATION, 0, 1, b""), 200_000)


def repeated(piece):
    return lambda _h2, _user, _path: itertools.repeat(piece * 100, 5_000)


ATTACKS = {"rapid reset": rapid_reset, "provoked reset": provoked_reset, "continuation": continuation,
           "empty continuation": continuation_of_nothing, "ping": repeated(frame(PING, 0, 0, b"12345678")),
           "settings": repeated(frame(SETTINGS)), "big settings": repeated(frame(SETTINGS, 0, 0, struct.pack(">HI", 1, 0) * 100)),
           "priority": repeated(frame(PRIORITY, 0, 1, b"\0\0\0\3\0"))}


def test_flood_ends_in_goaway_with_memory_flat(hazard):
    """All of them at once, three times over; a connection beside them is served."""
    user, word = hazard.user("operator"), hazard.word()

    def run(name):
        with Http2(hazard, seconds=30) as bad:
            sent = flood(bad, ATTACKS[name](bad, user, PODS.format(word)))
            return f"{name}: over after {sent} writes, GOAWAY {bad.goaway}", bad.closed and bad.goaway in (
                ENHANCE_YOUR_CALM, PROTOCOL_ERROR, None)
    sizes = []
    with Http2(hazard) as good, concurrent.futures.ThreadPoolExecutor(len(ATTACKS)) as pool:
        for _ in range(3):
            for said, ended in pool.map(run, ATTACKS):
                assert ended, said
                print(said)
            assert good.ask("GET", "/version", user).status == 200
            sizes.append((memory(hazard.central), memory(hazard.agent)))
    print(f"central {[f'{c:,}' for c, _ in sizes]}, agent {[f'{a:,}' for _, a in sizes]} bytes after each round")
    assert sizes[-1][0] - sizes[0][0] < GROWTH_MAX and sizes[-1][1] - sizes[0][1] < GROWTH_MAX, sizes
    assert len(hazard.upstream.requests(f"/api/v1/namespaces/{word}/")) < 10_000


@pytest.mark.parametrize("fields, pseudo", [
    ([("connection", "impersonate-user")], ()), ([("connection", "close")], ()), ([("transfer-encoding", "chunked")], ()),
    ([("upgrade", "websocket")], ()), ([("keep-alive", "5")], ()), ([("proxy-connection", "x")], ()), ([("te", "gzip")], ()),
    ([("X-Upper", "x")], ()), ([("x\r\ny", "z")], ()), ([("x", "a\r\nimpersonate-user: root")], ()), ([("x", "a\0b")], ()),
    ([("content-length", "5")], ()), ([("content-length", "0"), ("content-length", "0")], ()),
    ([(":path", "/second")], ()), ([], [(":path", "/second")]), ([], [(":authority", "evil")]), ([], [(":unknown", "x")]),
    ([("host", "evil.example")], ())])
def test_malformed_request_is_reset(hazard, fields, pseudo):
    """Fields of one connection have no place in HTTP/2 (RFC 9113 section 8.2.2), nor have line ends in values."""
    user, word = hazard.user("operator"), hazard.word()
    with Http2(hazard) as h2:
        got = h2.ask("GET", PODS.format(word), user, *fields, *[], seconds=15) if not pseudo else h2.wait(
            h2.open("GET", PODS.format(word), user, pseudo=pseudo))
    assert got.status in (0, 400) and (got.reset is not None or h2.goaway is not None or got.status == 400), (got, h2.goaway)
    assert not hazard.upstream.saw(word)


def test_content_length_must_be_kept(hazard):
    """More or less than promised: the stream is reset, and no whole body goes upstream."""
    user = hazard.user("operator")
    for body in (b"{}x", b"{"):
        word = hazard.word()
        with Http2(hazard) as h2:
            stream = h2.open("POST", PODS.format(word), user, ("content-length", "2"), end=False)
            h2.send(frame(DATA, END_STREAM, stream, body))
            got = h2.wait(stream)
            assert got.status != 200 and got.reset == PROTOCOL_ERROR, got
        assert not [r for r in hazard.upstream.requests(f"/api/v1/namespaces/{word}/") if r.body]


def test_plain_connect_goes_nowhere(hazard):
    user = hazard.user("operator")
    with Http2(hazard) as h2:
        block = h2.encoder.encode([(":method", "CONNECT"), (":authority", hazard.upstream.authority),
                                   ("authorization", f"Bearer {user.token}")], huffman=False)
        stream = h2.stream()
        h2.send(frame(HEADERS, END_HEADERS, stream, block))
        assert h2.wait(stream).status == 405


def test_streams_per_connection(hazard):
    """kStreamsPerClientConnection is announced; one more than that is refused, and the others go on."""
    user, word = hazard.user("operator"), hazard.word()
    with Http2(hazard, acknowledge=False) as h2:
        h2.read_until(lambda: 3 in h2.settings)
        most = h2.settings[3]
        assert most == 250
        streams = [h2.open("POST", "/auth/login", end=False) for _ in range(most)]
        beyond = h2.wait(h2.open("GET", PODS.format(word), user))
        assert beyond.reset == REFUSED_STREAM, beyond
        h2.send(frame(RST_STREAM, 0, streams[0], struct.pack(">I", CANCEL)))
        assert h2.ask("GET", "/version").status == 200, "one ended, so another may begin"
    assert not hazard.upstream.saw(word)


def test_answered_stream_is_not_held_open_by_its_request(hazard):
    """The answer is whole and the client never ends its request: RST_STREAM(NO_ERROR), and the place is free again."""
    with Http2(hazard) as h2:
        stream = h2.open("POST", PODS.format(hazard.word()), None, end=False)
        h2.read_until(lambda: h2.answers[stream].reset is not None)
        assert (h2.answers[stream].status, h2.answers[stream].reset) == (401, 0)
