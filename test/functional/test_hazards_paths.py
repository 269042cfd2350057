"""Hazards of paths: what two parsers could read differently is refused, and of the rest what was authorized equals
what is sent (the audit event's attributes against the recorded request line)."""

import urllib.parse

import pytest

from harness.h2 import CONTINUATION, END_HEADERS, END_STREAM, HEADERS, Http2, frame
from harness.hazard import status

LONG = "a" * 100 * 1024
AMBIGUOUS = [
    "/api/v1/namespaces//{}", "/api/v1//namespaces/{}", "//api/v1/namespaces/{}/pods", "/api/v1/namespaces/{}/pods//",
    "/api/v1/namespaces/{}/pods//log", "/api/v1/namespaces/{}/../pods", "/api/v1/namespaces/{}/./pods",
    "/api/v1/namespaces/{}/pods/..", "/api/v1/namespaces/{}/%2e%2e/pods", "/api/v1/namespaces/{}/%2E./pods",
    "/api/v1/namespaces/{}/.%2e/pods", "/api/v1/namespaces/{}%2fpods", "/api/v1/namespaces/{}%2Fpods/web",
    "/api/v1/namespaces/{}/pods/a%5cb", "/api/v1/namespaces/{}/pods/a\\b", "/api/v1/namespaces/{}/pods;x=1",
    "/api/v1/namespaces/{}/pods%3bx", "/api/v1/namespaces/{}/pods/a%00b", "/api/v1/namespaces/{}/pods/a%0d%0ab",
    "/api/v1/namespaces/{}/pods/a%7f", "/api/v1/namespaces/{}/pods/%252e%252e", "/api/v1/namespaces/{}/pods/%ff",
    "/api/v1/namespaces/{}/pods/%c0%ae%c0%ae", "/api/v1/namespaces/{}/pods/%ed%a0%80", "/api/v1/namespaces/{}/pods/%",
    "/api/v1/namespaces/{}/pods/%4", "/api/v1/namespaces/{}/pods/%zz", "/api/v1/namespaces/{}/pods/a%23b",
    "/api/v1/namespaces/{}/pods#a", "/api/v1/namespaces/{}/pods?watch=1;x", "/api/v1/namespaces/{}/pods?a=%zz",
    "/api/v1/proxy/namespaces/{}/pods/web", "/api/v1/namespaces/{}/pods/web/proxy/../../secrets",
    "/api/v1/namespaces/{}/pods/web/proxy/%2e%2e/secrets", "/api/v1/namespaces/{}/pods/web/proxy/..%2fsecrets",
    "/api/v1/namespaces/{}/pods/web/proxy/..%5csecrets", "/api/v1/namespaces/{}/pods/web/proxy/%0d%0aHost:evil",
]
RAW = ["/api/v1/namespaces/{}/pods/\u00e9", "/api/v1/namespaces/{}/pods/\x00", "/api/v1/namespaces/{}/pods/a\tb",
       "/api/v1/namespaces/{}/pods/\x7f"]


@pytest.mark.parametrize("path", [*AMBIGUOUS, *RAW])
def test_ambiguous_path_reaches_nothing(hazard, path):
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("GET", path.format(word), user))
    assert status(got) == 400, got[:500]
    assert not hazard.upstream.saw(word)


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_ambiguous_path_over_http2_reaches_nothing(hazard, path):
    """No request line to split here; the same rule holds."""
    user, word = hazard.user("operator"), hazard.word()
    with Http2(hazard) as h2:
        got = h2.ask("GET", "/clusters/recorded/k8s" + path.format(word), user)
    assert got.status == 400 or got.reset is not None, got
    assert not hazard.upstream.saw(word)


@pytest.mark.parametrize("target", ["/api/v1/namespaces/{}/pods/" + LONG, "/api/v1/namespaces/{}/pods?labelSelector=" + LONG,
                                    "/api/v1/namespaces/{}" + "/a" * 10_000])
def test_long_path_is_414(hazard, target):
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("GET", target.format(word), user))
    assert status(got) == 414, got[:500]
    with Http2(hazard) as h2:
        sent = h2.block("GET", "/clusters/recorded/k8s" + target.format(word)[:30_000], user)
        stream = h2.stream()
        h2.send(*headers_in_pieces(stream, sent))
        assert h2.wait(stream).status == 414
    assert not hazard.upstream.saw(word)


def headers_in_pieces(stream, block, size=16_000):
    pieces = [block[i:i + size] for i in range(0, len(block), size)]
    for i, piece in enumerate(pieces):
        last = END_HEADERS if i == len(pieces) - 1 else 0
        yield frame(HEADERS, END_STREAM | last, stream, piece) if i == 0 else frame(CONTINUATION, last, stream, piece)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "get", "FOO", "OPTIONS"])
def test_methods_outside_the_api_reach_nothing(hazard, method):
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head(method, f"/api/v1/namespaces/{word}/pods", user))
    assert status(got) in (400, 405), got[:500]
    assert not hazard.upstream.saw(word)


