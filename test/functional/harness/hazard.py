"""Where the gateway's hazards are tried: a real central and a real agent whose cluster is a recording server."""

import itertools
import socket
import urllib.parse

from .agent import Agent, register, wait_connected
from .central import Central
from .http import raw, tls_context
from .process import until
from .recording_upstream import RecordingUpstream

ADMIN, PASSWORD = "admin@example.com", "a-password-for-tests-1"
EVERYTHING = {"name": "*", "namespaces": ["*"], "verbs": ["*"], "resources": ["*"]}
ROLES = [{"name": "operator", "admin": False, "clusters": [EVERYTHING]},
         {"name": "no-exec", "admin": False,
          "clusters": [{**EVERYTHING, "verbs": ["get", "list", "logs"]}]},
         {"name": "plain-secrets", "admin": False,
          "clusters": [{**EVERYTHING, "verbs": ["get", "list"], "resources": ["secrets", "namespaces"]}]},
         {"name": "one-name", "admin": False,
          "clusters": [{**EVERYTHING, "verbs": ["get", "list"], "resources": ["configmaps"], "names": ["mine"]}]}]


class User:
    def __init__(self, world, email):
        self.email, self.rest = email, world.central.login(email, PASSWORD)
        self.token = self.rest.token


class Door:
    """The way to one central, for clients by hand."""

    def __init__(self, central):
        self.central = central

    def connect(self, alpn=None, seconds=15, receive_buffer=None):
        """A TLS connection to central."""
        address = urllib.parse.urlsplit(self.central.url)
        plain = socket.socket()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(seconds)
        plain.connect((address.hostname, address.port))
        context = tls_context(self.central.ca_file)
        if alpn:
            context.set_alpn_protocols([alpn])
        return context.wrap_socket(plain, server_hostname=address.hostname)

    def raw(self, request, seconds=15):
        """All that central answers to these bytes until it closes the connection (or `seconds`)."""
        return raw(self.central.url, self.central.ca_file, request, seconds)


class World(Door):
    """`word()` gives a word that no other test has, to name what a request is about and find it again."""

    def __init__(self, folder, **changes):
        self.numbers = itertools.count(1)
        self.users = {}
        self.upstream = RecordingUpstream("recorded", folder / "upstream")
        super().__init__(Central(folder / "central", **changes))
        self.central.create_user(ADMIN, PASSWORD, "admin")
        self.central.start()
        self.admin = self.central.login(ADMIN, PASSWORD)
        for role in ROLES:
            self.admin("POST", "/roles", role).ok()
        self.agent = Agent(folder / "agent", self.central, self.upstream, "recorded", register(self.admin, "recorded"))
        self.agent.start()
        wait_connected(self.admin, "recorded")

    def stop(self):
        self.agent.stop()
        self.central.stop()
        self.upstream.stop()

    def word(self):
        return f"hazard{next(self.numbers):04d}x"

    def user(self, role):
        """The user of that role, the same at each call."""
        if role not in self.users:
            email = f"{role}@example.com"
            self.admin("POST", "/users", {"email": email, "password": PASSWORD, "roles": [role]}).ok()
            self.users[role] = User(self, email)
        return self.users[role]

    def head(self, method, target, user=None, *fields, host="127.0.0.1", version="HTTP/1.1"):
        """The bytes of a request's head for the recorded cluster, with its empty line; the last of its connection
        unless `fields` say otherwise."""
        lines = [f"{method} /clusters/recorded/k8s{target} {version}", f"Host: {host}"]
        if user:
            lines.append(f"Authorization: Bearer {user.token}")
        if not any(field.lower().startswith("connection:") for field in fields):
            lines.append("Connection: close")
        return ("\r\n".join([*lines, *fields]) + "\r\n\r\n").encode("latin-1")

    def events(self, user, word):
        """Audit events of this user that name `word`, oldest first."""
        email = user if isinstance(user, str) else user.email
        found = self.admin("GET", f"/audit?user={email}&limit=1000").ok().json["events"]
        return [e for e in reversed(found) if word in str([e.get("namespace"), e.get("name"), e.get("command")])]

    def until_events(self, user, word, count=1):
        return until(lambda: len(found := self.events(user, word)) >= count and found, 10,
                     lambda: f"{count} audit events about {word}, have {self.events(user, word)}")


def status(answer):
    """The status of a raw HTTP/1.1 answer; 0: none came."""
    words = answer.split(b" ", 2)
    return int(words[1]) if words[0].startswith(b"HTTP/1.") and len(words) > 1 else 0


def memory(program):
    """Resident bytes of a central or an agent."""
    pid = program.process.process.pid
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))
