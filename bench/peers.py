"""What is compared: the upstream that all share, nginx chained twice with mTLS in the middle, and mk8s."""

import json
import os
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from processes import Processes, free_port, port_open, wait_for

SMALL = "/api/v1/namespaces/default/configmaps/small"  # 1 KB of JSON
BIG = "/api/v1/namespaces/default/pods/big/log"  # 64 MiB
BIG_BYTES = 64 * 1024 * 1024
CLUSTER = "bench"


@dataclass
class Peer:
    """One way to the upstream.  CPU is that of `pids`, the parts in the middle."""

    name: str
    url: str  # what SMALL and BIG are appended to
    pids: dict[str, int]
    headers: dict[str, str]


def make_certificates(folder: Path):
    """A CA, one server certificate for 127.0.0.1 and one client certificate."""

    def run(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "30", "-subj", "/CN=bench-ca")
    for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "ext").write_text(f"subjectAltName=IP:127.0.0.1,DNS:bench\nextendedKeyUsage={usage}\n")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "30", "-extfile", "ext", "-out", f"{name}.crt")


NGINX = """
daemon off;
worker_processes auto;
pid {folder}/{name}.pid;
error_log {folder}/{name}.error.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
  fastcgi_temp_path {folder}/{name}.fcgi; uwsgi_temp_path {folder}/{name}.uwsgi; scgi_temp_path {folder}/{name}.scgi;
  ssl_certificate {folder}/server.crt; ssl_certificate_key {folder}/server.key;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:{name}:10m;
  {body}
}}
"""

UPSTREAM = """
  types {{ }} default_type application/json;
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=4096;
    root {folder}/www;
    location = /version {{ return 200 '{{"major":"1","minor":"36","gitVersion":"v1.36.3","platform":"linux/amd64"}}'; }}
    location = /api/v1/nodes {{ return 200 '{{"kind":"NodeList","apiVersion":"v1","metadata":{{}},"items":[]}}'; }}
    location / {{ try_files $uri =404; }}
  }}
"""

# Keepalive pools on both legs: the fair shape.  Nothing is buffered to disk.
HOP = """
  upstream next {{ server 127.0.0.1:{to}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=4096;
    {client_auth}
    location / {{
      proxy_pass https://next;
      proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_ssl_certificate {folder}/client.crt; proxy_ssl_certificate_key {folder}/client.key;
      proxy_ssl_trusted_certificate {folder}/ca.crt; proxy_ssl_verify on; proxy_ssl_name bench;
      proxy_ssl_session_reuse on; proxy_max_temp_file_size 0; proxy_buffers 16 64k; proxy_buffer_size 64k;
    }}
  }}
"""


def start_nginx(processes: Processes, name: str, template: str, **values) -> tuple[int, int]:
    """Returns pid and port."""
    folder, port = processes.folder, free_port()
    body = template.format(folder=folder, port=port, **values)
    config = folder / f"{name}.conf"
    config.write_text(NGINX.format(folder=folder, name=name, body=body))
    pid = processes.start(name, ["nginx", "-c", str(config), "-p", str(folder)])
    wait_for(f"nginx {name}", lambda: port_open(port))
    return pid, port


def start_upstream(processes: Processes) -> int:
    """The stand-in for an API server that is never the bottleneck; returns its port."""
    www = processes.folder / "www"
    small, big = www / SMALL.strip("/"), www / BIG.strip("/")
    small.parent.mkdir(parents=True)
    big.parent.mkdir(parents=True)
    small.write_text(json.dumps({"kind": "ConfigMap", "apiVersion": "v1", "data": {"x": "y" * 960}}))
    with open(big, "wb") as file:
        for _ in range(64):
            file.write(os.urandom(1024 * 1024))
    _, port = start_nginx(processes, "upstream", UPSTREAM)
    return port


def start_nginx_chain(processes: Processes, upstream_port: int) -> Peer:
    auth = f"ssl_client_certificate {processes.folder}/ca.crt; ssl_verify_client on;"
    far_pid, far = start_nginx(processes, "nginx-far", HOP, to=upstream_port, client_auth=auth)
    near_pid, near = start_nginx(processes, "nginx-near", HOP, to=far, client_auth="")
    return Peer("nginx x2, mTLS", f"https://127.0.0.1:{near}", {"near": near_pid, "far": far_pid}, {})


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


def write_kubeconfig(folder: Path, upstream_port: int) -> Path:
    path = folder / "upstream.kubeconfig"
    path.write_text(f"""apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:{upstream_port}", certificate-authority: "{folder}/ca.crt"}}}}]
users: [{{name: u, user: {{client-certificate: "{folder}/client.crt", client-key: "{folder}/client.key"}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
current-context: c
""")
    return path
