"""The ways that are written in Go: rancher/remotedialer (bench/remotedialer) and `kubectl proxy`."""

import subprocess
from pathlib import Path

from peer import Peer
from processes import Processes, free_port, port_open, wait_for

HERE = Path(__file__).resolve().parent
TESTBED_BUILD = HERE.parent / "test/testbed/build.sh"
KEPT_CONNECTIONS = 256  # as many as nginx keeps


def build(module: str, folder: Path) -> Path:
    """Builds bench/`module`, a Go module of its own with pinned dependencies."""
    binary = folder / module
    go = subprocess.run([str(TESTBED_BUILD), "--go"], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([go, "build", "-trimpath", "-o", str(binary), "."], cwd=HERE / module, check=True)
    return binary


def start_remotedialer(processes: Processes, upstream_port: int, kept: int) -> Peer:
    """`kept` 0: a connection a request, as Rancher uses it."""
    folder, port = processes.folder, free_port()
    binary = folder / "remotedialer"
    if not binary.exists():
        build("remotedialer", folder)
    name = f"remotedialer, {'pooled' if kept else 'a connection a request'}"
    server = processes.start(f"remotedialer-server-{kept}", [
        str(binary), "server", "--listen", f"127.0.0.1:{port}", "--folder", str(folder),
        "--upstream", f"https://127.0.0.1:{upstream_port}", "--keep", str(kept)])
    wait_for(name, lambda: port_open(port))
    agent = processes.start(f"remotedialer-agent-{kept}", [
        str(binary), "agent", "--server", f"127.0.0.1:{port}", "--folder", str(folder)])
    return Peer(name, f"https://127.0.0.1:{port}", {"server": server, "agent": agent})


def start_kubectl_proxy(processes: Processes, kubectl: Path, kubeconfig: Path) -> Peer:
    """Plain HTTP/1.1 in front, which spares it one TLS."""
    port = free_port()
    pid = processes.start("kubectl-proxy", [str(kubectl), "--kubeconfig", str(kubeconfig), "proxy", f"--port={port}"])
    wait_for("kubectl proxy", lambda: port_open(port))
    return Peer("kubectl proxy", f"http://127.0.0.1:{port}", {"proxy": pid}, http2=False)
