"""Runs the cases: each straight at the cluster, by `mk8s kubectl`, and by plain kubectl with `mk8s kubeconfig`."""

import concurrent.futures
import itertools
import os
import re
import shlex
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import yaml

from harness.cluster import kubectls
from harness.process import BIN, CLEAN, Result, run, until

from . import even, objects
from .cases import CASES

DIRECT, MK8S, PLAIN = "direct", "mk8s kubectl", "mk8s kubeconfig"
SHARED, SECONDS, AT_ONCE, ROUNDS = "compat-shared", 120, 4, 3
PLACES = re.compile(r"\{(ns|shared|node|csr|tmp)\}")
numbers = itertools.count(100)  # of equal length, for columns are as wide as names


class Way:
    """How kubectl reaches the cluster, and what it finds there of its own."""

    def __init__(self, name, argv, env):
        self.name, self.argv, self.env = name, argv, env
        self.ns = f"compat-{next(numbers)}"
        self.node, self.csr = f"{self.ns}-n", f"{self.ns}-c"

    def fill(self, text, tmp=""):
        places = {"ns": self.ns, "shared": SHARED, "node": self.node, "csr": self.csr, "tmp": str(tmp)}
        return PLACES.sub(lambda place: places[place[1]], text)


class Live:
    """A command that does not end by itself, led through a step's actions and then ended as by Ctrl-C."""

    def __init__(self, argv, env, cwd, cluster, way):
        self.argv, self.cluster, self.way, self.out = argv, cluster, way, b""
        # Ctrl-C must end it even where the tests run in the background, for whose programs the shell ignores it.
        started = ["setpriv", "--pdeathsig", "KILL", "--", "env", "--default-signal=INT", "--", *argv]
        self.process = subprocess.Popen(started, env=env, cwd=cwd, start_new_session=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.err, self.cwd = b"", cwd
        self.readers = [threading.Thread(target=self.read, args=(name,)) for name in ("out", "err")]
        for reader in self.readers:
            reader.start()

    def read(self, name):
        stream = self.process.stdout if name == "out" else self.process.stderr
        while chunk := stream.read1():
            setattr(self, name, getattr(self, name) + chunk)

    def said(self, pattern):
        def there():
            found = re.search(pattern, self.out.decode(errors="replace"))
            assert found or self.process.poll() is None, f"ended instead of saying {pattern}: {self.out} {self.err}"
            return found
        return until(there, SECONDS, lambda: f"{self.argv} saying {pattern}: {self.out} {self.err}")

    def expect(self, pattern):
        self.said(pattern)

    def direct(self, line):
        self.cluster.kubectl("-n", self.way.ns, *shlex.split(line), cwd=self.cwd).ok()

    def echo(self, _):
        payload = os.urandom(300_000)
        port = int(self.said(r"127\.0\.0\.1:(\d+)")[1])
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as through:
            through.sendall(payload)
            through.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: through.recv(65536), b"")) == payload

    def fetch(self, path):
        port = int(self.said(r"127\.0\.0\.1:(\d+)")[1])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{self.way.fill(path)}", timeout=SECONDS) as answer:
                self.out += b"%d %s\n" % (answer.status, answer.read())
        except urllib.error.HTTPError as refused:
            self.out += b"%d %s\n" % (refused.code, refused.read())

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(SECONDS)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
        for reader in self.readers:
            reader.join()
        return Result(self.argv, code, self.out.decode(errors="replace"), self.err.decode(errors="replace"))


