"""Clusters as a user sees them: the list, the current one, and names that are not there."""

import json

import pytest
import yaml

from harness.agent import register


@pytest.fixture
def user(make_user):
    return make_user("viewer")


def test_list_shows_both_with_their_health(user):
    shown = user("clusters", "list").ok()
    lines = [line for line in shown.out.splitlines() if "alpha" in line or "beta" in line]
    assert len(lines) == 2 and all("connected" in line.lower() for line in lines), shown


def test_list_as_data(user):
    found = {c["name"]: c for c in json.loads(user("clusters", "list", "-o", "json").ok().out)["clusters"]}
    assert set(found) == {"alpha", "beta"}
    for cluster in found.values():
        assert cluster["status"] == "connected" and cluster["id"] and cluster["last_seen"], cluster
        metadata = json.dumps(cluster["metadata"])  # from the agent: the version the cluster runs
        assert "v1.36.3" in metadata, metadata
    assert {c["name"] for c in yaml.safe_load(user("clusters", "list", "-o", "yaml").ok().out)["clusters"]} \
        == {"alpha", "beta"}
    assert "alpha" in user("clusters", "list", "-o", "wide").ok().out
    names = user("clusters", "list", "-o", "name").ok().out.split()
    assert [n.rsplit("/", 1)[-1] for n in names] == ["alpha", "beta"]


def test_use_is_remembered_and_goes_back(user, clusters, namespace):
    user("clusters", "use", "alpha").ok()
    clusters["alpha"].kubectl("create", "configmap", "here", "-n", namespace).ok()
    user("kubectl", "get", "configmap", "here", "-n", namespace).ok()
    user("clusters", "use", "beta").ok()
    assert user("kubectl", "get", "configmap", "here", "-n", namespace).code == 1
    assert yaml.safe_load((user.home / "mk8s/config.yaml").read_text())["current_cluster"] == "beta"
    user("clusters", "use", "-").ok()
    user("k", "get", "configmap", "here", "-n", namespace).ok()


def test_flag_over_environment_over_file(user, clusters, namespace):
    user("clusters", "use", "alpha").ok()
    clusters["beta"].kubectl("create", "configmap", "there", "-n", namespace).ok()
    there = ["get", "configmap", "there", "-n", namespace]
    assert user("kubectl", *there).code == 1
    user("kubectl", *there, env={"MK8S_CLUSTER": "beta"}).ok()
    assert user("kubectl", "--cluster", "alpha", *there, env={"MK8S_CLUSTER": "beta"}).code == 1
    user("kubectl", "--cluster", "beta", *there, env={"MK8S_CLUSTER": "alpha"}).ok()


def test_unknown_cluster_is_named(user):
    refused = user("clusters", "use", "gamma")
    assert refused.code == 1 and "gamma" in refused.err, refused
    refused = user.kubectl("gamma", "get", "pods")
    assert refused.code == 1 and "gamma" in refused.err, refused
    answer = user.rest("GET", "/clusters/gamma/k8s/api/v1/pods")
    assert answer.status == 404 and answer.json["kind"] == "Status" and "gamma" in answer.json["message"], answer


def test_no_cluster_chosen_says_how_to_choose(user):
    refused = user("kubectl", "get", "pods")
    assert refused.code in (1, 2) and "mk8s clusters use" in refused.err, refused


def test_use_without_a_name_and_terminal_does_not_hang(user):
    refused = user("clusters", "use", timeout=10)
    assert refused.code in (1, 2) and refused.err, refused


def test_clusters_without_a_grant_are_not_shown(make_user):
    user = make_user("alpha-only")
    assert [c["name"] for c in user.rest("GET", "/clusters").ok().json["clusters"]] == ["alpha"]
    # One that is not theirs looks exactly like one that is not there.
    hidden = user.rest("GET", "/clusters/beta/k8s/api/v1/pods")
    absent = user.rest("GET", "/clusters/gamma/k8s/api/v1/pods")
    assert hidden.status == absent.status
    assert hidden.json["message"].replace("beta", "X") == absent.json["message"].replace("gamma", "X")


def test_add_prints_the_token_once(admin, central):
    added = admin("clusters", "add", "short-lived").ok()
    listed = {c["name"]: c for c in admin.rest("GET", "/clusters").ok().json["clusters"]}
    assert listed["short-lived"]["status"] != "connected"
    assert "helm" in added.out + added.err, added
    rotated = admin("clusters", "rotate-token", "short-lived", "--yes").ok()
    assert rotated.out != added.out
    admin("clusters", "remove", "short-lived", "--yes").ok()
    assert "short-lived" not in admin("clusters", "list").ok().out


def test_administration_is_for_administrators(operator):
    rest = operator.rest
    assert rest("POST", "/clusters", {"name": "mine"}).status == 403
    assert rest("DELETE", "/clusters/alpha").status == 403
    assert rest("POST", "/clusters/alpha/token").status == 403
    assert rest("GET", "/users").status == 403
    assert rest("POST", "/users", {"email": "x@example.com", "password": "a-password-for-tests-1"}).status == 403
    assert rest("POST", "/roles", {"name": "mine", "admin": True, "clusters": []}).status == 403


def test_a_name_is_taken_once(admin):
    rest = admin.rest
    register(rest, "twice")
    try:
        assert rest("POST", "/clusters", {"name": "twice"}).status == 409
    finally:
        rest("DELETE", "/clusters/twice").ok()
