"""What all peers share: certificates, and an upstream that is never the bottleneck."""

import json
import os
import subprocess
from pathlib import Path

from nginx import start_nginx
from processes import Processes

SMALL = "/api/v1/namespaces/default/configmaps/small"  # GET: 1 KB of JSON
CREATE = "/api/v1/namespaces/default/configmaps"  # POST: 201 with a small body
BIG = "/api/v1/namespaces/default/pods/big/log"  # GET: 64 MiB
BIG_BYTES = 64 * 1024 * 1024


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


UPSTREAM = """
  types {{ }} default_type application/json;
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=4096;
    root {folder}/www;
    location = /version {{ return 200 '{{"major":"1","minor":"36","gitVersion":"v1.36.3","platform":"linux/amd64"}}'; }}
    location = /api/v1/nodes {{ return 200 '{{"kind":"NodeList","apiVersion":"v1","metadata":{{}},"items":[]}}'; }}
    location = /api/v1/namespaces/default/configmaps {{ return 201 '{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{}}}}'; }}
    location / {{ try_files $uri =404; }}
  }}
"""


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
