"""A link that can go bad: a TCP relay between two programs that delays, throttles, holds, swallows or resets.

`swallow` is the load balancer that answers for a dead peer: it takes what is sent (so TCP sees nothing wrong) and
passes on neither bytes nor an end.  A connection that lost bytes to it stays dead when the link heals; only new ones
get through.  `hold` is a link that loses packets which TCP would send again: all arrives once it heals.
"""

import asyncio
import socket
import struct
import threading

CHUNK_BYTES = 65536


class Relay:
    """Listens at `address`; relays to `target` ("host:port").  Attributes may be set at any time."""

    def __init__(self, target):
        self.host, port = target.rsplit(":", 1)
        self.port = int(port)
        self.mode = "forward"  # or "swallow", "hold", "refuse"
        self.delay_seconds = 0
        self.bytes_per_second = 0  # of each direction of each connection; 0: no limit
        self.passed_bytes = 0
        self.connections = set()  # of writers
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def heal(self):
        self.mode, self.delay_seconds, self.bytes_per_second = "forward", 0, 0

    def reset(self):
        """Every connection ends at once, both ways, with RST."""
        async def abort():
            for writer in list(self.connections):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        self._run(abort())

    def close(self):
        async def end():
            self.server.close()
            for writer in list(self.connections):
                writer.transport.abort()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        self._run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    async def _accept(self, reader, writer):
        if self.mode == "refuse":
            return writer.transport.abort()
        self.connections.add(writer)
        link = {"dead": self.mode == "swallow"}
        try:
            if link["dead"]:
                return await self._pump(reader, None, link)
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
            self.connections.add(far_writer)
            try:
                await asyncio.gather(self._pump(reader, far_writer, link), self._pump(far_reader, writer, link))
            finally:
                self._drop(far_writer)
        except OSError:
            pass  # one side broke: the other hears of it by the end below
        finally:
            self._drop(writer)

    def _drop(self, writer):
        self.connections.discard(writer)
        writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _pump(self, reader, writer, link):
        while True:
            chunk = await reader.read(CHUNK_BYTES)
            while self.mode == "hold" and not link["dead"]:
                await asyncio.sleep(0.05)
            link["dead"] = link["dead"] or self.mode == "swallow"
            if link["dead"]:
                if not chunk:
                    return await asyncio.Event().wait()  # the other side is not told
                continue
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            if not chunk:
                return writer.write_eof()
            writer.write(chunk)
            self.passed_bytes += len(chunk)
            await writer.drain()
            if self.bytes_per_second:
                await asyncio.sleep(len(chunk) / self.bytes_per_second)
