"""The tunnel when its link or one of its ends goes bad: silent loss, a stopped process, a killed central, a ghost."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import ADMIN, PASSWORD
from harness.agent import Agent, register, wait_connected
from harness.central import Central
from harness.load import Follower, Load
from harness.process import until
from harness.relay import Relay

NOTICED_SECONDS_MAX = 50
BACK_SECONDS_MAX = 60
AT_ONCE_SECONDS_MAX = 2
NAMESPACE = "/api/v1/namespaces/default"
WATCH = "/api/v1/namespaces/default/configmaps?watch=1&allowWatchBookmarks=true"


def kube(name, path=NAMESPACE):
    return f"/clusters/{name}/k8s{path}"


def status_of(rest, name):
    return {c["name"]: c["status"] for c in rest("GET", "/clusters").ok().json["clusters"]}[name]


class Outage:
    """What was seen of one cluster while its agent could not be reached, and after."""

    def __init__(self, rest, name):
        self.rest, self.name = rest, name
        self.follower = Follower(rest, kube(name, WATCH))
        self.load = Load(rest, kube(name), threads=2)
        self.lost = self.noticed = self.healed = self.back = None
        self.seen = threading.Event()

    def begin(self, lose):
        lose()
        self.lost = time.monotonic()

    def wait_noticed(self):
        until(lambda: status_of(self.rest, self.name) != "connected", NOTICED_SECONDS_MAX, f"{self.name} disconnected")
        self.noticed = time.monotonic()

    def wait_back(self, heal):
        heal()
        self.healed = time.monotonic()
        until(lambda: self.rest("GET", kube(self.name)).status == 200, BACK_SECONDS_MAX, f"{self.name} serves again")
        self.back = time.monotonic()

    def end(self):
        self.load.stop()
        self.follower.close()
        during = [a for a in self.load.asked if a.at + a.seconds > self.lost and a.at < self.noticed]
        print(f"{self.name}: disconnected after {self.noticed - self.lost:.1f} s, slowest request of "
              f"{len(during)} meanwhile {max(a.seconds for a in during):.1f} s, the watch ended after "
              f"{(self.follower.ended or 0) - self.lost:.1f} s, back {self.back - self.healed:.1f} s after healing")
        return self


@pytest.fixture(scope="module")
def outages(tmp_path_factory, clusters):
    """Three clusters lose their agents at once, each in its own way, and get them back; seen once for all tests."""
    folder = tmp_path_factory.mktemp("outages")
    central = Central(folder / "central")
    central.create_user(ADMIN, PASSWORD, "admin")
    central.start()
    rest = central.login(ADMIN, PASSWORD)
    relays = {"swallowed": Relay(central.grpc), "held": Relay(central.grpc)}
    agents = {name: Agent(folder / name, central, clusters["alpha"], name, register(rest, name),
                          via=relays[name].address if name in relays else None).launch()
              for name in ("swallowed", "held", "stopped")}
    try:
        for name in agents:
            wait_connected(rest, name)
        ways = {
            "swallowed": (lambda: setattr(relays["swallowed"], "mode", "swallow"), relays["swallowed"].heal),
            "held": (lambda: setattr(relays["held"], "mode", "hold"), relays["held"].heal),
            "stopped": (lambda: agents["stopped"].process.send(signal.SIGSTOP),
                        lambda: agents["stopped"].process.send(signal.SIGCONT)),
        }
        seen = {name: Outage(rest, name) for name in agents}
        time.sleep(1)
        for name, outage in seen.items():
            outage.begin(ways[name][0])
        for outage in seen.values():
            outage.wait_noticed()
        time.sleep(3)  # of requests that must fail at once
        for name, outage in seen.items():
            outage.wait_back(ways[name][1])
        yield {name: outage.end() for name, outage in seen.items()}
    finally:
        for name, agent in agents.items():
            agent.process.send(signal.SIGCONT)
            agent.stop()
        for relay in relays.values():
            relay.close()
        central.stop()


def assert_outage(outage):
    assert outage.noticed - outage.lost <= NOTICED_SECONDS_MAX
    for asked in outage.load.asked:
        if asked.at + asked.seconds < outage.lost or asked.at > outage.back:
            assert asked.status == 200, asked
        else:
            assert asked.status in (200, 503), asked
            assert asked.seconds <= NOTICED_SECONDS_MAX, asked
    # Since it is known: at once, with the reason.
    known = [a for a in outage.load.since(outage.noticed) if a.at + a.seconds < outage.healed]
    assert len(known) > 5 and all(a.status == 503 and a.seconds < AT_ONCE_SECONDS_MAX for a in known), known
    assert f'\\"{outage.name}\\" is offline since' in known[-1].body, known[-1]
    assert outage.follower.ended and outage.follower.ended - outage.lost <= NOTICED_SECONDS_MAX
    assert outage.back - outage.healed <= BACK_SECONDS_MAX


@pytest.mark.parametrize("way", ["swallowed", "held"])
def test_agents_packets_silently_dropped(outages, way):
    assert_outage(outages[way])


def test_agent_sigstopped(outages):
    assert_outage(outages["stopped"])


def test_agent_offline_is_503_at_once_with_the_reason(own):
    register(own.rest, "lab")
    pods = "/api/v1/namespaces/default/pods"
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "v5.channel.k8s.io"}
    spdy = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": "v4.channel.k8s.io"}
    for method, path, headers, body in (
            ("GET", pods, {}, None), ("GET", f"{pods}?watch=1", {}, None), ("GET", f"{pods}/p/log?follow=true", {}, None),
            ("POST", pods, {}, {"kind": "Pod"}), ("DELETE", f"{pods}/p", {}, None),
            ("GET", f"{pods}/p/exec?command=id&stdout=true", upgrade, None),
            ("POST", f"{pods}/p/exec?command=id&stdout=true", spdy, None),
            ("POST", f"{pods}/p/portforward", spdy, None), ("GET", "/api", {}, None)):
        started = time.monotonic()
        answer = own.rest(method, kube("lab", path), body, headers)
        assert time.monotonic() - started < AT_ONCE_SECONDS_MAX, (method, path)
        assert answer.status == 503 and answer.json["kind"] == "Status", (method, path, answer)
        assert 'cluster "lab" is offline' in answer.json["message"], answer


@pytest.fixture
def loaded(own, new_agent):
    """loaded(...) -> its central's REST, with two agents connected and both asked without a pause."""
    loads = []

    def start(via=None):
        rest = own.rest
        for name, cluster in (("one", "alpha"), ("two", "beta")):
            new_agent(own.central, cluster, name, register(rest, name), via=via)
            wait_connected(rest, name)
        loads.extend(Load(rest, kube(name), threads=4, pause=0.01) for name in ("one", "two"))
        until(lambda: all(len(load.asked) > 20 for load in loads), 20, "load")
        return rest, loads
    yield start
    for load in loads:
        load.stopped.set()


