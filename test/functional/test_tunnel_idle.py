"""Streams that nothing moves on are left alone, however long: no keepalive, heartbeat or deadline of any hop ends them."""

import socket
import time

import pytest

from harness.cluster import kubectls
from harness.load import Follower
from harness.process import until

IDLE_SECONDS = 100  # longer than PING interval and deadline, three heartbeats, and every header and dial deadline


@pytest.mark.full
def test_watch_logs_exec_and_port_forward_idle(operator, clusters, pod, namespace, tmp_path):
    gate = tmp_path / "gate"
    pods = f"/clusters/alpha/k8s/api/v1/namespaces/{namespace}/pods"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pod("alpha", "quiet", ["sh", "-c", f"echo up; until [ -e {gate} ]; do sleep 0.1; done; echo again; exec sleep 600"],
            annotations={"testnode/ports": f"80=127.0.0.1:{listener.getsockname()[1]}"})

        def kubectl(*args, protocol="testbed"):
            return operator.start("kubectl", "--cluster", "alpha", "-n", namespace, *args, env=kubectls()[protocol])
        echo = ["exec", "-i", "quiet", "--", "sh", "-c", "echo up; exec cat"]
        running = {"logs -f": kubectl("logs", "-f", "quiet"), "watch": kubectl("get", "pods", "-w", "--no-headers"),
                   "exec": kubectl(*echo), "exec over SPDY": kubectl(*echo, protocol="testbed-spdy"),
                   "port-forward": kubectl("port-forward", "pod/quiet", ":80")}
        said = {name: process.stdout.readline().decode() for name, process in running.items()}
        assert all(said.values()), said
        watch = Follower(operator.rest, f"{pods}?watch=1")  # over HTTP/1.1
        through = socket.create_connection(("127.0.0.1", int(said["port-forward"].split("127.0.0.1:")[1].split()[0])))
        accepted, _ = listener.accept()
        try:
            time.sleep(IDLE_SECONDS)
            assert all(process.poll() is None for process in running.values()), running
            before = watch.received_bytes
            gate.touch()
            assert running["logs -f"].stdout.readline() == b"again\n"
            clusters["alpha"].kubectl("-n", namespace, "label", "pod", "quiet", "idle=over").ok()
            assert b"quiet" in running["watch"].stdout.readline()
            until(lambda: watch.received_bytes > before, 10, "the watch over HTTP/1.1 shows the change")
            for name in ("exec", "exec over SPDY"):
                running[name].stdin.write(b"still here\n")
                running[name].stdin.flush()
                assert running[name].stdout.readline() == b"still here\n", name
            accepted.settimeout(10)
            through.sendall(b"still here")
            assert accepted.recv(100) == b"still here"
        finally:
            watch.close()
            through.close()
            accepted.close()
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(10)
