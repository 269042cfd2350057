"""A list or watch that reaches further than the grant shows the granted part: never an error, never a leak."""

import json
import time
import urllib.parse

import pytest
import yaml

PODS = "/api/v1/pods"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PROTOBUF = "application/vnd.kubernetes.protobuf"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
GRANTED = {"pod-in-team-red", "pod-in-team-blue"}


@pytest.fixture(scope="module")
def team(make_user, team_namespaces):
    return make_user("team")


@pytest.fixture(scope="module")
def wide(make_user, team_namespaces):
    return make_user("team-wide")


def ask(user, path, **headers):
    return user.rest("GET", f"/clusters/alpha/k8s{path}", headers={k.replace("_", "-"): v for k, v in headers.items()})


def names(answer):
    return {item["metadata"]["name"] for item in answer.json["items"]}


def test_lists_show_only_the_namespaces_granted(team):
    for output in ([], ["-o", "name"], ["-o", "wide"], ["-o", "json"], ["-o", "yaml"], ["--chunk-size=1"]):
        seen = team.kubectl("alpha", "get", "pods", "-A", *output).ok()
        assert "pod-in-team-red" in seen.out and "pod-in-team-blue" in seen.out, seen
        assert "pod-in-others" not in seen.out and "kube-system" not in seen.out, seen
    none = team.kubectl("alpha", "get", "pods", "-A", "-l", "run=pod-in-others").ok()
    assert none.err.startswith("No resources found"), none
    by_name = "--field-selector=metadata.name=pod-in-team-red"
    only = team.kubectl("alpha", "get", "pods", "-A", "-o", "name", by_name).ok()
    assert only.out == "pod/pod-in-team-red\n"


def test_namespaces_show_only_those_granted(wide):
    listed = wide.kubectl("alpha", "get", "namespaces", "-o", "name").ok().out.split()
    assert sorted(listed) == ["namespace/team-blue", "namespace/team-red"]
    wide.kubectl("alpha", "get", "namespace", "team-red").ok()
    assert wide.kubectl("alpha", "get", "namespace", "others").code == 1


@pytest.mark.parametrize("accept", ["application/json", "*/*", PARTIAL, PROTOBUF, "application/yaml",
                                    PARTIAL.replace("application/json", PROTOBUF)])
def test_every_encoding_is_filtered(team, accept):
    answer = ask(team, PODS, Accept=accept, Accept_Encoding="gzip", If_None_Match='"x"').ok()
    assert names(answer) == GRANTED and answer.json["metadata"]["resourceVersion"], answer
    assert answer.headers["Content-Type"] == "application/json" and "ETag" not in answer.headers
    if "Partial" in accept:
        assert answer.json["kind"] == "PartialObjectMetadataList"


def test_tables_are_filtered_without_objects_too(team):
    for include in ("None", "Metadata", "Object"):
        answer = ask(team, f"{PODS}?includeObject={include}", Accept=TABLE).ok()
        assert answer.json["kind"] == "Table" and answer.json["columnDefinitions"]
        assert {row["cells"][0] for row in answer.json["rows"]} == GRANTED


def test_pages_go_on_by_a_sealed_token_of_ones_own(team, make_user, clusters):
    seen, token, tokens = set(), "", []
    while True:
        page = ask(team, f"{PODS}?limit=1&continue={urllib.parse.quote(token)}").ok()
        seen |= names(page)
        assert "remainingItemCount" not in page.json["metadata"]
        token = page.json["metadata"].get("continue", "")
        if not token:
            break
        tokens.append(token)
    assert seen == GRANTED and len(tokens) > 1, "hidden objects fill pages too"
    raw = json.loads(clusters["alpha"].kubectl("get", "--raw", f"{PODS}?limit=1").ok().out)["metadata"]["continue"]
    for user, query, bad in ((make_user("team"), "", tokens[0]), (team, "labelSelector=x&", tokens[0]),
                             (team, "", "x"), (team, "", raw)):
        refused = ask(user, f"{PODS}?{query}limit=1&continue={urllib.parse.quote(bad)}")
        assert refused.status == 410 and refused.json["reason"] == "Expired", refused


