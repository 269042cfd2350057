#!/usr/bin/env python3
"""mk8s beside what a platform team would otherwise put in the path, in one run.
usage: run.py [--quick] [--only WORD]... [--name NAME] [--compare OLD.json]

Every figure is the median of interleaved runs, so that a noisy moment of the machine meets all peers.  See README.md.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import loads
from go_peers import KEPT_CONNECTIONS, start_kubectl_proxy, start_remotedialer
from haproxy import start_haproxy_chain
from kubectl import LIST, OBJECT, RealCluster, compare_kubectl, testbed_binaries
from mk8s import CLUSTER, Mk8s
from nginx import start_nginx_chain
from peer import Peer
from processes import Processes, rss_peak_bytes
from report import changes, markdown, plot
from results import Measured, Run
from scale import idle_agents, idle_watches, many_clusters
from stalled_reader import beside_stalled_readers
from time_spent import where_time_goes
from upstream import make_certificates, start_upstream, write_kubeconfig

ROOT = Path(__file__).resolve().parent.parent


def say(text: str):
    print(text, file=sys.stderr, flush=True)


def plan(seconds: int) -> dict:
    """Title of each load -> the load, as a function of a peer."""
    loads_by_title = {}
    for title, load in (("GET, HTTP/1.1", loads.get_http1), ("GET, HTTP/2", loads.get_http2)):
        for connections in (1, 16, 128):
            loads_by_title[f"{title}, {connections} conn."] = (
                lambda peer, load=load, connections=connections: load(peer, connections, seconds))
    return loads_by_title | {
        "POST, HTTP/1.1, 16 conn.": lambda peer: loads.post_http1(peer, 16, seconds),
        "GET, a connection each, 16 at once": lambda peer: loads.churn(peer, 16, seconds),
        "64 MiB, one stream": lambda peer: loads.streams(peer, 1),
        "64 MiB, eight streams": lambda peer: loads.streams(peer, 8),
        "GET, sparse": lambda peer: loads.sparse(peer, max(seconds * 3, 5)),
    }


def real_plan(seconds: int) -> dict:
    return {"Real kube-apiserver, one object, 16 conn.": lambda peer: loads.get_http1(peer, 16, seconds, OBJECT),
            "Real kube-apiserver, a list of 500, 4 conn.": lambda peer: loads.get_http1(peer, 4, seconds, LIST)}


def fits(title: str, peer: Peer) -> bool:
    return peer.http2 or "HTTP/2" not in title


def measure(title: str, load, peers: list[Peer], rounds: int) -> list[Measured]:
    """Runs `load` on each peer in turn, `rounds` times.  A peer that cannot bear it is left out, and that is said."""
    samples = {peer.name: [] for peer in peers if fits(title, peer)}
    for _ in range(rounds):
        for peer in peers:
            if peer.name in samples:
                try:
                    samples[peer.name].append(load(peer))
                except RuntimeError as error:
                    if peer.name == "mk8s":
                        raise
                    say(f"  left out of this load: {error}")
                    del samples[peer.name]
    return [Measured.of(peer.name, samples[peer.name], {name: rss_peak_bytes(pid) for name, pid in peer.pids.items()})
            for peer in peers if peer.name in samples]


def start_peers(processes: Processes, binaries: Path) -> tuple[Mk8s, Path, list[Peer]]:
    make_certificates(processes.folder)
    upstream = start_upstream(processes)
    kubeconfig = write_kubeconfig(processes.folder, upstream)
    mk8s = Mk8s(processes, binaries)
    return mk8s, kubeconfig, [
        mk8s.peer(mk8s.add_agent(CLUSTER, kubeconfig)),
        start_nginx_chain(processes, upstream),
        start_haproxy_chain(processes, upstream),
        start_remotedialer(processes, upstream, KEPT_CONNECTIONS),
        start_remotedialer(processes, upstream, 0),
        start_kubectl_proxy(processes, testbed_binaries() / "kubectl", kubeconfig),
        Peer("direct", f"https://127.0.0.1:{upstream}"),
    ]


def bench(processes: Processes, options, run: Run):
    mk8s, kubeconfig, peers = start_peers(processes, options.binaries)
    measure_all(plan(options.seconds), peers, options, run)
    if options.only and not any(word in title for title in real_plan(1) for word in options.only):
        return
    real = RealCluster(processes, mk8s)
    measure_all(real_plan(options.seconds), real.peers(processes, mk8s), options, run)
    if options.only:
        return
    say("kubectl get ns on a real cluster")
    run.facts |= compare_kubectl(processes, mk8s, real, run.rounds * 4)
    say(f"{options.watches} idle watches")
    run.facts |= idle_watches(processes, mk8s, real.agent_pid, options.watches)
    say("where the time goes")
    for connections in (1, 16):
        run.facts |= where_time_goes(processes.folder, peers[0], connections, options.seconds * 2)
    say("clients that stop reading")
    run.facts |= beside_stalled_readers(peers[0], run.rounds, options.seconds)
    say(f"{options.agents} clusters and users")
    run.facts |= many_clusters(mk8s, peers[0], options.agents, run.rounds, options.seconds)
    say(f"{options.agents} idle agents, or as many as descriptors allow")
    run.facts |= idle_agents(processes, mk8s, options.agents)


def measure_all(titles: dict, peers: list[Peer], options, run: Run):
    for title, load in titles.items():
        if not options.only or any(word in title for word in options.only):
            say(title)
            run.loads[title] = measure(title, load, peers, run.rounds)


def write(run: Run, name: str) -> str:
    folder = ROOT / "bench/results" / name
    folder.mkdir(parents=True, exist_ok=True)
    run.save(folder / "run.json")
    text = markdown(run)
    for index, (title, peers) in enumerate(run.loads.items(), 1):
        svg = f"{index:02}.svg"
        (folder / svg).write_text(plot(title, peers))
        text = text.replace(f"## {title}\n", f"## {title}\n\n![{title}]({svg})\n", 1)
    (folder / "README.md").write_text(text)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: to see that it works")
    parser.add_argument("--only", action="append", default=[], help="loads whose title holds this")
    parser.add_argument("--name", help="keep the results as bench/results/NAME")
    parser.add_argument("--compare", type=Path, help="a run.json: say what changed since")
    parser.add_argument("--binaries", type=Path, default=ROOT / "build/release/bin")
    options = parser.parse_args()
    rounds, options.seconds = (1, 2) if options.quick else (5, 2)
    options.watches, options.agents = (100, 100) if options.quick else (1_000, 10_000)
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=True).stdout.strip()
    run = Run(commit, f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, Linux "
              f"{platform.release().split('-')[0]}; the load generator shares them", rounds)
    with tempfile.TemporaryDirectory(prefix="mk8s-bench-") as folder:
        Path(folder).chmod(0o755)
        processes = Processes(Path(folder))
        try:
            bench(processes, options, run)
        finally:
            processes.stop()
    print(write(run, options.name) if options.name else markdown(run))
    if options.compare:
        print(changes(Run.read(options.compare), run))


if __name__ == "__main__":
    main()
