"""Requests as bytes, many at once, for clients that misbehave: HTTP/1.1 and HTTP/2 over asyncio, ended at will.

Only what such tests need: no answer is parsed beyond its status, and nothing is read that a test does not ask for.
"""

import asyncio
import base64
import os
import ssl
import urllib.parse

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CANCEL = 8
STATUS_OF_INDEX = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}  # RFC 7541, A


def tls(ca_file, alpn):
    context = ssl.create_default_context(cafile=str(ca_file))
    context.set_alpn_protocols([alpn])
    return context


async def connect(rest, context):
    address = urllib.parse.urlsplit(rest.url)
    return await asyncio.open_connection(address.hostname, address.port, ssl=context, server_hostname=address.hostname)


class Http1:
    """One request on a connection of its own."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def send(cls, rest, context, method, path, headers=(), body=b""):
        it = cls(*await connect(rest, context))
        fields = [("Host", "mk8s"), ("Authorization", f"Bearer {rest.token}"), *headers]
        it.writer.write(f"{method} {path} HTTP/1.1\r\n".encode() +
                        "".join(f"{k}: {v}\r\n" for k, v in fields).encode() + b"\r\n" + body)
        return it

    async def status(self):
        return int((await self.reader.readuntil(b"\r\n\r\n")).split()[1])

    def close(self):
        self.writer.close()

    def abort(self):
        self.writer.transport.abort()


def upgrade_headers(protocol="v5.channel.k8s.io"):
    return [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()), ("Sec-WebSocket-Protocol", protocol)]


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def hpack(fields):
    """Literal, never indexed, no Huffman code (RFC 7541, 6.2.3)."""
    def text(value):
        value = value.encode()
        if len(value) < 127:
            return bytes((len(value),)) + value
        rest, length = len(value) - 127, b"\x7f"
        while rest >= 128:
            length, rest = length + bytes((rest % 128 + 128,)), rest // 128
        return length + bytes((rest,)) + value
    return b"".join(b"\x10" + text(name) + text(value) for name, value in fields)


class Http2:
    """A connection; streams by number.  `windows`: what the peer may send unread, on each stream and in all."""

    def __init__(self, rest, reader, writer):
        self.rest, self.reader, self.writer = rest, reader, writer
        self.next, self.heads, self.ended = 1, {}, {}
        self.received_bytes = {}
        self.goaway = None

    @classmethod
    async def open(cls, rest, ca_file, windows=None):
        it = cls(rest, *await connect(rest, tls(ca_file, "h2")))
        settings = b"\x00\x04" + windows.to_bytes(4, "big") if windows else b""
        it.writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings))
        if windows:
            it.writer.write(frame(WINDOW_UPDATE, 0, 0, (windows - 65535).to_bytes(4, "big")))
        it.reading = asyncio.ensure_future(it._read())
        return it

    def send(self, method, path, headers=(), end=True):
        stream, self.next = self.next, self.next + 2
        self.heads[stream], self.ended[stream] = asyncio.Event(), asyncio.Event()
        self.received_bytes[stream] = 0
        fields = [(":method", method), (":scheme", "https"), (":authority", "mk8s"), (":path", path),
                  ("authorization", f"Bearer {self.rest.token}"), *headers]
        self.writer.write(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, hpack(fields)))
        return stream

    def data(self, stream, payload, end=False):
        self.writer.write(frame(DATA, END_STREAM if end else 0, stream, payload))

    def reset(self, stream):
        self.writer.write(frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big")))

    def stop_reading(self):
        self.reading.cancel()

    def close(self):
        self.reading.cancel()
        self.writer.transport.abort()

    async def _read(self):
        try:
            while True:
                head = await self.reader.readexactly(9)
                payload = await self.reader.readexactly(int.from_bytes(head[:3], "big"))
                self._take(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # the end of the connection is the end of its streams
        for event in [*self.heads.values(), *self.ended.values()]:
            event.set()

    def _take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            self.writer.write(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.writer.write(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.goaway = payload
        elif kind == HEADERS and stream in self.heads and not self.heads[stream].is_set():
            self.heads[stream].status = STATUS_OF_INDEX.get(payload.lstrip(b"\x20")[0])
            self.heads[stream].set()
        elif kind == DATA and payload:
            self.received_bytes[stream] = self.received_bytes.get(stream, 0) + len(payload)
            credit = len(payload).to_bytes(4, "big")
            self.writer.write(frame(WINDOW_UPDATE, 0, 0, credit))
            if not flags & END_STREAM:
                self.writer.write(frame(WINDOW_UPDATE, 0, stream, credit))
        if stream in self.ended and (kind == RST_STREAM or flags & END_STREAM and kind in (DATA, HEADERS)):
            self.ended[stream].set()