def test_a_sealed_token_is_decided_by_the_roles_of_now(admin, make_user, team_namespaces):
    def role(method, path, *namespaces):
        admin.rest(method, path, {"name": "breathing", "clusters": [
            {"name": "*", "namespaces": list(namespaces), "verbs": ["list"], "resources": ["pods"]}]}).ok()

    def rest_of_pages(token):
        return ask(user, f"{PODS}?limit=500&continue={urllib.parse.quote(token)}")
    role("POST", "/roles", "team-*", "others")
    user = make_user("breathing")
    token = ask(user, f"{PODS}?limit=1").ok().json["metadata"]["continue"]
    both = names(rest_of_pages(token).ok())
    assert {"pod-in-team-red", "pod-in-team-blue"} <= both | names(ask(user, f"{PODS}?limit=1").ok())
    role("PUT", "/roles/breathing", "team-red")
    assert names(rest_of_pages(token).ok()) == both & {"pod-in-team-red"}
    role("PUT", "/roles/breathing", "*")  # the pages before lack what is shown now
    refused = rest_of_pages(token)
    assert refused.status == 410 and refused.json["reason"] == "Expired", refused
    page = ask(user, f"{PODS}?limit=1").ok().json["metadata"]["continue"]
    assert names(rest_of_pages(page).ok()) and page != token, "the cluster's own token passes"
    role("PUT", "/roles/breathing", "team-red")
    assert rest_of_pages(page).status == 410, "the cluster's own token was made for the whole list"


def opened(user, path, **headers):
    rest = user.rest
    connection = rest.connect(60)
    connection.request("GET", f"/clusters/alpha/k8s{path}", headers={
        "Authorization": f"Bearer {rest.token}", **{k.replace("_", "-"): v for k, v in headers.items()}})
    return connection, connection.getresponse()


def watched(user, path, accept="application/json", until=lambda events: False):
    """The events of a watch up to the one for which `until` holds, or its end."""
    connection, answer = opened(user, path, Accept=accept)
    assert answer.status == 200, answer.read()
    events = []
    while line := answer.readline():
        events.append(json.loads(line))
        if until(events):
            break
    connection.close()
    return events


def test_watch_shows_only_the_namespaces_granted(team, clusters):
    watching = team.start("kubectl", "--cluster", "alpha", "get", "pods", "-A", "-w", "-o", "name")
    try:
        first = {watching.stdout.readline(), watching.stdout.readline()}
        assert first == {b"pod/pod-in-team-red\n", b"pod/pod-in-team-blue\n"}
        for name in ("others", "team-red"):  # in this order: had the first been shown, it would come first
            clusters["alpha"].kubectl("-n", name, "label", "pod", f"pod-in-{name}", "--overwrite", "seen=yes").ok()
        assert watching.stdout.readline() == b"pod/pod-in-team-red\n"
    finally:
        watching.terminate()
        watching.wait(10)


