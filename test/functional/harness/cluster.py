"""A real Kubernetes cluster of the test bed, and plain kubectl on it: what mk8s is compared with."""

import json
import os
import pathlib
import subprocess

from .process import ROOT, Process, run

TESTBED = ROOT / "test/testbed"


def testbed_bin():
    shown = subprocess.run([TESTBED / "build.sh", "--print"], capture_output=True, text=True, check=True)
    path = pathlib.Path(shown.stdout.strip())
    assert path.is_dir(), "the test bed is not built: run test/testbed/build.sh (scripts/test.sh does)"
    return path


def kubectls():
    """The kubectls to hold mk8s to: the test bed's own, and those of other versions that the machine has."""
    found = {"testbed": testbed_bin() / "kubectl"}
    for folder in ["/usr/bin", *os.environ.get("PATH", "").split(":")]:
        for path in sorted(pathlib.Path(folder).glob("kubectl*")):
            if path.name == "kubectl" or path.name.startswith("kubectl.1."):
                found.setdefault(path.name, path)
    return found


class Cluster:
    def __init__(self, name, folder):
        self.name, self.folder = name, pathlib.Path(folder)
        self.kubeconfig, self.agent_kubeconfig = self.folder / "kubeconfig", self.folder / "agent.kubeconfig"
        self.process = Process(f"cluster {name}", [TESTBED / "cluster.sh", "run", folder, name],
                               self.folder / "cluster.log", death_signal="TERM")

    def wait(self):
        self.api = self.process.wait_for(self.folder / "ready", 120).strip()

    def kubectl(self, *args, **more):
        """Plain kubectl, straight to the cluster as its administrator."""
        return run([testbed_bin() / "kubectl", "--kubeconfig", self.kubeconfig, *args], **more)

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
