"""Signing in and out: the session a user has, and what they are told without one."""

import hashlib
import json
import re
import ssl
import stat

import pytest

from harness.cli import Cli
from harness.http import Rest
from harness.process import until

NEEDS_LOGIN = 4


@pytest.fixture
def user(make_user):
    return make_user("viewer")


JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.")


def token_files(cli):
    files = [p for p in (cli.home / "mk8s").rglob("*") if p.is_file()]
    return [p for p in files if JWT.search(p.read_text(errors="replace"))]


def test_login_is_remembered(user):
    status = user("status").ok()
    assert user.email in status.out and user.central.url in status.out and "viewer" in status.out, status
    shown = json.loads(user("status", "-o", "json").ok().out)
    assert user.email in json.dumps(shown)


def test_tokens_lie_in_files_only_the_user_can_read(user):
    files = token_files(user)
    assert files and user.home / "mk8s/config.yaml" not in files
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_wrong_password_and_unknown_user_look_alike(make_user, central):
    user = make_user("viewer", login=False)
    wrong = central.rest.login(user.email, "not-the-password")
    unknown = central.rest.login("nobody@example.com", "not-the-password")
    assert wrong.status == unknown.status == 401
    without_id = [{k: v for k, v in a.json["error"].items() if k != "request_id"} for a in (wrong, unknown)]
    assert without_id[0] == without_id[1]
    refused = user.login(password="not-the-password")
    assert refused.code != 0 and "password" in refused.err, refused
    assert user("status").code != 0


def test_password_is_never_asked_without_a_terminal(make_user, central):
    user = make_user("viewer", login=False)
    asked = user("login", central.url, "--email", user.email, "--ca-file", central.ca_file, timeout=10)
    assert asked.code in (1, 2) and "--password-stdin" in asked.err, asked


def test_untrusted_certificate_shows_fingerprint_and_both_ways_to_trust(make_user, central):
    user = make_user("viewer", login=False)
    refused = user("login", central.url, "--email", user.email, "--password-stdin", stdin=user.password)
    assert refused.code == 1, refused
    host, port = central.url.removeprefix("https://").rsplit(":", 1)
    leaf = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))
    fingerprint = hashlib.sha256(leaf).hexdigest()
    assert fingerprint in refused.err.lower().replace(":", ""), refused
    assert "--ca-file" in refused.err and "--insecure-skip-tls-verify" in refused.err, refused


def test_untrusted_certificate_accepted_when_asked(make_user, central, namespace, agents):
    user = make_user("viewer", login=False)
    user("login", central.url, "--email", user.email, "--password-stdin", "--insecure-skip-tls-verify",
         stdin=user.password).ok()
    user("status").ok()
    user.kubectl("alpha", "get", "namespace", namespace).ok()


def test_no_session_exits_4_before_kubectl_starts(folder, central, tmp_path):
    stranger = Cli(tmp_path / "home", central)
    started = tmp_path / "started"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\ntouch {started}\n")
    kubectl.chmod(0o755)
    env = {"MK8S_CENTRAL_URL": central.url, "MK8S_CLUSTER": "alpha", "MK8S_KUBECTL": str(kubectl)}
    refused = stranger("kubectl", "get", "pods", env=env)
    assert refused.code == NEEDS_LOGIN and "mk8s login" in refused.err, refused
    assert not started.exists()
    assert stranger("status", env=env).code == NEEDS_LOGIN
    assert stranger("clusters", "list", env=env).code == NEEDS_LOGIN


def test_logout_ends_the_session(user, agents):
    token = user.rest.token
    user.kubectl("alpha", "get", "namespaces").ok()
    before = user.central.rest.as_bearer(token)
    assert before("GET", "/auth/me").status == 200
    user("logout").ok()
    assert user.kubectl("alpha", "get", "namespaces").code == NEEDS_LOGIN
    assert token_files(user) == []
    assert before("GET", "/auth/me").status == 200, "logout ended a session that is not its own"


