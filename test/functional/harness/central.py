"""mk8s-central under test, started as an operator would: a configuration file, or --dev with a data folder."""

import json
import pathlib

import yaml

from .http import Rest
from .process import BIN, Process, run

SECRET = "a-test-only-secret-of-more-than-32-characters"


class Central:
    """One mk8s-central with its folder.  Ports are picked at its first start and kept over restarts."""

    def __init__(self, folder, **changes):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config_file, self.ready_file = self.folder / "central.yaml", self.folder / "ready.json"
        self.process, self.under = None, []  # `under`: a command to start it with, such as prlimit
        self.config = {
            "server": {"http_port": 0, "grpc_port": 0, "diagnostics_port": 0, "bind_address": "127.0.0.1",
                       "data_dir": str(self.folder), "external_names": ["127.0.0.1", "localhost"]},
            "database": {"driver": "sqlite", "url": f"sqlite://{self.folder}/mk8s.db"},
            "auth": {"jwt_secret": SECRET, "token_expiry": "24h", "bcrypt_cost": 4},  # logins by the hundred
            "tls": {"enabled": True},
        }
        for section, values in changes.items():
            self.config[section].update(values)
        self.write_config()

    def write_config(self):
        self.config_file.write_text(yaml.safe_dump(self.config, sort_keys=False))

    def command(self, *args, stdin=None, timeout=60):
        """Another command of mk8s-central on the same database."""
        return run([BIN / "mk8s-central", *args, "--config", self.config_file], stdin=stdin, timeout=timeout)

    def create_user(self, email, password, role):
        self.command("user", "create", "--email", email, "--role", role, "--password-stdin", stdin=password).ok()

    def launch(self):
        self.ready_file.unlink(missing_ok=True)
        self.process = Process("mk8s-central", [*self.under, BIN / "mk8s-central", "serve", "--config", self.config_file,
                                                "--ready-file", self.ready_file], self.folder / "central.log")

    def start(self):
        self.launch()
        self.use_ready_file()
        self.config["server"].update(http_port=int(self.url.rsplit(":", 1)[1]),
                                     grpc_port=int(self.grpc.rsplit(":", 1)[1]),
                                     diagnostics_port=int(self.diagnostics.rsplit(":", 1)[1]))
        self.write_config()
        return self

    def use_ready_file(self):
        listening = json.loads(self.process.wait_for(self.ready_file, 30))
        self.url, self.grpc, self.diagnostics = listening["http"], listening["grpc"], listening["diagnostics"]
        self.ca_file = listening["ca_file"]
        self.rest = Rest(self.url, self.ca_file)
        self.diagnostic = Rest(self.diagnostics)

    def stop(self, **how):
        return self.process.stop(**how)

    def restart(self):
        self.stop()
        return self.start()

    def login(self, email, password):
        """The REST interface as this user."""
        return self.rest.as_bearer(self.rest.login(email, password).ok().json["token"])


class DevCentral(Central):
    """mk8s-central as someone tries it out: no configuration, its own first administrator."""

    def launch(self):
        self.ready_file.unlink(missing_ok=True)
        ports = {f"MK8S_SERVER_{k.upper()}": "0" for k in ("http_port", "grpc_port", "diagnostics_port")}
        self.process = Process("mk8s-central --dev",
                               [BIN / "mk8s-central", "serve", "--dev", "--data-dir", self.folder,
                                "--ready-file", self.ready_file], self.folder / "central.log", env=ports)

    def start(self):
        self.launch()
        self.use_ready_file()
        return self

    def command(self, *args, stdin=None, timeout=60):
        return run([BIN / "mk8s-central", *args, "--dev", "--data-dir", self.folder], stdin=stdin, timeout=timeout)
