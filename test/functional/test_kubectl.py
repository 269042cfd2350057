"""Every day's kubectl through the gateway, on both clusters, held to the same command straight at the cluster."""

import hashlib
import json
import os
import socket
import threading

import pytest
import yaml

from harness.cluster import every_kubectl, kubectls
from harness.process import until

both = pytest.mark.parametrize("cluster", ["alpha", "beta"])


@pytest.fixture
def k(operator, namespace):
    """k("alpha", "get", "pods") as the operator, in the test's namespace."""
    def kubectl(cluster, *args, **more):
        return operator.kubectl(cluster, "-n", namespace, *args, **more)
    return kubectl


@both
@pytest.mark.parametrize("command", [
    ["get", "nodes"], ["get", "nodes", "-o", "wide"], ["get", "node", "node-1", "-o", "name"], ["version"],
    ["get", "namespaces", "-l", "kubernetes.io/metadata.name=default", "-o", "json"], ["api-versions"],
    ["get", "clusterroles", "-o", "name"], ["explain", "pod.spec.containers"], ["describe", "service", "kubernetes"],
    ["get", "--raw", "/api/v1/namespaces/default"], ["cluster-info"],
], ids=" ".join)
def test_same_output_as_direct(operator, clusters, cluster, command):
    mine, direct = operator.kubectl(cluster, *command).ok(), clusters[cluster].kubectl(*command).ok()
    ours = mine.out.replace(f"{operator.central.url}/clusters/{cluster}/k8s", clusters[cluster].api)
    if command == ["cluster-info"]:
        assert "is running at" in ours, mine
    elif command[:2] == ["get", "nodes"]:
        words = lambda text: [line.split()[:2] for line in text.splitlines()]
        assert words(mine.out) == words(direct.out)
    else:
        assert mine.out == direct.out


@both
def test_api_resources(operator, clusters, cluster):
    lines = lambda result: sorted(result.ok().out.splitlines())
    assert lines(operator.kubectl(cluster, "api-resources")) == lines(clusters[cluster].kubectl("api-resources"))


@both
def test_life_of_a_deployment(k, cluster):
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                         "template": {"metadata": {"labels": {"app": "web"}},
                                      "spec": {"containers": [{"name": "main", "image": "example.test/web"}]}}}}
    assert "deployment.apps/web created" in k(cluster, "apply", "-f", "-", stdin=yaml.safe_dump(manifest)).ok().out
    k(cluster, "rollout", "status", "deployment/web", "--timeout=30s").ok()
    k(cluster, "wait", "deployment/web", "--for=condition=Available", "--timeout=30s").ok()
    assert len(k(cluster, "get", "pods", "-l", "app=web", "-o", "name").ok().out.split()) == 2
    manifest["spec"]["replicas"] = 1
    assert "configured" in k(cluster, "apply", "-f", "-", stdin=yaml.safe_dump(manifest)).ok().out
    k(cluster, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump(manifest)).ok()
    k(cluster, "scale", "deployment/web", "--replicas=3").ok()
    k(cluster, "label", "deployment/web", "tier=front").ok()
    k(cluster, "patch", "deployment/web", "-p", '{"spec":{"replicas":0}}').ok()
    assert json.loads(k(cluster, "get", "deploy", "web", "-o", "json").ok().out)["spec"]["replicas"] == 0
    assert 'deployment.apps "web" deleted' in k(cluster, "delete", "deployment", "web").ok().out
    gone = k(cluster, "get", "deployment", "web")
    assert gone.code == 1 and "NotFound" in gone.err, gone


