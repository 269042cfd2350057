"""Clients other than kubectl see and do through mk8s what they see and do straight at the cluster: each runs once with the
administrator's own kubeconfig and once with that of `mk8s kubeconfig`, and what they print is compared."""

import os
import re
import shutil
import subprocess

import pytest

from harness import cluster as testbed
from harness.compatibility import Results
from harness.process import BIN, ROOT, run

CLIENTS = ROOT / "test/clients"
SECONDS_MAX = 180  # of one run of a client, on a busy machine
DIRECT, THROUGH = "direct", "through mk8s"


@pytest.fixture(scope="module")
def results():
    return Results("clients")


@pytest.fixture
def ways(clusters, make_user, tmp_path):
    """The environment in which a client reaches cluster alpha, by way; what they cache is kept apart."""
    user, config = make_user("operator"), tmp_path / "kubeconfig"
    user("clusters", "use", "alpha").ok()
    config.write_text(user("kubeconfig").ok().out)
    (tmp_path / "home").mkdir()
    return {DIRECT: {"KUBECONFIG": str(clusters["alpha"].kubeconfig), "HOME": str(tmp_path / "home")},
            THROUGH: {**user.env, "KUBECONFIG": str(config), "PATH": f"{BIN}:{os.environ['PATH']}"}}


def pinned(file, pattern):
    return re.search(pattern, (CLIENTS / file).read_text())[1]


def prepared(client, runtime, request):
    """The command of a client that its language's registry serves; the first time that takes some seconds."""
    if not shutil.which(runtime):
        missing = f"{runtime} is not installed: scripts/install-deps.sh clients (scripts/test.sh --full does it)"
        (pytest.fail if request.config.getoption("--full") else pytest.skip)(missing)
    made = subprocess.run([CLIENTS / "build.sh", client], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return made.stdout.split()


def operations_of(printed):
    """What a client's program printed: by operation, whether it went well and what it saw."""
    return dict((name, (verdict, seen)) for name, verdict, seen in (line.split("\t") for line in printed.out.splitlines()))


def same(results, client, version, direct, through):
    """Every operation went well straight at the cluster, and looked the same through mk8s."""
    for operation in direct:
        results.add(client, version, operation, "same" if through.get(operation) == direct[operation] else "failed")
    assert direct and [seen for seen in direct.items() if seen[1][0] != "ok"] == []
    different = {o: f"\n  {DIRECT}: {direct.get(o)}\n  {THROUGH}: {through.get(o)}\n"
                 for o in {**direct, **through} if direct.get(o) != through.get(o)}
    assert not different, "\n".join(f"{operation}: {how}" for operation, how in different.items())


PROGRAMS = {  # client: its version, its folder and what it runs on; client-go is built with the test bed
    "client-go": (pinned("go/go.mod", r"k8s.io/client-go v([\d.]+)"), None, None),
    "Python": (pinned("python/requirements.txt", r"\nkubernetes==([\d.]+)"), "python", "/usr/bin/python3"),
    "JavaScript": (pinned("javascript/package.json", r'client-node": "([\d.]+)"'), "javascript", "node"),
    "Java fabric8": (pinned("java/pom.xml", r"<version>(\d[\d.]+)</version>\s*</dependency>"), "java", "mvn"),
}


@pytest.mark.parametrize("client", PROGRAMS)
def test_program(client, ways, results, pod, namespace, request):
    version, folder, runtime = PROGRAMS[client]
    command = prepared(folder, runtime, request) if folder else [testbed.testbed_bin() / "client-go"]
    pod("alpha", "box", command=["sh", "-c", "echo one; echo two; exec sleep 1000000"])
    seen = {way: operations_of(run([*command, namespace, "box"], env=env, timeout=SECONDS_MAX).ok())
            for way, env in ways.items()}
    same(results, client, version, seen[DIRECT], seen[THROUGH])


HELM = [  # a release's life; {chart} is ours
    ("list, nothing installed", ["list"]),
    ("install --dry-run=server", ["install", "small", "{chart}", "--dry-run=server"]),
    ("install --wait", ["install", "small", "{chart}", "--wait", "--timeout", "60s"]),
    ("install over a release", ["install", "small", "{chart}"]),
    ("list", ["list", "-o", "json"]),
    ("status", ["status", "small"]),
    ("get all", ["get", "all", "small"]),
    ("upgrade --wait", ["upgrade", "small", "{chart}", "--set", "greeting=goodbye,replicas=2", "--wait", "--timeout", "60s"]),
    ("get values", ["get", "values", "small", "--all"]),
    ("upgrade that is refused", ["upgrade", "small", "{chart}", "--set", "replicas=-1"]),
    ("history", ["history", "small", "-o", "json"]),
    ("rollback --wait", ["rollback", "small", "1", "--wait", "--timeout", "60s"]),
    ("test", ["test", "small", "--timeout", "60s"]),
    ("uninstall --wait", ["uninstall", "small", "--wait", "--timeout", "60s"]),
    ("status, nothing installed", ["status", "small"]),
]


def without_times(text):
    return re.sub(r'(LAST DEPLOYED: |Last Started: *|Last Completed: *|"updated": ?)[^\n,]*', r"\1TIME", text)


def test_helm(ways, results, clusters, namespace):
    """install, upgrade, rollback, test, uninstall, list, and what goes wrong in between."""
    seen = {}
    for way, env in ways.items():
        seen[way] = {}
        for operation, words in HELM:
            args = [word.format(chart=CLIENTS / "helm-chart") for word in words]
            done = run([testbed.testbed_bin() / "helm", "-n", namespace, *args], env=env, timeout=SECONDS_MAX)
            seen[way][operation] = done.code, without_times(done.out), without_times(done.err)
    version = pinned("go/go.mod", r"helm.sh/helm/v3 v([\d.]+)")
    for operation, _ in HELM:
        results.add("helm", version, operation, "same" if seen[THROUGH][operation] == seen[DIRECT][operation] else "failed")
    refused = {"install over a release", "upgrade that is refused", "status, nothing installed"}
    assert {operation for operation, (code, *_) in seen[DIRECT].items() if code} == refused, seen[DIRECT]
    assert '"status":"deployed"' in seen[DIRECT]["list"][1]
    for operation, _ in HELM:
        assert seen[THROUGH][operation] == seen[DIRECT][operation], operation
    assert clusters["alpha"].get("deployments,replicasets", "-n", namespace)["items"] == []
