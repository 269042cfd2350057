"""Clusters that come and go: an agent away, back, moved, or not the one it says it is."""

import json
import signal
import time

import pytest

from harness.agent import register, wait_connected
from harness.process import BIN, Process, until

def assert_offline(cli, name):
    started = time.monotonic()
    answer = cli.rest("GET", f"/clusters/{name}/k8s/api/v1/nodes")
    assert time.monotonic() - started < 2, "a request to an agent that is away must fail at once"
    assert answer.status == 503 and answer.json["kind"] == "Status", answer
    assert name in answer.json["message"], answer
    return answer.json["message"]


def test_a_cluster_that_never_connected(own):
    register(own.rest, "new")
    message = assert_offline(own, "new")
    assert "never" in message, message
    refused = own.kubectl("new", "get", "nodes", timeout=20)
    assert refused.code == 1 and '"new"' in refused.err and "never" in refused.err, refused


def test_agent_away_is_503_at_once_with_since_when(own, new_agent):
    agent = new_agent(own.central, "alpha", "lab", register(own.rest, "lab"))
    own.kubectl("lab", "get", "nodes").ok()
    agent.stop()
    rest = own.rest
    until(lambda: rest("GET", "/clusters").json["clusters"][0]["status"] != "connected", 5, "shown as away")
    message = assert_offline(own, "lab")
    assert "since" in message and time.strftime("%Y-%m-%dT", time.gmtime()) in message, message
    listed = own("clusters", "list").ok()
    assert "disconnected" in listed.out, listed
    refused = own.kubectl("lab", "get", "nodes", timeout=20)
    assert refused.code == 1 and "since" in refused.err, refused


def test_killed_agent_is_noticed_and_its_successor_serves(own, new_agent):
    token = register(own.rest, "lab")
    agent = new_agent(own.central, "alpha", "lab", token)
    agent.stop(number=signal.SIGKILL)
    rest = own.rest
    until(lambda: rest("GET", "/clusters").json["clusters"][0]["status"] != "connected", 5, "shown as away")
    new_agent(own.central, "alpha", "lab", token)
    wait_connected(rest, "lab")
    own.kubectl("lab", "get", "nodes").ok()


def test_agent_comes_back_after_central_restarts(own, new_agent):
    agent = new_agent(own.central, "alpha", "lab", register(own.rest, "lab"))
    own.kubectl("lab", "get", "nodes").ok()
    assert own.central.stop() == 0
    own.central.start()
    # The session lives in the database, so nobody signs in anew.
    wait_connected(own.rest, "lab", 60)
    own.kubectl("lab", "get", "nodes").ok()
    assert agent.process.running


def test_agent_waits_for_a_central_that_is_not_there_yet(own, new_agent):
    token = register(own.rest, "lab")
    own.central.stop()
    agent = new_agent(own.central, "alpha", "lab", token, start=False)
    until(lambda: agent.process.text(), 10, "the agent says why it waits")
    own.central.start()
    agent.process.wait_for(agent.ready_file, 60)
    own.kubectl("lab", "get", "nodes").ok()


def test_newer_agent_of_a_cluster_wins(own, new_agent, clusters):
    token = register(own.rest, "lab")
    new_agent(own.central, "alpha", "lab", token)
    new_agent(own.central, "beta", "lab", token)
    before = len(clusters["beta"].requests_of(own.email))
    until(lambda: own.kubectl("lab", "get", "nodes").code == 0, 10, "the newer one serves")
    assert len(clusters["beta"].requests_of(own.email)) > before
    own.kubectl("lab", "get", "nodes").ok()


@pytest.mark.parametrize("end", ["rotate-token", "remove"])
def test_token_rotated_or_cluster_removed_cuts_the_agent(own, new_agent, pod, namespace, end):
    token = register(own.rest, "lab")
    agent = new_agent(own.central, "alpha", "lab", token)
    pod("alpha", "box", ["sh", "-c", "echo up; exec sleep 600"])
    following = own.start("kubectl", "--cluster", "lab", "-n", namespace, "logs", "-f", "box")
    try:
        assert following.stdout.readline() == b"up\n"
        own("clusters", end, "lab", "--yes").ok()
        following.wait(5)
    finally:
        following.terminate()
        following.wait(10)
    assert own.kubectl("lab", "get", "nodes").code == 1
    if end == "rotate-token":
        assert_offline(own, "lab")
    # It may not come back with the old token, neither this process nor a new one.
    agent.stop()
    again = new_agent(own.central, "alpha", "lab", token, start=False)
    until(lambda: any(w in again.process.text().lower() for w in ("token", "denied", "unauth")), 20,
          lambda: f"the agent says that it is refused: {again.process.text()}")
    assert not again.ready_file.exists()


def test_token_is_bound_to_its_cluster(own, new_agent):
    token = register(own.rest, "lab")
    register(own.rest, "other")
    agent = new_agent(own.central, "alpha", "other", token, start=False)
    until(lambda: "other" in agent.process.text() and "token" in agent.process.text().lower(), 20,
          lambda: f"the agent says that it is refused: {agent.process.text()}")
    assert not agent.ready_file.exists()
    assert {c["status"] for c in own.rest("GET", "/clusters").json["clusters"]} & {"connected"} == set()


def test_agent_configured_by_environment_alone(own, clusters, tmp_path):
    ready = tmp_path / "ready.json"
    agent = Process("mk8s-agent env", [BIN / "mk8s-agent", "--ready-file", ready], tmp_path / "agent.log", env={
        "CENTRAL_URL": own.central.grpc, "CLUSTER_NAME": "env", "AGENT_TOKEN": register(own.rest, "env"),
        "MK8S_TLS_CA_FILE": own.central.ca_file, "MK8S_AGENT_DIAGNOSTICS_PORT": "0", "MK8S_AGENT_BIND_ADDRESS": "127.0.0.1",
        "MK8S_KUBERNETES_KUBECONFIG": str(clusters["beta"].agent_kubeconfig)})
    assert json.loads(agent.wait_for(ready, 30))["cluster"] == "env"
    own.kubectl("env", "get", "nodes").ok()
    assert agent.stop() == 0
