"""What the compatibility tests saw, one line of JSON a result, from which tools/compatibility makes docs/compatibility.md.

A line is {"client", "version", "operation", "result", "note"}: `client` and `version` name the program, its way included where it
has several ("mk8s kubectl"), `operation` is what it did in a user's words, `result` one of RESULTS, and `note` says why where the
result is "differs" or "absent".  Several lines of one operation are one row of the table, which shows the worst of them.
"""

import json
import threading

from .process import ROOT

FOLDER = ROOT / "build/test/compatibility"
RESULTS = {
    "same": "as straight at the cluster",
    "works": "as the test itself knows it must be; there was no second run to compare",
    "differs": "differs by design, as the note says",
    "absent": "the client has no such operation, or it does not work straight at the cluster either; the note says which",
    "failed": "not as straight at the cluster",
}


class Results:
    """One file of results, begun anew: results = Results("helm"); results.add("helm", "3.22", "install", "same").
    Any thread may add."""

    def __init__(self, name):
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.path, self.lock = FOLDER / f"{name}.jsonl", threading.Lock()
        self.path.write_text("")

    def add(self, client, version, operation, result, note=""):
        assert result in RESULTS and (note or result in ("same", "works", "failed")), (operation, result, note)
        line = {"client": client, "version": version, "operation": operation, "result": result, "note": note}
        with self.lock, self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
