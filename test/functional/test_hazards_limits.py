"""Each limit, answered in the protocol's own terms when it is hit: 431, 413, 429 with Retry-After, a connection that
waits; and what goes on meanwhile.  414 is in test_hazards_paths.py, REFUSED_STREAM in test_hazards_http2.py, deadlines
are in test_hazards_slow.py."""

import contextlib
import http.client
import json
import os
import subprocess

import pytest

from harness import cluster
from harness.agent import register, wait_connected
from harness.h2 import CONTINUATION, END_HEADERS, END_STREAM, HEADERS, Http2, frame
from harness.hazard import Door, memory, status
from harness.process import CLEAN, until

ADMIN, PASSWORD = "admin@example.com", "a-password-for-tests-1"


@pytest.mark.parametrize("fields", [["X-Big: " + "a" * 65_000], [f"X-{i}: " + "a" * 250 for i in range(256)],
                                    [f"X-{i}: y" for i in range(260)]], ids=["one", "sum", "count"])
def test_header_over_its_limit_is_431(hazard, fields):
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", user, *fields))
    assert status(got) == 431, got[:500]
    with Http2(hazard) as h2:
        pairs = [(name.lower(), value) for name, value in (f.split(": ", 1) for f in fields)]
        block = h2.block("GET", f"/clusters/recorded/k8s/api/v1/namespaces/{word}/pods", user, *pairs)
        stream = h2.stream()
        h2.send(frame(HEADERS, END_STREAM, stream, block[:16_000]))
        rest = [block[i:i + 16_000] for i in range(16_000, len(block), 16_000)] or [b""]
        for i, piece in enumerate(rest):
            h2.send(frame(CONTINUATION, END_HEADERS if i == len(rest) - 1 else 0, stream, piece))
        answer = h2.wait(stream)
        assert answer.status == 431, answer
        assert h2.ask("GET", "/version").status == 200, "the others on the connection go on"
    assert not hazard.upstream.saw(word)


def test_header_just_under_the_limit_passes(hazard):
    user, word = hazard.user("operator"), hazard.word()
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", user, "X-Big: " + "a" * 60_000))
    assert status(got) == 200, got[:500]


@pytest.mark.parametrize("target, expected", [
    ("/auth/login", 413), ("/clusters/recorded/k8s/api/v1/namespaces/{}/pods", 401), ("/roles", 401), ("/nowhere", 404)])
