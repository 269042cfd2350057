"""Hazards: a denied request, identity in header fields, foreign origins, tokens where they do not belong.  What the
cluster got is read off a recording server in its place."""

import base64

import pytest

from harness.hazard import status
from harness.h2 import Http2
from harness.recording_upstream import TOKEN, answer, switch

WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
# Whoever believes one of these takes the sender for somebody else.
FORGED = ("X-Remote-User: root", "X-Remote-Group: system:masters", "X-Remote-Extra-Scopes: all", "X-Remote-Uid: 0",
          "X-Forwarded-For: 10.0.0.1", "X-Forwarded-User: root", "X-Forwarded-Host: evil", "X-Forwarded-Proto: http",
          "Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1", "Via: 1.1 evil", "Client-IP: 10.0.0.1",
          "X-Original-URL: /api/v1/secrets", "X-Rewrite-URL: /api/v1/secrets", "X-HTTP-Method-Override: DELETE",
          "Proxy-Authorization: Basic cm9vdDpyb290", "Cookie: session=secret", "Audit-ID: chosen-by-the-client",
          "X-Request-Id: chosen-by-the-client", "mk8s-user: root@example.com", "mk8s-group: system:masters",
          "mk8s-request-id: chosen-by-the-client", "mk8s-method: DELETE", "Mk8s-Protocol: websocket")
# All that may reach the cluster of a plain GET; "user-agent" and the like only if sent.
ALLOWED = {"host", "accept", "authorization", "impersonate-user", "impersonate-group", "audit-id", "user-agent"}


@pytest.mark.parametrize("method, path, fields, expected", [
    ("GET", "/api/v1/namespaces/{}/pods/web/log", (), 200),  # the rule that shows the others are refusals
    ("POST", "/api/v1/namespaces/{}/pods", ("Content-Length: 2",), 403),
    ("DELETE", "/api/v1/namespaces/{}/pods/web", (), 403),
    ("PATCH", "/api/v1/namespaces/{}/pods/web", ("Content-Length: 2",), 403),
    ("DELETE", "/api/v1/namespaces/{}/pods", (), 403),
    ("GET", "/api/v1/namespaces/{}/pods/web/exec?command=id", WEBSOCKET, 403),
    ("GET", "/api/v1/namespaces/{}/pods/web/proxy/", (), 403),
    ("GET", "/metrics/{}", (), 403),
    ("GET", "/logs/{}", (), 403)])
def test_denied_request_reaches_nothing(hazard, method, path, fields, expected):
    """CVE-2026-44882: zero bytes of it."""
    user, word = hazard.user("no-exec"), hazard.word()
    got = hazard.raw(hazard.head(method, path.format(word), user, *fields)
                     + b"{}" * ("Content-Length: 2" in fields), seconds=10)
    assert status(got) == expected, got[:500]
    assert hazard.upstream.saw(word) == (expected == 200)
    if expected != 200:
        assert b'"reason":"Forbidden"' in got and len(hazard.until_events(user, word)) == 1


@pytest.mark.parametrize("credential, expected", [
    (None, 401), ("Authorization: Bearer x.y.z", 401), ("Authorization: Basic cm9vdDpyb290", 401),
    ("Authorization: Bearer ", 401), ("Cookie: token={}", 401), ("X-Auth-Token: {}", 401),
    ("Authorization: {}", 401), ("Proxy-Authorization: Bearer {}", 401)])
def test_request_without_a_login_reaches_nothing(hazard, credential, expected):
    word, token = hazard.word(), hazard.user("operator").token
    fields = [credential.format(token)] if credential else []
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", None, *fields))
    assert status(got) == expected, got[:500]
    assert not hazard.upstream.saw(word)


