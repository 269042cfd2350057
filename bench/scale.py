"""What thousands of idle agents and watches cost central: memory of each, and CPU of all while nothing happens."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from go_peers import build
from kubectl import CLUSTER as REAL
from loads import Sample, get_http1
from mk8s import CLUSTER, Mk8s
from peer import Peer
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


def _name(index: int) -> str:
    return f"simulated-{index}"


def seed(mk8s: Mk8s, count: int):
    """`count` clusters and as many users, by SQL beside the running central, which sees them within 2 s."""
    database = sqlite3.connect(mk8s.data / "mk8s.db", timeout=30)
    with database:
        database.executemany(
            "INSERT INTO clusters SELECT ?, ?, ?, token_generation, 0, status, last_seen, metadata, created_at FROM clusters "
            f"WHERE name = '{CLUSTER}'",
            [(str(uuid.uuid4()), _name(i), hashlib.sha256(_name(i).encode()).hexdigest()) for i in range(count)])
        users = [(str(uuid.uuid4()), f"user-{i}@mk8s.local") for i in range(count)]
        database.executemany(
            "INSERT INTO users SELECT ?, ?, password_hash, FALSE, FALSE, created_at, NULL FROM users LIMIT 1", users)
        database.executemany("INSERT INTO user_roles SELECT ?, id FROM roles WHERE name = 'developer'",
                             [(user,) for user, _ in users])
        database.execute("UPDATE changes SET number = number + 1")
    database.close()
    time.sleep(3)


@dataclass
class FreshCentral:
    """Another central on a copy of the database: nothing but a start is behind its memory."""

    pid: int
    grpc: str
    ca_file: str
    start_s: float  # until its ready file was there

    @staticmethod
    def on_copy_of(processes: Processes, mk8s: Mk8s) -> "FreshCentral":
        copy, ready = processes.folder / "copy", processes.folder / "copy.ready"
        shutil.copytree(mk8s.data, copy, ignore=shutil.ignore_patterns("mk8s.db*"))
        with sqlite3.connect(mk8s.data / "mk8s.db") as source, sqlite3.connect(copy / "mk8s.db") as target:
            source.backup(target)
        started = time.monotonic()
        pid = processes.start("copy", [str(mk8s.binaries / "mk8s-central"), "serve", "--dev", "--data-dir", str(copy),
                                       "--ready-file", str(ready)],
                              {f"MK8S_SERVER_{port}_PORT": "0" for port in ("HTTP", "GRPC", "DIAGNOSTICS")})
        while not ready.exists():
            if time.monotonic() - started > 60:
                raise TimeoutError("central on the copy is not ready")
            time.sleep(0.002)
        took_s = time.monotonic() - started
        listening = json.loads(ready.read_text())
        return FreshCentral(pid, listening["grpc"], listening["ca_file"], took_s)


def _create_ms(mk8s: Mk8s, names: list[str]) -> float:
    """A change, after which central holds all users and clusters anew."""
    started = time.monotonic()
    for name in names:
        mk8s.call("POST", "/clusters", {"name": name})
    return (time.monotonic() - started) * 1000 / len(names)


def many_clusters(mk8s: Mk8s, peer: Peer, count: int, rounds: int, seconds: int) -> dict[str, float]:
    """What a request and a change cost with a few clusters and users, and with `count` of each."""

    def cpu_per_1000() -> float:
        samples: list[Sample] = [get_http1(peer, 16, seconds) for _ in range(rounds)]
        return sorted(sample.cpu_ms_per_1000["central"] for sample in samples)[rounds // 2]
    few, change_few = cpu_per_1000(), _create_ms(mk8s, [f"few-{i}" for i in range(10)])
    seed(mk8s, count)
    many, change_many = cpu_per_1000(), _create_ms(mk8s, [f"many-{i}" for i in range(10)])
    return {"clusters, and users": count, "central's CPU ms per 1,000 GETs with few clusters and users": few,
            "with those": many, "creating a cluster with few, ms": change_few, "creating a cluster with those, ms": change_many}


def _descriptors_max(pid: int) -> int:
    limits = Path(f"/proc/{pid}/limits").read_text()
    return int(next(line.split()[4] for line in limits.splitlines() if line.startswith("Max open files")))


def idle_agents(processes: Processes, mk8s: Mk8s, wanted: int) -> dict[str, float]:
    """As many simulated agents as a fresh central's descriptors allow, at most `wanted`, which were seeded."""
    binary = build("load", processes.folder)
    central = FreshCentral.on_copy_of(processes, mk8s)
    connections = (_descriptors_max(central.pid) - DESCRIPTORS_LEFT) // 3  # the share of the agents' port
    agents = min(wanted, connections // 2)  # gRPC and a tunnel connection each
    tokens = processes.folder / "tokens"
    tokens.write_text("".join(f"{_name(index)} {_name(index)}\n" for index in range(agents)))
    before = rss_bytes(central.pid)
    load = Load(binary, "agents", "--grpc", central.grpc, "--ca", central.ca_file, "--tokens", str(tokens))
    time.sleep(IDLE_S / 4)  # what the registrations left to do
    rss, cpu = rss_bytes(central.pid), cpu_seconds(central.pid)
    time.sleep(IDLE_S)
    cores = (cpu_seconds(central.pid) - cpu) / IDLE_S
    saw = load.finish()
    if saw["failed"]:
        raise RuntimeError(f"{saw['failed']} of {agents} simulated agents did not connect")
    return {"start to ready with those clusters and users, s": central.start_s, "idle agents at once": agents,
            "a fresh central's memory per idle agent, KB": (rss - before) / agents / 1024,
            "its memory with them, MB": rss / 1e6, "its CPU with them, % of a core": cores * 100}


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