def assert_back_and_none_hung(rest, loads, broke, seconds_max):
    for load in loads:
        until(lambda load=load: [a for a in load.since(broke) if a.status == 200], BACK_SECONDS_MAX,
              f"{load.path} is served again")
    print(f"served again {time.monotonic() - broke:.1f} s after the break")
    for load in loads:
        for asked in load.stop():
            assert asked.status in (0, 200, 503), asked
            assert asked.seconds < seconds_max, asked
            assert asked.status != 503 or '"kind":"Status"' in asked.body, asked
        assert load.asked[-1].status == 200, load.asked[-1]


def test_central_killed_under_load_and_started_again(own, loaded):
    rest, loads = loaded()
    followers = [Follower(rest, kube(name, WATCH)) for name in ("one", "two")]
    own.central.stop(number=signal.SIGKILL)
    broke = time.monotonic()
    own.central.start()
    until(lambda: all(f.ended for f in followers), 10, "watches end with the central that served them")
    assert_back_and_none_hung(rest, loads, broke, seconds_max=10)


def test_agents_reconnecting_under_load(own, loaded):
    """Their links are reset again and again: what was in flight fails cleanly, nothing hangs, all come back."""
    with Relay(own.central.grpc) as relay:
        rest, loads = loaded(via=relay.address)
        for _ in range(3):
            time.sleep(1.5)
            relay.reset()
        broke = time.monotonic()
        assert_back_and_none_hung(rest, loads, broke, seconds_max=10)
        failed = [a for load in loads for a in load.asked if a.status != 200]
        assert failed, "no request was under way when the links broke"
        assert {a.status for a in failed} <= {503, 0}, failed  # 0: its answer had begun


