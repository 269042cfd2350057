"""Thousands of clients that leave at a random point: all that they had opened, on every hop, is closed behind them."""

import asyncio
import random
import time

from harness.agent import register
from harness.process import until
from harness.wire import Http1, Http2, tls, upgrade_headers

BACK_SECONDS_MAX = 5
MEMORY_GROWTH_BYTES_MAX = 24 << 20
HTTP2_CONNECTIONS, WORKERS_EACH, HTTP1_WORKERS = 8, 10, 24
UPLOAD_BYTES = 200_000


class World:
    """One central, one agent, one pod that talks for ever; and what of theirs is open."""

    def __init__(self, own, agent, cluster, namespace):
        self.central, self.agent, self.cluster = own.central, agent, cluster
        self.rest = own.rest
        self.path = f"/clusters/lab/k8s/api/v1/namespaces/{namespace}"

    def open(self):
        return {
            "central: descriptors": self.central.process.descriptors,
            "central: requests": self.central.diagnostic.metric("mk8s_kube_requests_open"),
            "agent: descriptors": self.agent.process.descriptors,
            "agent: requests": self.agent.diagnostic.metric("mk8s_agent_requests_open"),
            "cluster: long-running requests": self.long_running(),
        }

    def memory(self):
        return {"central": self.central.process.memory_bytes, "agent": self.agent.process.memory_bytes}

    def long_running(self):
        """Of those that the clients here make: the control plane watches the pods of all namespaces."""
        lines = self.cluster.kubectl("get", "--raw", "/metrics").ok().out.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("apiserver_longrunning_requests")
                   and 'resource="pods"' in line and 'scope="cluster"' not in line)

    def requests(self):
        """name -> (method, path, headers, whether it has a body)"""
        pods = f"{self.path}/pods"
        return {
            "get": ("GET", f"{self.path}/configmaps", [], False),
            "watch": ("GET", f"{pods}?watch=1", [], False),
            "logs -f": ("GET", f"{pods}/talks/log?follow=true", [], False),
            "exec": ("GET", f"{pods}/talks/exec?command=cat&stdin=true&stdout=true&container=main", upgrade_headers(), False),
            "upload": ("POST", f"{self.path}/configmaps", [("content-type", "application/json"),
                                                           ("content-length", str(UPLOAD_BYTES))], True),
        }


async def pause():
    await asyncio.sleep(random.choice((0, 0.001, 0.01, 0.05)) * random.random())


async def over_http1(world, context, budget):
    """Each request has its own connection, which is closed or reset under it."""
    names = ["get", "watch", "logs -f", "upload", "exec"]
    while budget.take():
        method, path, headers, body = world.requests()[random.choices(names, (3, 3, 3, 3, 1))[0]]
        sent = b"x" * random.randrange(UPLOAD_BYTES) if body else b""
        request = await Http1.send(world.rest, context, method, path, headers, sent)
        if not body and random.random() < 0.5:
            await request.status()
            budget.answered += 1
        await pause()
        random.choice((request.close, request.abort))()


async def over_http2(world, connection, budget):
    while budget.take():
        method, path, headers, body = world.requests()[random.choice(["get", "watch", "logs -f", "upload"])]
        stream = connection.send(method, path, headers, end=not body)
        if body and random.random() < 0.5:
            connection.data(stream, b"x" * random.randrange(16_384))
        elif not body and random.random() < 0.5:
            await connection.heads[stream].wait()
            assert connection.goaway is None, connection.goaway
            budget.answered += 1
        await pause()
        connection.reset(stream)


class Budget:
    def __init__(self, count):
        self.left, self.answered = count, 0

    def take(self):
        self.left -= 1
        return self.left >= 0


async def cancel(world, count):
    first, second = Budget(count // 4), Budget(count - count // 4)
    context = tls(world.central.ca_file, "http/1.1")
    connections = [await Http2.open(world.rest, world.central.ca_file) for _ in range(HTTP2_CONNECTIONS)]
    try:
        await asyncio.gather(*(over_http1(world, context, first) for _ in range(HTTP1_WORKERS)),
                             *(over_http2(world, c, second) for c in connections for _ in range(WORKERS_EACH)))
    finally:
        for connection in connections:
            connection.close()
    return first.answered + second.answered


def test_ten_thousand_cancels_at_random_points(own, new_agent, clusters, namespace, pod):
    count = 10_000
    agent = new_agent(own.central, "alpha", "lab", register(own.rest, "lab"))
    pod("alpha", "talks", ["sh", "-c", "while echo talk; do sleep 0.2; done"])
    world = World(own, agent, clusters["alpha"], namespace)
    asyncio.run(cancel(world, 600))  # what is kept on purpose is there after it: pooled connections, caches
    until(lambda: world.open()["central: requests"] == world.open()["agent: requests"] == 0, 10, world.open)
    before, memory_before = world.open(), world.memory()

    started = time.monotonic()
    answered = asyncio.run(cancel(world, count))
    took = time.monotonic() - started
    assert answered > count // 8, "most were to be cancelled while an answer streamed"

    def leftover():
        return {what: (before[what], now) for what, now in world.open().items() if now > before[what]}
    ended = time.monotonic()
    until(lambda: not leftover(), BACK_SECONDS_MAX, leftover)
    growth = {name: now - memory_before[name] for name, now in world.memory().items()}
    print(f"{count} cancels in {took:.1f} s ({answered} after the answer began); back to {before} in "
          f"{time.monotonic() - ended:.1f} s; memory before {memory_before}, growth {growth}")
    assert max(growth.values()) < MEMORY_GROWTH_BYTES_MAX, growth
    own.kubectl("lab", "get", "nodes").ok()
