"""exec, attach, cp, port-forward and logs once more where a real kubelet, containerd and runc are at the other end
(test/testbed/kubelet.sh), each over WebSocket and over SPDY.  Skipped, with the reason, where the machine cannot run one."""

import contextlib
import os
import socket
import subprocess
import threading

import pytest
import yaml

from harness import cluster as testbed
from harness.agent import Agent, register, wait_connected
from harness.central import Central
from harness.cli import Cli
from harness.compatibility import Results
from harness.process import Process, until

pytestmark = pytest.mark.full
KUBELET = testbed.TESTBED / "kubelet.sh"
EMAIL, PASSWORD = "admin@example.com", "a-password-for-tests-1"
ROWS = {  # of docs/compatibility.md, by test
    "test_exec": "exec -i: 250 KB of input, standard error, exit code", "test_cp": "cp of 20 MB there and back",
    "test_attach_and_logs_followed": "attach -i, logs -f", "test_port_forward": "port-forward"}
STREAMS = {"testbed": "WebSocket", "testbed-spdy": "SPDY"}
both_ways = pytest.mark.parametrize("way", ["testbed", "testbed-spdy"])


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A cluster whose one node is real."""
    able = subprocess.run([KUBELET, "check"], capture_output=True, text=True)
    if able.returncode:
        pytest.skip(able.stderr.strip())
    folder = tmp_path_factory.mktemp("real")
    cluster = testbed.Cluster("real", folder / "cluster", env={"MK8S_TESTBED_NODES": "none"})
    cluster.wait()
    kubelet = Process("kubelet", [KUBELET, "run", folder / "node", cluster.folder], folder / "kubelet.log",
                      death_signal="TERM")
    try:
        kubelet.wait_for(folder / "node/ready", 150)
        yield cluster
    finally:
        kubelet.stop(seconds=90)
        cluster.stop()


@pytest.fixture(scope="module")
def k(node, tmp_path_factory):
    """k(*args): kubectl on that cluster through a central and an agent of this module's own; k.user is who asks."""
    folder = tmp_path_factory.mktemp("through")
    central = Central(folder / "central")
    central.create_user(EMAIL, PASSWORD, "admin")
    central.start()
    user = Cli(folder / "home", central, EMAIL, PASSWORD)
    user.login().ok()
    agent = Agent(folder / "agent", central, node, "real", register(user.rest, "real")).start()
    wait_connected(user.rest, "real")

    def kubectl(*args, way="testbed", **more):
        return user.kubectl("real", *args, env=testbed.kubectls()[way], **more)
    kubectl.user = user
    yield kubectl
    assert agent.stop() == 0
    assert central.stop() == 0


@pytest.fixture(scope="module")
def box(node, k):
    """A pod that has logged two lines, answers on port 8080 and prints what its input says."""
    command = "echo one; echo two; mkdir /www; echo served >/www/index.html; httpd -p 8080 -h /www; exec cat"
    spec = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "box"},
            "spec": {"terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False,
                     "containers": [{"name": "main", "image": "test.invalid/box:1", "imagePullPolicy": "Never",
                                     "stdin": True, "command": ["sh", "-c", command]}]}}
    k("apply", "-f", "-", stdin=yaml.safe_dump(spec)).ok()
    k("wait", "pod/box", "--for=condition=Ready", "--timeout=60s", timeout=90).ok()
    assert node.get("node", "real")["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
    return "box"


@pytest.fixture(scope="module")
def results():
    return Results("kubectl-real-kubelet")


@pytest.fixture(autouse=True)
def row(request, results, node, way):
    """Shows how the test ended in docs/compatibility.md."""
    yield
    if request.node.outcome in ("passed", "failed"):
        version = f"{node.own_version()} over {STREAMS[way]}"
        results.add("mk8s kubectl, on a real kubelet with containerd", version, ROWS[request.function.__name__],
                    "works" if request.node.outcome == "passed" else "failed")


@contextlib.contextmanager
def ended(*processes, seconds=60):
    """They are ended at the end, or after so long: whoever reads from them then sees the end instead of waiting."""
    def kill():
        for process in processes:
            process.kill()
    late = threading.Timer(seconds, kill)
    late.start()
    try:
        yield
    finally:
        late.cancel()
        kill()
        for process in processes:
            process.wait(10)


@both_ways
def test_exec(k, box, way):
    ran = k("exec", "-i", box, "--", "sh", "-c", "cat; echo to-stderr >&2; exit 7", way=way, stdin="line\n" * 50000)
    assert (ran.code, ran.out) == (7, "line\n" * 50000) and ran.err.startswith("to-stderr\n"), ran


@both_ways
def test_cp(k, box, way, tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    source.mkdir()
    (source / "blob").write_bytes(os.urandom(20_000_000))
    k("cp", source, f"{box}:/tmp/{way}", way=way).ok()
    k("cp", f"{box}:/tmp/{way}", back, way=way).ok()
    assert (back / "blob").read_bytes() == (source / "blob").read_bytes()


@both_ways
def test_attach_and_logs_followed(k, box, way):
    """What one client sends to the container's input, another sees in its log as it comes."""
    assert k("logs", box, way=way).ok().out.startswith("one\ntwo\n")
    following = k.user.start("kubectl", "--cluster", "real", "logs", "-f", "--since=1s", box, env=testbed.kubectls()[way])
    attached = k.user.start("kubectl", "--cluster", "real", "attach", "-i", box, env=testbed.kubectls()[way])
    with ended(attached, following):
        word = f"word-by-{way}\n".encode()
        attached.stdin.write(word)
        attached.stdin.flush()
        assert until(lambda: attached.stdout.readline() == word, 30, "the word on the attached output")
        assert until(lambda: following.stdout.readline() == word, 30, "the word in the log")


@both_ways
def test_port_forward(k, box, way):
    forwarding = k.user.start("kubectl", "--cluster", "real", "port-forward", f"pod/{box}", ":8080",
                              env=testbed.kubectls()[way])
    with ended(forwarding):
        said = forwarding.stdout.readline().decode()
        assert "Forwarding from 127.0.0.1:" in said, said
        port = int(said.split("127.0.0.1:")[1].split()[0])
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as through:
                through.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
                assert b"".join(iter(lambda: through.recv(65536), b"")).endswith(b"\r\n\r\nserved\n")