class Runner:
    """All ways of one version of kubectl."""

    def __init__(self, version, cluster, cli, folder):
        self.cluster, self.folder = cluster, folder
        env = {**cli.env, **kubectls()[version]}
        plain = {**env, "PATH": f"{BIN}:{os.environ['PATH']}"}
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(cli("kubeconfig", "--all").ok().out)
        program = env["MK8S_KUBECTL"]
        self.ways = [
            Way(DIRECT, [program, "--kubeconfig", cluster.kubeconfig], {**env, "HOME": str(folder)}),
            Way(MK8S, [BIN / "mk8s", "kubectl", "--cluster", cluster.name], env),
            Way(PLAIN, [program, "--kubeconfig", kubeconfig, "--context", f"mk8s-{cluster.name}"], plain)]

    def prepare(self, cases):
        """The ways' own namespaces, all at once."""
        for way in self.ways:
            manifests = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": way.ns}}, objects.node(way.node),
                         csr(way.csr, self.folder)]
            for case in cases:
                for manifest in case.objects:
                    filled = yaml.safe_load(way.fill(yaml.safe_dump(manifest)))
                    filled["metadata"]["namespace"] = way.ns
                    manifests.append(filled)
            self.cluster.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all(manifests)).ok()
        if any(manifest["kind"] in ("Pod", "Deployment") for case in cases for manifest in case.objects):
            for way in self.ways:
                settle(self.cluster, way.ns)

    def run(self, cases):
        """{case: {way's name: the results of its steps, or what went wrong}}"""
        self.prepare(cases)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(cases, pool.map(self.compare, cases)))

    def compare(self, case):
        """What only reads is tried again where the ways differ: the cluster may have changed between them."""
        for _ in range(ROUNDS if case.shared else 1):
            ran = {way.name: self.perform(way, case) for way in self.ways}
            direct = ran[DIRECT]
            if all(isinstance(r, list) and not differences(case, direct, r) for r in ran.values()):
                break
            time.sleep(0.5)
        return ran

    def perform(self, way, case):
        tmp = self.folder / f"{CASES.index(case)}-{way.ns}"
        tmp.mkdir(exist_ok=True)
        for name, text in case.files.items():
            (tmp / name).write_text(way.fill(text, tmp))
        try:
            return [self.step(way, case, step, tmp) for step in case.steps]
        except (AssertionError, OSError, subprocess.TimeoutExpired) as wrong:
            return wrong

    def step(self, way, case, step, tmp):
        line = way.fill(step.line, tmp)
        env = {**way.env, **dict(step.env)}
        if step.shell:
            return run(["bash", "-c", line], cwd=tmp)
        argv = [*way.argv, "-n", SHARED if case.shared else way.ns, *shlex.split(line)]
        if not step.live:
            return run(argv, stdin=step.stdin, env=env, cwd=tmp, timeout=SECONDS)
        live = Live([str(a) for a in argv], {**CLEAN, **env}, tmp, self.cluster, way)
        try:
            for action, argument in step.live:
                getattr(live, action)(argument)
        finally:
            ended = live.end()
        return ended

    def clean(self):
        for way in self.ways:
            self.cluster.kubectl("delete", f"namespace/{way.ns}", f"node/{way.node}", f"csr/{way.csr}", "--wait=false",
                                 "--ignore-not-found").ok()


def differences(case, direct, mine):
    """Pairs of results that are not the same, as text."""
    return [f"{one}\n=== but through mk8s\n{other}" for step, one, other in zip(case.steps, direct, mine, strict=True)
            if not same(step, one, other)]


def same(step, one, other):
    out = [sorted(r.out.splitlines()) if step.any_order else r.out for r in (one, other)]
    return one.code == other.code and (out[0] == out[1] or even.same(one.out, other.out)) and even.same(one.err, other.err)


def settle(cluster, namespace):
    cluster.kubectl("wait", "-n", namespace, "pod", "--all", "--for=condition=Ready", "--timeout=60s").ok()


def csr(name, folder):
    key, request = folder / "csr.key", folder / "csr.pem"
    if not request.exists():
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
             "-subj", "/O=example/CN=somebody", "-out", request]).ok()
    encoded = run(["base64", "-w0", request]).ok().out
    return {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
            "spec": {"request": encoded, "signerName": "example.test/signer", "usages": ["client auth"]}}
