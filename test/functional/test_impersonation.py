"""kubectl --as: for those whom a role lets impersonate, exactly as asked; for all others a refusal, never silence."""

import json
import time

import pytest


@pytest.fixture(scope="module")
def actor(make_user):
    return make_user("actor")


@pytest.fixture(scope="module", autouse=True)
def bob_may_read(clusters):
    """In the cluster's own RBAC bob may read pods, and nothing else."""
    clusters["alpha"].kubectl("create", "clusterrole", "bob-reads", "--verb=get,list", "--resource=pods").ok()
    clusters["alpha"].kubectl("create", "clusterrolebinding", "bob-reads", "--clusterrole=bob-reads", "--user=bob").ok()
    yield
    clusters["alpha"].kubectl("delete", "clusterrolebinding,clusterrole", "bob-reads").ok()


def test_as_another_the_clusters_own_rules_hold_too(actor, clusters, namespace):
    actor.kubectl("alpha", "-n", namespace, "get", "pods", "--as", "bob", "--as-group", "bobs").ok()
    seen = clusters["alpha"].requests_of("bob")[-1]
    assert set(seen["impersonatedUser"]["groups"]) == {"bobs", "system:authenticated"}, "none of mk8s' groups"
    refused = actor.kubectl("alpha", "-n", namespace, "get", "configmaps", "--as", "bob")
    assert refused.code == 1 and 'User "bob" cannot list' in refused.err, "the cluster's word about bob"
    refused = actor.kubectl("alpha", "-n", namespace, "get", "services", "--as", "bob")
    assert refused.code == 1 and f'User "{actor.email}" cannot list' in refused.err, "mk8s' word about the caller"


@pytest.mark.parametrize("who", [["alice"], ["bob", "--as-group=system:masters"],
                                 ["system:serviceaccount:others:default"]])
def test_whom_no_role_names_is_refused(actor, clusters, who):
    before = len(clusters["alpha"].requests_of(who[0]))
    refused = actor.kubectl("alpha", "get", "pods", "--as", *who)
    assert refused.code == 1 and "cannot impersonate resource" in refused.err, refused
    assert "ask an mk8s administrator" in refused.err, refused
    assert len(clusters["alpha"].requests_of(who[0])) == before, "it reached the cluster"


def test_everything_by_wildcard_is_not_impersonate(operator):
    refused = operator.kubectl("alpha", "get", "pods", "--as", "bob")
    assert refused.code == 1 and 'cannot impersonate resource "users"' in refused.err, refused


def test_uid_extra_and_service_accounts_arrive_as_asked(actor, clusters):
    path = "/clusters/alpha/k8s/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answer = actor.rest("POST", path, {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"},
                        {"Impersonate-User": "bob", "Impersonate-Uid": "7", "Impersonate-Extra-Scopes": "view"}).ok()
    info = answer.json["status"]["userInfo"]
    assert (info["username"], info["uid"], info["extra"]) == ("bob", "7", {"scopes": ["view"]}), answer
    account = "system:serviceaccount:team-red:default"
    actor.rest("GET", "/clusters/alpha/k8s/api/v1/pods", headers={"Impersonate-User": account})
    groups = clusters["alpha"].requests_of(account)[-1]["impersonatedUser"]["groups"]
    assert set(groups) == {"system:serviceaccounts", "system:serviceaccounts:team-red", "system:authenticated"}
    refused = actor.rest("GET", "/clusters/alpha/k8s/api/v1/pods",
                         headers={"Impersonate-User": "bob", "Impersonate-Extra-Other": "x"})
    assert refused.status == 403 and "userextras/other" in refused.json["message"], refused


def test_reviews_are_about_whom_one_acts_as(actor, admin):
    shown = actor.kubectl("alpha", "auth", "whoami", "--as", "bob", "-o", "json").ok()
    assert json.loads(shown.out)["status"]["userInfo"]["username"] == "bob"
    assert actor.kubectl("alpha", "auth", "can-i", "list", "pods", "--as", "bob").out == "yes\n"
    assert actor.kubectl("alpha", "auth", "can-i", "list", "configmaps", "--as", "bob").out.startswith("no")
    admin.kubectl("alpha", "get", "pods", "-A", "--as", "bob").ok()


def test_the_audit_log_names_both(actor, admin):
    actor.kubectl("alpha", "get", "pods", "-A", "--as", "bob", "--as-group", "bobs").ok()
    deadline = time.monotonic() + 30
    while True:  # reads are written in groups
        events = admin.rest("GET", f"/audit?user={actor.email}&limit=50").ok().json["events"]
        if [e for e in events if e["resource"] == "pods" and e["status"] == "allowed"
                and e["reason"] == "acts as bob, group bobs"]:
            break
        assert time.monotonic() < deadline, events
        time.sleep(0.1)
