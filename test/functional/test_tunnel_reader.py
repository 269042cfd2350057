"""A client that stops reading a flood holds up itself and nobody else, and costs a bounded amount of memory."""

import asyncio
import threading
import time

import pytest

from harness.agent import register, wait_connected
from harness.load import Follower, Load
from harness.process import until
from harness.wire import Http1, Http2, tls

STALLED_EACH = 20  # over HTTP/1.1, each on a connection of its own; as many over HTTP/2 on one
# A stream's window on each hop (512 KiB) and what the sockets' own buffers let through: about 1 MiB for each.
MEMORY_GROWTH_BYTES_MAX = 2 * STALLED_EACH * (5 << 18)
FLOOD = "head -c 60000000 /dev/zero | tr '\\0' x | fold -w 500; " \
        "while head -c 250000 /dev/zero | tr '\\0' y | fold -w 500; do sleep 0.1; done"


class Stalled:
    """Clients in a thread of their own that ask for `path` and then read no more than the first bytes."""

    def __init__(self, rest, ca_file, path):
        self.loop = asyncio.new_event_loop()
        self.clients = []
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._open(rest, ca_file, path), self.loop).result(60)

    async def _open(self, rest, ca_file, path):
        context = tls(ca_file, "http/1.1")
        for _ in range(STALLED_EACH):
            self.clients.append(await Http1.send(rest, context, "GET", path))
            assert await self.clients[-1].status() == 200
        connection = await Http2.open(rest, ca_file, windows=(1 << 31) - 1)
        self.clients.append(connection)
        streams = [connection.send("GET", path) for _ in range(STALLED_EACH)]
        for stream in streams:
            await asyncio.wait_for(connection.heads[stream].wait(), 20)
            assert connection.heads[stream].status == 200
        connection.stop_reading()

    def close(self):
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _close(self):
        for client in self.clients:
            client.writer.transport.abort()
        await asyncio.sleep(0.1)  # the loop itself closes the sockets


@pytest.fixture
def lab(own, new_agent):
    """A cluster "lab" on a central and an agent that nobody else uses: their memory is this test's."""
    agent = new_agent(own.central, "alpha", "lab", register(own.rest, "lab"))
    wait_connected(own.rest, "lab")
    return agent


def test_client_that_stops_reading_logs_of_a_chatty_pod(own, lab, clusters, namespace, pod):
    rest, central = own.rest, own.central
    pod("alpha", "chatty", ["sh", "-c", FLOOD])
    until(lambda: clusters["alpha"].kubectl("-n", namespace, "logs", "chatty", "--tail=1").out.startswith("y"), 60, "a flood")
    logs = f"/clusters/lab/k8s/api/v1/namespaces/{namespace}/pods/chatty/log?follow=true"
    kube = "/clusters/lab/k8s/api/v1/namespaces/default"
    memory = lambda: {"central": central.process.memory_bytes, "agent": lab.process.memory_bytes}

    load = Load(rest, kube, threads=4, pause=0.01)
    until(lambda: len(load.asked) > 200, 60, "load")
    before = memory()
    stalled = Stalled(rest, central.ca_file, logs)
    try:
        follower = Follower(rest, logs + "&tailLines=1")
        samples = []
        for _ in range(8):
            time.sleep(1)
            samples.append({name: now - before[name] for name, now in memory().items()})
        assert central.diagnostic.metric("mk8s_kube_requests_open") > 2 * STALLED_EACH, "they were cut, not held up"
        served = load.since(time.monotonic() - 4)
        live = follower.received_bytes
        until(lambda: follower.received_bytes > live, 10, "one that reads the same log goes on")
        follower.close()
    finally:
        stalled.close()
        load.stop()
    growth = {name: max(sample[name] for sample in samples) for name in before}
    slowest = max(asked.seconds for asked in served)
    print(f"{2 * STALLED_EACH} stalled readers: memory before {before}, at most {growth} more, at last {samples[-1]}; "
          f"{len(served)} requests meanwhile, slowest {slowest:.3f} s")
    assert len(served) > 20 and all(a.status == 200 and a.seconds < 5 for a in served), served
    assert max(growth.values()) < MEMORY_GROWTH_BYTES_MAX, growth
    until(lambda: central.diagnostic.metric("mk8s_kube_requests_open") == 0 and
          lab.diagnostic.metric("mk8s_agent_requests_open") == 0, 5, "all closed")