def test_logged_out_token_is_refused(user):
    rest = user.rest
    assert rest("GET", "/auth/me").ok().json
    rest("POST", "/auth/logout").ok()
    refused = rest("GET", "/auth/me")
    assert refused.status == 401 and refused.json["error"]["request_id"], refused
    k8s = rest("GET", "/clusters/alpha/k8s/api/v1/namespaces")
    assert k8s.status == 401 and k8s.json["kind"] == "Status", k8s


def test_refresh_rotates(user):
    first = user.central.rest.login(user.email, user.password).ok().json
    refresh = lambda token: user.central.rest("POST", "/auth/refresh", {"refresh_token": token})
    second = refresh(first["refresh_token"]).ok().json
    assert set(second) >= {"token", "expires_at", "refresh_token", "refresh_expires_at"}
    assert user.central.rest.as_bearer(second["token"])("GET", "/auth/me").status == 200
    assert refresh(first["refresh_token"]).status == 401
    # The old one was used twice, so somebody else holds it: the whole family ends.
    assert refresh(second["refresh_token"]).status == 401
    assert user.central.rest.as_bearer(second["token"])("GET", "/auth/me").status == 401


def test_cli_refreshes_an_expired_token_by_itself(new_central, tmp_path):
    central = new_central(auth={"token_expiry": "2s"})
    central.create_user("short@example.com", "a-password-for-tests-1", "admin")
    central.start()
    cli = Cli(tmp_path / "home", central, "short@example.com", "a-password-for-tests-1")
    cli.login().ok()
    old = central.login(cli.email, cli.password)
    until(lambda: old("GET", "/auth/me").status == 401, 10, "the token expired")
    cli("clusters", "list").ok()


@pytest.mark.parametrize("bearer", ["", "x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbkBleGFtcGxlLmNvbSJ9."])
def test_bad_tokens_are_refused(central, bearer):
    for path in ("/auth/me", "/clusters", "/clusters/alpha/k8s/api", "/users", "/audit"):
        refused = central.rest("GET", path, headers={"Authorization": f"Bearer {bearer}"})
        assert refused.status == 401, (path, refused)
        assert refused.headers["X-Request-Id"], path


def test_token_in_the_query_is_not_accepted(user):
    token = user.rest.token
    for key in ("token", "access_token"):
        assert user.central.rest("GET", f"/auth/me?{key}={token}").status == 401


def test_token_from_the_environment(user, central, tmp_path, agents):
    machine = Cli(tmp_path / "ci", central)
    env = {"MK8S_CENTRAL_URL": central.url, "MK8S_CA_FILE": central.ca_file, "MK8S_TOKEN": user.rest.token,
           "MK8S_CLUSTER": "beta"}
    assert "beta" in machine("clusters", "list", env=env).ok().out
    machine("kubectl", "get", "namespaces", env=env).ok()


def test_change_of_password_ends_other_sessions(user):
    other, mine = user.rest, user.rest
    changed = mine("POST", "/auth/password", {"current_password": user.password, "new_password": "another-password-2"})
    changed.ok()
    assert mine("GET", "/auth/me").status == 200
    assert other("GET", "/auth/me").status == 401
    assert user.central.rest.login(user.email, user.password).status == 401
    user.central.rest.login(user.email, "another-password-2").ok()


def test_password_locked_after_failures(make_user, admin):
    user = make_user("viewer", login=False)
    for _ in range(5):
        assert user.central.rest.login(user.email, "wrong").status == 401
    assert user.central.rest.login(user.email, user.password).status in (401, 423, 429)
    admin("users", "unlock", user.email).ok()
    user.central.rest.login(user.email, user.password).ok()


def test_first_start_makes_a_one_time_password(new_central):
    central = new_central(dev=True).start()
    path = central.folder / "initial-admin-password"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    password = path.read_text().strip()
    assert len(password) >= 16
    log = central.process.text()
    assert password not in log and str(path) in log, log
    first = central.rest.login("admin@mk8s.local", password).ok().json
    rest = Rest(central.url, central.ca_file, first["token"])
    assert rest("GET", "/clusters").status == 403, "the one-time password must be changed first"
    rest("POST", "/auth/password", {"current_password": password, "new_password": "my-own-password-3"}).ok()
    assert central.login("admin@mk8s.local", "my-own-password-3")("GET", "/users").ok().json["users"]