@pytest.mark.parametrize("key", ["token", "access_token", "bearer_token", "jwt", "authorization"])
def test_token_in_the_query_is_no_login(hazard, key):
    """CVE-2026-44883: URLs end in logs."""
    word, token = hazard.word(), hazard.user("operator").token
    for where in (f"/clusters/recorded/k8s/api/v1/namespaces/{word}/pods?{key}={token}", f"/auth/me?{key}={token}"):
        got = hazard.raw(f"GET {where} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert status(got) == 401, got[:500]
    assert not hazard.upstream.saw(word)


@pytest.mark.parametrize("named", ["Impersonate-User", "impersonate-group", "Authorization", "X-Remote-User", "Cookie",
                                   "Origin", "Content-Length", "Host", "mk8s-user", "Sec-WebSocket-Protocol",
                                   "close, Impersonate-Uid", "Transfer-Encoding"])
def test_connection_that_names_an_identity_field(hazard, named):
    """CVE-2021-31999, CVE-2022-23652: who obeys it drops the impersonation and acts as itself."""
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", user, f"Connection: {named}"))
    assert status(got) == 400, got[:500]
    assert not hazard.upstream.saw(word)


@pytest.mark.parametrize("field", ["Impersonate-User: bob", "impersonate-user: bob", "IMPERSONATE-GROUP: system:masters",
                                   "iMpErSoNaTe-UiD: 7", "Impersonate-Extra-scopes: x", "Impersonate-: x",
                                   "Impersonate-User:"])
def test_impersonation_without_a_grant_is_refused_not_stripped(hazard, field):
    """Stripped, --as=bob would silently run as the caller."""
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", user, field))
    assert status(got) in (400, 403), got[:500]
    assert not hazard.upstream.saw(word)
    assert [e["status"] for e in hazard.until_events(user, word)] == ["denied"]


def check_identity(hazard, user, got, response_id):
    assert {name for name, _ in got.fields} <= ALLOWED, got
    assert got.all("host") == [hazard.upstream.authority]
    assert got.all("authorization") == [f"Bearer {TOKEN}"]
    assert got.all("impersonate-user") == [user.email]
    assert sorted(got.all("impersonate-group")) == ["mk8s:role:operator", "mk8s:users"]
    assert got.all("audit-id") == [response_id] and response_id != "chosen-by-the-client"
    assert not hazard.upstream.saw(user.token) and not hazard.upstream.saw("chosen-by-the-client")


def test_forged_identity_fields_never_pass(hazard):
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", user, "TE: trailers",
                                 "Accept: application/json", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", *FORGED))
    assert status(got) == 200, got[:500]
    lines = dict(line.split(": ", 1) for line in got.decode().split("\r\n\r\n")[0].split("\r\n")[1:])
    check_identity(hazard, user, hazard.upstream.one(f"/api/v1/namespaces/{word}/"), lines["X-Request-Id"])


def test_forged_identity_fields_never_pass_over_http2(hazard):
    user, word = hazard.user("operator"), hazard.word()
    fields = [(name.lower(), value) for name, value in (line.split(": ", 1) for line in FORGED)]
    with Http2(hazard) as h2:
        got = h2.ask("GET", f"/clusters/recorded/k8s/api/v1/namespaces/{word}/pods", user,
                     ("te", "trailers"), ("accept", "application/json"), *fields)
    assert got.status == 200, got
    check_identity(hazard, user, hazard.upstream.one(f"/api/v1/namespaces/{word}/"), dict(got.fields)["x-request-id"])


def test_cookies_and_answers_for_the_gateway_never_come_back(hazard):
    """An application behind .../proxy must neither set cookies for the gateway nor speak for it (docs/security.md)."""
    user, word = hazard.user("operator"), hazard.word()
    path = f"/api/v1/namespaces/{word}/services/web/proxy/"
    hazard.upstream.script(path, answer("200 OK", "{}", "Set-Cookie: a=b", "Access-Control-Allow-Origin: *",
                                        "Clear-Site-Data: *", "Strict-Transport-Security: max-age=1", "Refresh: 0; url=//evil",
                                        "WWW-Authenticate: Basic", "X-Request-Id: theirs", "Impersonate-User: x",
                                        "mk8s-user: x", "Kept: yes"))
    got = hazard.raw(hazard.head("GET", path, user, "Cookie: session=secret")).lower()
    assert status(got.upper()) == 200 and b"kept: yes" in got, got
    for name in (b"set-cookie", b"access-control", b"clear-site", b"strict-transport", b"refresh", b"www-auth", b"theirs",
                 b"impersonate", b"mk8s-user"):
        assert name not in got, got
    assert not hazard.upstream.one(path).all("cookie")


def test_token_in_a_websocket_protocol_is_used_and_never_passed_on(hazard):
    user, word = hazard.user("operator"), hazard.word()
    path = f"/api/v1/namespaces/{word}/pods?watch=1"
    accepted = switch("websocket", "Sec-WebSocket-Protocol: v4.base64.binary")
    hazard.upstream.script(path, lambda connection, _: (connection.send(accepted), connection.drain()))
    encoded = base64.urlsafe_b64encode(user.token.encode()).rstrip(b"=").decode()
    bearer = f"base64url.bearer.authorization.k8s.io.{encoded}"
    for offered in (f"{bearer}, v4.base64.binary", f"v4.base64.binary,{bearer.replace('base64url', 'BASE64URL')}, {bearer}"):
        with hazard.connect() as tls:
            tls.sendall(hazard.head("GET", path, None, *WEBSOCKET, f"Sec-WebSocket-Protocol: {offered}"))
            got = tls.recv(65536)
        assert status(got) == 101, got[:500]
    for request in hazard.upstream.requests(path):
        assert request.all("sec-websocket-protocol") == ["v4.base64.binary"], request
        assert request.all("impersonate-user") == [user.email]
    assert not hazard.upstream.saw(encoded)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://127.0.0.1.evil.example", "http://", ""])
@pytest.mark.parametrize("how", ["post", "websocket", "rest"])
def test_foreign_origin_is_refused(hazard, origin, how):
    """CVE-2019-13209: another page in the user's browser."""
    user, word = hazard.user("operator"), hazard.word()
    field = f"Origin: {origin}"
    if how == "post":
        request = hazard.head("POST", f"/api/v1/namespaces/{word}/pods", user, field, "Content-Length: 2") + b"{}"
    elif how == "websocket":
        request = hazard.head("GET", f"/api/v1/namespaces/{word}/pods/web/exec?command=id", user, field, *WEBSOCKET)
    else:
        request = (f"POST /auth/logout HTTP/1.1\r\nHost: 127.0.0.1\r\n{field}\r\nConnection: close\r\n"
                   f"Authorization: Bearer {user.token}\r\n\r\n").encode()
    assert status(hazard.raw(request, 5)) == 403
    assert not hazard.upstream.saw(word)


def test_own_origin_passes(hazard):
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("POST", f"/api/v1/namespaces/{word}/pods", user, "Origin: https://Gateway.example:8080",
                                 "Content-Length: 2", host="gateway.example:8080") + b"{}")
    assert status(got) == 200, got[:500]
    assert not hazard.upstream.one(f"/api/v1/namespaces/{word}/").all("origin")


def test_expect_100_continue_is_authorized_first(hazard):
    word = hazard.word()
    path = f"/api/v1/namespaces/{word}/pods"
    expects = ("Expect: 100-continue", "Content-Length: 2")
    for user in (None, hazard.user("no-exec")):
        got = hazard.raw(hazard.head("POST", path, user, *expects))
        assert status(got) in (401, 403) and b" 100 " not in got, got[:500]
    assert not hazard.upstream.saw(word)
    with hazard.connect() as tls:
        tls.sendall(hazard.head("POST", path, hazard.user("operator"), *expects))
        assert tls.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        tls.sendall(b"{}")
        assert status(tls.recv(65536)) == 200
    request = hazard.upstream.one(path)
    assert request.body == b"{}" and not request.all("expect")
