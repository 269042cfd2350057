#!/usr/bin/env python3
"""kubectl beside the agent: `get pods` by exec and by relay side by side, and what 200 commands at once cost the relay.

    bench/exec.py [--runs 20] [--commands 200]      after make; prints medians and ratios
"""

import argparse
import concurrent.futures
import http.client
import os
import ssl
import statistics
import tempfile
import threading
import time
import urllib.error
import urllib.parse
from pathlib import Path

from kubectl import CLUSTER, ROOT, RealCluster, testbed_binaries, timed_ms
from mk8s import Mk8s
from processes import Processes

GET = ["get", "pods", "-n", "default"]


def side_by_side(mk8s: Mk8s, home: Path, runs: int) -> None:
    ours = {"MK8S_HOME": str(home), "MK8S_CENTRAL_URL": mk8s.url, "MK8S_TOKEN": mk8s.token, "MK8S_CA_FILE": mk8s.ca_file,
            "MK8S_CLUSTER": CLUSTER, "MK8S_KUBECTL": str(testbed_binaries() / "kubectl")}
    program = str(mk8s.binaries / "mk8s")
    took_ms = {"mk8s kubectl": [], "mk8s exec-remote": [], "POST exec": []}
    for _ in range(runs + 2):  # the first two fill the caches
        took_ms["mk8s kubectl"].append(timed_ms([program, "kubectl", *GET], ours))
        took_ms["mk8s exec-remote"].append(timed_ms([program, "exec-remote", *GET], ours))
        started = time.monotonic()
        mk8s.call("POST", f"/clusters/{CLUSTER}/exec", {"command": GET})
        took_ms["POST exec"].append((time.monotonic() - started) * 1000)
    for way, each in took_ms.items():
        print(f"{way + ' get pods':32} median {statistics.median(each[2:]):7.1f} ms")


class Relayed(threading.Thread):
    """One connection that asks for a list again and again, as users' traffic beside the commands."""

    def __init__(self, mk8s: Mk8s, stop: threading.Event):
        super().__init__(daemon=True)
        address = urllib.parse.urlsplit(mk8s.url)
        self.connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=60,
                                                      context=ssl.create_default_context(cafile=mk8s.ca_file))
        self.headers = {"Authorization": f"Bearer {mk8s.token}"}
        self.stop, self.took_ms = stop, []

    def run(self):
        while not self.stop.is_set():
            started = time.monotonic()
            self.connection.request("GET", f"/clusters/{CLUSTER}/k8s/api/v1/namespaces/default/pods", headers=self.headers)
            self.connection.getresponse().read()
            self.took_ms.append((time.monotonic() - started) * 1000)
            time.sleep(0.005)


def p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def beside(mk8s: Mk8s, work) -> list[float]:
    """What the relay's requests took while `work` ran."""
    stop = threading.Event()
    relayed = [Relayed(mk8s, stop) for _ in range(4)]
    for each in relayed:
        each.start()
    work()
    stop.set()
    for each in relayed:
        each.join()
    return [took for each in relayed for took in each.took_ms]


def many_at_once(mk8s: Mk8s, commands: int) -> None:
    def one(_) -> int:
        try:
            mk8s.call("POST", f"/clusters/{CLUSTER}/exec", {"command": GET})
            return 200
        except urllib.error.HTTPError as refused:
            return refused.code

    alone = beside(mk8s, lambda: time.sleep(10))
    codes, started = [], time.monotonic()

    def all_of_them():
        with concurrent.futures.ThreadPoolExecutor(commands) as pool:
            codes.extend(pool.map(one, range(commands)))
    loaded = beside(mk8s, all_of_them)
    print(f"{commands} commands at once: {time.monotonic() - started:.1f} s, " +
          ", ".join(f"{codes.count(code)} x {code}" for code in sorted(set(codes))))
    print(f"relay alone        p50 {statistics.median(alone):6.2f} ms   p99 {p99(alone):6.2f} ms")
    print(f"relay beside them  p50 {statistics.median(loaded):6.2f} ms   p99 {p99(loaded):6.2f} ms   "
          f"p99 ratio {p99(loaded) / p99(alone):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--commands", type=int, default=200)
    options = parser.parse_args()
    os.environ["MK8S_AGENT_KUBECTL_PATH"] = str(testbed_binaries() / "kubectl")
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(Path(folder))
        try:
            mk8s = Mk8s(processes, ROOT / "build/release/bin")
            RealCluster(processes, mk8s)
            side_by_side(mk8s, processes.folder / "home", options.runs)
            many_at_once(mk8s, options.commands)
        finally:
            processes.stop()


if __name__ == "__main__":
    main()
