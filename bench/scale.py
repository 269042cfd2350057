"""What thousands of idle agents and watches cost central: memory of each, and CPU of all while nothing happens."""

import json
import subprocess
import time
from pathlib import Path

from go_peers import build
from kubectl import CLUSTER as REAL
from mk8s import Mk8s
from processes import Processes, cpu_seconds, rss_bytes

IDLE_S = 20.0
DESCRIPTORS_LEFT = 500  # for everything of central but agents
EVENTS = 20


class Load:
    """A running bench/load, which has opened all that it was asked for."""

    def __init__(self, binary: Path, *arguments: str):
        self.process = subprocess.Popen([str(binary), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"bench/load {arguments[0]} did not come up: exit status {self.process.wait()}")

    def finish(self) -> dict[str, int]:
        saw = json.loads(self.process.communicate()[0])
        if self.process.returncode:
            raise RuntimeError(f"bench/load ended with {self.process.returncode}")
        return saw


def _descriptors_max(pid: int) -> int:
    limits = Path(f"/proc/{pid}/limits").read_text()
    return int(next(line.split()[4] for line in limits.splitlines() if line.startswith("Max open files")))


def idle_agents(processes: Processes, mk8s: Mk8s, wanted: int) -> dict[str, float]:
    """As many simulated agents as central's descriptors allow, at most `wanted`."""
    binary = build("load", processes.folder)
    agents = min(wanted, (_descriptors_max(mk8s.pid) - DESCRIPTORS_LEFT) // 3)  # gRPC and two tunnel connections each
    tokens = processes.folder / "tokens"
    with tokens.open("w") as file:
        for index in range(agents):
            name = f"simulated-{index}"
            file.write(f"{name} {mk8s.call('POST', '/clusters', {'name': name})['agent_token']}\n")
    before = rss_bytes(mk8s.pid)
    load = Load(binary, "agents", "--grpc", mk8s.grpc, "--ca", mk8s.ca_file, "--tokens", str(tokens))
    time.sleep(IDLE_S / 4)  # what the registrations left to do
    rss, cpu = rss_bytes(mk8s.pid), cpu_seconds(mk8s.pid)
    time.sleep(IDLE_S)
    cores = (cpu_seconds(mk8s.pid) - cpu) / IDLE_S
    saw = load.finish()
    if saw["failed"]:
        raise RuntimeError(f"{saw['failed']} of {agents} simulated agents did not connect")
    return {"idle agents at once": agents, "central's memory per idle agent, KB": (rss - before) / agents / 1024,
            "central's memory with them, MB": rss / 1e6, "central's CPU with them, % of a core": cores * 100}


def idle_watches(processes: Processes, mk8s: Mk8s, agent_pid: int, count: int) -> dict[str, float]:
    """Watches of one config map of the real cluster, and then some events that each must show."""
    binary = build("load", processes.folder)
    objects = f"/clusters/{REAL}/k8s/api/v1/namespaces/default/configmaps"
    made = mk8s.call("POST", objects, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "watched"}})
    version = made["metadata"]["resourceVersion"]
    url = f"{mk8s.url}{objects}?watch=true&fieldSelector=metadata.name%3Dwatched&resourceVersion={version}"
    token = mk8s.add_user("watcher@mk8s.local", "admin")  # whose limit of requests at once the watches may fill
    before = rss_bytes(mk8s.pid), rss_bytes(agent_pid)
    load = Load(binary, "watches", "--url", url, "--token", token, "--ca", mk8s.ca_file, "--count", str(count))
    time.sleep(2)
    after, cpu = (rss_bytes(mk8s.pid), rss_bytes(agent_pid)), cpu_seconds(mk8s.pid) + cpu_seconds(agent_pid)
    time.sleep(IDLE_S)
    idle_cores = (cpu_seconds(mk8s.pid) + cpu_seconds(agent_pid) - cpu) / IDLE_S
    for number in range(EVENTS):
        mk8s.call("PUT", f"{objects}/watched", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "watched"},
                                                "data": {"number": str(number)}})
    time.sleep(2)
    saw = load.finish()
    if saw["ended"] or saw["events"] != count * EVENTS:
        raise RuntimeError(f"{count} watches of {EVENTS} events: {saw}")
    return {"idle watches at once": count,
            "central's memory per idle watch, KB": (after[0] - before[0]) / count / 1024,
            "agent's memory per idle watch, KB": (after[1] - before[1]) / count / 1024,
            "CPU of central and agent with them, % of a core": idle_cores * 100}
