"""The Kubernetes API by curl, over HTTP/1.1 or HTTP/2, straight at a cluster and through mk8s, and the two answers compared."""

import json
import subprocess

from compatibility import even

from .process import CLEAN

# What may differ between the two answers, and why.
OWN_VALUE = {
    "audit-id": "names the one request, and is mk8s' request id",
    "date": "of the one answer",
    "expires": "counted from the one answer",
    "x-kubernetes-pf-flowschema-uid": "the cluster's flow control sorts the tests' administrator apart from a user",
    "x-kubernetes-pf-prioritylevel-uid": "the same",
}
ADDED = {"x-request-id": "mk8s' own, for its logs"}
FRAMING = {"content-length", "transfer-encoding", "connection"}  # of one connection; curl has checked them


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"HTTP {self.status}\n{self.headers}\n{self.body[:1000]!r}"

    def __getitem__(self, name):
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        """Of a watch: (type, object) pairs."""
        return [(event["type"], event["object"]) for event in map(json.loads, self.body.splitlines())]

    def ok(self, status=200):
        assert self.status == status, self
        return self


class Api:
    """Asks as the cluster's administrator directly, as `cli`'s user through mk8s."""

    def __init__(self, cluster, cli, folder):
        token = cli.rest.token
        pki = cluster.folder
        self.body_file = folder / "body"
        self.ways = {
            "direct": (cluster.api, ["--cacert", pki / "ca.crt", "--cert", pki / "admin.crt", "--key", pki / "admin.key"]),
            "mk8s": (f"{cli.central.url}/clusters/{cluster.name}/k8s",
                     ["--cacert", cli.central.ca_file, "-H", f"Authorization: Bearer {token}"]),
        }

    def ask(self, way, method, path, body=None, http="2", **headers):
        address, options = self.ways[way]
        version = ["--http1.1"] if http == "1.1" else ["--http2"]
        argv = ["curl", "-sS", "--max-time", "60", "-D", "-", "-o", self.body_file, *version, *options]
        argv += ["-I"] if method == "HEAD" else ["-X", method]
        for name, value in headers.items():
            argv += ["-H", f"{name.replace('_', '-')}: {value}"]
        if body is not None:
            if isinstance(body, dict):
                body, sent = json.dumps(body).encode(), headers.get("Content_Type", "application/json")
                argv += ["-H", f"Content-Type: {sent}"]
            argv += ["--data-binary", "@-"]
        self.body_file.write_bytes(b"")
        done = subprocess.run([*map(str, argv), address + path], input=body or b"", capture_output=True, env=CLEAN, timeout=90)
        assert done.returncode == 0, (argv, done.stderr.decode())
        head = done.stdout.decode().replace("\r\n", "\n").strip().split("\n\n")[-1].splitlines()  # after a 100
        fields = [line.partition(":") for line in head[1:]]
        found = [(name.lower(), value.strip()) for name, _, value in fields]
        return Answer(int(head[0].split()[1]), found, b"" if method == "HEAD" else self.body_file.read_bytes())

    def direct(self, *args, **more):
        return self.ask("direct", *args, **more)

    def mk8s(self, *args, **more):
        return self.ask("mk8s", *args, **more)

    def both(self, *args, **more):
        """The answer, which is the same both ways."""
        direct, mine = self.direct(*args, **more), self.mk8s(*args, **more)
        same(direct, mine)
        return mine


def comparable(answer):
    return sorted((name, "" if name in OWN_VALUE else value) for name, value in answer.headers
                  if name not in ADDED and name not in FRAMING)


def same_head(direct, mine):
    assert mine.status == direct.status, f"{direct}\n=== but through mk8s\n{mine}"
    assert comparable(mine) == comparable(direct), f"{comparable(direct)}\n=== but through mk8s\n{comparable(mine)}"


def same(direct, mine):
    same_head(direct, mine)
    assert even.same(direct.body.decode("latin-1"), mine.body.decode("latin-1")), f"{direct}\n=== but through mk8s\n{mine}"