@both
def test_apply_from_a_file_and_diff(k, cluster, tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n")
    k(cluster, "create", "-f", path).ok()
    assert k(cluster, "create", "-f", path).code == 1
    path.write_text(path.read_text().replace("blue", "green"))
    differs = k(cluster, "diff", "-f", path)
    assert differs.code == 1 and "green" in differs.out, differs
    k(cluster, "apply", "-f", path, "--dry-run=server").ok()
    assert k(cluster, "get", "configmap", "settings", "-o", "jsonpath={.data.colour}").out == "blue"


@both
def test_large_objects_pass_whole(k, cluster, clusters, namespace, tmp_path):
    blob = tmp_path / "blob"
    blob.write_bytes(os.urandom(700_000))
    k(cluster, "create", "configmap", "big", f"--from-file={blob}").ok()
    args = ["get", "configmap", "big", "-o", "json"]
    direct = clusters[cluster].kubectl("-n", namespace, *args).ok().out
    assert len(direct) > 900_000 and k(cluster, *args).ok().out == direct


@both
def test_exit_codes_are_kubectls(k, cluster, pod):
    pod(cluster, "box")
    assert k(cluster, "get", "pods", "--no-such-flag").code == 1
    assert k(cluster, "exec", "box", "--", "sh", "-c", "exit 42").code == 42
    assert k(cluster, "exec", "box", "--", "sh", "-c", "kill -9 $$").code == 137
    assert k(cluster, "exec", "box", "--", "true").code == 0


@every_kubectl()
@both
def test_exec_streams(k, cluster, pod, version):
    pod(cluster, "box")
    env = kubectls()[version]
    apart = k(cluster, "exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7", env=env)
    assert (apart.out, apart.code) == ("out\n", 7) and "err\n" in apart.err, apart
    # cat ends only when the end of stdin arrives: half-close, all the way.
    payload = os.urandom(2_000_000)
    back = k(cluster, "exec", "-i", "box", "--", "cat", stdin=payload, env=env, binary=True).ok()
    assert hashlib.sha256(back.out).digest() == hashlib.sha256(payload).digest()
    counted = k(cluster, "exec", "-i", "box", "--", "sh", "-c", "wc -c; exit 3", stdin=payload, env=env)
    assert (counted.out.strip(), counted.code) == ("2000000", 3), counted


@every_kubectl()
@both
def test_logs(k, cluster, pod, version, clusters, namespace):
    pod(cluster, "chatty", ["sh", "-c", "for i in $(seq 500); do echo line $i; done; exec sleep 600"])
    env = kubectls()[version]
    until(lambda: "line 500\n" in clusters[cluster].kubectl("-n", namespace, "logs", "chatty").out, 20, "all logged")
    whole = k(cluster, "logs", "chatty", env=env).ok().out
    assert whole == "".join(f"line {i}\n" for i in range(1, 501))
    assert k(cluster, "logs", "chatty", "--tail=2", env=env).ok().out == "line 499\nline 500\n"


@both
def test_logs_follow_at_once(operator, cluster, pod, namespace, tmp_path):
    gate = tmp_path / "gate"
    pod(cluster, "slow", ["sh", "-c", f"echo first; until [ -e {gate} ]; do sleep 0.05; done; echo second; exec sleep 600"])
    following = operator.start("kubectl", "--cluster", cluster, "-n", namespace, "logs", "-f", "slow")
    try:
        assert following.stdout.readline() == b"first\n"
        gate.touch()  # the second line is written only now, so it can only come by following
        assert following.stdout.readline() == b"second\n"
    finally:
        following.terminate()
        following.wait(10)


@both
def test_watch_shows_changes_at_once(operator, cluster, clusters, namespace):
    watching = operator.start("kubectl", "--cluster", cluster, "-n", namespace, "get", "configmaps", "-w", "-o", "name")
    try:
        assert watching.stdout.readline() == b"configmap/kube-root-ca.crt\n"
        clusters[cluster].kubectl("-n", namespace, "create", "configmap", "new").ok()
        assert watching.stdout.readline() == b"configmap/new\n"
    finally:
        watching.terminate()
        watching.wait(10)


@every_kubectl()
@both
def test_cp_there_and_back(k, cluster, pod, tmp_path, version):
    pod(cluster, "box")
    env = kubectls()[version]
    source, remote, back = tmp_path / "source", tmp_path / "in-pod", tmp_path / "back"
    (source / "deep").mkdir(parents=True)
    (source / "deep/blob").write_bytes(os.urandom(3_000_000))
    (source / "text").write_text("hello\n")
    remote.mkdir()  # the pod's file system is this machine's
    k(cluster, "cp", source, f"box:{remote}", env=env).ok()
    assert (remote / "source/deep/blob").read_bytes() == (source / "deep/blob").read_bytes()
    k(cluster, "cp", f"box:{remote}/source", back, env=env).ok()
    assert (back / "deep/blob").read_bytes() == (source / "deep/blob").read_bytes()
    assert (back / "text").read_text() == "hello\n"


def echo_server():
    """Sends back all it got, once the other side has finished sending: needs half-close both ways."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            received = b"".join(iter(lambda: connection.recv(65536), b""))
            connection.sendall(received)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the test closed it
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener


@every_kubectl()
@both
def test_port_forward(operator, cluster, pod, namespace, version):
    with echo_server() as server:
        pod(cluster, "server", annotations={"testnode/ports": f"80=127.0.0.1:{server.getsockname()[1]}"})
        forwarding = operator.start("kubectl", "--cluster", cluster, "-n", namespace, "port-forward", "pod/server",
                                    ":80", env=kubectls()[version])
        try:
            said = forwarding.stdout.readline().decode()
            assert "Forwarding from 127.0.0.1:" in said, (said, forwarding.poll(), forwarding.stderr.peek())
            port = int(said.split("127.0.0.1:")[1].split()[0])
            for size in (10, 1_000_000):
                payload = os.urandom(size)
                with socket.create_connection(("127.0.0.1", port), timeout=20) as through:
                    through.sendall(payload)
                    through.shutdown(socket.SHUT_WR)
                    assert b"".join(iter(lambda: through.recv(65536), b"")) == payload
        finally:
            forwarding.terminate()
            forwarding.wait(10)


@both
def test_attach_and_run(k, cluster, pod):
    ran = k(cluster, "run", "once", "--image=example.test/none", "-i", "--rm", "--quiet",
            "--command", "--", "sh", "-c", "read word; echo got $word", stdin="hello\n").ok()
    assert "got hello" in ran.out, ran


@both
def test_auth_questions(operator, reader, cluster, namespace):
    assert operator.kubectl(cluster, "auth", "can-i", "create", "pods", "-n", namespace).out.strip() == "yes"
    refused = reader.kubectl(cluster, "auth", "can-i", "create", "pods", "-n", namespace)
    assert refused.out.strip().startswith("no") and refused.code == 1, refused
    assert operator.email in operator.kubectl(cluster, "auth", "whoami").ok().out


@every_kubectl()
@both
def test_every_version_does_the_round(k, cluster, version, tmp_path):
    env = kubectls()[version]
    path = tmp_path / "settings.yaml"
    path.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n")
    k(cluster, "apply", "-f", path, env=env).ok()
    assert k(cluster, "get", "cm/settings", "-o", "jsonpath={.data.colour}", env=env).ok().out == "blue"
    k(cluster, "delete", "-f", path, env=env).ok()
    assert k(cluster, "get", "cm/settings", env=env).code == 1


def test_the_private_kubeconfig_is_gone_afterwards(operator, tmp_path):
    seen = tmp_path / "seen"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f'#!/bin/sh\nenv > {seen}; printf "%s\\n" "$@" >> {seen}; stat -c "mode %a %n" "$KUBECONFIG" >> {seen}\n')
    kubectl.chmod(0o755)
    operator.kubectl("alpha", "get", "pods", env={"MK8S_KUBECTL": str(kubectl)}).ok()
    mode = [line.split() for line in seen.read_text().splitlines() if line.startswith("mode ")]
    assert mode and mode[0][1] == "600", seen.read_text()
    assert not os.path.exists(mode[0][2])


def test_missing_kubectl_says_how_to_get_one_and_runs_beside_the_agent(operator, tmp_path):
    wrong = operator.kubectl("alpha", "get", "pods", env={"MK8S_KUBECTL": str(tmp_path / "kubectl")})
    assert wrong.code == 1 and "MK8S_KUBECTL" in wrong.err and str(tmp_path.name) in wrong.err, wrong
    missing = operator.kubectl("alpha", "get", "pods", env={"MK8S_KUBECTL": "", "PATH": str(tmp_path)})
    assert "https://kubernetes.io/docs/tasks/tools/" in missing.err and "MK8S_KUBECTL" in missing.err, missing
    assert "mk8s exec-remote" in missing.err and missing.err.count("\n") <= 3, missing
