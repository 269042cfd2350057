#!/usr/bin/env python3
"""mk8s beside nginx chained twice with mTLS in the middle, on the same upstream, in one run.  usage: run.py [--quick] [--out FILE]

Each figure is the median of interleaved runs, so that a noisy moment of the machine meets all peers.  See README.md.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from kubectl import compare_kubectl
from loads import Sample, http1, http2, one_stream
from peers import (CLUSTER, Mk8s, make_certificates, start_nginx_chain, start_upstream, write_kubeconfig)
from processes import Processes, rss_bytes

ROOT = Path(__file__).resolve().parent.parent
IDLE_AGENTS = 20


def say(text: str):
    print(text, file=sys.stderr, flush=True)


def median(samples: list[Sample]) -> Sample:
    return Sample(**{name: statistics.median(getattr(sample, name) for sample in samples)
                     for name in Sample.__dataclass_fields__})


def measure(peers, load, rounds: int) -> dict[str, Sample]:
    """Runs `load` on each peer in turn, `rounds` times."""
    samples = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            samples[peer.name].append(load(peer))
    return {name: median(taken) for name, taken in samples.items()}


def row(title: str, ours: Sample, theirs: Sample, ratio: float, shape: str) -> str:
    return f"| {title} | {shape.format(s=ours)} | {shape.format(s=theirs)} | {ratio:.2f} |"


def compare(processes: Processes, binaries: Path, rounds: int, seconds: int) -> list[str]:
    make_certificates(processes.folder)
    upstream = start_upstream(processes)
    chain = start_nginx_chain(processes, upstream)
    mk8s = Mk8s(processes, binaries)
    kubeconfig = write_kubeconfig(processes.folder, upstream)
    ours = mk8s.peer(mk8s.add_agent(CLUSTER, kubeconfig))
    peers = [ours, chain]
    lines = ["| load | mk8s | nginx x2, mTLS | ratio |", "|---|---|---|---|"]
    for name, load in (("HTTP/1.1", http1), ("HTTP/2", http2)):
        for connections in (1, 16, 128):
            say(f"{name}, {connections} connections")
            got = measure(peers, lambda peer: load(peer, connections, seconds), rounds)
            a, b = got[ours.name], got[chain.name]
            title = f"small GET, {name}, {connections} conn."
            lines.append(row(f"{title}: requests/s", a, b, a.requests_per_s / b.requests_per_s, "{s.requests_per_s:,.0f}"))
            lines.append(row(f"{title}: p50 ms", a, b, a.p50_ms / b.p50_ms, "{s.p50_ms:.2f}"))
            lines.append(row(f"{title}: CPU ms per 1,000", a, b, a.cpu_ms_per_1000 / b.cpu_ms_per_1000,
                             "{s.cpu_ms_per_1000:.0f}"))
    say("one stream of 64 MiB")
    got = measure(peers, one_stream, rounds)
    a, b = got[ours.name], got[chain.name]
    lines.append(row("one 64 MiB stream: MB/s", a, b, a.mb_per_s / b.mb_per_s, "{s.mb_per_s:,.0f}"))
    say(f"memory of central with {IDLE_AGENTS} more idle agents")
    before = rss_bytes(mk8s.pid)
    for index in range(IDLE_AGENTS):
        mk8s.add_agent(f"idle-{index}", kubeconfig)
    per_agent_kb = (rss_bytes(mk8s.pid) - before) / IDLE_AGENTS / 1024
    lines += ["", f"Memory of central per idle agent: {per_agent_kb:.0f} KB "
                  f"(resident, {IDLE_AGENTS} agents, all their connections)."]
    say("kubectl get ns on a real cluster")
    through_ms, direct_ms = compare_kubectl(processes, mk8s, rounds * 4)
    lines += ["", f"`mk8s kubectl get ns`: {through_ms:.0f} ms, plain kubectl {direct_ms:.0f} ms (median of {rounds * 4})."]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round: to see that it works")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--binaries", type=Path, default=ROOT / "build/release/bin")
    options = parser.parse_args()
    rounds, seconds = (1, 2) if options.quick else (5, 4)
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="mk8s-bench-") as folder:
        Path(folder).chmod(0o755)
        processes = Processes(Path(folder))
        try:
            lines = compare(processes, options.binaries, rounds, seconds)
        finally:
            processes.stop()
    text = f"# mk8s {commit}: median of {rounds} interleaved runs of {seconds} s\n\n" + "\n".join(lines) + "\n"
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text)


if __name__ == "__main__":
    main()
