"""mk8s exec-remote: the same kubectl beside the agent, as if it ran here."""

import fcntl
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import termios

import pytest

from harness.process import BIN, CLEAN, until

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {colour: blue}\n"


@pytest.fixture
def remote(operator, namespace):
    """remote("get", "pods") beside alpha's agent, in the test's namespace."""
    def run(*args, **more):
        return operator("exec-remote", "--cluster", "alpha", "-n", namespace, *args, **more)
    return run


@pytest.mark.parametrize("command", [
    ["get", "nodes", "-o", "name"], ["get", "namespace", "default", "-o", "wide"], ["get", "cm", "kube-root-ca.crt", "-o", "yaml"],
    ["get", "clusterroles", "-o", "name"], ["describe", "cm", "kube-root-ca.crt"], ["explain", "pod.spec.containers"],
    ["api-versions"], ["version"], ["get", "--raw", "/api/v1/namespaces/default"], ["get", "pods"],
    ["get", "pod", "none"], ["get", "nonsense"], ["auth", "can-i", "create", "pods"], ["get", "pods", "--bad-flag"],
], ids=" ".join)
def test_same_as_local_kubectl(operator, remote, namespace, command):
    here = operator.kubectl("alpha", "-n", namespace, *command, binary=True)
    there = remote(*command, binary=True)
    def ageless(output):
        return re.sub(rb"\b\d+[smhd]\d*[smh]?", b"AGE", output)
    assert (there.code, ageless(there.out), there.err) == (here.code, ageless(here.out), here.err)


def test_takes_the_named_files_along(remote, clusters, namespace, tmp_path):
    work, other = tmp_path / "work", tmp_path / "other"
    for folder in (work / "deep/er", work / "overlay", other / "base"):
        folder.mkdir(parents=True)
    (work / "a.yaml").write_text(CONFIG_MAP % "a")
    (work / "deep/b.yaml").write_text(CONFIG_MAP % "b")
    (work / "deep/er/c.yaml").write_text(CONFIG_MAP % "c")
    (other / "d.yaml").write_text(CONFIG_MAP % "d")
    (other / "base/e.yaml").write_text(CONFIG_MAP % "e")
    (other / "base/kustomization.yaml").write_text("resources: [e.yaml]\n")
    (work / "overlay/kustomization.yaml").write_text("resources: [../../other/base]\nnamePrefix: my-\n")
    for args, made in [(["-f", "a.yaml"], {"a"}), (["-Rf", "deep"], {"b", "c"}), (["-f", "../other/d.yaml"], {"d"}),
                       (["-f", other / "d.yaml"], {"d"}), (["-k", "overlay"], {"my-e"})]:
        applied = remote("apply", *args, cwd=work).ok()
        assert {line.split()[0] for line in applied.out.splitlines()} == {f"configmap/{name}" for name in made}, applied
    remote("apply", "-f", "-", stdin=CONFIG_MAP % "f").ok()
    remote("create", "configmap", "g", "--from-file", "key=a.yaml", "--from-file=../other/d.yaml", cwd=work).ok()
    assert set(clusters["alpha"].get("-n", namespace, "cm", "g")["data"]) == {"key", "d.yaml"}
    missing = remote("apply", "-f", "none.yaml", cwd=work)
    assert missing.code == 1 and 'the path "none.yaml" does not exist' in missing.err


def test_streams_both_ways_and_passes_the_exit_code_on(remote, pod):
    pod("alpha", "box")
    payload = os.urandom(500_000)
    assert remote("exec", "-i", "box", "--", "cat", stdin=payload, binary=True).ok().out == payload
    ended = remote("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (ended.code, ended.out) == (42, "out\n") and "err\n" in ended.err, ended


def test_ctrl_c_ends_what_follows(operator, pod, namespace):
    pod("alpha", "slow", ["sh", "-c", "echo first; exec sleep 600"])
    following = operator.start("exec-remote", "--cluster", "alpha", "-n", namespace, "logs", "-f", "slow")
    assert following.stdout.readline() == b"first\n"
    following.send_signal(signal.SIGINT)
    assert following.wait(10) == -signal.SIGINT


def test_rollout_status_and_watch(operator, remote, clusters, namespace):
    clusters["alpha"].kubectl("-n", namespace, "create", "deployment", "web", "--image=example.test/none").ok()
    assert "successfully rolled out" in remote("rollout", "status", "deployment/web", "--timeout=30s").ok().out
    watching = operator.start("exec-remote", "--cluster", "alpha", "-n", namespace, "get", "cm", "-w", "-o", "name")
    assert watching.stdout.readline() == b"configmap/kube-root-ca.crt\n"
    clusters["alpha"].kubectl("-n", namespace, "create", "configmap", "new").ok()
    assert watching.stdout.readline() == b"configmap/new\n"
    watching.terminate()
    watching.wait(10)


def test_a_terminal_of_the_right_size(operator, pod, namespace):
    pod("alpha", "box")
    ours, theirs = pty.openpty()
    resize = lambda rows, columns: fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    resize(33, 99)
    before = termios.tcgetattr(theirs)
    shell = subprocess.Popen([str(BIN / "mk8s"), "exec-remote", "--cluster", "alpha", "-n", namespace, "exec", "-it", "box",
                              "--", "sh"], stdin=theirs, stdout=theirs, stderr=theirs, env={**CLEAN, **operator.env})
    seen = b""

    def says(wanted):
        nonlocal seen
        while wanted not in seen:
            seen += os.read(ours, 4096)
        seen = b""
    os.write(ours, b"echo ready-$((1+1)); stty size\n")
    says(b"ready-2\r\n")
    resize(44, 111)
    shell.send_signal(signal.SIGWINCH)

    def resized():
        os.write(ours, b"echo $(stty size)-\n")
        nonlocal seen
        seen += os.read(ours, 4096)
        return b"44 111-" in seen
    until(resized, 20, lambda: seen)
    os.write(ours, b"exit 7\n")
    assert shell.wait(20) == 7
    assert termios.tcgetattr(theirs) == before


def test_refused_with_the_way_that_works(operator, remote, reader, namespace):
    for command in (["cp", "a", "box:/a"], ["port-forward", "box", ":80"], ["edit", "cm", "x"], ["proxy"]):
        refused = remote(*command)
        assert refused.code == 2 and "mk8s kubectl" in refused.err, refused
    denied = reader("exec-remote", "--cluster", "alpha", "delete", "cm", "kube-root-ca.crt", "-n", namespace)
    relayed = reader.kubectl("alpha", "delete", "cm", "kube-root-ca.crt", "-n", namespace)
    assert (denied.code, denied.err) == (1, relayed.err) and "cannot delete resource" in denied.err


def test_stands_in_for_a_missing_kubectl(operator, namespace, tmp_path):
    ran = operator.kubectl("alpha", "get", "cm", "-n", namespace, "-o", "name",
                           env={"MK8S_KUBECTL": "", "PATH": str(tmp_path)}).ok()
    assert ran.out == "configmap/kube-root-ca.crt\n" and ran.err.count("exec-remote") == 1, ran
