"""Every feature of the Kubernetes API answers through mk8s as it does straight at the cluster: status, header fields and body."""

import gzip
import http.server
import json
import os
import ssl
import threading

import pytest

from harness.api import Api, same_head
from harness.process import until

PROTOBUF = "application/vnd.kubernetes.protobuf"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
over_both = pytest.mark.parametrize("http", ["1.1", "2"])


@pytest.fixture(scope="module")
def user(make_user):
    return make_user("admin")


@pytest.fixture
def api(clusters, user, tmp_path):
    return Api(clusters["alpha"], user, tmp_path)


@pytest.fixture
def core(namespace):
    """The path of core objects in the test's namespace."""
    return f"/api/v1/namespaces/{namespace}"


@pytest.fixture
def three(api, core):
    """Three ConfigMaps labelled tier=front, beside the one that every namespace has."""
    for name in ("one", "two", "three"):
        api.direct("POST", f"{core}/configmaps", config_map(name, {"tier": "front"})).ok(201)


def config_map(name, labels=None, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels or {}}, "data": data}


def deployment(name, **spec):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}},
                                  "spec": {"containers": [{"name": "main", "image": "example.test/none"}]}}, **spec}}


def field(number, content):
    """One length-delimited field of a protobuf message, shorter than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


# --- Representations


@over_both
def test_protobuf_get_and_list(api, core, three, http):
    for path in (f"{core}/configmaps/one", f"{core}/configmaps"):
        answer = api.both("GET", path, http=http, Accept=PROTOBUF).ok()
        assert answer.body.startswith(b"k8s\0") and answer["content-type"] == PROTOBUF


def test_protobuf_create(api, core):
    kind = field(1, b"v1") + field(2, b"ConfigMap")
    made = field(1, field(1, b"packed")) + field(2, field(1, b"colour") + field(2, b"blue"))
    sent = b"k8s\0" + field(1, kind) + field(2, made)
    answer = api.mk8s("POST", f"{core}/configmaps", sent, Content_Type=PROTOBUF, Accept=PROTOBUF).ok(201)
    assert answer.body.startswith(b"k8s\0") and b"packed" in answer.body
    assert api.direct("GET", f"{core}/configmaps/packed").json["data"] == {"colour": "blue"}
    assert api.both("POST", f"{core}/configmaps", sent, Content_Type=PROTOBUF).status == 409


@over_both
def test_tables(api, core, three, http):
    for path in (f"{core}/configmaps/one", f"{core}/configmaps?limit=2", f"{core}/pods"):
        answer = api.both("GET", path, http=http, Accept=TABLE).ok()
        assert answer.json["kind"] == "Table" and answer.json["columnDefinitions"]


def test_yaml_and_what_is_not_acceptable(api, core, three):
    assert api.both("GET", f"{core}/configmaps/one", Accept="application/yaml").ok().body.startswith(b"apiVersion: v1")
    assert api.both("GET", f"{core}/configmaps/one", Accept="image/png").status == 406
    assert api.both("POST", f"{core}/configmaps", b"x", Content_Type="text/csv").status == 415


@over_both
def test_aggregated_discovery(api, http):
    for path in ("/api", "/apis"):
        answer = api.both("GET", path, http=http, Accept=DISCOVERY + ",application/json").ok()
        assert answer.json["kind"] == "APIGroupDiscoveryList"
        assert answer["content-type"] == DISCOVERY, "clients compare it as text, so its parameters keep their order"
        again = api.both("GET", path, http=http, Accept=DISCOVERY, If_None_Match=answer["etag"])
        assert again.status == 304 and again.body == b"" and again["etag"] == answer["etag"]
    assert api.both("GET", "/apis").ok().json["kind"] == "APIGroupList"
    assert api.both("GET", "/apis/apps/v1").ok().json["kind"] == "APIResourceList"


@over_both
def test_openapi(api, http):
    big = api.both("GET", "/openapi/v2", http=http).ok()
    assert len(big.body) > 1_000_000 and big["etag"]
    assert api.both("GET", "/openapi/v2", http=http, If_None_Match=big["etag"]).status == 304
    api.both("GET", "/openapi/v2", http=http, Accept="application/com.github.proto-openapi.spec.v2@v1.0+protobuf").ok()
    paths = api.both("GET", "/openapi/v3", http=http).ok().json["paths"]
    document = api.both("GET", paths["api/v1"]["serverRelativeURL"], http=http).ok()
    assert len(document.body) > 500_000 and "immutable" in document["cache-control"]
    assert api.both("GET", "/openapi/v3/api/v1", http=http, If_None_Match=document["etag"]).status == 304


@over_both
def test_gzip_above_128_kib(api, core, http):
    api.direct("POST", f"{core}/configmaps", config_map("big", blob=os.urandom(150_000).hex())).ok(201)
    packed = api.both("GET", f"{core}/configmaps/big", http=http, Accept_Encoding="gzip").ok()
    plain = api.both("GET", f"{core}/configmaps/big", http=http).ok()
    assert packed["content-encoding"] == "gzip" and plain["content-encoding"] == ""
    assert gzip.decompress(packed.body) == plain.body and len(plain.body) > 300_000
    assert api.both("GET", f"{core}/configmaps/kube-root-ca.crt", Accept_Encoding="gzip").ok()["content-encoding"] == ""


@over_both
def test_head(api, core, three, http):
    for path in (f"{core}/configmaps/one", f"{core}/configmaps", f"{core}/configmaps/missing", "/version", "/healthz", "/apis"):
        api.both("HEAD", path, http=http)


# --- Lists and watches


def test_chunked_lists(api, core, three):
    whole = [item["metadata"]["name"] for item in api.direct("GET", f"{core}/configmaps").json["items"]]
    seen, after, left = [], "", []
    while True:
        page = api.mk8s("GET", f"{core}/configmaps?limit=2&continue={after}").ok().json
        seen += [item["metadata"]["name"] for item in page["items"]]
        left.append(page["metadata"].get("remainingItemCount"))
        after = page["metadata"].get("continue", "")
        if not after:
            break
    assert seen == whole and left == [2, None]
    assert api.both("GET", f"{core}/configmaps?limit=2&continue=bm9uc2Vuc2U").status == 400


@over_both
def test_watch_list_ends_with_its_bookmark(api, core, three, http):
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=2"
    first = {}
    for way in api.ways:  # the bookmarks' own versions go on meanwhile, so the bodies cannot be compared whole
        answer = api.ask(way, "GET", f"{core}/configmaps?{query}", http=http).ok()
        events = answer.events
        added = sorted(thing["metadata"]["name"] for kind, thing in events[:4] if kind == "ADDED")
        assert added == ["kube-root-ca.crt", "one", "three", "two"]
        kind, bookmark = events[4]
        assert kind == "BOOKMARK" and bookmark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        first[way] = answer
    same_head(first["direct"], first["mk8s"])
    packed = api.mk8s("GET", f"{core}/configmaps?{query}", http=http, Accept=PROTOBUF + ";stream=watch").ok()
    assert b"k8s.io/initial-events-end" in packed.body and packed["content-type"] == PROTOBUF + ";stream=watch"


# --- Changes


def test_dry_run_changes_nothing(api, core, three):
    api.both("POST", f"{core}/configmaps?dryRun=All", config_map("imagined")).ok(201)
    assert api.direct("GET", f"{core}/configmaps/imagined").status == 404
    patch = {"data": {"colour": "red"}}
    api.both("PATCH", f"{core}/configmaps/one?dryRun=All", patch, Content_Type="application/merge-patch+json").ok()
    api.both("DELETE", f"{core}/configmaps/one?dryRun=All").ok()
    assert "data" not in api.direct("GET", f"{core}/configmaps/one").ok().json


def test_server_side_apply(api, core):
    def applied(colour):
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"colour": colour}}).encode()
    path, kind = f"{core}/configmaps/applied?fieldManager=", "application/apply-patch+yaml"
    api.mk8s("PATCH", path + "first", applied("blue"), Content_Type=kind).ok(201)
    conflict = api.both("PATCH", path + "second", applied("green"), Content_Type=kind).ok(409)
    assert conflict.json["details"]["causes"][0]["reason"] == "FieldManagerConflict"
    api.mk8s("PATCH", path + "second&force=true", applied("green"), Content_Type=kind).ok()
    assert api.direct("GET", f"{core}/configmaps/applied").json["data"] == {"colour": "green"}


def test_deletecollection(api, core, three):
    answer = api.mk8s("DELETE", f"{core}/configmaps?labelSelector=tier%3Dfront").ok()
    assert [item["metadata"]["name"] for item in answer.json["items"]] == ["one", "three", "two"]
    names = [item["metadata"]["name"] for item in api.direct("GET", f"{core}/configmaps").json["items"]]
    assert names == ["kube-root-ca.crt"]


def test_scale(api, namespace):
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    api.direct("POST", path, deployment("web")).ok(201)
    scale = api.both("GET", f"{path}/web/scale").ok().json
    assert (scale["kind"], scale["spec"]) == ("Scale", {})
    scale["spec"]["replicas"] = 1
    api.mk8s("PUT", f"{path}/web/scale", scale).ok()
    assert api.direct("GET", f"{path}/web").json["spec"]["replicas"] == 1
    assert api.both("PUT", f"{path}/web/scale", scale).status == 409, "its version is old by now"


def test_eviction_that_a_budget_refuses(api, core, namespace, pod):
    pod("alpha", "kept")
    policy = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
    api.direct("POST", policy, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "all"},
                                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "kept"}}}}).ok(201)
    until(lambda: api.direct("GET", f"{policy}/all").json.get("status", {}).get("currentHealthy") == 1, 30, "budget counted")
    evict = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "kept"}}
    refused = api.both("POST", f"{core}/pods/kept/eviction", evict).ok(429)
    assert refused.json["details"]["causes"][0]["reason"] == "DisruptionBudget"
    api.direct("DELETE", f"{policy}/all").ok()
    api.mk8s("POST", f"{core}/pods/kept/eviction", evict).ok(201)


def test_ephemeral_containers(api, core, pod):
    pod("alpha", "sick")
    patch = {"spec": {"ephemeralContainers": [{"name": "doctor", "image": "example.test/none"}]}}
    kind = "application/strategic-merge-patch+json"
    api.mk8s("PATCH", f"{core}/pods/sick/ephemeralcontainers", patch, Content_Type=kind).ok()
    assert api.direct("GET", f"{core}/pods/sick").json["spec"]["ephemeralContainers"][0]["name"] == "doctor"


def test_warnings(api, core):
    odd = {**config_map("odd"), "colour": "blue", "size": 1}
    answer = api.both("POST", f"{core}/configmaps?dryRun=All&fieldValidation=Warn", odd).ok(201)
    assert [value for name, value in answer.headers if name == "warning"] == \
        ['299 - "unknown field \\"colour\\""', '299 - "unknown field \\"size\\""']


@over_both
@pytest.mark.parametrize("method, path, body, status", [
    ("GET", "/configmaps/missing", None, 404), ("GET", "/nosuchthings", None, 404),
    ("POST", "/configmaps", config_map("one"), 409), ("POST", "/configmaps", config_map("Not_A_Name"), 422),
    ("PUT", "/configmaps/one", {**config_map("one"), "metadata": {"name": "one", "resourceVersion": "1"}}, 409),
    ("POST", "/configmaps?fieldValidation=Strict&dryRun=All", {**config_map("odd"), "colour": "blue"}, 400),
    ("POST", "/configmaps", b"{", 400), ("POST", "/configmaps", b"x" * 3_200_000, 413),
    ("DELETE", "/configmaps/missing", None, 404), ("PUT", "/configmaps", config_map("one"), 405),
], ids=lambda value: value if isinstance(value, str) else "" if not isinstance(value, int) else None)
def test_refusals_pass_unchanged(api, core, three, http, method, path, body, status):
    more = {"Content_Type": "application/json"} if isinstance(body, bytes) else {}
    answer = api.both(method, core + path, body, http=http, **more)
    assert answer.status == status, answer


# --- Extensions


@pytest.fixture
def widgets(api, namespace):
    """A CustomResourceDefinition of two versions without conversion; the path of its objects by version."""
    group = f"{namespace}.example.test"
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    schema = {"openAPIV3Schema": {"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 10}}},
        "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}}}}}
    version = {"served": True, "schema": schema, "subresources": {"status": {}},
               "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]}
    api.mk8s("POST", crds, {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced",
                 "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
                 "versions": [{**version, "name": "v1", "storage": True}, {**version, "name": "v2", "storage": False}]}}).ok(201)
    paths = {name: f"/apis/{group}/{name}/namespaces/{namespace}/widgets" for name in ("v1", "v2")}
    for path in paths.values():
        until(lambda: api.direct("GET", path).status == 200, 30, f"{path} served")
    yield {"group": group, **paths}
    api.mk8s("DELETE", f"{crds}/widgets.{group}").ok()


def widget(widgets, name, **spec):
    return {"apiVersion": f"{widgets['group']}/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


def test_custom_resources(api, widgets):
    api.mk8s("POST", widgets["v1"], widget(widgets, "small", size=1)).ok(201)
    assert api.both("POST", widgets["v1"], widget(widgets, "large", size=11)).status == 422
    assert api.both("GET", f"{widgets['v2']}/small").ok().json["apiVersion"].endswith("/v2")
    assert api.both("GET", widgets["v1"]).ok().json["kind"] == "WidgetList"
    assert api.both("GET", widgets["v1"], Accept=TABLE).ok().json["rows"][0]["cells"][:2] == ["small", 1]
    assert api.both("GET", widgets["v1"], Accept=PROTOBUF).status == 406
    status = {"status": {"ready": True}}
    api.mk8s("PATCH", f"{widgets['v1']}/small/status", status, Content_Type="application/merge-patch+json").ok()
    watched = api.both("GET", f"{widgets['v1']}?watch=1&timeoutSeconds=2").ok().events
    assert [(kind, thing["status"]) for kind, thing in watched if kind == "ADDED"] == [("ADDED", {"ready": True})]
    (kind, gone), = api.both("GET", f"{widgets['v1']}?watch=1&timeoutSeconds=5&resourceVersion=1").ok().events
    assert (kind, gone["code"], gone["reason"]) == ("ERROR", 410, "Expired"), "its history begins later than that"
    api.mk8s("DELETE", f"{widgets['v1']}/small").ok()
    assert api.direct("GET", f"{widgets['v1']}/small").status == 404


@pytest.fixture
def extension(api, clusters, namespace):
    """An aggregated API of the test's own on loopback: kube-apiserver dials the Service's external name.  Its path."""
    class Extension(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path.endswith("/busy"):
                return self.answer(429, {"kind": "Status", "apiVersion": "v1", "code": 429, "message": "come back"},
                                   {"Retry-After": "7", "Warning": '299 - "busy"'})
            if self.path.split("?")[0] == root:
                resource = {"name": "gauges", "singularName": "gauge", "namespaced": True, "kind": "Gauge", "verbs": ["get", "list"]}
                return self.answer(200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/v1",
                                         "resources": [resource]})
            if "/gauges/" in self.path:
                return self.answer(200, {"kind": "Gauge", "apiVersion": f"{group}/v1", "metadata": {"name": "seen"},
                                         "user": self.headers["X-Remote-User"]})
            self.answer(404, {"kind": "Status", "apiVersion": "v1", "code": 404})

        def answer(self, status, body, more=()):
            sent = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(sent)), **dict(more)}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_):
            pass

    group, folder = f"{namespace}.extension.test", clusters["alpha"].folder
    root = f"/apis/{group}/v1"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Extension)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.crt", folder / "server.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    services = "/apis/apiregistration.k8s.io/v1/apiservices"
    api.direct("POST", f"/api/v1/namespaces/{namespace}/services", {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "extension"},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": server.server_port}]}}).ok(201)
    api.mk8s("POST", services, {
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": f"v1.{group}"},
        "spec": {"group": group, "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 10, "insecureSkipTLSVerify": True,
                 "service": {"name": "extension", "namespace": namespace, "port": server.server_port}}}).ok(201)
    until(lambda: api.direct("GET", root).status == 200, 60, lambda: f"extension served: {api.direct('GET', services + '/v1.' + group)}")
    yield root
    api.mk8s("DELETE", f"{services}/v1.{group}").ok()
    server.shutdown()
    server.server_close()


def test_aggregated_api(api, extension, namespace, user):
    assert api.both("GET", extension).ok().json["kind"] == "APIResourceList"
    gauges = f"{extension}/namespaces/{namespace}/gauges"
    assert api.mk8s("GET", f"{gauges}/seen").ok().json["user"] == user.email
    assert user.kubectl("alpha", "get", "--raw", f"{gauges}/seen").ok().out
    busy = api.both("GET", f"{gauges}/busy").ok(429)
    assert busy["retry-after"] == "7" and busy["warning"] == '299 - "busy"'
