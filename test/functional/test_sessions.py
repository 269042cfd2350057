"""Open streams end with the right they were opened on: logout, a disabled user, a role taken away."""

import time

import pytest

from harness.cluster import kubectls
from harness.load import Follower
from harness.process import until

CUT_SECONDS_MAX = 5
both = pytest.mark.parametrize("cluster", ["alpha", "beta"])


@pytest.fixture
def streams(make_user, pod, namespace):
    """streams("alpha") -> (user, its open commands by name, each seen to be flowing)."""
    started, watches = [], []
    spdy = kubectls()["testbed-spdy"]

    def open_streams(cluster):
        user = make_user("operator")
        pod(cluster, "ticking", ["sh", "-c", "while echo tick; do sleep 0.1; done"])
        to_pod = ["--cluster", cluster, "-n", namespace]
        commands = {
            "logs -f": ["logs", "-f", "ticking"],
            "exec": ["exec", "-i", "ticking", "--", "sh", "-c", "echo in; exec cat"],
            "attach": ["attach", "ticking"],
            "port-forward": ["port-forward", "pod/ticking", ":80"],
            "watch": ["get", "pods", "-w", "--no-headers"],
        }
        running = {name: user.start("kubectl", *to_pod, *command) for name, command in commands.items()}
        for name in ("exec", "attach", "port-forward"):
            running[f"{name} over SPDY"] = user.start("kubectl", *to_pod, *commands[name], env=spdy)
        started.extend(running.values())
        for name, process in running.items():
            assert process.stdout.readline(), (name, process.stderr.read() if process.poll() else "")
        running["watch over HTTP/1.1"] = Watch(user.rest, cluster, namespace)
        watches.append(running["watch over HTTP/1.1"])
        return user, running
    yield open_streams
    for watch in watches:
        watch.follower.close()
    for process in started:  # not killed: mk8s passes the signal on to its kubectl and tidies up
        process.terminate()
    for process in started:
        process.wait(10)


class Watch:
    """What kubectl never does, for it speaks HTTP/2."""

    def __init__(self, rest, cluster, namespace):
        self.rest = rest
        self.follower = Follower(rest, f"/clusters/{cluster}/k8s/api/v1/namespaces/{namespace}/pods?watch=1")

    def poll(self):
        return self.follower.ended


def assert_cut(running):
    """port-forward's kubectl outlives its connection in some versions; it says "lost connection" then."""
    deadline = time.monotonic() + CUT_SECONDS_MAX
    for name, process in running.items():
        until(lambda process=process: process.poll() is not None, max(0.1, deadline - time.monotonic()), f"{name} cut")


@both
def test_disabled_user_is_cut_off(streams, admin, cluster):
    user, running = streams(cluster)
    admin("users", "disable", user.email).ok()
    assert_cut(running)
    refused = user.kubectl(cluster, "get", "pods")
    assert refused.code != 0, refused
    assert user.central.rest.login(user.email, user.password).status == 403
    admin("users", "enable", user.email).ok()
    user.login().ok()
    user.kubectl(cluster, "get", "pods").ok()


@both
def test_logout_cuts_its_streams(streams, cluster):
    user, running = streams(cluster)
    other = running.pop("watch over HTTP/1.1")  # on a session of its own
    user("logout").ok()
    assert_cut(running)
    assert other.poll() is None
    other.rest("POST", "/auth/logout").ok()
    assert_cut({"another session's watch": other})


@both
def test_role_taken_away_cuts_what_it_allowed(streams, admin, clusters, cluster, namespace):
    user, running = streams(cluster)
    admin("users", "set-roles", user.email, "viewer").ok()
    watch = running.pop("watch")  # which a viewer may, too; neither list nor get gives logs
    other = running.pop("watch over HTTP/1.1")
    assert_cut(running)
    assert watch.poll() is None and other.poll() is None
    clusters[cluster].kubectl("-n", namespace, "delete", "pod", "ticking", "--wait=false").ok()
    assert b"ticking" in watch.stdout.readline(), "the watch does not go on"


@both
def test_other_users_streams_go_on(streams, admin, cluster):
    one, cut = streams(cluster)
    other, kept = streams(cluster)
    admin("users", "disable", one.email).ok()
    assert_cut(cut)
    kept["exec"].stdin.write(b"still here\n")
    kept["exec"].stdin.flush()
    assert kept["exec"].stdout.readline() == b"still here\n"
    assert other.email != one.email


def test_sessions_are_listed_and_ended_one_by_one(make_user):
    user = make_user("viewer")
    one, two = user.rest, user.rest
    sessions = two("GET", "/auth/sessions").ok().json["sessions"]
    assert len(sessions) == 3  # and the one of `mk8s login`
    mine = two("GET", "/auth/me").ok().json
    assert mine["email"] == user.email if "email" in mine else mine["user"]["email"] == user.email
    current = [s["id"] for s in one("GET", "/auth/sessions").ok().json["sessions"] if s.get("current")]
    assert len(current) == 1
    two("DELETE", f"/auth/sessions/{current[0]}").ok()
    assert one("GET", "/auth/me").status == 401
    assert two("GET", "/auth/me").status == 200
