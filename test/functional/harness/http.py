"""HTTP as a plain client speaks it: for the REST interface, and raw for what no client would send."""

import http.client
import json
import socket
import ssl
import urllib.parse


def tls_context(ca_file):
    return ssl.create_default_context(cafile=str(ca_file))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"HTTP {self.status} {dict(self.headers)}\n{self.body[:3000]!r}"

    def ok(self):
        assert 200 <= self.status < 300, self
        return self


class Rest:
    """One user's view of the REST interface (or nobody's, without a token)."""

    def __init__(self, url, ca_file=None, token=None):
        self.url, self.ca_file, self.token = url, ca_file, token

    def as_bearer(self, token):
        return Rest(self.url, self.ca_file, token)

    def connect(self, timeout=30):
        address = urllib.parse.urlsplit(self.url)
        if address.scheme == "http":
            return http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        return http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout,
                                           context=tls_context(self.ca_file))

    def __call__(self, method, path, body=None, headers=None, timeout=30):
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
        finally:
            connection.close()

    def metric(self, name):
        """The sum of a metric's samples, of a program's diagnostics port."""
        lines = self("GET", "/metrics").ok().body.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def login(self, email, password):
        return self("POST", "/auth/login", {"email": email, "password": password})


def raw(url, ca_file, request, seconds=15):
    """Sends these bytes as they are; returns all that came back until the other end closed (or `seconds`)."""
    address = urllib.parse.urlsplit(url)
    plain = socket.create_connection((address.hostname, address.port), timeout=seconds)
    with tls_context(ca_file).wrap_socket(plain, server_hostname=address.hostname) as tls:
        try:
            tls.sendall(request)
        except (ConnectionError, ssl.SSLError):
            pass  # it need not read all of what it refuses
        received = b""
        try:
            while chunk := tls.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass  # what came before is what the caller judges
        return received
