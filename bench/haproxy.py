"""HAProxy chained twice, as nginx is: TLS front, mTLS between, TLS to the upstream, kept connections shared by all."""

from peer import Peer
from processes import Processes, free_port, port_open, wait_for

CONFIG = """
global
  maxconn 8000
  nbthread 2
  ssl-server-verify required
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
  option http-keep-alive
listen hop
  bind 127.0.0.1:{port} ssl crt {folder}/server.both {client_auth} alpn h2,http/1.1
  server next 127.0.0.1:{to} ssl crt {folder}/client.both ca-file {folder}/ca.crt verifyhost bench alpn http/1.1 pool-max-conn 512
"""


def start_hop(processes: Processes, name: str, to: int, client_auth: str) -> tuple[int, int]:
    """Returns pid and port."""
    folder, port = processes.folder, free_port()
    config = folder / f"{name}.cfg"
    config.write_text(CONFIG.format(folder=folder, port=port, to=to, client_auth=client_auth))
    pid = processes.start(name, ["haproxy", "-f", str(config)])
    wait_for(f"haproxy {name}", lambda: port_open(port))
    return pid, port


def start_haproxy_chain(processes: Processes, upstream_port: int) -> Peer:
    folder = processes.folder
    for name in ("server", "client"):
        (folder / f"{name}.both").write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
    far_pid, far = start_hop(processes, "haproxy-far", upstream_port, f"ca-file {folder}/ca.crt verify required")
    near_pid, near = start_hop(processes, "haproxy-near", far, "")
    return Peer("HAProxy x2, mTLS", f"https://127.0.0.1:{near}", {"near": near_pid, "far": far_pid})
