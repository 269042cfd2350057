"""Hazards of HTTP/1.1's framing: a request that two parsers could end at different places is a 400, and the
connection closes; of neither it nor what stands behind it does anything reach the cluster."""

import pytest

from harness.hazard import status

CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize("fields, body", [
    (("Content-Length: 5", CHUNKED), b"0\r\n\r\n"), ((CHUNKED, "Content-Length: 5"), b"0\r\n\r\n"),
    (("Content-Length: 2", "Content-Length: 3"), b"{} "), (("Content-Length: 2", "Content-Length: 2"), b"{}"),
    (("Content-Length: 2, 2",), b"{}"), (("Content-Length: +2",), b"{}"), (("Content-Length: -2",), b"{}"),
    (("Content-Length: 0x2",), b"{}"), (("Content-Length: 2 2",), b"{}"), (("Content-Length:",), b"{}"),
    (("Content-Length: 99999999999999999999999",), b"{}"), (("Content-Length : 2",), b"{}"),
    (("Transfer-Encoding: gzip, chunked",), b"0\r\n\r\n"), (("Transfer-Encoding: identity",), b"{}"),
    (("Transfer-Encoding: chunked, identity",), b"{}"), (("Transfer-Encoding: xchunked",), b"0\r\n\r\n"),
    ((CHUNKED, CHUNKED), b"0\r\n\r\n"), (("Transfer-Encoding : chunked",), b"0\r\n\r\n"),
    (("Transfer-Encoding: \x0bchunked",), b"0\r\n\r\n"), (("X: a", " folded: b", "Content-Length: 2"), b"{}"),
    (("X: a", "\tfolded", "Content-Length: 2"), b"{}"), (("X: a\nY: b", "Content-Length: 2"), b"{}"),
    (("X: a\rY: b", "Content-Length: 2"), b"{}"), (("X: a\x00b", "Content-Length: 2"), b"{}"),
    (("no colon", "Content-Length: 2"), b"{}"), ((": no name", "Content-Length: 2"), b"{}"),
    (("Bad Name: x", "Content-Length: 2"), b"{}"), (("Expect: 200-ok", "Content-Length: 2"), b"{}"),
    (("Host: second.example", "Content-Length: 2"), b"{}")])
def test_ambiguous_framing_is_refused(hazard, fields, body):
    user, word, second = hazard.user("operator"), hazard.word(), hazard.word()
    got = hazard.raw(hazard.head("POST", f"/api/v1/namespaces/{word}/pods", user, "Connection: keep-alive", *fields) + body
                     + hazard.head("GET", f"/api/v1/namespaces/{second}/pods", user))
    assert status(got) == 400 and got.count(b"HTTP/1.1 ") == 1, got[:500]
    assert b"\r\nConnection: close\r\n" in got
    assert not hazard.upstream.saw(word) and not hazard.upstream.saw(second)


@pytest.mark.parametrize("body", [
    b"zz\r\n{}\r\n0\r\n\r\n", b"2\n{}\n0\n\n", b"2\r\n{}XX0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"0x2\r\n{}\r\n0\r\n\r\n",
    b" 2\r\n{}\r\n0\r\n\r\n", b"2 \r\n{}\r\n0\r\n\r\n", b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n",
    b"2;" + b"x" * 5000 + b"\r\n{}\r\n0\r\n\r\n", b"2;a\rb\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"])
def test_bad_chunks_end_the_request(hazard, body):
    """The head has gone on its way by then: the cluster must see that the body is not whole."""
    user, word, second = hazard.user("operator"), hazard.word(), hazard.word()
    path = f"/api/v1/namespaces/{word}/pods"
    hazard.upstream.script(path, lambda connection, _: False)
    got = hazard.raw(hazard.head("POST", path, user, "Connection: keep-alive", CHUNKED) + body
                     + hazard.head("GET", f"/api/v1/namespaces/{second}/pods", user))
    assert b"200 OK" not in got and got.count(b"HTTP/1.1 ") <= 1, got[:500]
    assert not got or status(got) in (400, 502), got[:500]
    assert not hazard.upstream.saw(second)
    for connection in hazard.upstream.connections:
        if word.encode() in connection.received:
            assert not bytes(connection.received).endswith(b"0\r\n\r\n"), "a body cut short was ended as if it were whole"


@pytest.mark.parametrize("head", [
    b"GET  {} HTTP/1.1\r\nHost: x\r\n\r\n", b"GET {} HTTP/1.1 \r\nHost: x\r\n\r\n", b"GET {}\r\n\r\n",
    b"GET {} HTTP/2.0\r\nHost: x\r\n\r\n",
    b"GET {} HTTP/1.1\nHost: x\n\n", b"GET {} HTTP/1.1\r\n\r\n", b"GET {} HTTP/1.1\r\nHost: a b\r\n\r\n",
    b" GET {} HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\nGET {} HTTP/1.1\r\nHost: x\r\n\r\n", b"GET {} http/1.1\r\nHost: x\r\n\r\n", b"G\x00T {} HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET https://evil.example{} HTTP/1.1\r\nHost: x\r\n\r\n", b"GET *{} HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET\t{} HTTP/1.1\r\nHost: x\r\n\r\n", b"GET {} HTTP/1.1\r\nHost: x\r\n\r\r\n", b"GET {} HTTP/1.1\r\nHost: user@x\r\n\r\n"])
def test_bad_request_line_or_host(hazard, head):
    user, word = hazard.user("operator"), hazard.word()
    token = f"\r\nAuthorization: Bearer {user.token}\r\nHost:".encode()
    path = f"/clusters/recorded/k8s/api/v1/namespaces/{word}/pods".encode()
    got = hazard.raw(head.replace(b"{}", path).replace(b"\r\nHost:", token, 1), 12)
    assert status(got) in (0, 400, 505), got[:500]
    assert not hazard.upstream.saw(word)


def test_split_by_a_value_does_not_split(hazard):
    """What a client puts into a query or a field comes out as that, not as a second request."""
    user, word, second = hazard.user("operator"), hazard.word(), hazard.word()
    evil = f"%0d%0aHost:evil%0d%0a%0d%0aGET%20/api/v1/namespaces/{second}/pods%20HTTP/1.1"
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods?labelSelector={evil}", user))
    assert status(got) == 200, got[:500]
    request = hazard.upstream.one(f"/api/v1/namespaces/{word}/pods")
    assert request.all("host") == [hazard.upstream.authority] and "%0D%0AHost" in request.target.replace("%3A", ":"), request
    assert not hazard.upstream.requests(f"/api/v1/namespaces/{second}")


def test_bodies_are_framed_anew(hazard):
    """Chunks and trailers are of one connection; what they carry is not changed by a byte."""
    user, word = hazard.user("operator"), hazard.word()
    path = f"/api/v1/namespaces/{word}/pods"
    got = hazard.raw(hazard.head("POST", path, user, CHUNKED, "Trailer: X-Remote-User")
                     + b'5;ext=1\r\n{"a":\r\n3\r\n "b\r\n2\r\n"}\r\n0\r\nX-Remote-User: root\r\nImpersonate-User: root\r\n\r\n')
    assert status(got) == 200, got[:500]
    request = hazard.upstream.one(path)
    assert request.body == b'{"a": "b"}'
    assert not hazard.upstream.saw("X-Remote-User") and not hazard.upstream.saw("ext=1") and not request.all("trailer")
    assert request.all("impersonate-user") == [user.email]