@pytest.mark.parametrize("framing", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_huge_body_before_login_is_not_read(hazard, target, expected, framing):
    """CVE-2024-58259: answered, and the connection closed behind it, in memory that does not grow."""
    word, before = hazard.word(), memory(hazard.central)
    piece = b" " * 65536
    body = piece * 64 if "Length" in framing else (b"10000\r\n" + piece + b"\r\n") * 64
    head = f"POST {target.format(word)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n\r\n".encode()
    got = hazard.raw(head + body)
    assert status(got) == expected, got[:500]
    assert memory(hazard.central) - before < 16 * 1024 * 1024
    assert not hazard.upstream.saw(word)


DEEP = 100_000


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/auth/login", "[" * DEEP), ("POST", "/auth/login", '{"a":' * DEEP), ("POST", "/roles", '{"clusters":[' * 50_000),
    ("POST", "/users", "[" * DEEP), ("POST", "/auth/login", "[" * DEEP + "]" * DEEP),
    ("POST", "/clusters/recorded/k8s/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "[" * 60_000),
    ("POST", "/clusters/recorded/k8s/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", '{"spec":' * 8_000)],
    ids=["login-list", "login-map", "role", "user", "login-whole", "review-list", "review-map"])
def test_deeply_nested_json_is_400(hazard, method, path, body):
    """CVE-2025-23388: no stack overflow, no memory."""
    before = memory(hazard.central)
    answer = hazard.admin(method, path, body, headers={"Content-Type": "application/json"})
    assert answer.status == 400, answer
    assert hazard.central.process.running and memory(hazard.central) - before < 32 * 1024 * 1024


def test_review_over_its_limit_is_413(hazard):
    body = json.dumps({"kind": "SelfSubjectAccessReview", "x": "y" * 70_000})
    answer = hazard.user("operator").rest("POST", "/clusters/recorded/k8s/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    assert answer.status == 413 and answer.json["kind"] == "Status", answer


@pytest.mark.parametrize("text", ["[" * DEEP, "{a: " * DEEP, "- " * DEEP, "&a [" * 1000 + "]" * 1000],
                         ids=["list", "map", "dash", "anchor"])
def test_deeply_nested_yaml_is_refused(admin, tmp_path, text):
    (tmp_path / "roles.yaml").write_text(text)
    refused = admin("roles", "apply", "-f", tmp_path / "roles.yaml", timeout=30)
    assert refused.code in (1, 2) and refused.err and "Traceback" not in refused.err, refused


def test_requests_in_flight_per_user(hazard, tmp_path):
    """kRequestsPerUserMax: the next one is a 429 Status whose Retry-After kubectl obeys; others are not touched."""
    user, other, word = hazard.user("viewer"), hazard.user("operator"), hazard.word()
    path = f"/clusters/recorded/k8s/api/v1/namespaces/{word}/configmaps"

    def full():
        return (refused := user.rest("GET", path)).status == 429 and refused
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(Http2(hazard, seconds=60, window=0)) for _ in range(4)]  # they read no answer's body
        for h2 in held:
            for _ in range(250):
                h2.open("GET", path, user)
        refused = until(full, 60, "a refusal")
        assert refused.headers["Retry-After"] == "1" and refused.json["reason"] == "TooManyRequests", refused
        assert refused.json["details"]["retryAfterSeconds"] == 1 and "1000 requests" in refused.json["message"], refused
        assert other.rest("GET", path).status == 200, "another user's requests pass"
        kubectl = subprocess.Popen(
            [cluster.testbed_bin() / "kubectl", "--server", f"{hazard.central.url}/clusters/recorded/k8s", "--token", user.token,
             "--certificate-authority", hazard.central.ca_file, "get", "--raw", path.removeprefix("/clusters/recorded/k8s")],
            env={**CLEAN, "HOME": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def told():
            return [e for e in hazard.events(user, word) if e["command"].startswith("kubectl") and e["http_status"] == 429]
        until(told, 20, lambda: f"kubectl told to wait; {kubectl.poll()} {hazard.events(user, word)[-5:]}")
        assert kubectl.poll() is None
        held[0].tls.close()
        out, err = kubectl.communicate(timeout=60)
        assert kubectl.returncode == 0 and out == "{}", (out, err)
    until(lambda: user.rest("GET", path).status == 200, 10, "room again")


def test_descriptor_limit_reached(new_central, new_agent):
    """Users' connections are bounded below it, so agents, the database and diagnostics go on, and the listener
    survives (gRPC 1.51 lost its own on EMFILE, grpc#20418)."""
    central, descriptors = new_central(server={"loops": 2}), 300
    central.under = ["prlimit", f"--nofile={descriptors}:{descriptors}", "--"]
    central.create_user(ADMIN, PASSWORD, "admin")
    central.start()
    rest, door = central.login(ADMIN, PASSWORD), Door(central)
    token = register(rest, "lab")
    kept, flood = door.connect(), []  # an administrator who was there before
    assert ask(kept, "GET", "/version") == 200
    try:
        with contextlib.suppress(OSError):  # a handshake that nobody answers: the bound is reached
            while len(flood) <= descriptors:
                flood.append(door.connect(seconds=5))
                assert ask(flood[-1], "GET", "/version") == 200
        in_use = open_descriptors(central)
        print(f"{len(flood)} connections, {in_use} of {descriptors} descriptors in use")
        assert 60 < len(flood) < descriptors - 100, len(flood)
        assert in_use < descriptors - 50, f"{in_use} in use: no headroom"
        assert central.diagnostic("GET", "/readyz").status == 200
        new_agent(central, "alpha", "lab", token)
        for method, path, body, expected in [
                ("GET", "/clusters", "", 200), ("POST", "/roles", '{"name": "made", "clusters": []}', 201),
                ("GET", "/clusters/lab/k8s/api/v1/namespaces", "", 200), ("GET", "/audit", "", 200)]:
            assert ask(kept, method, path, body, rest.token) == expected, path
    finally:
        for tls in [*flood, kept]:
            tls.close()
    until(lambda: rest("GET", "/version").status == 200, 15, "the listener accepts again")
    wait_connected(rest, "lab")


def open_descriptors(program):
    return len(os.listdir(f"/proc/{program.process.process.pid}/fd"))


def ask(tls, method, path, body="", token="none"):
    """One request on a connection that goes on; the answer's status."""
    tls.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    answer = http.client.HTTPResponse(tls)
    answer.begin()
    answer.read()
    return answer.status


def test_descriptor_limit_that_serves_nobody(new_central):
    central = new_central()
    central.under = ["prlimit", "--nofile=100:100", "--"]
    central.launch()
    assert central.process.process.wait(20) == 1
    assert "ulimit -n" in central.process.text(), central.process.text()
