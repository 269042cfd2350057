"""The world the functional tests share: two real clusters, one mk8s-central, an mk8s-agent each, users by role.

Tests keep apart by namespaces (fixture `namespace`) and by users (fixture `make_user`); a test that stops or breaks
central or an agent starts its own (fixtures `new_central`, `new_agent`).
"""

import itertools
import pathlib

import pytest
import yaml

from harness.agent import Agent, register, wait_connected
from harness.central import Central, DevCentral
from harness.cli import Cli
from harness.cluster import Cluster
from harness.hazard import World
from harness.process import BIN, Process

ADMIN, PASSWORD = "admin@example.com", "a-password-for-tests-1"
numbers = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="also the tests that take minutes")


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes minutes; only with --full")
    for program in ("mk8s", "mk8s-central", "mk8s-agent"):
        if not (BIN / program).exists():
            raise pytest.UsageError(f"{BIN / program} is not built: run make")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--full"):
        skip = pytest.mark.skip(reason="only with --full")
        for item in items:
            if "full" in item.keywords:
                item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what central and the agents logged during the test; fixtures find the outcome in `item.outcome`."""
    report = (yield).get_result()
    item.outcome = report.outcome
    if report.when == "setup":
        item.log_marks = {id(p): p.log.stat().st_size for p in Process.all if p.log.exists()}
    if report.failed:
        marks = getattr(item, "log_marks", {})
        for process in Process.all:
            if process.name.startswith("mk8s") and process.log.exists():
                with process.log.open(errors="replace") as log:
                    log.seek(marks.get(id(process), 0))
                    new = log.read()
                if new:
                    report.sections.append((f"log of {process.name} ({process.log})", new[-5000:]))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="session")
def clusters(folder):
    """Two real clusters by name; started side by side."""
    both = {name: Cluster(name, folder / name) for name in ("alpha", "beta")}
    for cluster in both.values():
        cluster.wait()
    yield both
    for cluster in both.values():
        cluster.stop()


@pytest.fixture(scope="session")
def central(folder):
    """The shared central, with both clusters known and the roles of roles.yaml; no test may stop it."""
    it = Central(folder / "central")
    it.create_user(ADMIN, PASSWORD, "admin")
    it.start()
    yield it
    assert it.stop() == 0


@pytest.fixture(scope="session")
def admin(folder, central):
    """The administrator, logged in."""
    cli = Cli(folder / "home-admin", central, ADMIN, PASSWORD)
    cli.login().ok()
    return cli


@pytest.fixture(scope="session")
def agents(folder, clusters, central, admin):
    """One agent per cluster, connected; no test may stop them."""
    rest = admin.rest
    both = {name: Agent(folder / f"agent-{name}", central, cluster, name, register(rest, name))
            for name, cluster in clusters.items()}
    for agent in both.values():
        agent.launch()
    for name, agent in both.items():
        agent.process.wait_for(agent.ready_file, 30)
        wait_connected(rest, name)
    yield both
    for agent in both.values():
        assert agent.stop() == 0


@pytest.fixture(scope="session")
def roles(agents, admin):
    """The roles of roles.yaml, applied as an administrator does."""
    admin("roles", "apply", "-f", pathlib.Path(__file__).parent / "roles.yaml").ok()


@pytest.fixture(scope="session")
def make_user(folder, central, roles, admin):
    """make_user("role", ...) -> a Cli logged in as a new user with those roles."""
    rest = admin.rest

    def make(*names, login=True):
        number = next(numbers)
        email = f"user{number}@example.com"
        rest("POST", "/users", {"email": email, "password": PASSWORD, "roles": list(names)}).ok()
        cli = Cli(folder / f"home-{number}", central, email, PASSWORD)
        if login:
            cli.login().ok()
        return cli
    return make


@pytest.fixture(scope="session")
def operator(make_user):
    """May do everything in every namespace of both clusters, but not administer mk8s."""
    return make_user("operator")


@pytest.fixture(scope="session")
def reader(make_user):
    """The built-in viewer."""
    return make_user("viewer")


@pytest.fixture(scope="session")
def hazard(folder):
    """A central and an agent of the hazards' own, in front of a server that records what reaches the cluster."""
    world = World(folder / "hazard")
    yield world
    world.stop()


@pytest.fixture(scope="session")
def team_namespaces(clusters):
    """Two namespaces of the role `team`, each with one pod, and one that is not."""
    names = ("team-red", "team-blue", "others")
    for cluster in clusters.values():
        for name in names:
            cluster.kubectl("create", "namespace", name).ok()
            cluster.kubectl("run", f"pod-in-{name}", "-n", name, "--image=example.test/none", "--restart=Never").ok()
        for name in names:
            cluster.kubectl("wait", "-n", name, f"pod/pod-in-{name}", "--for=condition=Ready", "--timeout=30s").ok()
    return names


@pytest.fixture
def namespace(clusters):
    """A namespace of this test's own in both clusters."""
    name = f"test-{next(numbers)}"
    for cluster in clusters.values():
        cluster.kubectl("create", "namespace", name).ok()
    yield name
    for cluster in clusters.values():
        cluster.kubectl("delete", "namespace", name, "--wait=false").ok()


@pytest.fixture
def pod(clusters, namespace):
    """pod("alpha", "web", command=[...]) -> makes a Running pod there, straight in the cluster."""
    def make(cluster, name, command=None, annotations=None):
        spec = {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace, "labels": {"app": name},
                             "annotations": annotations or {}},
                "spec": {"containers": [{"name": "main", "image": "example.test/none",
                                         **({"command": command} if command else {})}]}}
        clusters[cluster].kubectl("apply", "-f", "-", stdin=yaml.safe_dump(spec)).ok()
        clusters[cluster].kubectl("wait", "-n", namespace, f"pod/{name}", "--for=condition=Ready",
                                  "--timeout=30s").ok()
        return name
    return make


@pytest.fixture
def new_central(tmp_path):
    """new_central() -> a central of this test's own, not started; dev=True for one started with --dev."""
    made = []

    def make(dev=False, **changes):
        kind = DevCentral if dev else Central
        made.append(kind(tmp_path / f"central-{len(made)}", **changes))
        return made[-1]
    yield make
    for central in made:
        if central.process:
            central.stop()


@pytest.fixture
def own(new_central, tmp_path):
    """A central of this test's own, with one administrator logged in."""
    central = new_central()
    central.create_user(ADMIN, PASSWORD, "admin")
    central.start()
    cli = Cli(tmp_path / "home", central, ADMIN, PASSWORD)
    cli.login().ok()
    return cli


@pytest.fixture
def new_agent(tmp_path, clusters):
    """new_agent(central, cluster, name, token) -> an agent of this test's own, started."""
    made = []

    def make(central, cluster, name, token, start=True, via=None):
        made.append(Agent(tmp_path / f"agent-{len(made)}", central, clusters[cluster], name, token, via))
        return made[-1].start() if start else made[-1].launch()
    yield make
    for agent in made:
        agent.stop()
