"""mk8s-agent under test: one per cluster, started with a configuration file outside the cluster."""

import json
import pathlib

import yaml

from .cluster import testbed_bin
from .http import Rest
from .process import BIN, Process, until


class Agent:
    """`via` ("host:port"): what it dials instead of central's own port.  `before` the program: what starts it with less rights."""

    before, env = (), None

    def __init__(self, folder, central, cluster, name, token, via=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.central, self.name = central, name
        self.config_file, self.ready_file = self.folder / "agent.yaml", self.folder / "ready.json"
        self.config = {
            "central": {"url": f"https://{via or central.grpc}", "token": token},
            "cluster": {"name": name},
            "tls": {"ca_file": central.ca_file},
            "kubernetes": {"kubeconfig": str(cluster.agent_kubeconfig)},
            "agent": {"bind_address": "127.0.0.1", "diagnostics_port": 0,
                      "kubectl_path": str(testbed_bin() / "kubectl")},
        }
        self.config_file.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def launch(self):
        self.ready_file.unlink(missing_ok=True)
        self.process = Process(f"mk8s-agent {self.name}", [*self.before, BIN / "mk8s-agent", "--config", self.config_file,
                                                           "--ready-file", self.ready_file],
                               self.folder / "agent.log", env=self.env)
        return self

    def start(self):
        self.launch()
        self.process.wait_for(self.ready_file, 30)
        return self

    @property
    def diagnostic(self):
        return Rest(json.loads(self.ready_file.read_text())["diagnostics"])

    def stop(self, **how):
        return self.process.stop(**how)


def wait_connected(rest, name, seconds=30):
    """Until central (asked through `rest`) shows the cluster connected."""
    def connected():
        shown = {c["name"]: c for c in rest("GET", "/clusters").ok().json["clusters"]}
        return name in shown and shown[name]["status"] == "connected" and shown[name]
    return until(connected, seconds, lambda: f"{name} connected: {rest('GET', '/clusters')}")


def register(rest, name):
    """Makes the cluster known to central (as an administrator) and returns the agent's token."""
    return rest("POST", "/clusters", {"name": name}).ok().json["agent_token"]
