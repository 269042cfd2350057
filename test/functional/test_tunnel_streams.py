"""Streams into a pod: which end closes first changes no byte, many run at once, and one whose client dies is ended."""

import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import cluster
from harness.cluster import kubectls
from harness.process import CLEAN, until

ENDED_SECONDS_MAX = 5
protocols = pytest.mark.parametrize("protocol", ["testbed", "testbed-spdy"], ids=["WebSocket", "SPDY"])


@pytest.fixture
def both(operator, clusters, namespace):
    """both(protocol) -> by name, a function that starts kubectl through mk8s and one straight at the cluster."""
    started = []

    def ways(protocol):
        env = kubectls()[protocol]
        direct = {**CLEAN, **{k: v for k, v in env.items() if k.startswith("KUBECTL_")},
                  "KUBECONFIG": str(clusters["alpha"].kubeconfig)}

        def through(*args):
            started.append(operator.start("kubectl", "--cluster", "alpha", "-n", namespace, *args, env=env))
            return started[-1]

        def straight(*args):
            started.append(subprocess.Popen([cluster.testbed_bin() / "kubectl", "-n", namespace, *map(str, args)], env=direct,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            return started[-1]
        return {"mk8s": through, "direct": straight}
    yield ways
    for process in started:
        process.terminate()
        process.wait(10)


@protocols
def test_exec_stdin_closed_first(both, pod, protocol):
    """The output comes after the input's end; it and the exit code are a direct connection's."""
    pod("alpha", "box")
    payload = os.urandom(1_500_000)
    script = "sum=$(sha256sum); i=0; while [ $i -lt 3 ]; do seq 1 60000; sleep 0.2; i=$((i+1)); done; echo $sum >&2; exit 9"
    results = {}
    for name, start in both(protocol).items():
        process = start("exec", "-i", "box", "--", "sh", "-c", script)
        out, err = process.communicate(payload, timeout=60)
        results[name] = (hashlib.sha256(out).hexdigest(), len(out), process.returncode,
                         hashlib.sha256(payload).hexdigest() in err.decode())
    assert results["mk8s"] == results["direct"] and results["mk8s"][1:] == (3 * 348_894, 9, True), results


@protocols
def test_exec_command_ends_first(both, pod, protocol):
    """Its stdin is still open; nothing of the output is lost and the command line comes back."""
    pod("alpha", "box")
    results = {}
    for name, start in both(protocol).items():
        process = start("exec", "-i", "box", "--", "sh", "-c", "read line; seq 1 150000; echo $line; exit 4")
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        results[name] = (process.stdout.read(), process.wait(20))
    assert results["mk8s"] == results["direct"]
    assert results["mk8s"][0].endswith(b"150000\nhello\n") and results["mk8s"][1] == 4


class Server:
    """A TCP server of the test's: `serve(connection)` in a thread for each."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # the test is over
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        with connection:
            self.serve(connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def read_all(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def forward(start, pod):
    """kubectl port-forward's local port."""
    process = start("port-forward", f"pod/{pod}", ":80")
    said = process.stdout.readline().decode()
    assert "Forwarding from 127.0.0.1:" in said, (said, process.stderr.read())
    threading.Thread(target=process.stdout.read, daemon=True).start()  # a line for each connection
    threading.Thread(target=process.stderr.read, daemon=True).start()
    return int(said.split("127.0.0.1:")[1].split()[0])


@protocols
@pytest.mark.parametrize("first", ["client", "server"])
def test_port_forward_closed_first(both, pod, protocol, first):
    """Whoever closes first, the other's bytes arrive as over a direct port-forward."""
    up, down = os.urandom(1_000_000), os.urandom(1_000_000)
    received = []

    def client_first(connection):  # its end comes before our first byte
        received.append(read_all(connection))
        connection.sendall(down)

    def server_first(connection):
        connection.sendall(down)
        connection.shutdown(socket.SHUT_WR)
        received.append(read_all(connection))

    results = {}
    with Server(client_first if first == "client" else server_first) as server:
        pod("alpha", "server", annotations={"testnode/ports": f"80=127.0.0.1:{server.port}"})
        for name, start in both(protocol).items():
            received.clear()
            with socket.create_connection(("127.0.0.1", forward(start, "server")), timeout=20) as through:
                if first == "client":
                    through.sendall(up)
                    through.shutdown(socket.SHUT_WR)
                got = read_all(through)
            until(lambda: received, 10, "the server's end of the connection")
            results[name] = (got == down, received[0] == (up if first == "client" else b""))
    assert results["mk8s"] == results["direct"] == (True, True), results


@protocols
def test_a_hundred_port_forwarded_connections_at_once(both, pod, protocol):
    together = threading.Barrier(100, timeout=60)

    def echo(connection):
        connection.sendall(read_all(connection))

    with Server(echo) as server:
        pod("alpha", "server", annotations={"testnode/ports": f"80=127.0.0.1:{server.port}"})
        port = forward(both(protocol)["mk8s"], "server")
        back = []

        def one():
            payload = os.urandom(60_000)
            with socket.create_connection(("127.0.0.1", port), timeout=60) as through:
                through.sendall(payload[:1000])
                together.wait()  # all hundred are open
                through.sendall(payload[1000:])
                through.shutdown(socket.SHUT_WR)
                back.append(read_all(through) == payload)
        threads = [threading.Thread(target=one, daemon=True) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
    assert back == [True] * 100, (len(back), back.count(True))


@protocols
@pytest.mark.parametrize("size", [100 << 20, pytest.param(1 << 30, marks=pytest.mark.full)], ids=["100MiB", "1GiB"])
def test_cp_there_and_back(operator, pod, namespace, tmp_path, protocol, size):
    pod("alpha", "box")
    source, remote, back = tmp_path / "source", tmp_path / "in-pod", tmp_path / "back"  # the pod shares the file system
    with source.open("wb") as out:
        for _ in range(size >> 20):
            out.write(os.urandom(1 << 20))
    digest = lambda path: subprocess.run(["sha256sum", path], capture_output=True, check=True, text=True).stdout.split()[0]
    took = {}
    for name, arguments in (("there", (source, f"box:{remote}")), ("back", (f"box:{remote}", back))):
        started = time.monotonic()
        operator.kubectl("alpha", "-n", namespace, "cp", *arguments, env=kubectls()[protocol], timeout=500).ok()
        took[name] = f"{size / 1e6 / (time.monotonic() - started):.0f} MB/s"
    print(f"{size} bytes over {protocol}: {took}")
    assert digest(source) == digest(remote) == digest(back)
    for path in (source, remote, back):
        path.unlink()


def family(pid):
    """A process and its children, and theirs."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


@protocols
@pytest.mark.parametrize("end", ["kill", "half-close"])
def test_cluster_hears_of_a_client_that_has_gone(both, pod, agents, clusters, namespace, protocol, end):
    """kill -9 of kubectl, or the end of its input: the exec's process and the agent's connection end within 5 s."""
    agent = agents["alpha"]
    pod("alpha", "box")
    opened = lambda: agent.diagnostic.metric("mk8s_agent_requests_open")
    marker = f"mk8s-test-{protocol}-{end}-{os.getpid()}"
    running = lambda: [p for p in pathlib.Path("/proc").glob("[0-9]*/cmdline") if marker in _text(p)]
    before = until(lambda: (opened() == 0 and agent.process.descriptors), 10, lambda: f"{opened()} requests open")
    # The shell waits for cat, so that its own words show in the process list.
    process = both(protocol)["mk8s"]("exec", "-i", "box", "--", "sh", "-c", f"echo up; cat; : {marker}")
    assert process.stdout.readline() == b"up\n"
    in_pod = [p for p in running() if _text(p).startswith("sh\0")]
    assert in_pod and opened() == 1
    if end == "kill":
        for pid in family(process.pid):
            os.kill(int(pid), signal.SIGKILL)
    else:
        process.stdin.close()
        assert process.wait(10) == 0
    until(lambda: opened() == 0 and not any(p.exists() for p in in_pod) and agent.process.descriptors <= before,
          ENDED_SECONDS_MAX, lambda: (opened(), agent.process.descriptors, before, in_pod))


def _text(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""  # it has ended
