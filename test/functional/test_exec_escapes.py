"""What a command beside the agent cannot reach: each way out that is known of kubectl, and each wall of the sandbox.

Where kubectl has no words for it, probes/escape.c stands in its place and tries.  Three agents: one as the tests run (as root: level
full), one without any right (level user), one that may make no namespaces either (level landlock), as in a locked-down container.
"""

import base64
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
import yaml

from harness.agent import Agent, register, wait_connected
from harness.exec import Events, exec_remote, processes_below
from harness.process import until

CANARY = "canary-that-no-command-may-see"
NO_RIGHTS = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
NO_NAMESPACES = ["unshare", "--user", "--map-root-user", "sh", "-c", "echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv "
                 '--bounding-set=-all --inh-caps=-all "$@"', "sh"]
LEVELS = {"full": [], "user": NO_RIGHTS, "landlock": NO_NAMESPACES}
LANDLOCK_VERSION = ctypes.CDLL(None).syscall(444, None, 0, 1)  # landlock_create_ruleset; below 1 where there is none
every_level = pytest.mark.parametrize("level", LEVELS, ids=[f"level-{level}" for level in LEVELS])


@pytest.fixture(scope="module")
def place():
    """A folder that an agent without rights can read too: the probe, and a file of the host."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="mk8s-escapes-"))
    path.chmod(0o755)
    subprocess.run(["gcc", "-static", "-pthread", "-O1", "-o", path / "probe", pathlib.Path(__file__).parent / "probes/escape.c"],
                   check=True)
    (path / "host-file").write_text(CANARY)
    yield path
    shutil.rmtree(path)


# Each use of .rest is a login, and a user has only so many sessions: one for all tests here.
@pytest.fixture(scope="module")
def rest(admin):
    """The administrator's."""
    return admin.rest


@pytest.fixture(scope="module")
def users_rest(operator):
    return operator.rest


@pytest.fixture(scope="module")
def confined(place, clusters, central, rest):
    """confined("user") -> name and agent of a cluster whose commands run the probe at that level."""
    made = {}

    def make(level):
        if level in made:
            return made[level]
        if level == "landlock" and LANDLOCK_VERSION < 1:
            pytest.skip("this kernel has no Landlock")
        name = f"confined-{level}"
        agent = Agent(place / name, central, clusters["alpha"], name, register(rest, name))
        for source, copy in ((clusters["alpha"].agent_kubeconfig, "kubeconfig"), (central.ca_file, "ca.pem")):
            shutil.copy(source, agent.folder / copy)
            (agent.folder / copy).chmod(0o644)
        agent.config["kubernetes"]["kubeconfig"] = str(agent.folder / "kubeconfig")
        agent.config["tls"]["ca_file"] = str(agent.folder / "ca.pem")
        agent.config["agent"]["kubectl_path"] = str(place / "probe")
        agent.config_file.write_text(yaml.safe_dump(agent.config))
        agent.folder.chmod(0o777)
        agent.before, agent.env = LEVELS[level], {"CANARY": CANARY}
        agent.start()
        made[level] = (name, agent)
        wait_connected(rest, name)
        return made[level]
    yield make
    for name, agent in made.values():
        agent.stop()
        rest("DELETE", f"/clusters/{name}").ok()  # other tests list the clusters there are


@pytest.fixture
def attempt(confined, rest):
    """attempt("full", "mount") -> what the probe said."""
    def run(level, *words):
        name, _ = confined(level)
        answer = exec_remote(rest, name, "get", *words).ok().json
        assert answer["exit_code"] == 0, answer
        return answer["output"].strip()
    return run


def level_of(rest, name):
    return next(c["metadata"]["sandbox"] for c in rest("GET", "/clusters").ok().json["clusters"] if c["name"] == name)


@every_level
def test_the_level_is_shown(confined, admin, rest, level):
    assert level_of(rest, confined(level)[0]) == level
    assert level in admin("clusters", "list", "-o", "wide").ok().out


