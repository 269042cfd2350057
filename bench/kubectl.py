"""A real cluster of the test bed: `mk8s kubectl get ns` beside plain kubectl, and the ways to its API server under load."""

import os
import re
import statistics
import subprocess
import time
from pathlib import Path

from mk8s import Mk8s
from nginx import start_nginx_chain
from peer import Peer
from processes import Processes, wait_for

ROOT = Path(__file__).resolve().parent.parent
CLUSTER = "real"
OBJECT = "/api/v1/namespaces/default/configmaps/bench-0"
LIST = "/api/v1/namespaces/default/configmaps?limit=500"
LIST_LENGTH = 500


def testbed_binaries() -> Path:
    """The folder of the test bed's programs, built if need be."""
    return Path(subprocess.run([str(ROOT / "test/testbed/build.sh")], check=True, capture_output=True,
                               text=True).stdout.strip().split("\n")[-1])


class RealCluster:
    """A control plane of the test bed, with an agent of `mk8s`."""

    def __init__(self, processes: Processes, mk8s: Mk8s):
        self.folder = processes.folder / CLUSTER
        processes.start("cluster", [str(ROOT / "test/testbed/cluster.sh"), "run", str(self.folder), CLUSTER])
        wait_for("the test cluster", (self.folder / "ready").exists, 120)
        self.agent_pid = mk8s.add_agent(CLUSTER, self.folder / "agent.kubeconfig")


    def kubectl(self, *words: str) -> str:
        return subprocess.run([str(testbed_binaries() / "kubectl"), "--kubeconfig", str(self.folder / "kubeconfig"), *words],
                              check=True, capture_output=True, text=True).stdout

    def peers(self, processes: Processes, mk8s: Mk8s) -> list[Peer]:
        """Ways to its API server, where OBJECT and LIST are made."""
        for number in range(LIST_LENGTH):
            mk8s.call("POST", f"/clusters/{CLUSTER}/k8s/api/v1/namespaces/default/configmaps",
                      {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"bench-{number}"}, "data": {"x": "y" * 960}})
        self.kubectl("create", "serviceaccount", "bench")
        self.kubectl("create", "clusterrolebinding", "bench", "--clusterrole=cluster-admin", "--serviceaccount=default:bench")
        bearer = {"Authorization": "Bearer " + self.kubectl("create", "token", "bench").strip()}
        port = int(re.search(r"server: .*127.0.0.1:(\d+)", (self.folder / "kubeconfig").read_text())[1])
        nginx = start_nginx_chain(processes, port, "real", self.folder / "ca.crt", "localhost")
        nginx.headers = bearer
        return [Peer("mk8s", f"{mk8s.url}/clusters/{CLUSTER}/k8s", {"central": mk8s.pid, "agent": self.agent_pid},
                     {"Authorization": f"Bearer {mk8s.token}"}), nginx, Peer("direct", f"https://127.0.0.1:{port}", {}, bearer)]


def timed_ms(command: list[str], env: dict) -> float:
    started = time.monotonic()
    subprocess.run(command, env={**os.environ, **env}, check=True, capture_output=True)
    return (time.monotonic() - started) * 1000


def compare_kubectl(processes: Processes, mk8s: Mk8s, real: RealCluster, runs: int) -> dict[str, float]:
    """Median milliseconds of `get ns`: through mk8s, and direct."""
    kubectl = str(testbed_binaries() / "kubectl")
    ours = {"MK8S_HOME": str(processes.folder / "home"), "MK8S_CENTRAL_URL": mk8s.url, "MK8S_TOKEN": mk8s.token,
            "MK8S_CA_FILE": mk8s.ca_file, "MK8S_CLUSTER": CLUSTER, "MK8S_KUBECTL": kubectl}
    direct = {"KUBECONFIG": str(real.folder / "kubeconfig"), "KUBECACHEDIR": str(processes.folder / "cache")}
    get = ["get", "ns"]
    through_ms, direct_ms = [], []
    for _ in range(runs + 2):  # the first two fill the caches
        through_ms.append(timed_ms([str(mk8s.binaries / "mk8s"), "kubectl", *get], ours))
        direct_ms.append(timed_ms([kubectl, *get], direct))
    return {"mk8s kubectl get ns, ms": statistics.median(through_ms[2:]),
            "kubectl get ns, ms": statistics.median(direct_ms[2:])}
