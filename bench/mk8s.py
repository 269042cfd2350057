"""mk8s with everything on: `serve --dev` on SQLite and agents that take the upstream for their cluster."""

import json
import ssl
import urllib.request
from pathlib import Path

from peer import Peer
from processes import Processes, wait_for

CLUSTER = "bench"


class Mk8s:
    """A central on SQLite, `serve --dev`, and agents that take the upstream for their cluster."""

    def __init__(self, processes: Processes, binaries: Path):
        self.processes, self.binaries = processes, binaries
        self.data = processes.folder / "central"
        ready = processes.folder / "central.ready"
        self.pid = processes.start("central", [
            str(binaries / "mk8s-central"), "serve", "--dev", "--data-dir", str(self.data), "--ready-file", str(ready)],
            {"MK8S_SERVER_HTTP_PORT": "0", "MK8S_SERVER_GRPC_PORT": "0", "MK8S_SERVER_DIAGNOSTICS_PORT": "0"})
        wait_for("mk8s-central", ready.exists)
        listening = json.loads(ready.read_text())
        self.url, self.grpc, self.ca_file = listening["http"], listening["grpc"], listening["ca_file"]
        self.token = self._login()

    def call(self, method: str, path: str, body: dict | None = None, token: str | None = None) -> dict:
        request = urllib.request.Request(self.url + path, method=method, data=json.dumps(body or {}).encode())
        request.add_header("Content-Type", "application/json")
        if token or getattr(self, "token", None):
            request.add_header("Authorization", f"Bearer {token or self.token}")
        context = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(request, context=context) as response:
            return json.loads(response.read() or b"{}")

    def _login(self) -> str:
        """The first administrator must change the one-time password before anything else."""
        email, password = "admin@mk8s.local", (self.data / "initial-admin-password").read_text().strip()
        first = self.call("POST", "/auth/login", {"email": email, "password": password})
        self.call("POST", "/auth/password", {"current_password": password, "new_password": "bench-password"},
                  token=first["token"])
        return self.call("POST", "/auth/login", {"email": email, "password": "bench-password"})["token"]

    def add_user(self, email: str, role: str) -> str:
        """Returns the token of a session of the new user."""
        self.call("POST", "/users", {"email": email, "password": "bench-password", "roles": [role]})
        return self.call("POST", "/auth/login", {"email": email, "password": "bench-password"})["token"]

    def add_agent(self, cluster: str, kubeconfig: Path) -> int:
        made = self.call("POST", "/clusters", {"name": cluster})
        ready = self.processes.folder / f"{cluster}.ready"
        config = self.processes.folder / f"{cluster}.yaml"
        config.write_text(f"tls:\n  ca_file: {self.ca_file}\nkubernetes:\n  kubeconfig: {kubeconfig}\n")
        pid = self.processes.start(f"agent-{cluster}", [
            str(self.binaries / "mk8s-agent"), "--config", str(config), "--ready-file", str(ready)],
            {"CENTRAL_URL": f"https://{self.grpc}", "CLUSTER_NAME": cluster, "AGENT_TOKEN": made["agent_token"],
             "MK8S_AGENT_DIAGNOSTICS_PORT": "0"})
        wait_for(f"mk8s-agent {cluster}", ready.exists)
        return pid

    def peer(self, agent_pid: int) -> Peer:
        return Peer("mk8s", f"{self.url}/clusters/{CLUSTER}/k8s", {"central": self.pid, "agent": agent_pid},
                    {"Authorization": f"Bearer {self.token}"})