@pytest.mark.full
def test_central_sigstopped_under_load(own, loaded):
    """The agents leave a central that does not answer, and come back to it by themselves."""
    rest, loads = loaded()
    own.central.process.send(signal.SIGSTOP)
    time.sleep(NOTICED_SECONDS_MAX)
    broke = time.monotonic()
    own.central.process.send(signal.SIGCONT)
    assert_back_and_none_hung(rest, loads, broke, seconds_max=NOTICED_SECONDS_MAX + BACK_SECONDS_MAX)


@pytest.mark.full
def test_a_slow_link_full_of_data_is_not_taken_for_a_dead_one(own, new_agent, pod, namespace):
    """PINGs and their answers queue behind megabytes for longer than their deadline."""
    with Relay(own.central.grpc) as relay:
        rest = own.rest
        new_agent(own.central, "alpha", "lab", register(rest, "lab"), via=relay.address)
        pod("alpha", "floods", ["sh", "-c", "head -c 30000000 /dev/zero | tr '\\0' x | fold -w 500; exec sleep 600"])
        logs = f"/api/v1/namespaces/{namespace}/pods/floods/log?follow=true"
        until(lambda: len(rest("GET", kube("lab", logs.replace("follow=true", "limitBytes=9000000"))).body) > 8e6, 20, "logs")
        relay.bytes_per_second = 100_000
        started = time.monotonic()
        with ThreadPoolExecutor(12) as together:  # their windows are 6 MiB: 30 s of queue on each of two tunnels
            followers = list(together.map(lambda _: Follower(rest, kube("lab", logs)), range(12)))
        while time.monotonic() - started < 75 and not any(f.ended for f in followers):
            time.sleep(1)
        print(f"12 followers got {[f.received_bytes for f in followers]} bytes over a link of 100 kB/s")
        assert not any(f.ended for f in followers), "cut while bytes flowed"
        assert all(f.received_bytes for f in followers)
        for follower in followers:
            follower.close()


class Twins:
    """Two agents that run for one cluster with one token; the second is the newer."""

    def __init__(self, own, new_agent):
        self.rest, self.central = own.rest, own.central
        token = register(self.rest, "lab")
        self.ghost = new_agent(own.central, "alpha", "lab", token)
        wait_connected(self.rest, "lab")
        self.owner = new_agent(own.central, "beta", "lab", token)
        until(lambda: "stands by" in self.ghost.process.text() or "is the agent running twice" in self.ghost.process.text(),
              20, lambda: f"the ghost hears that it is fenced: {self.ghost.process.text()}")

    def serves(self, clusters, name):
        """Whether a request now reaches this real cluster."""
        before = len(clusters[name].requests_of(ADMIN))
        return self.rest("GET", kube("lab")).status == 200 and len(clusters[name].requests_of(ADMIN)) > before

    def events(self):
        found = self.rest("GET", "/audit?cluster=lab&limit=200").ok().json["events"]
        return [e["command"] for e in found if e["command"].startswith("agent ") and e["status"] != "denied"]


def test_same_cluster_connected_twice(own, new_agent, clusters):
    """One owner by epoch; the ghost is fenced, and both are in the audit log."""
    twins = Twins(own, new_agent)
    until(lambda: twins.serves(clusters, "beta"), 10, "the newer one serves")
    assert not twins.ghost.process.text().count("newer agent serves"), twins.ghost.process.text()
    until(lambda: sorted(twins.events()) == ["agent fence", "agent register", "agent register"], 10, twins.events)
    assert status_of(twins.rest, "lab") == "connected"


@pytest.mark.full
def test_a_ghost_stands_by_until_the_owner_has_gone(own, new_agent, clusters):
    twins = Twins(own, new_agent)
    until(lambda: "stands by" in twins.ghost.process.text(), BACK_SECONDS_MAX, "it tries again, and is told to stand by")
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline:
        assert twins.serves(clusters, "beta")
        time.sleep(1)
    assert sorted(twins.events()) == ["agent fence", "agent register", "agent register"], twins.events()
    twins.owner.stop()
    started = time.monotonic()
    until(lambda: twins.serves(clusters, "alpha"), BACK_SECONDS_MAX, "the one that stood by takes over", pause=1)
    print(f"it took over {time.monotonic() - started:.1f} s after the owner had gone")