@pytest.mark.parametrize("path", [PODS, "/api/v1/watch/pods"])
def test_watch_list_ends_with_its_bookmark(team, path):
    query = ("?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
             "&timeoutSeconds=20")
    events = watched(team, path + query, until=lambda seen: seen[-1]["type"] == "BOOKMARK")
    assert events[-1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
    assert {e["object"]["metadata"]["name"] for e in events[:-1]} == GRANTED


def test_a_table_watch_has_its_columns(team):
    query = "?watch=1&includeObject=None&timeoutSeconds=20"
    events = watched(team, PODS + query, TABLE, lambda seen: len(seen) == 2)
    assert events[0]["object"]["columnDefinitions"], events
    assert {e["object"]["rows"][0]["cells"][0] for e in events} == GRANTED


def test_a_watch_over_websocket_cannot_be_narrowed(team, operator):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    refused = ask(team, f"{PODS}?watch=1", **upgrade)
    assert refused.status == 403 and "plain HTTP" in refused.json["message"], refused
    # Under a full grant it passes: the informers of fabric8 watch so.
    connection, answer = opened(operator, f"{PODS}?watch=1&resourceVersion=0", **upgrade)
    assert answer.status == 101, answer.read()
    connection.close()


def test_names_and_exceptions_hold_in_lists(make_user, team_namespaces):
    by_name, most = make_user("by-name"), make_user("most")
    assert names(ask(by_name, PODS).ok()) == GRANTED
    assert names(ask(by_name, "/api/v1/namespaces/others/pods").ok()) == set()
    assert GRANTED <= names(ask(most, PODS).ok()) and "pod-in-others" not in ask(most, PODS).body
    assert "others" not in names(ask(most, "/api/v1/namespaces").ok())
    ask(most, "/api/v1/nodes").ok()
    for path in ("/api/v1/secrets", "/api/v1/namespaces/team-red/secrets", "/api/v1/namespaces/others/pods"):
        assert ask(most, path).status == 403, path
    described = most.kubectl("alpha", "describe", "pods", "-A").ok()
    assert "pod-in-team-red" in described.out and "pod-in-others" not in described.out
    everything = most.kubectl("alpha", "get", "all", "-A").ok()
    assert "pod-in-team-red" in everything.out and "pod-in-others" not in everything.out


def test_cluster_scoped_is_refused_custom_resources_too(wide, clusters):
    for plural, scope in (("things", "Namespaced"), ("wholes", "Cluster")):
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
               "metadata": {"name": f"{plural}.narrow.test"},
               "spec": {"group": "narrow.test", "scope": scope, "versions": [version],
                        "names": {"plural": plural, "singular": plural[:-1], "kind": plural.title()[:-1]}}}
        clusters["alpha"].kubectl("apply", "-f", "-", stdin=yaml.safe_dump(crd)).ok()
        clusters["alpha"].kubectl("wait", f"crd/{plural}.narrow.test", "--for=condition=Established",
                                  "--timeout=30s").ok()
        # The definition is served a little after it is established.
        deadline = time.monotonic() + 60
        while clusters["alpha"].kubectl("get", f"{plural}.narrow.test", "-A").code and time.monotonic() < deadline:
            time.sleep(0.2)
    for name in ("team-red", "others"):
        thing = {"apiVersion": "narrow.test/v1", "kind": "Thing",
                 "metadata": {"name": f"thing-in-{name}", "namespace": name}}
        clusters["alpha"].kubectl("apply", "-f", "-", stdin=yaml.safe_dump(thing)).ok()
    assert names(ask(wide, "/apis/narrow.test/v1/things").ok()) == {"thing-in-team-red"}
    for path in ("/apis/narrow.test/v1/wholes", "/apis/narrow.test/v1/wholes?watch=1", "/api/v1/nodes"):
        for _ in range(2):  # asked, then remembered
            refused = ask(wide, path)
            assert refused.status == 403 and "it belongs to no namespace" in refused.json["message"], refused
            assert "at the cluster scope" in refused.json["message"] and "would allow it" in refused.json["message"]
    assert wide.rest("DELETE", "/clusters/alpha/k8s/apis/narrow.test/v1/things").status == 403
    for scope in (["-A"], ["-n", "team-red"]):
        for plural, answer in (("things", "yes"), ("wholes", "no"), ("nodes", "no")):
            asked = wide.kubectl("alpha", "auth", "can-i", "list", plural, *scope)
            assert asked.out.split()[0] == answer, (plural, scope, asked)
    clusters["alpha"].kubectl("delete", "crd", "things.narrow.test", "wholes.narrow.test").ok()


def test_can_i_says_what_would_happen(team, wide):
    for user, command, answer in ((team, ["list", "pods", "-A"], "yes"), (team, ["watch", "pods", "-A"], "yes"),
                                  (team, ["delete", "pods", "-n", "team-red"], "no"),
                                  (team, ["list", "pods", "-n", "others"], "no"),
                                  (wide, ["deletecollection", "pods", "-A"], "no"), (wide, ["list", "nodes"], "no")):
        assert user.kubectl("alpha", "auth", "can-i", *command).out.strip().split()[0] == answer, command
    assert team.email in team.kubectl("alpha", "auth", "whoami").ok().out
    assert "pods" in team.kubectl("alpha", "auth", "can-i", "--list", "-n", "team-red").ok().out


def test_a_changed_role_cuts_the_open_watch(admin, make_user, clusters, team_namespaces):
    def role(*namespaces):
        admin.rest("PUT", "/roles/shrinking", {"name": "shrinking", "clusters": [
            {"name": "*", "namespaces": list(namespaces), "verbs": ["list"], "resources": ["pods"]}]})
    admin.rest("POST", "/roles", {"name": "shrinking", "clusters": [
        {"name": "*", "namespaces": ["team-*"], "verbs": ["list"], "resources": ["pods"]}]}).ok()
    user = make_user("shrinking")

    def shrink(events):
        if len(events) == 2:
            role("team-red")
        return False
    try:
        events = watched(user, PODS + "?watch=1&timeoutSeconds=300", until=shrink)
    except TimeoutError:
        raise  # it was not cut
    except (OSError, ValueError):
        events = []  # cut within a chunk
    assert len(events) <= 2
    assert names(ask(user, PODS).ok()) == {"pod-in-team-red"}
