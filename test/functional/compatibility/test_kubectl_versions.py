"""Every command of kubectl, in every version, does and says through mk8s what it does and says straight at the cluster.

The default run takes the test bed's version, --full all that the machine has.  The table is in cases.py; what a run saw goes into
build/test/compatibility, from which tools/compatibility makes docs/compatibility.md.
"""

import re
import socket
import threading

import pytest
import yaml

from harness.cluster import kubectls
from harness.compatibility import Results
from harness.process import until

from . import objects
from .cases import CASES
from .runner import DIRECT, MK8S, PLAIN, SHARED, Runner, differences, settle

VERSIONS = {name: name.removeprefix("kubectl.") for name in kubectls() if name.startswith("kubectl.1.")}

CLIENTS = {MK8S: MK8S, PLAIN: f"kubectl with {PLAIN}"}  # as docs/compatibility.md calls the ways


def minor(version):
    return int(VERSIONS[version].split(".")[1]) if version in VERSIONS else 99


def parameters():
    """By version, so that one version's namespaces are done with before the next one's are made."""
    for version in ["testbed", *sorted(VERSIONS, key=minor)]:
        marks = [] if version == "testbed" else [pytest.mark.full]
        for case in CASES:
            for way in (MK8S, PLAIN):
                if case.since <= minor(version):
                    yield pytest.param(version, way, case, id=f"{version}-{way}-{case.name}", marks=marks)


@pytest.fixture(scope="module")
def echo_port():
    """Sends back all it got, once the other side has finished sending: needs half-close both ways."""
    def serve(connection):
        with connection:
            connection.sendall(b"".join(iter(lambda: connection.recv(65536), b"")))

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed below
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def cluster(clusters, echo_port):
    """alpha, with the namespace that all ways read."""
    alpha = clusters["alpha"]
    manifests = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHARED}}, objects.node(objects.NODE)]
    for manifest in objects.shared(echo_port):
        manifest["metadata"]["namespace"] = SHARED
        manifests.append(manifest)
    alpha.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all(manifests)).ok()
    settle(alpha, SHARED)
    logs = lambda name: alpha.kubectl("-n", SHARED, "logs", name).out
    until(lambda: "error" in logs("chatty") and "second" in logs("finished"), 30, "the pods' logs")
    yield alpha
    alpha.kubectl("delete", f"namespace/{SHARED}", f"node/{objects.NODE}", "--wait=false").ok()


@pytest.fixture(scope="module")
def ran(request, cluster, make_user, tmp_path_factory):
    """ran(version, case): what each way did.  All the selected cases of a version run at its first use."""
    selected = [item.callspec.params for item in request.session.items if item.fspath == request.fspath]
    user, runners, seen = make_user("admin"), {}, {}

    def of(version, case):
        if version not in runners:
            for runner in runners.values():
                runner.clean()
            runners.clear()
            runners[version] = Runner(version, cluster, user, tmp_path_factory.mktemp(version))
            cases = [c for c in CASES if any(p["version"] == version and p["case"] is c for p in selected)]
            seen[version] = {}
            seen[version] = runners[version].run(cases)
        assert case in seen[version], "the cases' objects could not be made: see the first of these tests"
        return seen[version][case]
    yield of
    for runner in runners.values():
        runner.clean()


@pytest.fixture(scope="module")
def results():
    """One file of results for each version; what a version lacks is in it from the start."""
    files = {}

    def of(version, shown):
        if version not in files:
            files[version] = Results(f"kubectl-{shown}")
            for operation in {case.operation for case in CASES if case.since > minor(version)}:
                for client in CLIENTS.values():
                    files[version].add(client, shown, operation, "absent", "This version has no such operation.")
        return files[version]
    return of


def judge(case, way, version, direct, mine):
    """The result for the table and its note; an AssertionError where mk8s is not as it must be."""
    for outcome in (direct, mine):
        if isinstance(outcome, Exception):
            raise outcome
    fails = next((why for first, last, why in case.broken if first <= minor(version) <= last), "")
    if not fails:
        wrong = [ended for ended, step in zip(direct, case.steps, strict=True) if ended.code != step.code]
        assert not wrong, f"it is not as the case says straight at the cluster either: {wrong}"
    for differs in case.differs:
        if differs.way in ("", way) and differs.since <= minor(version) <= differs.until:
            assert re.search(differs.pattern, mine[-1].out + mine[-1].err), mine
            return "differs", differs.why
    found = differences(case, direct, mine)
    assert not found, "\n\n".join(found)
    return ("absent", fails) if fails else ("same", "")


@pytest.mark.parametrize("version, way, case", parameters())
def test_kubectl(version, way, case, ran, results, cluster):
    outcome = ran(version, case)
    shown = VERSIONS.get(version) or cluster.own_version()
    line = (CLIENTS[way], shown, case.operation)
    try:
        result = judge(case, way, version, outcome[DIRECT], outcome[way])
    except BaseException:
        results(version, shown).add(*line, "failed")
        raise
    results(version, shown).add(*line, *result)
