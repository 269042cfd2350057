"""Hazards of upgrades: bytes are tunnelled after a real 101 and never else; redirects are not followed."""

import pytest

from harness.hazard import status
from harness.recording_upstream import answer, switch

SPDY = ("Connection: Upgrade", "Upgrade: SPDY/3.1", "X-Stream-Protocol-Version: v4.channel.k8s.io",
        "X-Stream-Protocol-Version: v3.channel.k8s.io")
WEBSOCKET = ("Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: v5.channel.k8s.io")
both = pytest.mark.parametrize("method, fields", [("POST", SPDY), ("GET", WEBSOCKET)], ids=["spdy", "websocket"])


def exec_path(word):
    return f"/api/v1/namespaces/{word}/pods/web/exec?command=id"


@both
@pytest.mark.parametrize("said, expected", [
    (answer("403 Forbidden", '{"kind": "Status"}'), 403), (answer("200 OK", '{"kind": "Status"}'), 200),
    (answer("404 Not Found"), 404), (answer("500 Internal Server Error"), 500), (answer("400 Bad Request"), 400),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200),
    (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 502),
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 502),  # to what?
    (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n", 502),
    (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 502),
    (b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n", 502),
    (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304)])
def test_upgrade_answered_by_anything_but_101(hazard, method, fields, said, expected):
    """CVE-2018-1002105 and CVE-2020-8559: with a second request behind it, which must reach nobody."""
    user, word, second = hazard.user("operator"), hazard.word(), hazard.word()
    hazard.upstream.script(exec_path(word), said)
    got = hazard.raw(hazard.head(method, exec_path(word), user, *fields)
                     + hazard.head("GET", f"/api/v1/namespaces/{second}/secrets", user))
    assert status(got) == expected, got[:500]
    assert got.count(b"HTTP/1.1 ") == 1, got
    request = hazard.upstream.one(exec_path(word))
    assert request.connection.ended.wait(10), "the connection to the cluster is closed"
    assert bytes(request.connection.received) == request.head + b"\r\n\r\n", "nothing piped"
    assert not hazard.upstream.saw(second)
    assert len(hazard.events(user, second)) == 0


def test_second_request_behind_a_denied_upgrade_reaches_nobody(hazard):
    user, word, second = hazard.user("no-exec"), hazard.word(), hazard.word()
    got = hazard.raw(hazard.head("POST", exec_path(word), user, *SPDY)
                     + hazard.head("GET", f"/api/v1/namespaces/{second}/pods", user))
    assert status(got) == 403 and got.count(b"HTTP/1.1 ") == 1, got
    assert not hazard.upstream.saw(word) and not hazard.upstream.saw(second)


@both
def test_accepted_upgrade_carries_bytes_both_ways(hazard, method, fields):
    """Also those that come together with the 101, and those that the client sent too early."""
    user, word = hazard.user("operator"), hazard.word()
    fields_of = {name.lower() for name in ("Upgrade", "Connection")}

    def step(connection, _):
        connection.send(switch(fields[1].split(": ")[1], "X-Stream-Protocol-Version: a", "X-Stream-Protocol-Version: b")
                        + "early", connection.unread)
        while chunk := connection.receive():
            connection.send(chunk)
        return False
    hazard.upstream.script(exec_path(word), step)
    with hazard.connect() as tls:
        tls.sendall(hazard.head(method, exec_path(word), user, *fields) + b"soon")
        got = tls.recv(65536)
        while not got.endswith(b"earlysoon"):
            assert (more := tls.recv(65536)), got
            got += more
        head, _ = got.split(b"\r\n\r\n", 1)
        assert status(head) == 101 and head.lower().count(b"x-stream-protocol-version: ") == 2, head
        tls.sendall(b"\x00\xff" * 1000)
        got = b""
        while len(got) < 2000:
            got += tls.recv(65536)
        assert got == b"\x00\xff" * 1000
    request = hazard.upstream.one(exec_path(word))
    assert request.method == method and fields_of <= {name for name, _ in request.fields}
    if method == "POST":
        assert request.all("x-stream-protocol-version") == ["v4.channel.k8s.io", "v3.channel.k8s.io"]
    assert request.connection.ended.wait(10), "what the client left is left"


def test_unasked_101_is_a_bad_gateway(hazard):
    user, word, second = hazard.user("operator"), hazard.word(), hazard.word()
    path = f"/api/v1/namespaces/{word}/pods"
    hazard.upstream.script(path, (switch() + "junk").encode())
    got = hazard.raw(hazard.head("GET", path, user, "Connection: keep-alive")
                     + hazard.head("GET", f"/api/v1/namespaces/{second}/pods", user))
    assert status(got) == 502 and b"junk" not in got, got
    assert b"junk" not in got and hazard.upstream.one(path).connection.ended.wait(10)


@pytest.mark.parametrize("fields", [
    ("Connection: Upgrade, close", "Upgrade: websocket, SPDY/3.1"), ("Connection: close", "Upgrade: websocket"),
    ("Connection: Upgrade, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"), ("Connection: Upgrade, close",)])
def test_half_an_upgrade_is_no_upgrade(hazard, fields):
    """The cluster is asked for none, so it cannot accept one that nobody relays."""
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("POST", exec_path(word), user, *fields, "Content-Length: 0"))
    assert status(got) == 200, got[:500]
    request = hazard.upstream.one(exec_path(word))
    assert not request.all("upgrade") and not request.all("connection") and not request.all("http2-settings"), request


def test_upgrade_with_a_body_is_refused(hazard):
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("POST", exec_path(word), user, *SPDY, "Content-Length: 5") + b"hello")
    assert status(got) == 400, got[:500]
    assert not hazard.upstream.saw(word)


@pytest.mark.parametrize("location, expected", [
    ("/api/v1/namespaces/x/services/web/proxy/", "{prefix}/api/v1/namespaces/x/services/web/proxy/"),
    ("https://{authority}/api/v1/pods?a=b", "{prefix}/api/v1/pods?a=b"), ("sub/page", "sub/page"), ("?page=2", "?page=2"),
    ("https://evil.example/", None), ("//evil.example/", None), ("/\\evil.example", None), ("\\\\evil.example", None),
    ("https://{authority}@evil.example/", None), ("https://{authority}.evil.example/", None), ("javascript:alert(1)", None),
    ("https://{authority}//evil.example", None), ("ftp://{authority}/", None)])
def test_redirects_stay_on_the_gateway(hazard, location, expected):
    """CVE-2022-3172: handed on with the gateway's prefix, or a 502; never followed."""
    user, word = hazard.user("operator"), hazard.word()
    path = f"/api/v1/namespaces/{word}/services/web/proxy"
    to = location.format(authority=hazard.upstream.authority)
    hazard.upstream.script(path, f"HTTP/1.1 301 Moved Permanently\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())
    got = hazard.raw(hazard.head("GET", path, user))
    lines = dict(line.split(": ", 1) for line in got.decode().split("\r\n\r\n")[0].split("\r\n")[1:])
    if expected is None:
        assert status(got) == 502 and "Location" not in lines and b"evil" not in got, got
    else:
        assert status(got) == 301 and lines["Location"] == expected.format(prefix="/clusters/recorded/k8s"), got
    assert len(hazard.upstream.requests(path)) == 1, "not followed"
