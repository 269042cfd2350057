"""The mk8s command line as one user on one machine: a home of its own, nothing inherited from the tester."""

import pathlib
import subprocess

from .cluster import testbed_bin
from .process import BIN, CLEAN, run


class Cli:
    def __init__(self, home, central, email=None, password=None):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.central, self.email, self.password = central, email, password
        # HOME too: kubectl keeps its cache there, and a kubeconfig of the tester must not matter.
        self.env = {"MK8S_HOME": str(self.home / "mk8s"), "HOME": str(self.home),
                    "MK8S_KUBECTL": str(testbed_bin() / "kubectl"), "NO_COLOR": "1"}

    def __call__(self, *args, stdin=None, env=None, timeout=60, cwd=None, binary=False):
        return run([BIN / "mk8s", *args], stdin=stdin, env={**self.env, **(env or {})}, timeout=timeout,
                   cwd=cwd or self.home, binary=binary)

    def login(self, *more, password=None):
        return self("login", self.central.url, "--email", self.email, "--password-stdin",
                    "--ca-file", self.central.ca_file, *more, stdin=password or self.password)

    def kubectl(self, cluster, *args, **more):
        return self("kubectl", "--cluster", cluster, *args, **more)

    def start(self, *args, env=None):
        """In the background, for what does not end by itself; the caller ends it."""
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", str(BIN / "mk8s"), *map(str, args)],
                                env={**CLEAN, **self.env, **(env or {})}, cwd=self.home, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @property
    def rest(self):
        return self.central.login(self.email, self.password)
