"""Hazards of roles: what opens a stream into a pod or a node is decided by its subresource, never by its method; what
is named like a built-in resource in another group is that other thing."""

import pytest

from harness.hazard import status
from harness.process import until

SPDY = ("Connection: Upgrade", "Upgrade: SPDY/3.1", "X-Stream-Protocol-Version: v4.channel.k8s.io")
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
POD = "/api/v1/namespaces/{}/pods/web"


@pytest.mark.parametrize("role", ["viewer", "no-exec"])
@pytest.mark.parametrize("method, path, fields, resource", [
    ("GET", POD + "/exec?command=id", WEBSOCKET, "pods/exec"), ("POST", POD + "/exec?command=id", SPDY, "pods/exec"),
    ("GET", POD + "/exec?command=id", (), "pods/exec"), ("POST", POD + "/exec?command=id", (), "pods/exec"),
    ("GET", POD + "/attach", WEBSOCKET, "pods/attach"), ("POST", POD + "/attach", SPDY, "pods/attach"),
    ("GET", POD + "/portforward?ports=80", WEBSOCKET, "pods/portforward"), ("POST", POD + "/portforward", SPDY, "pods/portforward"),
    ("PATCH", POD + "/ephemeralcontainers", ("Content-Length: 0",), "pods/ephemeralcontainers"),
    ("GET", POD + "/ephemeralcontainers", WEBSOCKET, "pods/ephemeralcontainers"),
    ("GET", POD + "/proxy/", (), "pods/proxy"), ("HEAD", POD + "/proxy/", (), "pods/proxy"),
    ("GET", POD + "/proxy/", WEBSOCKET, "pods/proxy"),
    ("GET", "/api/v1/namespaces/{}/services/web/proxy/", (), "services/proxy"),
    ("GET", "/api/v1/nodes/{}/proxy/run/default/web/main?cmd=id", (), "nodes/proxy"),
    ("GET", "/api/v1/nodes/{}/proxy/exec/default/web/main", WEBSOCKET, "nodes/proxy"),
    ("POST", "/api/v1/nodes/{}/proxy/run/default/web/main", (), "nodes/proxy"),
    ("GET", POD + "/vnc", WEBSOCKET, "pods/vnc")])
def test_connecting_subresource_under_a_reading_role(hazard, role, method, path, fields, resource):
    """Denied by GET WebSocket and POST SPDY alike, with one audit event each, and nothing of it in the cluster."""
    user, word = hazard.user(role), hazard.word()
    got = hazard.raw(hazard.head(method, path.format(word), user, *fields))
    assert status(got) == 403 and got.count(b"HTTP/1.1 ") == 1, got[:500]
    assert not hazard.upstream.saw(word)
    event, = hazard.until_events(user, word)
    assert (event["status"], event["http_status"]) == ("denied", 403), event
    assert f"{event['resource']}/{event['subresource']}" == resource, event
    expected = "create" if fields in (SPDY, WEBSOCKET) or resource.split("/")[1] in ("exec", "attach", "proxy") else "patch"
    assert event["verb"] == expected, event


def test_each_attempt_of_kubectl_exec_is_one_event(hazard, make_user, admin, clusters, namespace, pod):
    """kubectl tries SPDY when the WebSocket was refused: two attempts, two events, one session, no shell."""
    user = make_user("no-exec")
    pod("alpha", "box")
    refused = user.kubectl("alpha", "-n", namespace, "exec", "box", "--", "id")
    assert refused.code == 1 and "forbidden" in refused.err.lower(), refused

    def attempts():
        found = admin.rest("GET", f"/audit?user={user.email}&limit=100").ok().json["events"]
        return [e for e in found if e["subresource"] == "exec"]
    tried = until(attempts, 10, "an event of the attempt")
    assert {e["status"] for e in tried} == {"denied"} and len(tried) == len({e["request_id"] for e in tried}), tried
    assert not [r for r in clusters["alpha"].requests_of(user.email) if "/exec" in r["requestURI"]]


@pytest.mark.parametrize("path, expected", [
    ("/api/v1/namespaces/{}/configmaps?watch=1&fieldSelector=metadata.name%3Dmine", 200),
    ("/api/v1/namespaces/{}/configmaps?watch=1&fieldSelector=metadata.name%3Dother", 403),
    ("/api/v1/namespaces/{}/configmaps?watch=1&fieldSelector=metadata.name%3D%3Dother", 403),
    ("/api/v1/namespaces/{}/configmaps?watch=1&fieldSelector=metadata.name%3Dother&fieldSelector=metadata.name%3Dmine", 403),
    ("/api/v1/namespaces/{}/configmaps?fieldSelector=metadata.name%3Dother", 403),
    ("/api/v1/watch/namespaces/{}/configmaps/other", 403), ("/api/v1/namespaces/{}/configmaps/other?watch=1", 403),
    ("/api/v1/namespaces/{}/configmaps/other?fieldSelector=metadata.name%3Dmine", 403)])
def test_watch_of_one_forbidden_object_by_field_selector(hazard, path, expected):
    """CVE-2024-52280: the name that the API server will act on decides."""
    user, word = hazard.user("one-name"), hazard.word()
    got = hazard.raw(hazard.head("GET", path.format(word), user))
    assert status(got) == expected, got[:500]
    assert hazard.upstream.saw(word) == (expected == 200)


@pytest.mark.parametrize("role, path, expected", [
    ("plain-secrets", "/api/v1/namespaces/{}/secrets/a", 200), ("plain-secrets", "/apis/example.com/v1/namespaces/{}/secrets/a", 403),
    ("plain-secrets", "/api/v1/namespaces/{}", 200), ("plain-secrets", "/apis/example.com/v1/namespaces/{}", 403),
    ("plain-secrets", "/apis/example.com/v1/namespaces/{}/namespaces/a", 403),
    ("viewer", "/api/v1/namespaces/{}/secrets/a", 403), ("viewer", "/api/v1/namespaces/{}/secrets", 403),
    ("viewer", "/apis/example.com/v1/namespaces/{}/secrets/a", 200), ("viewer", "/api/v1/namespaces/{}/Secrets/a", 200)])
def test_resources_named_like_built_in_ones(hazard, role, path, expected):
    """CVE-2021-25318: `secrets` is core's, and a CRD of that name is not (nor is `Secrets`, which is nothing)."""
    user, word = hazard.user(role), hazard.word()
    got = hazard.raw(hazard.head("GET", path.format(word), user))
    assert status(got) == expected, got[:500]
    assert hazard.upstream.saw(word) == (expected == 200)
