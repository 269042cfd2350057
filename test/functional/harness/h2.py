"""HTTP/2 frames by hand (RFC 9113), for what no client library would send.  HPACK is Debian's python3-hpack."""

import struct
import time

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 7, 8, 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Answer:
    """How one stream went: its response, or the code with which it or the connection was ended."""

    def __init__(self):
        self.status, self.fields, self.body, self.reset, self.ended = 0, [], b"", None, False

    def __repr__(self):
        return f"HTTP/2 {self.status} {self.fields} {self.body[:500]!r} reset={self.reset}"


class Http2:
    """A connection to a world's central.  `acknowledge=False` leaves central's SETTINGS unanswered; `window` is how much
    of each answer's body central may send."""

    def __init__(self, world, acknowledge=True, seconds=15, window=65535):
        self.tls = world.connect(alpn="h2", seconds=seconds)
        assert self.tls.selected_alpn_protocol() == "h2"
        self.acknowledge = acknowledge
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.encoder.huffman = False
        self.answers, self.next_stream, self.buffer = {}, 1, b""
        self.goaway, self.closed, self.settings, self.pongs = None, False, {}, 0
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def send(self, *pieces):
        self.tls.sendall(b"".join(pieces))

    def block(self, method, path, user=None, *fields, pseudo=()):
        """The header block of a request."""
        head = [(":method", method), (":scheme", "https"), (":authority", "127.0.0.1"), (":path", path), *pseudo]
        if user:
            head.append(("authorization", f"Bearer {user.token}"))
        return self.encoder.encode([*head, *fields], huffman=False)

    def stream(self):
        self.next_stream += 2
        self.answers[self.next_stream - 2] = Answer()
        return self.next_stream - 2

    def open(self, method, path, user=None, *fields, end=True, pseudo=()):
        """Sends a request's head and returns the stream's number."""
        stream = self.stream()
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream,
                        self.block(method, path, user, *fields, pseudo=pseudo)))
        return stream

    def ask(self, method, path, user=None, *fields, seconds=15):
        stream = self.open(method, path, user, *fields)
        return self.wait(stream, seconds)

    def wait(self, stream, seconds=15):
        """Until that stream, or the connection, has ended."""
        answer = self.answers[stream]
        self.read_until(lambda: answer.ended or self.closed, seconds)
        return answer

    def read_until(self, done, seconds=15):
        deadline = time.monotonic() + seconds
        while not done():
            left = deadline - time.monotonic()
            assert left > 0, f"not within {seconds} s; {self.answers}"
            self.tls.settimeout(left)
            try:
                chunk = self.tls.recv(65536)
            except OSError:
                chunk = b""
            if not chunk:
                self.closed = True
                continue
            self.buffer += chunk
            while len(self.buffer) >= 9 and len(self.buffer) >= 9 + (size := int.from_bytes(self.buffer[:3], "big")):
                head, payload = self.buffer[:9], self.buffer[9:9 + size]
                self.buffer = self.buffer[9 + size:]
                self.take(head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7fffffff, payload)

    def take(self, kind, flags, stream, payload):
        answer = self.answers.get(stream, Answer())
        if kind == SETTINGS and not flags & ACK:
            self.settings.update(struct.iter_unpack(">HI", payload))
            if self.acknowledge:
                self.send(frame(SETTINGS, ACK))
        elif kind == HEADERS:
            fields = self.decoder.decode(payload)
            if fields[0][0] == ":status":
                answer.status = int(fields[0][1])
            answer.fields += fields[1:]
        elif kind == DATA:
            answer.body += payload
            if payload:
                grant = struct.pack(">I", len(payload))
                self.send(frame(WINDOW_UPDATE, 0, 0, grant), frame(WINDOW_UPDATE, 0, stream, grant))
        elif kind == RST_STREAM:
            answer.reset, answer.ended = int.from_bytes(payload, "big"), True
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == PING and flags & ACK:
            self.pongs += 1
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            answer.ended = True
