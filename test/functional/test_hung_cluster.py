"""A kube-apiserver that takes requests and never answers, behind an agent that is well; and one whose list is large."""

import json
import threading

import pytest

from harness.hazard import EVERYTHING, memory, status
from harness.process import until
from harness.recording_upstream import answer

OBJECTS, OBJECT_BYTES = 5_000, 10_000
# Far below the list's 50 MB: what central holds of it are a few windows.
LIST_MEMORY_GROWTH_BYTES_MAX = 16 << 20


def hang(connection, _request):
    """Reads until the agent gives up, and says nothing."""
    connection.drain()
    return False


@pytest.fixture(scope="module")
def narrow(hazard):
    """A user of some namespaces only, custom resources too."""
    hazard.admin("POST", "/roles", {"name": "narrow", "clusters": [{**EVERYTHING, "namespaces": ["team-*"]}]}).ok()
    return hazard.user("narrow")


def test_a_hung_request_waits_alone_and_is_cancelled_to_the_end(hazard):
    user, word = hazard.user("operator"), hazard.word()
    hazard.upstream.script(f"/api/v1/namespaces/{word}/", hang)
    with hazard.connect(seconds=3) as tls:
        tls.sendall(hazard.head("GET", f"/api/v1/namespaces/{word}/pods?watch=1", user))
        asked = hazard.upstream.one(f"/api/v1/namespaces/{word}/")
        with pytest.raises(TimeoutError):  # the first answer of a watch may be hours away
            tls.recv(1)
        for _ in range(5):
            assert status(hazard.raw(hazard.head("GET", f"/api/v1/namespaces/x{word}/pods", user))) == 200
    assert asked.connection.ended.wait(10), "the agent still waits for the cluster"
    until(lambda: hazard.events(user, word)[-1]["status"] in ("allowed", "interrupted"), 10,
          lambda: f"the outcome of the cancelled request, have {hazard.events(user, word)}")


def test_what_decides_a_list_is_not_waited_for_without_end(hazard, narrow):
    """Whether a custom resource has namespaces: unanswered, nothing of the list is asked for, and nothing shown."""
    group = f"{hazard.word()}.test"
    hazard.upstream.script(f"/apis/{group}/v1", hang)
    hazard.upstream.script(f"/apis/{group}/v1/things", answer("200 OK", '{"kind": "ThingList", "items": []}'))
    path = f"/apis/{group}/v1/things"
    refused = hazard.raw(hazard.head("GET", path, narrow), seconds=60)
    assert status(refused) == 504 and b"belong to namespaces" in refused, refused
    assert [r.target for r in hazard.upstream.requests(f"/apis/{group}")] == [f"/apis/{group}/v1"]
    asked = hazard.upstream.one(f"/apis/{group}")
    assert asked.connection.ended.wait(10), "the agent still waits for the cluster"
    events = hazard.until_events(narrow, group, 2)
    assert sorted(e["command"] for e in events) == [f"get /apis/{group}/v1", f"list {path}"], events
    assert {e["status"] for e in events} == {"failed"} and len({e["id"] for e in events}) == 2, events


def test_a_large_list_passes_a_narrow_grant_in_constant_memory(hazard, narrow):
    word = hazard.word()
    padding = "x" * OBJECT_BYTES

    def serve(connection, _request):
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(OBJECTS):
            name_space = "team-red" if i % 2 else "others"
            item = json.dumps({"metadata": {"name": f"{word}-{i}", "namespace": name_space}, "data": {"x": padding}})
            text = ('{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[' if i == 0 else ",") + item
            connection.send(f"{len(text):x}\r\n{text}\r\n")
        connection.send("2\r\n]}\r\n0\r\n\r\n")
    hazard.upstream.script(f"/api/v1/configmaps?labelSelector={word}", serve)
    head = hazard.head("GET", f"/api/v1/configmaps?labelSelector={word}", narrow, version="HTTP/1.1")
    hazard.raw(hazard.head("GET", "/api/v1/configmaps?limit=1", narrow))  # what the first request costs
    before, most, done = memory(hazard.central), [0], threading.Event()

    def sample():
        while not done.wait(0.02):
            most[0] = max(most[0], memory(hazard.central))
    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        got = hazard.raw(head, seconds=120)
    finally:
        done.set()
        sampler.join()
    grown = most[0] - before
    print(f"list of {OBJECTS} objects, {len(got) >> 20} MiB shown: central grew by {grown >> 10} KiB from {before >> 20} MiB")
    assert status(got) == 200 and got.count(f'"name": "{word}-'.encode()) == OBJECTS // 2, got[:300]
    assert b'"others"' not in got and got.rstrip().endswith((b"]}", b"0"))
    assert most[0] > 0 and grown < LIST_MEMORY_GROWTH_BYTES_MAX
