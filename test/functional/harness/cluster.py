"""A real Kubernetes cluster of the test bed, and plain kubectl on it: what mk8s is compared with."""

import json
import pathlib
import shutil
import subprocess

import pytest

from .process import ROOT, Process, run

TESTBED = ROOT / "test/testbed"


def testbed_bin():
    shown = subprocess.run([TESTBED / "build.sh", "--print"], capture_output=True, text=True, check=True)
    path = pathlib.Path(shown.stdout.strip())
    assert path.is_dir(), "the test bed is not built: run test/testbed/build.sh (scripts/test.sh does)"
    return path


def kubectls():
    """The kubectls to hold mk8s to, by name, each with its environment: the test bed's own (once as it is, once
    with the SPDY streams of older versions), and those of other versions that the machine has."""
    own = {"MK8S_KUBECTL": str(testbed_bin() / "kubectl")}
    found = {"testbed": own, "testbed-spdy": {**own, "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false",
                                              "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}}
    gcloud = shutil.which("gcloud")  # its kubectl is a choice among several versions that lie beside it
    beside = [pathlib.Path(gcloud).resolve().parent] if gcloud else []
    old = subprocess.run([TESTBED / "old-kubectl.sh", "--print"], capture_output=True, text=True, check=True)
    for folder in [pathlib.Path(old.stdout.strip()).parent, pathlib.Path("/usr/bin"), *beside]:
        for path in sorted(folder.glob("kubectl.1.*")) or sorted(folder.glob("kubectl")):
            found.setdefault(path.name, {"MK8S_KUBECTL": str(path)})
    return found


def every_kubectl():
    """Parameters for tests that hold for every kubectl: the test bed's and the oldest always, all with --full."""
    names = sorted(kubectls())
    always = [n for n in names if n.startswith("testbed")] + [n for n in names if n.startswith("kubectl.1.")][:1]
    return pytest.mark.parametrize(
        "version", [n if n in always else pytest.param(n, marks=pytest.mark.full) for n in names])


class Cluster:
    def __init__(self, name, folder, env=None):
        self.name, self.folder = name, pathlib.Path(folder)
        self.kubeconfig, self.agent_kubeconfig = self.folder / "kubeconfig", self.folder / "agent.kubeconfig"
        self.process = Process(f"cluster {name}", [TESTBED / "cluster.sh", "run", folder, name],
                               self.folder / "cluster.log", env=env, death_signal="TERM")

    def wait(self):
        self.api = self.process.wait_for(self.folder / "ready", 120).strip()

    def kubectl(self, *args, **more):
        """Plain kubectl, straight to the cluster as its administrator."""
        return run([testbed_bin() / "kubectl", "--kubeconfig", self.kubeconfig, *args], **more)

    def own_version(self):
        """Of the test bed's kubectl, which is built from the cluster's own sources: "1.36"."""
        client = json.loads(self.kubectl("version", "-o", "json").ok().out)["clientVersion"]
        return f"{client['major']}.{client['minor']}"

    def get(self, *args):
        return json.loads(self.kubectl("get", *args, "-o", "json").ok().out)

    def audit_of(self, **fields):
        """Entries of the cluster's own audit log with these top-level fields, e.g. auditID, verb."""
        with (self.folder / "audit.log").open() as log:
            entries = [json.loads(line) for line in log if line.endswith("\n")]
        return [e for e in entries if all(e.get(k) == v for k, v in fields.items())]

    def requests_of(self, email):
        """What the cluster has seen from this mk8s user."""
        with (self.folder / "audit.log").open() as log:
            entries = [json.loads(line) for line in log if line.endswith("\n")]
        return [e for e in entries if e.get("impersonatedUser", {}).get("username") == email]

    def stop(self):
        self.process.stop(seconds=30)
