"""nginx chained twice, the shape of central and agent: TLS front, mTLS between, TLS to the upstream."""

from pathlib import Path

from peer import Peer
from processes import Processes, free_port, port_open, wait_for

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
      proxy_ssl_trusted_certificate {trust}; proxy_ssl_verify on; proxy_ssl_name {name_there};
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


def start_nginx_chain(processes: Processes, upstream_port: int, prefix: str = "nginx", trust: Path | None = None,
                      upstream_name: str = "bench") -> Peer:
    ours = processes.folder / "ca.crt"
    auth = f"ssl_client_certificate {ours}; ssl_verify_client on;"
    far_pid, far = start_nginx(processes, f"{prefix}-far", HOP, to=upstream_port, client_auth=auth, trust=trust or ours,
                               name_there=upstream_name)
    near_pid, near = start_nginx(processes, f"{prefix}-near", HOP, to=far, client_auth="", trust=ours, name_there="bench")
    return Peer("nginx x2, mTLS", f"https://127.0.0.1:{near}", {"near": near_pid, "far": far_pid}, {})
