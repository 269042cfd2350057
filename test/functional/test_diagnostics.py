"""What an operator watches: health, metrics, logs, and an orderly end."""

import json
import signal
import socket
import time

from harness.http import Rest
from harness.process import until


def test_health(central, agents):
    assert central.diagnostic("GET", "/healthz").status == 200
    assert central.diagnostic("GET", "/readyz").status == 200
    for agent in agents.values():
        assert json.loads(agent.ready_file.read_text())["cluster"] == agent.name


def test_agents_diagnostics(agents):
    for agent in agents.values():
        rest = Rest(json.loads(agent.ready_file.read_text())["diagnostics"])
        for path in ("/healthz", "/readyz", "/metrics"):
            assert rest("GET", path).status == 200, (agent.name, path)


def test_metrics_count_requests(central, operator, agents):
    text = central.diagnostic("GET", "/metrics").ok().body
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    assert names and all(name.startswith(("mk8s_", "process_")) for name in names), names
    counters = [line.split()[2] for line in text.splitlines()
                if line.startswith("# TYPE ") and line.endswith(" counter") and "request" in line]
    assert counters and all(name.endswith("_total") for name in counters), text
    before = sum(central.diagnostic.metric(name) for name in counters)
    for _ in range(3):
        operator.rest("GET", "/clusters/alpha/k8s/api/v1/nodes").ok()
    assert sum(central.diagnostic.metric(name) for name in counters) >= before + 3


def test_diagnostics_are_not_on_the_users_port(central):
    for path in ("/metrics", "/readyz"):
        assert central.rest("GET", path).status in (401, 404), path


def test_public_documents(central):
    keys = central.rest("GET", "/.well-known/jwks.json").ok().json["keys"]
    assert keys and keys[0]["kty"] == "RSA" and "d" not in keys[0]
    assert central.rest("GET", "/openapi.json").ok().json["openapi"].startswith("3.")
    assert central.rest("GET", "/version").ok().json


def test_every_answer_carries_its_request_id(central, operator):
    ids = set()
    for rest, path in ((central.rest, "/version"), (central.rest, "/auth/me"), (operator.rest, "/clusters"),
                       (operator.rest, "/clusters/alpha/k8s/api"), (operator.rest, "/clusters/nope/k8s/api"),
                       (operator.rest, "/nope")):
        ids.add(rest("GET", path).headers["X-Request-Id"])
    assert None not in ids and len(ids) == 6


def test_log_is_json_with_request_ids(central, operator):
    answer = operator.rest("GET", "/clusters/alpha/k8s/api/v1/nodes").ok()
    assert answer.headers["X-Request-Id"]
    lines = central.process.text().splitlines()
    assert lines
    for line in lines[-50:]:
        assert {"time", "level"} <= set(json.loads(line)) or {"ts", "level"} <= set(json.loads(line)), line


def test_sigterm_drains_and_ends(new_central):
    central = new_central()
    central.start()
    with socket.create_connection(("127.0.0.1", int(central.url.rsplit(":", 1)[1]))):  # an idle client holds nothing up
        started = time.monotonic()
        assert central.stop() == 0
        assert time.monotonic() - started < 10


def test_kill_9_loses_nothing(new_central):
    central = new_central()
    central.create_user("ops@example.com", "a-password-for-tests-1", "admin")
    central.start()
    rest = central.login("ops@example.com", "a-password-for-tests-1")
    rest("POST", "/clusters", {"name": "kept"}).ok()
    central.stop(number=signal.SIGKILL)
    central.start()
    assert [c["name"] for c in rest("GET", "/clusters").ok().json["clusters"]] == ["kept"]


def test_a_running_server_obeys_the_command_line_within_2_s(new_central):
    central = new_central()
    central.create_user("ops@example.com", "a-password-for-tests-1", "admin")
    central.start()
    central.create_user("later@example.com", "a-password-for-tests-2", "viewer")
    until(lambda: central.rest.login("later@example.com", "a-password-for-tests-2").status == 200, 2,
          "the new user can sign in", pause=0.3)
