"""Commands beside an agent: the exec route as one answer and as events, and the processes that they are."""

import base64
import json
import pathlib


def exec_remote(rest, cluster, *command, timeout=60, **more):
    return rest("POST", f"/clusters/{cluster}/exec", {"command": [*map(str, command)], **more}, timeout=timeout)


class Events:
    """The command's output as server-sent events, as they come."""

    def __init__(self, rest, cluster, *command, **more):
        self.connection = rest.connect(timeout=60)
        self.connection.request("POST", f"/clusters/{cluster}/exec", json.dumps({"command": command, **more}),
                                {"Authorization": f"Bearer {rest.token}", "Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def __iter__(self):
        name = None
        for line in self.answer:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                value = json.loads(line[6:])
                yield name, base64.b64decode(value["data_base64"]).decode() if "data_base64" in value else value

    def text_until(self, wanted):
        """What comes on stdout until it holds `wanted`."""
        text, rest = "", []
        for name, value in self:
            if name == "stdout":
                text += value
            else:
                rest.append((name, value))
            if wanted in text:
                return text
        raise AssertionError(f"ended without {wanted!r}: {text!r} {rest!r}")

    def close(self):
        self.connection.close()


def processes_below(agent, word=None):
    """Processes that the agent started, or those with `word` among their arguments."""
    def below(pid):
        try:
            children = [c for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for c in task.read_text().split()]
        except OSError:
            return  # it has ended
        for child in children:
            yield child
            yield from below(child)

    def has(pid):
        try:
            return word is None or word in pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        except OSError:
            return False  # it has ended
    return [pid for pid in below(agent.process.process.pid) if has(pid)]