def understood(method, line):
    """What kube-apiserver makes of a request line, told anew from reference section 1: (verb, resource, subresource,
    namespace, name)."""
    path, _, query = line.partition("?")
    parts = urllib.parse.unquote(path).strip("/").split("/")
    verb = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[method]
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[0] == "watch":
        verb, rest = "watch", rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    resource, name, subresource = (rest + ["", ""])[:3] if len(rest) < 3 else rest[:3]
    if verb == "get" and not name:
        pairs = dict(reversed(urllib.parse.parse_qsl(query, keep_blank_values=True)))
        verb = "watch" if "watch" in pairs and pairs["watch"] not in ("0",) and pairs["watch"].lower() != "false" else "list"
        terms = [t for t in pairs.get("fieldSelector", "").split(",") if t.startswith("metadata.name=")]
        if terms:
            name = terms[0].split("=", 1)[1].lstrip("=")
    if verb == "delete" and not name:
        verb = "deletecollection"
    if subresource in ("exec", "attach", "portforward", "proxy"):
        verb = "create"
    return verb, resource, subresource, namespace, name


@pytest.mark.parametrize("method, target", [
    ("GET", "/api/v1/namespaces/{}/pods"), ("GET", "/api/v1/namespaces/{}/pods/"), ("GET", "/%61pi/v1/namespaces/{}/p%6fds"),
    ("GET", "/api/v1/namespaces/{}"), ("GET", "/api/v1/namespaces/{}/status"), ("PUT", "/api/v1/namespaces/{}/finalize"),
    ("GET", "/api/v1/namespaces/{}/status/x"), ("DELETE", "/api/v1/namespaces/{}/pods/"), ("HEAD", "/api/v1/namespaces/{}/pods"),
    ("GET", "/api/v1/namespaces/{}/pods?watch="), ("GET", "/api/v1/namespaces/{}/pods?watch=false"),
    ("GET", "/api/v1/namespaces/{}/pods?w%61tch=1"), ("GET", "/api/v1/namespaces/{}/pods?watch=0&watch=1"),
    ("GET", "/api/v1/namespaces/{}/pods?watch=FALSE&&x"), ("GET", "/api/v1/namespaces/{}/pods?watch=no"),
    ("GET", "/api/v1/watch/namespaces/{}/pods"), ("GET", "/api/v1/watch/namespaces/{}/pods/web"),
    ("GET", "/api/v1/namespaces/{}/pods?fieldSelector=metadata.name%3Dweb"),
    ("GET", "/api/v1/namespaces/{}/pods?fieldSelector=metadata.name=web,status.phase=Running&watch=1"),
    ("GET", "/api/v1/namespaces/{}/pods?fieldSelector=a=b&fieldSelector=metadata.name=web"),
    ("GET", "/apis/example.com/v1/namespaces/{}/secrets/a"), ("GET", "/apis/example.com/v1/namespaces/{}/namespaces/a"),
    ("GET", "/api/v1/namespaces/{}/namespaces/a"), ("GET", "/api/v1/namespaces/{}/pods/a b"), ("GET", "/api/v1/namespaces/{}/pods/a%20b"),
    ("GET", "/api/v1/namespaces/{}/pods/a+b"), ("GET", "/api/v1/namespaces/{}/pods/%C3%A9"), ("GET", "/api/v1/namespaces/{}/pods/a%3Ab"),
    ("GET", "/api/v1/namespaces/{}/pods/a%3Fb"), ("GET", "/api/v1/namespaces/{}/pods/a%26b?x=%26"),
    ("GET", "/api/v1/namespaces/{}/pods/web/log/more"), ("POST", "/api/v1/namespaces/{}/pods/web/eviction"),
    ("GET", "/api/v1/namespaces/{}/pods/web/proxy/a%2fb/;c//d?e=%2F;"), ("POST", "/api/v1/namespaces/{}/services/a:80/proxy/x"),
    ("GET", "/api/v1/namespaces/{}/pods/web/proxy"), ("GET", "/api/v1/namespaces/{}/configmaps/proxy"),
    ("PATCH", "/api/v1/namespaces/{}/pods/watch"), ("GET", "/api/v1/namespaces/{}/watch"),
    ("GET", "/API/v1/namespaces/{}/pods"), ("GET", "/api/v1/Namespaces/{}/pods")])
def test_what_was_authorized_equals_what_is_sent(hazard, method, target):
    user, word = hazard.user("operator"), hazard.word()
    body = method in ("POST", "PUT", "PATCH")
    got = hazard.raw(hazard.head(method, target.format(word), user, *(["Content-Length: 2"] if body else [])) + b"{}" * body)
    if status(got) in (400, 403):  # refused whole: then nothing of it is sent
        assert not hazard.upstream.saw(word), got
        assert " " in target or ";" in target.split("?")[0].split("proxy")[0] or ";" in target.partition("?")[2] or "/API/" in target, got
        return
    assert status(got) == 200, got[:500]
    sent = [r for r in hazard.upstream.requests() if word in r.target][-1]
    event = hazard.until_events(user, word)[-1]
    authorized = tuple(event[k] or "" for k in ("verb", "resource", "subresource", "namespace", "name"))
    assert sent.method == method
    if len(sent.target.strip("/").split("/")) > 2 and sent.target.startswith(("/api/", "/apis/")):
        verb, *what = understood(method, sent.target)
        assert (verb, *what) == authorized, (sent.target, event)
    # Written anew: an escape only where it is needed, so that the next parser has no choice.
    for escape in ("%61", "%6f", "%3D", "%2e"):
        assert escape not in sent.target or "?" in sent.target.split(escape)[0], sent.target
