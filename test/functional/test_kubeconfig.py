"""Tools that do not know mk8s: plain kubectl with a kubeconfig and the credential plugin."""

import json
import os
import stat

import pytest
import yaml

from harness.cluster import every_kubectl, kubectls
from harness.process import BIN, run

both = pytest.mark.parametrize("cluster", ["alpha", "beta"])


@pytest.fixture
def user(make_user):
    return make_user("operator")


def plain(user, *args, version="testbed", **more):
    """kubectl as the user would start it, without mk8s before it."""
    env = {**user.env, **kubectls()[version], "PATH": f"{BIN}:{os.environ['PATH']}"}
    return run([env["MK8S_KUBECTL"], *args], env=env, **more)


@every_kubectl()
@both
def test_plain_kubectl(user, cluster, version, pod, namespace, tmp_path):
    config = tmp_path / "kubeconfig"
    config.write_text(user("kubeconfig", "--all").ok().out)
    pod(cluster, "box")
    use = ["--kubeconfig", config, "--context", f"mk8s-{cluster}", "-n", namespace]
    assert "box" in plain(user, *use, "get", "pods", version=version).ok().out
    assert plain(user, *use, "exec", "box", "--", "sh", "-c", "exit 9", version=version).code == 9
    assert plain(user, *use, "exec", "-i", "box", "--", "cat", stdin="through\n", version=version).ok().out == "through\n"
    plain(user, *use, "delete", "pod", "box", "--wait=false", version=version).ok()


def test_no_secret_inside(user, agents):
    text = user("kubeconfig", "--all").ok().out
    config = yaml.safe_load(text)
    assert {c["name"] for c in config["contexts"]} == {"mk8s-alpha", "mk8s-beta"}
    for entry in config["users"]:
        assert set(entry["user"]) == {"exec"}, entry
    token = json.loads(user("credential").ok().out)["status"]["token"]
    assert token not in text


def test_one_cluster_by_default(user, agents):
    user("clusters", "use", "beta").ok()
    config = yaml.safe_load(user("kubeconfig").ok().out)
    assert [c["name"] for c in config["contexts"]] == ["mk8s-beta"]


def test_write_keeps_what_is_there(user, agents, clusters, namespace):
    path = user.home / ".kube/config"
    path.parent.mkdir(exist_ok=True)
    path.write_text(clusters["alpha"].kubeconfig.read_text())
    refused = user("kubeconfig", "--write", "--all", timeout=10)
    assert refused.code in (1, 2) and "--yes" in refused.err, "it asks first, and without a terminal it cannot"
    user("kubeconfig", "--write", "--all", "--yes").ok()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = yaml.safe_load(path.read_text())
    assert {c["name"] for c in config["contexts"]} == {"alpha", "mk8s-alpha", "mk8s-beta"}
    assert config["current-context"] == "alpha"
    plain(user, "--context", "mk8s-beta", "get", "namespace", namespace).ok()
    plain(user, "--context", "alpha", "get", "namespace", namespace).ok()
    user("kubeconfig", "--write", "--all", "--yes").ok()
    assert len(yaml.safe_load(path.read_text())["contexts"]) == 3


@pytest.mark.parametrize("info, version", [
    (None, "v1beta1"), ('{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": {}}', "v1"),
    ('{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{}}', "v1beta1")])
def test_credential_answers_in_the_version_asked(user, info, version):
    answer = json.loads(user("credential", env={"KUBERNETES_EXEC_INFO": info} if info else {}).ok().out)
    assert answer["kind"] == "ExecCredential"
    assert answer["apiVersion"] == f"client.authentication.k8s.io/{version}"
    assert answer["status"]["token"] and answer["status"]["expirationTimestamp"].endswith("Z")
    assert user.central.rest.as_bearer(answer["status"]["token"])("GET", "/auth/me").status == 200


def test_after_logout_the_plugin_says_what_to_do(user, agents):
    config = user.home / "kubeconfig"
    config.write_text(user("kubeconfig", "--all").ok().out)
    user("logout").ok()
    refused = plain(user, "--kubeconfig", config, "--context", "mk8s-alpha", "get", "nodes")
    assert refused.code != 0 and "mk8s login" in refused.err, refused
