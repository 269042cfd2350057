"""What goes wrong in practice: each time the program says what it was, where, and what to do."""

import socket
import sqlite3

import pytest
import yaml

from harness.agent import register
from harness.http import raw
from harness.process import BIN, ROOT, run, until

EMAIL, PASSWORD = "ops@example.com", "a-password-for-tests-1"


def serve(central):
    return run([BIN / "mk8s-central", "serve", "--config", central.config_file,
                "--ready-file", central.ready_file], timeout=20)


@pytest.mark.parametrize("program", ["serve", "config check"])
@pytest.mark.parametrize("section, key, line", [("server", "http_prot", 3), ("surver", "http_port", 2)])
def test_unknown_configuration_key_is_named_with_its_line(new_central, program, section, key, line):
    central = new_central()
    central.config_file.write_text(f"# comment\n{section}:\n  {key}: 8080\n")
    refused = run([BIN / "mk8s-central", *program.split(), "--config", central.config_file], timeout=20)
    wrong = key if section == "server" else section
    assert refused.code in (1, 2), refused
    assert wrong in refused.err and f":{line}" in refused.err.replace("line ", ":"), refused


@pytest.mark.parametrize("section, key, value", [
    ("server", "http_port", 70000), ("server", "http_port", "many"), ("database", "driver", "oracle"),
    ("auth", "token_expiry", "soon"), ("auth", "jwt_secret", ""), ("tls", "cert_file", "/nowhere/tls.crt")])
def test_wrong_configuration_value_is_named(new_central, section, key, value):
    central = new_central(**{section: {key: value}})
    refused = serve(central)
    assert refused.code in (1, 2) and key in refused.err + refused.out, refused
    assert not central.ready_file.exists()


def test_configuration_from_the_environment(new_central):
    central = new_central()
    refused = run([BIN / "mk8s-central", "config", "check", "--config", central.config_file],
                  env={"MK8S_SERVER_HTTP_PORT": "seventy"})
    assert refused.code in (1, 2) and "MK8S_SERVER_HTTP_PORT" in refused.err, refused
    central.command("config", "check").ok()


def test_configuration_that_is_not_there_or_no_yaml(new_central):
    central = new_central()
    central.config_file.write_text("server: [\n")
    assert serve(central).code in (1, 2)
    central.config_file.unlink()
    refused = serve(central)
    assert refused.code in (1, 2) and str(central.config_file) in refused.err, refused


@pytest.mark.parametrize("port", ["http_port", "grpc_port", "diagnostics_port"])
def test_port_in_use_is_named(new_central, port):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        refused = serve(new_central(server={port: number}))
        assert refused.code == 1, refused
        said = refused.err + refused.out
        assert str(number) in said and "in use" in said.lower(), refused


def test_agent_configuration_is_checked(tmp_path):
    path = tmp_path / "agent.yaml"
    path.write_text("central:\n  url: https://127.0.0.1:1\n  tokn: x\n")
    refused = run([BIN / "mk8s-agent", "--config", path], timeout=20)
    assert refused.code in (1, 2) and "tokn" in refused.err and ":3" in refused.err.replace("line ", ":"), refused
    refused = run([BIN / "mk8s-agent"], timeout=20)
    assert refused.code in (1, 2) and "central.url" in refused.err, refused


def test_database_that_cannot_be_opened(new_central, tmp_path):
    central = new_central(database={"url": f"sqlite://{tmp_path}/no/such/folder/mk8s.db"})
    refused = serve(central)
    assert refused.code == 1 and "no/such/folder" in refused.err + refused.out, refused


def test_database_on_a_place_nobody_can_write(new_central):
    """/proc refuses new files even to root, as whom CI may run."""
    refused = serve(new_central(database={"url": "sqlite:///proc/mk8s.db"}))
    assert refused.code == 1 and "/proc/mk8s.db" in refused.err + refused.out, refused


