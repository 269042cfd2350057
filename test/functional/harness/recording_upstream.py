"""A server in the API server's place that keeps every byte it is sent and answers from a script: it shows what
reached the cluster, and does to the gateway what no real API server would."""

import base64
import socket
import ssl
import subprocess
import threading

import yaml

from .process import until

TOKEN = "the-agents-own-credential"
# What the agent asks for itself, to describe its cluster (src/agent/cluster_facts.cc).
AGENTS_OWN = ("/version", "/api/v1/nodes?limit=")


class Request:
    """One request as it came: its line, its fields in order with names in lower case, its body."""

    def __init__(self, connection, head):
        self.connection, self.head = connection, head
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = self.line.split(" ")
        self.fields = [(name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines)]
        self.body = b""

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def __repr__(self):
        return self.head.decode("latin-1")


class Connection:
    """One TLS connection: what came on it, and whether the agent has ended it."""

    def __init__(self, tls):
        self.tls, self.received, self.ended, self.requests = tls, bytearray(), threading.Event(), []
        self.unread = b""

    def receive(self):
        """The next bytes, b"" at the end."""
        try:
            chunk = self.tls.recv(65536)
        except (OSError, ValueError):
            chunk = b""
        self.received += chunk
        if not chunk:
            self.ended.set()
        return chunk

    def until(self, mark):
        """What comes before `mark`, which is taken too; None at the end."""
        while mark not in self.unread:
            chunk = self.receive()
            if not chunk:
                return None
            self.unread += chunk
        before, self.unread = self.unread.split(mark, 1)
        return before

    def exactly(self, count):
        while len(self.unread) < count:
            chunk = self.receive()
            if not chunk:
                return None
            self.unread += chunk
        taken, self.unread = self.unread[:count], self.unread[count:]
        return taken

    def send(self, *pieces):
        for piece in pieces:
            self.tls.sendall(piece.encode() if isinstance(piece, str) else piece)

    def drain(self):
        """Reads until the agent ends the connection."""
        while self.receive():
            pass

    def next_request(self):
        head = self.until(b"\r\n\r\n")
        if head is None:
            return None
        request = Request(self, head)
        self.requests.append(request)
        if "chunked" in request.all("transfer-encoding"):
            while size := int((self.until(b"\r\n") or b"0").split(b";")[0], 16):
                request.body += self.exactly(size) or b""
                self.until(b"\r\n")
            self.until(b"\r\n")
        elif length := request.all("content-length"):
            request.body = self.exactly(int(length[0])) or b""
        return request


def answer(status, body="{}", *fields):
    """A whole response; `fields` as "name: value"."""
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def switch(protocol="websocket", *fields):
    """A 101; write what follows behind it."""
    lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", f"Upgrade: {protocol}", *fields]
    return "\r\n".join(lines) + "\r\n\r\n"


def echo(connection, _request):
    """Accepts an upgrade and sends back what comes."""
    connection.send(switch(), connection.unread)
    while chunk := connection.receive():
        connection.send(chunk)


class RecordingUpstream:
    """`script(prefix, step)`: what to do with a request whose target begins so: bytes to send, or step(connection,
    request), which may do anything; then the connection goes on unless the step ended it by returning False."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        folder.mkdir(parents=True, exist_ok=True)
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=recording", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.set_alpn_protocols(["http/1.1"])
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.authority = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.connections, self.steps = [], {"": answer("200 OK")}
        self.script("/version", answer("200 OK", '{"gitVersion": "v1.36.0", "platform": "none"}'))
        self.script("/api/v1/nodes?limit=", answer("200 OK", '{"kind": "NodeList", "items": []}'))
        self.agent_kubeconfig = folder / "kubeconfig"
        self.agent_kubeconfig.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {
                "server": f"https://{self.authority}",
                "certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode()}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
        threading.Thread(target=self._accept, daemon=True).start()

    def script(self, prefix, step):
        self.steps[prefix] = step

    def requests(self, prefix=""):
        """What came but for the agent's own questions."""
        return [r for c in list(self.connections) for r in list(c.requests)
                if r.target.startswith(prefix) and not r.target.startswith(AGENTS_OWN)]

    def one(self, prefix, seconds=10):
        """The only request with this target, once it came."""
        found = until(lambda: self.requests(prefix), seconds, f"a request for {prefix} upstream")
        assert len(found) == 1, found
        return found[0]

    def saw(self, text):
        """Whether any byte sequence received, on whatever connection, holds `text`."""
        return any(text.encode() in bytes(c.received) for c in list(self.connections))

    def stop(self):
        self.listening.close()

    def _accept(self):
        while True:
            try:
                plain, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            tls = self.context.wrap_socket(plain, server_side=True)
        except (OSError, ValueError):
            return
        connection = Connection(tls)
        self.connections.append(connection)
        try:
            while request := connection.next_request():
                step = self.steps[max((p for p in self.steps if request.target.startswith(p)), key=len)]
                if isinstance(step, bytes):
                    connection.send(step)
                elif step(connection, request) is False:
                    break
        except OSError:
            pass
        finally:
            connection.ended.set()
            tls.close()