@every_level
def test_reads_no_file_of_the_host(attempt, confined, place, level):
    _, agent = confined(level)
    pid = agent.process.process.pid
    for path in (place / "host-file", agent.config_file, "/etc/passwd", "/etc/shadow",
                 "/var/run/secrets/kubernetes.io/serviceaccount/token", f"/proc/{pid}/environ", "/proc/1/environ",
                 "/proc/self/environ", f"/proc/{pid}/root/etc/passwd", "/dev/mem"):
        assert attempt(level, "read", path).startswith("refused: "), path
    for path in ("/etc", "/root", "/home", "/proc", place):
        assert attempt(level, "list", path).startswith("refused: "), path


@every_level
def test_connects_to_its_listener_alone(attempt, central, clusters, level):
    if level == "landlock" and LANDLOCK_VERSION < 4:
        pytest.skip("this kernel's Landlock knows no network")
    ports = {int(url.rsplit(":", 1)[1].strip("/")) for url in (central.rest.url, central.grpc, clusters["alpha"].api)}
    for host, port in [*(("127.0.0.1", port) for port in ports), ("169.254.169.254", 80), ("10.0.0.1", 443), ("127.0.0.53", 53)]:
        assert attempt(level, "connect", host, port).startswith("refused: "), (host, port)


@every_level
def test_touches_no_other_process(attempt, confined, level):
    pid = str(confined(level)[1].process.process.pid)
    for what in ("signal", "trace", "peek"):
        for target in (pid, "1"):
            assert attempt(level, what, target).startswith("refused: "), (what, target)


@every_level
@pytest.mark.parametrize("what", ["mount", "unshare", "chroot", "setuid", "fork", "session", "listen", "unix", "netlink", "packet", "raw",
                                  "memory-file", "bpf", "keys", "execute /bin/sh", "execute /usr/bin/su", "execute /kubectl"])
def test_is_refused_by_the_kernel(attempt, level, what):
    if what == "setuid" and level == "landlock":
        pytest.skip("as root of its own user namespace it is that uid already")
    assert attempt(level, *what.split()).startswith("refused: ")


@every_level
def test_has_nothing_of_the_agents(attempt, level):
    said = attempt(level, "self")
    assert CANARY not in said and "PATH=\n" in said and "no_new_privs 1 seccomp 2" in said, said
    assert "KUBERNETES_SERVICE_HOST" not in said
    if level == "full":
        uid = int(said.split("uid ")[1].split()[0])
        assert uid >= 2_000_000_000


@every_level
def test_is_bounded(attempt, level):
    assert int(attempt(level, "memory")) <= 1024
    assert int(attempt(level, "disk")) <= 64
    assert int(attempt(level, "descriptors")) <= 256
    if level == "full":
        assert int(attempt(level, "threads")) <= 128


def test_a_flood_of_output_ends_at_its_bound(confined, rest):
    name, agent = confined("full")
    assert exec_remote(rest, name, "get", "flood").status == 413
    until(lambda: not processes_below(agent, "flood"), 10, "the command is gone")


@pytest.mark.parametrize("how", ["cancelled", "central-killed"])
def test_ends_with_its_caller_and_with_the_tunnel(own, new_agent, place, how):
    owners_rest = own.rest
    agent = new_agent(own.central, "alpha", "gone", register(owners_rest, "gone"), start=False)
    agent.stop()
    agent.config["agent"]["kubectl_path"] = str(place / "probe")
    agent.config_file.write_text(yaml.safe_dump(agent.config))
    agent.start()
    wait_connected(owners_rest, "gone")
    events = Events(owners_rest, "gone", "get", "sleep")
    events.text_until("sleeping\n")
    assert processes_below(agent, "sleep")
    events.close() if how == "cancelled" else own.central.process.send(9)
    until(lambda: not processes_below(agent, "sleep"), 10, "the command is gone")