def test_database_that_stops_taking_writes(new_central, new_agent, clusters, namespace):
    """What changes or connects is refused, and reaches no cluster, until the audit log can be written again."""
    central = new_central()
    central.create_user(EMAIL, PASSWORD, "admin")
    central.start()
    rest = central.login(EMAIL, PASSWORD)
    new_agent(central, "alpha", "lab", register(rest, "lab"))
    path = f"/clusters/lab/k8s/api/v1/namespaces/{namespace}/configmaps"
    configmap = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}}
    blocker = sqlite3.connect(central.folder / "mk8s.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        for _ in range(3):
            refused = rest("POST", path, configmap)
            assert refused.status in (500, 503) and refused.json["kind"] == "Status", refused
            assert "audit" in refused.json["message"], refused
        assert clusters["alpha"].kubectl("-n", namespace, "get", "configmap", "mine").code == 1
        until(lambda: central.diagnostic("GET", "/readyz").status == 503, 5, "not ready")
        assert central.diagnostic("GET", "/healthz").status == 200
        assert rest("GET", "/clusters/lab/k8s/api").status == 200, "discovery goes on"
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    until(lambda: rest("POST", path, configmap).status == 201, 10, "writes pass again")
    assert central.diagnostic("GET", "/readyz").status == 200


def test_database_that_is_none(new_central):
    central = new_central()
    (central.folder / "mk8s.db").write_bytes(b"this is not a database, and longer than a header" * 100)
    refused = serve(central)
    assert refused.code == 1 and "mk8s.db" in refused.err + refused.out, refused


@pytest.mark.parametrize("request_head, statuses", [
    (b"GET /auth/me HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 200_000 + b"\r\n\r\n", (b"431",)),
    (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"414", b"431")),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", (b"431",)),
    (b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (b"400",)),
    (b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", (b"400",)),
    (b"NOT HTTP AT ALL\r\n\r\n", (b"400",)),
    (b"POST /auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", (b"400",)),
], ids=["header", "path", "many-headers", "cl+te", "two-cl", "no-http", "bad-chunk"])
def test_malformed_requests_get_an_answer_and_the_door(central, request_head, statuses):
    answer = raw(central.url, central.ca_file, request_head)
    assert answer.split(b" ")[1:2] and answer.split(b" ")[1] in statuses, answer[:300]
    assert central.rest("GET", "/version").status == 200


def test_body_too_large_before_sign_in(central):
    answer = raw(central.url, central.ca_file,
                 b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 100000000\r\n\r\n" + b" " * 3_000_000)
    assert answer.split(b" ")[1:2] == [b"413"], answer[:300]


@pytest.mark.parametrize("body", ["{", "[]", '{"email": 5, "password": "x"}', '{"email":"a@b.c"}', "[" * 100_000, "\xff"],
                         ids=["cut", "list", "number", "missing", "deep", "no-utf8"])
def test_bad_json_is_400(central, body):
    answer = central.rest("POST", "/auth/login", body.encode("latin-1"), headers={"Content-Type": "application/json"})
    assert answer.status == 400 and answer.json["error"]["code"] and answer.json["error"]["message"], answer


@pytest.mark.parametrize("path", ["api/v1/namespaces//pods", "api/v1/namespaces/../pods", "api/v1/namespaces/a%2fb/pods",
                                  "api/v1/namespaces/%2e%2e/pods", "api/v1/pods%00", "api/v1/pods/%ff", "api/v1/pods?a=1;b=2",
                                  "api/v1/proxy/nodes/node-1"])
def test_ambiguous_paths_are_refused(operator, clusters, path):
    before = len(clusters["alpha"].requests_of(operator.email))
    answer = operator.rest("GET", f"/clusters/alpha/k8s/{path}")
    assert answer.status == 400 and answer.json["kind"] == "Status", answer
    assert len(clusters["alpha"].requests_of(operator.email)) == before


def test_unknown_paths_and_methods(operator):
    answer = operator.rest("GET", "/no/such/thing")
    assert answer.status == 404 and answer.json["error"]["request_id"] == answer.headers["X-Request-Id"], answer
    assert operator.rest("PUT", "/auth/login", {}).status == 405
    assert operator.rest("TRACE", "/clusters/alpha/k8s/api").status in (400, 405, 501)


def test_foreign_origin_is_refused(operator, namespace):
    answer = operator.rest("POST", f"/clusters/alpha/k8s/api/v1/namespaces/{namespace}/configmaps",
                           {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}},
                           headers={"Origin": "https://evil.example"})
    assert answer.status == 403, answer


def test_usage_errors_exit_2(operator):
    for wrong in (["no-such-command"], ["clusters", "lits"], ["status", "--no-such-flag"], ["clusters", "list", "-o", "xml"]):
        refused = operator(*wrong)
        assert refused.code == 2 and refused.err and not refused.out, refused
    assert "list" in operator("clusters", "lits").err, "a typing error gets a suggestion"
    assert run([BIN / "mk8s-central", "srve"]).code == 2
    assert run([BIN / "mk8s-agent", "--no-such-flag"]).code == 2


def test_users_need_sound_input(admin):
    rest = admin.rest
    assert rest("POST", "/users", {"email": "not-an-address", "password": PASSWORD}).status == 400
    assert rest("POST", "/users", {"email": "r@example.com", "password": PASSWORD, "roles": ["no-such"]}).status in (400, 404)
    assert rest("POST", "/clusters", {"name": "Bad Name!"}).status == 400


@pytest.mark.parametrize("one, other", [("x" * 72 + "1", "x" * 72 + "2"), ("nul\0inside-it-1", "nul\0inside-it-2")])
def test_passwords_that_bcrypt_alone_takes_for_one(admin, central, one, other):
    """It ends at 72 bytes and at a NUL."""
    email = f"bcrypt-{len(one)}@example.com"
    made = admin.rest("POST", "/users", {"email": email, "password": one})
    assert made.status in (201, 400), made
    assert central.rest.login(email, other).status in (400, 401)
    assert (central.rest.login(email, one).status == 200) == (made.status == 201)


def test_central_not_reachable(make_user):
    user = make_user("viewer", login=False)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    refused = user("login", f"https://127.0.0.1:{port}", "--email", user.email, "--password-stdin",
                   stdin=user.password, timeout=20)
    assert refused.code == 1 and str(port) in refused.err and "refused" in refused.err.lower(), refused


def test_central_went_away(operator):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    refused = operator("clusters", "list", timeout=20,
                       env={"MK8S_CENTRAL_URL": f"https://127.0.0.1:{port}", "MK8S_TOKEN": "x"})
    assert refused.code == 1 and str(port) in refused.err, refused


def test_example_configuration_is_sound():
    example = ROOT / "configs/central.yaml"
    assert yaml.safe_load(example.read_text())
    checked = run([BIN / "mk8s-central", "config", "check", "--config", example],
                  env={"MK8S_AUTH_JWT_SECRET": "a-test-only-secret-of-more-than-32-characters", "JWT_SECRET": "x" * 40})
    assert checked.code == 0, checked
