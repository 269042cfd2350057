"""The record of who did what: mk8s' own, held to the cluster's own audit log."""

import json

import pytest

from harness.process import until

both = pytest.mark.parametrize("cluster", ["alpha", "beta"])
FIELDS = {"id", "time", "user", "cluster", "command", "status", "duration_ms", "request_id", "verb", "resource",
          "subresource", "namespace", "name", "http_status", "source_ip", "reason"}


def events(admin, **query):
    words = "&".join(f"{k}={v}" for k, v in {"limit": 200, **query}.items())
    return admin.rest("GET", f"/audit?{words}").ok().json["events"]


def until_events(admin, wanted, **query):
    """Reads are written in groups, so an event may come a moment after its answer."""
    return until(lambda: [e for e in events(admin, **query) if wanted(e)], 5,
                 lambda: f"an audit event, among {events(admin, **query)}")


@both
def test_every_step_is_recorded(operator, admin, clusters, cluster, namespace, pod):
    pod(cluster, "box")
    ns = ("-n", namespace)
    operator.kubectl(cluster, *ns, "create", "configmap", "made").ok()
    operator.kubectl(cluster, *ns, "get", "configmap", "made").ok()
    operator.kubectl(cluster, *ns, "exec", "box", "--", "true").ok()
    operator.kubectl(cluster, *ns, "logs", "box").ok()
    operator.kubectl(cluster, *ns, "delete", "configmap", "made").ok()
    expected = {("create", "configmaps", "", ""): "create configmap made", ("get", "configmaps", "", "made"): "get configmap made",
                ("create", "pods", "exec", "box"): "exec box -- true", ("get", "pods", "log", "box"): "logs box",
                ("delete", "configmaps", "", "made"): "delete configmap made"}

    def found():
        mine = [e for e in events(admin, user=operator.email, cluster=cluster) if e["namespace"] == namespace]
        return {key: e for key in expected for e in mine
                if (e["verb"], e["resource"], e["subresource"] or "", key[3] and e["name"] or "") == key
                and e["status"] == "allowed"}
    until(lambda: set(found()) == set(expected), 5, lambda: f"all of {set(expected)}, have {found()}")
    for key, event in found().items():
        assert FIELDS <= set(event), event
        assert event["command"].startswith("kubectl") or event["command"].startswith("mk8s"), event
        assert expected[key] in event["command"], event
        assert event["http_status"] in (101, 200, 201) and event["source_ip"] == "127.0.0.1", event
        assert event["duration_ms"] >= 0 and event["time"].endswith("Z"), event
        # The same request in the cluster's own log: under our id, in the person's name.
        theirs = clusters[cluster].audit_of(auditID=event["request_id"])
        assert theirs and theirs[0]["impersonatedUser"]["username"] == operator.email, event
        assert theirs[0]["objectRef"]["resource"] == event["resource"]


@both
def test_every_request_that_reached_the_cluster_has_its_event(make_user, admin, clusters, cluster, namespace):
    user = make_user("operator")
    for command in (["create", "configmap", "a"], ["get", "cm"], ["label", "cm", "a", "x=y"], ["delete", "cm", "a"],
                    ["get", "pods", "-A"], ["describe", "node", "node-1"]):
        user.kubectl(cluster, "-n", namespace, *command).ok()
    reached = [e for e in clusters[cluster].requests_of(user.email) if "objectRef" in e]
    assert len(reached) >= 8
    ids = {e["auditID"] for e in reached}
    until(lambda: ids <= {e["request_id"] for e in events(admin, user=user.email, limit=1000)}, 5,
          "an event for each request the cluster saw")


@both
def test_refusals_are_recorded(reader, admin, cluster, namespace):
    assert reader.kubectl(cluster, "-n", namespace, "delete", "configmap", "kube-root-ca.crt").code == 1
    event = until_events(admin, lambda e: e["namespace"] == namespace and e["verb"] == "delete",
                         user=reader.email, cluster=cluster, status="denied")[0]
    assert event["http_status"] == 403 and event["name"] == "kube-root-ca.crt" and event["reason"], event
    assert "delete configmap kube-root-ca.crt" in event["command"], event


def test_requests_without_a_command_line_show_verb_and_path(operator, admin, namespace):
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    answer = operator.rest("GET", f"/clusters/alpha/k8s{path}").ok()
    event = until_events(admin, lambda e: e["request_id"] == answer.headers["X-Request-Id"], user=operator.email)[0]
    assert path in event["command"] and "list" in event["command"].lower() + event["verb"], event


def test_secrets_stay_out(operator, admin, central, namespace, agents):
    operator.kubectl("alpha", "-n", namespace, "create", "secret", "generic", "s",
                     "--from-literal=password=hunter2-in-argv").ok()
    operator.kubectl("alpha", "-n", namespace, "get", "cm", "--token=eyJ-token-in-argv")
    until_events(admin, lambda e: e["resource"] == "secrets" and e["namespace"] == namespace, user=operator.email)
    recorded = json.dumps(events(admin, user=operator.email, limit=1000))
    logged = central.process.text() + agents["alpha"].process.text()
    for secret in ("hunter2-in-argv", "eyJ-token-in-argv", operator.password):
        assert secret not in recorded and secret not in logged


def test_sign_ins_are_recorded(make_user, admin):
    user = make_user("viewer")
    assert user.login(password="wrong-password").code != 0
    until_events(admin, lambda e: e["status"] in ("denied", "failed"), user=user.email)
    until_events(admin, lambda e: e["status"] == "allowed", user=user.email)


def test_filters_and_pages(operator, admin, namespace):
    for number in range(5):
        operator.kubectl("beta", "-n", namespace, "create", "configmap", f"page-{number}").ok()
    query = {"user": operator.email, "cluster": "beta", "verb": "create"}
    every = until(lambda: (e := events(admin, **query)) and len([x for x in e if x["namespace"] == namespace]) == 5 and e,
                  5, "five events")
    paged, cursor = [], ""
    while True:
        words = "&".join(f"{k}={v}" for k, v in {**query, "limit": 2, **({"cursor": cursor} if cursor else {})}.items())
        page = admin.rest("GET", f"/audit?{words}").ok().json
        assert len(page["events"]) <= 2
        paged += page["events"]
        cursor = page.get("next_cursor")
        if not cursor:
            break
    assert [e["id"] for e in paged] == [e["id"] for e in every]
    assert all(e["cluster"] == "beta" and e["verb"] == "create" for e in paged)
    assert events(admin, user="nobody@example.com") == []
    since = max(e["time"] for e in every)
    assert {e["time"] for e in events(admin, since=since, **query)} == {since}


def test_audit_by_the_command_line(operator, admin, namespace):
    operator.kubectl("alpha", "-n", namespace, "create", "configmap", "shown").ok()
    event = until_events(admin, lambda e: e["namespace"] == namespace, user=operator.email, verb="create")[0]
    listed = admin("audit", "list", "--user", operator.email, "--cluster", "alpha").ok()
    assert "create configmap shown" in listed.out, listed
    detail = admin("audit", "show", event["id"]).ok()
    assert namespace in detail.out and event["request_id"] in detail.out, detail
    refused = operator("audit", "list")
    assert refused.code == 1 and refused.out == "", refused
