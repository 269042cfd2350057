"""POST /clusters/{id}/exec: kubectl beside the agent, each of its requests decided and recorded as its caller's."""

import base64
import json
import threading
import time

import pytest

from harness.exec import Events, exec_remote, processes_below
from harness.process import until

both = pytest.mark.parametrize("cluster", ["alpha", "beta"])
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {colour: blue}\n"


@both
def test_the_specs_example(operator, cluster):
    answer = exec_remote(operator.rest, cluster, "get", "pods", "-n", "default").ok().json
    assert answer == {"output": "", "stderr": "No resources found in default namespace.\n", "exit_code": 0}


def test_exit_code_and_stderr(operator, namespace):
    answer = exec_remote(operator.rest, "alpha", "get", "pod", "none", "-n", namespace).ok().json
    assert (answer["exit_code"], answer["output"]) == (1, "") and 'pods "none" not found' in answer["stderr"]


def test_files_and_stdin(operator, namespace, clusters):
    files = [{"path": "deep/one.yaml", "content_base64": base64.b64encode((CONFIG_MAP % "one").encode()).decode()}]
    applied = exec_remote(operator.rest, "alpha", "apply", "-n", namespace, "-f", "deep/one.yaml", files=files).ok().json
    assert applied["output"] == "configmap/one created\n", applied
    applied = exec_remote(operator.rest, "alpha", "apply", "-n", namespace, "-f", "-", stdin=CONFIG_MAP % "two").ok().json
    assert applied["output"] == "configmap/two created\n", applied
    assert {"one", "two"} <= {c["metadata"]["name"] for c in clusters["alpha"].get("-n", namespace, "cm")["items"]}


def test_output_streams_as_it_comes(operator, pod, namespace, tmp_path):
    gate = tmp_path / "gate"
    pod("alpha", "slow", ["sh", "-c", f"echo first; until [ -e {gate} ]; do sleep 0.05; done; echo second"])
    events = Events(operator.rest, "alpha", "logs", "-f", "slow", "-n", namespace)
    assert events.text_until("first\n") == "first\n"
    gate.touch()  # the second line is written only now
    assert events.text_until("second\n") == "second\n"
    assert [(name, value) for name, value in events] == [("exit", {"exit_code": 0})]


def test_a_caller_who_leaves_ends_the_command(operator, namespace, agents):
    marker = f"marker-{namespace}"
    events = Events(operator.rest, "alpha", "get", "configmaps", "-w", "-n", namespace, "-o", "name",
                    "--field-selector", "metadata.name!=" + marker)
    events.text_until("kube-root-ca.crt")
    word = "metadata.name!=" + marker
    assert processes_below(agents["alpha"], word)
    events.close()
    left = time.monotonic()
    until(lambda: not processes_below(agents["alpha"], word), 10, "the command is gone")
    assert time.monotonic() - left < 2, "1 s for the command, and some for this machine"


def test_is_decided_by_the_callers_roles(reader, pod, namespace, clusters):
    pod("alpha", "kept")
    direct = reader.kubectl("alpha", "delete", "pod", "kept", "-n", namespace)
    remote = exec_remote(reader.rest, "alpha", "delete", "pod", "kept", "-n", namespace).ok().json
    assert (remote["exit_code"], remote["stderr"]) == (1, direct.err), (remote, direct)
    assert "cannot delete resource" in remote["stderr"]
    secrets = exec_remote(reader.rest, "alpha", "get", "secrets", "-n", namespace).ok().json
    assert secrets["exit_code"] == 1 and "cannot list resource" in secrets["stderr"]
    assert clusters["alpha"].get("-n", namespace, "pod", "kept")


def test_audit_has_the_command_and_its_requests(operator, admin, namespace):
    answer = exec_remote(operator.rest, "alpha", "create", "secret", "generic", "s", "--from-literal=password=hunter2",
                         "-n", namespace)
    parent = answer.ok().headers["X-Request-Id"]
    def events():
        found = admin.rest("GET", f"/audit?user={operator.email}&cluster=alpha&limit=200").json["events"]
        return [e for e in found if e.get("kubectl_session") == parent]
    def whole():
        found = events()
        return found if len(found) > 1 and all(e["status"] != "started" for e in found) else None
    of_command = until(whole, 10, lambda: events())
    command = next(e for e in of_command if e["verb"] == "exec-remote")
    assert command["id"] == parent and command["status"] == "allowed" and command["http_status"] == 200
    assert command["reason"].startswith("exit code 0; stdout ") and command["duration_ms"] > 0
    created = next(e for e in of_command if (e["verb"], e["resource"]) == ("create", "secrets"))
    assert created["user"] == operator.email and created["command"] == command["command"]
    assert created["source_ip"] == command["source_ip"]
    assert "--from-literal=password=***" in command["command"] and "hunter2" not in json.dumps(of_command)


def test_a_withdrawn_role_ends_the_command(make_user, admin, namespace, agents):
    user = make_user("operator")
    events = Events(user.rest, "alpha", "get", "configmaps", "-w", "-n", namespace, "-o", "name")
    events.text_until("kube-root-ca.crt")
    admin("users", "set-roles", user.email, "nothing").ok()
    name, value = list(events)[-1]
    assert name == "error" and value["error"]["code"] == "permission_denied", (name, value)


@pytest.mark.full
def test_two_hundred_at_once_take_their_turns(operator):
    rest, codes = operator.rest, []
    def one():
        answer = exec_remote(rest, "alpha", "get", "namespaces", "-o", "name", timeout=180)
        codes.append((answer.status, answer.headers.get("Retry-After")))
    threads = [threading.Thread(target=one) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in codes} <= {200, 429} and len(codes) == 200
    assert sum(status == 200 for status, _ in codes) > 100
    assert all(retry for status, retry in codes if status == 429)