REFUSED = [
    ["--kubeconfig=/dev/stdin", "get", "pods"], ["get", "pods", "--kubeconfig", "/dev/null"], ["get", "pods", "-shttps://127.0.0.1:1"],
    ["get", "pods", "--token=x"], ["get", "pods", "--as=system:admin"], ["get", "pods", "--as-group=system:masters"],
    ["get", "pods", "--context=x"], ["get", "pods", "--user=x"], ["get", "pods", "--cluster=x"], ["get", "pods", "--kuberc=x"],
    ["get", "pods", "--profile=cpu", "--profile-output=/tmp/x"], ["apply", "-f", "http://127.0.0.1/x"], ["apply", "-k", "github.com/x/y"],
    ["krew", "install", "x"], ["proxy"], ["port-forward", "pod/x", "80"], ["edit", "cm", "x"], ["config", "view", "--raw"],
    ["diff", "-f", "x"], ["cp", "a", "b:/c"], ["create", "configmap", "x", "--from-file=/etc/passwd", "--dry-run=client", "-o", "yaml"],
    ["get", "pods", "-o", "go-template-file=/etc/passwd"], ["get", "pods", "-o", "jsonpath-file=../x"],
]


@pytest.mark.parametrize("command", REFUSED, ids=" ".join)
def test_arguments_that_reach_out_are_refused(operator, users_rest, rest, command):
    answer = exec_remote(users_rest, "alpha", *command)
    assert answer.status == 400 and "mk8s kubectl" in answer.json["error"]["message"], answer
    events = f"/audit?user={operator.email}&verb=exec-remote&limit=5"
    event = until(lambda: next((e for e in rest("GET", events).json["events"] if e["id"] == answer.headers["X-Request-Id"]), None),
                  10, "the refusal is in the audit log")
    assert event["status"] == "denied" and "refused beside the agent" in event["reason"], event


@pytest.mark.parametrize("text", [
    "configMapGenerator: [{name: x, files: [%s]}]", "configMapGenerator: [{name: x, envs: [%s]}]", "resources: [%s]",
    "resources: ['http://127.0.0.1:1/%s']", "resources: ['https://github.com/kubernetes-sigs/kustomize?ref=master']"])
def test_a_kustomization_reads_nothing_of_the_host(users_rest, place, agents, text):
    text = text.replace("%s", str(place / "host-file").lstrip("/") if "://" in text else str(place / "host-file"))
    files = [{"path": "k/kustomization.yaml", "content_base64": base64.b64encode(text.encode()).decode()}]
    answer = exec_remote(users_rest, "alpha", "kustomize", "k", "--load-restrictor=LoadRestrictionsNone", files=files).ok().json
    assert answer["exit_code"] == 1 and CANARY not in json.dumps(answer), answer


def test_raw_paths_are_decided_as_any(reader, clusters, namespace):
    clusters["alpha"].kubectl("-n", namespace, "create", "secret", "generic", "s", f"--from-literal=value={CANARY}").ok()
    path = f"/api/v1/namespaces/{namespace}/"
    readers_rest = reader.rest
    for raw in (path + "secrets/s", path + "%73ecrets/s", path + "configmaps/../secrets/s", path + "./secrets//s", "/" + path + "secrets/s",
                path + "pods/%2e%2e/secrets/s", path + "secrets/s?x=/api/v1/pods", "/clusters", "/users", "/metrics", "//169.254.169.254/",
                "http://127.0.0.1:1/x", "https://example.com/"):
        answer = exec_remote(readers_rest, "alpha", "get", "--raw", raw).ok().json
        assert answer["exit_code"] == 1 and CANARY not in answer["output"], (raw, answer)
        assert base64.b64encode(CANARY.encode()).decode() not in answer["output"], raw


@pytest.mark.parametrize("commands", [50, pytest.param(1000, marks=pytest.mark.full)])
def test_many_commands_leave_nothing(users_rest, agents, commands):
    agent = agents["alpha"]
    pid = agent.process.process.pid

    def left():
        mounts = [line for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines() if "scratch" in line]
        folders = [p for p in os.listdir(tempfile.gettempdir()) if p.startswith("mk8s-command-")]
        return {*processes_below(agent), *mounts, *folders}

    def one():
        assert exec_remote(users_rest, "alpha", "get", "--raw", "/api/v1/namespaces/default").ok().json["exit_code"] == 0
    for _ in range(5):
        one()
    before, descriptors = left(), agent.process.descriptors
    for _ in range(commands):
        one()
    until(lambda: left() <= before, 20, lambda: left() - before)
    # Some kept connections may come and go; one descriptor a command would be far above.
    until(lambda: agent.process.descriptors <= descriptors + 10, 20, lambda: (descriptors, agent.process.descriptors))
