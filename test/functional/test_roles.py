"""What a role lets through, and what it keeps from ever reaching the cluster."""

import json

import pytest
import yaml

both = pytest.mark.parametrize("cluster", ["alpha", "beta"])


@pytest.fixture
def team(make_user):
    return make_user("team")


@both
def test_refusal_is_kube_apiservers_own_sentence(reader, clusters, cluster, namespace):
    refused = reader.kubectl(cluster, "-n", namespace, "run", "mine", "--image=example.test/none")
    assert refused.code == 1, refused
    assert "Error from server (Forbidden)" in refused.err, refused
    assert f'User "{reader.email}" cannot create resource "pods" in API group "" in the namespace "{namespace}"' \
        in refused.err, refused
    assert "operator" in refused.err and "ask an mk8s administrator" in refused.err, "who may grant it is not said"
    assert clusters[cluster].kubectl("-n", namespace, "get", "pod", "mine").code == 1


@both
def test_refused_requests_never_reach_the_cluster(make_user, clusters, cluster, namespace, pod):
    """Held to the cluster's own audit log: of the refused requests there is none."""
    user = make_user("get-only")
    pod(cluster, "box")
    assert user.kubectl(cluster, "-n", namespace, "get", "pod", "box").code == 0
    for command in (["delete", "pod", "box"], ["get", "pods"], ["exec", "box", "--", "true"], ["logs", "box"],
                    ["label", "pod", "box", "a=b"], ["run", "x", "--image=y"], ["cp", "box:/etc/hostname", "h"],
                    ["port-forward", "box", ":80"]):
        refused = user.kubectl(cluster, "-n", namespace, *command)
        assert refused.code != 0 and "orbidden" in refused.err + refused.out, refused
    reached = {(e["verb"], e["objectRef"].get("subresource", "")) for e in clusters[cluster].requests_of(user.email)
               if "objectRef" in e}
    assert reached == {("get", "")}, reached


@both
def test_viewer_reads_but_no_secrets(reader, clusters, cluster, namespace):
    clusters[cluster].kubectl("-n", namespace, "create", "secret", "generic", "hidden", "--from-literal=k=v").ok()
    reader.kubectl(cluster, "-n", namespace, "get", "configmaps,services,deployments").ok()
    for command in (["get", "secrets"], ["get", "secret", "hidden"], ["get", "secrets", "-A"]):
        refused = reader.kubectl(cluster, "-n", namespace, *command)
        assert refused.code == 1 and "Forbidden" in refused.err, refused


@both
def test_no_shell_with_get_on_everything(make_user, clusters, cluster, namespace, pod):
    """exec over WebSocket is a GET: it must be judged by what it does."""
    user = make_user("no-exec")
    pod(cluster, "box", ["sh", "-c", "echo hello; exec sleep 600"])
    user.kubectl(cluster, "-n", namespace, "logs", "box").ok()
    for command in (["exec", "box", "--", "id"], ["attach", "box"], ["port-forward", "box", ":80"],
                    ["debug", "box", "--image=x"], ["get", "--raw", "/api/v1/nodes/node-1/proxy/pods"],
                    ["get", "--raw", f"/api/v1/namespaces/{namespace}/pods/box/proxy/"]):
        refused = user.kubectl(cluster, "-n", namespace, *command)
        assert refused.code == 1 and "orbidden" in refused.err, refused
    for method in ("GET", "POST"):
        for subresource in ("exec?command=id", "attach?stdin=true", "portforward"):
            answer = user.rest(method, f"/clusters/{cluster}/k8s/api/v1/namespaces/{namespace}/pods/box/{subresource}")
            assert answer.status == 403, (method, subresource, answer)


@both
def test_a_grant_in_some_namespaces_ends_there(team, team_namespaces, clusters, cluster):
    """Lists over all namespaces, which show the granted part, are test_narrow_grants.py's."""
    assert "pod-in-team-red" in team.kubectl(cluster, "get", "pods", "-n", "team-red").ok().out
    assert team.kubectl(cluster, "exec", "-n", "team-blue", "pod-in-team-blue", "--", "echo", "hi").ok().out == "hi\n"
    for command in (["get", "pods", "-n", "others"], ["get", "pod", "pod-in-others", "-n", "others"],
                    ["logs", "pod-in-others", "-n", "others"]):
        refused = team.kubectl(cluster, *command)
        assert refused.code == 1 and "Forbidden" in refused.err and "team-*" in refused.err, refused
        assert "pod-in" not in refused.out, refused
    reached = {e["objectRef"]["namespace"] for e in clusters[cluster].requests_of(team.email)
               if e.get("objectRef", {}).get("resource") == "pods"}
    assert reached == {"team-red", "team-blue"}


