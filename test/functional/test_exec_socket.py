"""The exec route's WebSocket and its body, held to a WebSocket client that is not ours; what is refused never runs."""

import base64
import json
import ssl

import pytest
import websocket

EXEC = "/clusters/alpha/exec"


def socket(rest, path=EXEC, **options):
    """The route's WebSocket, open; the token travels as the sub-protocol that a browser can send."""
    token = base64.urlsafe_b64encode((rest.token or "").encode()).rstrip(b"=").decode()
    protocols = [f"base64url.bearer.authorization.k8s.io.{token}", "mk8s.exec"] if rest.token else None
    return websocket.create_connection(
        rest.url.replace("https", "wss") + path, subprotocols=protocols, timeout=30,
        sslopt={"ca_certs": str(rest.ca_file), "cert_reqs": ssl.CERT_REQUIRED}, **options)


def closed(connection):
    """The messages that still come, and the code by which the other end closes."""
    messages = []
    while True:
        opcode, data = connection.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return messages, int.from_bytes(data[:2], "big")
        messages.append(json.loads(data))


def test_speaks_rfc_6455(operator):
    connection = socket(operator.rest)
    assert connection.getsubprotocol() == "mk8s.exec"
    connection.ping("are you there")
    opcode, frame = connection.recv_data_frame(control_frame=True)
    assert (opcode, frame.data) == (websocket.ABNF.OPCODE_PONG, b"are you there")
    connection.send_frame(websocket.ABNF(0, 0, 0, 0, websocket.ABNF.OPCODE_TEXT, 1, '{"comm'))  # in fragments
    connection.send_frame(websocket.ABNF(1, 0, 0, 0, websocket.ABNF.OPCODE_CONT, 1, 'and":[]}'))
    messages, code = closed(connection)
    assert [m["type"] for m in messages] == ["error"], messages
    assert messages[0]["error"]["code"] == "invalid_argument" and "command" in messages[0]["error"]["message"]
    assert code == 1011


@pytest.mark.parametrize("first, code", [
    (lambda c: c.send_frame(websocket.ABNF(1, 1, 0, 0, websocket.ABNF.OPCODE_TEXT, 1, "x")), 1002),
    (lambda c: c.sock.sendall(b"\x81\x01x"), 1002),                           # without a mask
    (lambda c: c.sock.sendall(b"\x81\xff" + (25 << 20).to_bytes(8, "big") + b"mask"), 1009),
    (lambda c: c.send(b"\xff", websocket.ABNF.OPCODE_TEXT), 1007),
    (lambda c: c.send("not JSON"), 1011),
    (lambda c: c.close(), None),
], ids=["reserved-bit", "unmasked", "too-big", "no-text", "no-JSON", "leaves"])
def test_what_breaks_it_closes_it(operator, first, code):
    connection = socket(operator.rest)
    first(connection)
    assert code is None or closed(connection)[1] == code


@pytest.mark.parametrize("who, path, status", [
    ("nobody", EXEC, 401), ("other", "/clusters/beta/exec", 404), ("operator", "/clusters/none/exec", 404)])
def test_refused_before_it_opens(operator, make_user, central, who, path, status):
    rest = {"nobody": lambda: central.rest, "operator": lambda: operator.rest,
            "other": lambda: make_user("alpha-only").rest}[who]()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        socket(rest, path)
    assert refused.value.status_code == status


def test_another_site_opens_nothing(operator):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        socket(operator.rest, origin="https://evil.test")
    assert refused.value.status_code == 403


def test_body_is_checked_and_bounded(operator, admin):
    rest = operator.rest
    body = {"command": ["create", "secret", "generic", "x", "--from-literal=password=hunter2"]}
    assert rest("POST", EXEC, {**body, "files": [{"path": "a", "content_base64": "?"}]}).status == 400
    assert rest("POST", EXEC, {**body, "tty": True}).status == 400
    assert rest("POST", EXEC, {**body, "stdin": "x" * (17 << 20)}, timeout=60).status == 413
    assert rest("GET", EXEC).status == 405
    rest("POST", EXEC, {**body, "stdin": ""})
    events = [e for e in admin.rest("GET", f"/audit?user={operator.email}&verb=exec-remote").json["events"]
              if "generic" in e["command"]]
    assert events and all(e["cluster"] == "alpha" and "hunter2" not in json.dumps(e) for e in events), events
    assert "--from-literal=password=***" in events[0]["command"]