@both
def test_cluster_scoped_needs_every_namespace(team, cluster):
    refused = team.kubectl(cluster, "get", "nodes")
    assert refused.code == 1 and "Forbidden" in refused.err and "at the cluster scope" in refused.err, refused


@both
def test_wildcards_do_not_escalate(operator, cluster, namespace):
    for command in (["create", "clusterrolebinding", "mine", "--clusterrole=cluster-admin", f"--user={operator.email}"],
                    ["create", "token", "default", "-n", namespace], ["get", "pods", "--as=system:admin"],
                    ["get", "--raw", "/api/v1/nodes/node-1/proxy/pods"]):
        refused = operator.kubectl(cluster, *command)
        assert refused.code == 1 and "orbidden" in refused.err, refused


@both
def test_identity_cannot_be_forged(operator, clusters, cluster):
    for header, status in (("Impersonate-User", 403), ("impersonate-group", 400), ("Impersonate-Extra-Scopes", 400),
                           ("Impersonate-Uid", 400), ("Impersonate-Anything", 400)):  # 400: without a user
        answer = operator.rest("GET", f"/clusters/{cluster}/k8s/api/v1/nodes", headers={header: "system:masters"})
        assert answer.status == status, answer
    dropped = operator.rest("GET", f"/clusters/{cluster}/k8s/api/v1/nodes", headers={"Connection": "Impersonate-User"})
    assert dropped.status == 400, dropped
    operator.rest("GET", f"/clusters/{cluster}/k8s/api/v1/nodes",
                  headers={"X-Remote-User": "root", "X-Remote-Group": "system:masters"}).ok()
    last = clusters[cluster].requests_of(operator.email)[-1]
    assert set(last["impersonatedUser"]["groups"]) == {"mk8s:users", "mk8s:role:operator", "system:authenticated"}
    assert last["user"]["username"] == "mk8s-agent"


def test_roles_by_the_command_line(admin, roles, tmp_path, make_user):
    listed = admin("roles", "list").ok().out
    for name in ("admin", "developer", "viewer", "operator"):
        assert name in listed
    assert "team-*" in admin("roles", "show", "team").ok().out
    path = tmp_path / "role.yaml"
    role = {"name": "changing", "clusters": [
        {"name": "*", "namespaces": ["*"], "verbs": ["list"], "resources": ["services"]}]}
    path.write_text(yaml.safe_dump({"roles": [role]}))
    admin("roles", "apply", "-f", path).ok()
    user = make_user("changing")
    user.kubectl("alpha", "get", "services", "-A").ok()
    assert user.kubectl("alpha", "get", "nodes").code == 1
    role["clusters"][0]["resources"] = ["nodes"]
    path.write_text(yaml.safe_dump({"roles": [role]}))
    admin("roles", "apply", "-f", path).ok()
    assert user.kubectl("alpha", "get", "services", "-A").code == 1, "the old role still holds"
    user.kubectl("alpha", "get", "nodes").ok()


def test_bad_roles_are_named(admin, roles, tmp_path):
    path = tmp_path / "role.yaml"
    path.write_text("roles:\n  - name: bad\n    clusters:\n      - {name: '*', verbz: ['get']}\n")
    refused = admin("roles", "apply", "-f", path)
    assert refused.code == 2 and "verbz" in refused.err and "line 4" in refused.err, refused
    assert "bad" not in [r["name"] for r in admin.rest("GET", "/roles").ok().json["roles"]]


def test_users_by_the_command_line(admin, roles, central):
    email = "by-command@example.com"
    created = admin("users", "create", email, "--role", "viewer").ok()
    shown = json.loads(admin("users", "list", "-o", "json").ok().out)
    assert [u["roles"] for u in shown["users"] if u["email"] == email] == [["viewer"]]
    admin("users", "set-roles", email, "operator").ok()
    assert "operator" in str([u for u in admin.rest("GET", "/users").ok().json["users"] if u["email"] == email])
    reset = admin("users", "reset-password", email).ok()
    password = reset.out.split()[-1]
    assert password not in created.out
    central.rest.login(email, password).ok()
    admin("users", "delete", email, "--yes").ok()
    assert central.rest.login(email, password).status == 401
