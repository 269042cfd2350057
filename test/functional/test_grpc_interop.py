"""mk8s' gRPC against Debian's python3-grpcio (the C core), each as client and as server.

test/conformance/grpc_interop stands for mk8s; it is built with the unit tests.  Needs /usr/bin/python3's grpc.
"""

import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import threading
import time

import pytest

grpc = pytest.importorskip("grpc")

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("MK8S_TEST_BIN", ROOT / "build/asan/bin")) / "grpc_interop"
MESSAGE_BYTES_MAX = 4 * 1024 * 1024
SIZES = [0, 1, 16384, 65536, 600_000, MESSAGE_BYTES_MAX]
# mk8s' own code beside the status it becomes, and the code that a client of ours makes of that.
CODES = [
    ("cancelled", "CANCELLED", "cancelled"),
    ("invalid_argument", "INVALID_ARGUMENT", "invalid_argument"),
    ("deadline_exceeded", "DEADLINE_EXCEEDED", "deadline_exceeded"),
    ("not_found", "NOT_FOUND", "not_found"),
    ("already_exists", "ALREADY_EXISTS", "already_exists"),
    ("permission_denied", "PERMISSION_DENIED", "permission_denied"),
    ("unauthenticated", "UNAUTHENTICATED", "unauthenticated"),
    ("resource_exhausted", "RESOURCE_EXHAUSTED", "resource_exhausted"),
    ("failed_precondition", "FAILED_PRECONDITION", "failed_precondition"),
    ("conflict", "ABORTED", "conflict"),
    ("unimplemented", "UNIMPLEMENTED", "unimplemented"),
    ("internal", "INTERNAL", "internal"),
    ("unavailable", "UNAVAILABLE", "unavailable"),
    ("data_loss", "DATA_LOSS", "data_loss"),
]
HARD_TEXT = "50% of 'é' and\na line"

if not PROGRAM.exists():
    pytest.skip(f"{PROGRAM} is not built: cmake --build --preset asan --target grpc_interop", allow_module_level=True)


# --- grpcio calls mk8s ---


@pytest.fixture(scope="module")
def address():
    with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", str(PROGRAM), "serve"],
                          stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().strip()
        server.kill()


@pytest.fixture
def channel(address):
    with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channel


def unary(channel, method, request=b"", **options):
    return channel.unary_unary(f"/interop.Test/{method}")(request, **{"timeout": 20, **options})


def status_of(call):
    with pytest.raises(grpc.RpcError) as failed:
        call()
    return failed.value.code().name, failed.value.details()


def wait_for_cancellations(channel, count):
    deadline = time.monotonic() + 10
    while int(unary(channel, "Cancellations")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("size", SIZES)
def test_server_echoes(channel, size):
    message = os.urandom(size)
    assert unary(channel, "Echo", message) == message


def test_server_refuses_large_requests(channel):
    code, _ = status_of(lambda: unary(channel, "Echo", bytes(MESSAGE_BYTES_MAX + 1)))
    assert code == "RESOURCE_EXHAUSTED"
    assert unary(channel, "Echo", b"still there") == b"still there"


@pytest.mark.parametrize("ours,status,_", CODES)
def test_server_gives_status(channel, ours, status, _):
    assert status_of(lambda: unary(channel, "Fail", f"{ours} {HARD_TEXT}".encode())) == (status, HARD_TEXT)


def test_server_does_not_know_the_method(channel):
    assert status_of(lambda: unary(channel, "None"))[0] == "UNIMPLEMENTED"
    assert status_of(lambda: channel.unary_unary("/no.Service/Method")(b"", timeout=20))[0] == "UNIMPLEMENTED"
    assert status_of(lambda: list(channel.unary_stream("/no.Service/Method")(b"", timeout=20)))[0] == "UNIMPLEMENTED"


def test_server_refuses_compression(channel):
    code, _ = status_of(lambda: unary(channel, "Echo", b"a" * 1000, compression=grpc.Compression.Gzip))
    assert code == "UNIMPLEMENTED"


def test_server_reads_metadata(channel):
    assert unary(channel, "Field", b"x-tenant", metadata=[("x-tenant", "blue")]) == b"blue"


def test_server_holds_the_deadline(channel):
    before = int(unary(channel, "Cancellations"))
    assert status_of(lambda: unary(channel, "Silent", timeout=0.3))[0] == "DEADLINE_EXCEEDED"
    wait_for_cancellations(channel, before + 1)


def test_server_hears_of_cancellation(channel):
    before = int(unary(channel, "Cancellations"))
    call = channel.unary_unary("/interop.Test/Silent").future(b"", timeout=60)
    time.sleep(0.1)
    call.cancel()
    wait_for_cancellations(channel, before + 1)


@pytest.mark.parametrize("count,size", [(0, 0), (1, 10), (1000, 0), (3000, 3000), (5, MESSAGE_BYTES_MAX)])
def test_server_streams(channel, count, size):
    messages = list(channel.unary_stream("/interop.Test/Count")(f"{count} {size}".encode(), timeout=60))
    assert [len(m) for m in messages] == [size] * count
    if size:
        assert [m[:1] for m in messages] == [bytes([97 + i % 26]) for i in reversed(range(count))]


def test_server_stops_streaming_when_cancelled(channel):
    before = int(unary(channel, "Cancellations"))
    call = channel.unary_stream("/interop.Test/Count")(b"1000000000 10000", timeout=60)
    next(call)
    time.sleep(0.2)  # nobody reads: the server must wait, not buffer
    call.cancel()
    wait_for_cancellations(channel, before + 1)


def test_server_stops_a_stuck_stream_at_its_deadline(channel):
    before = int(unary(channel, "Cancellations"))
    call = channel.unary_stream("/interop.Test/Count")(b"1000000000 10000", timeout=0.5)
    next(call)
    wait_for_cancellations(channel, before + 1)
    assert status_of(lambda: list(call))[0] == "DEADLINE_EXCEEDED"


def test_server_serves_many_at_once(channel):
    calls = [channel.unary_unary("/interop.Test/Echo").future(str(i).encode() * 100, timeout=60) for i in range(1000)]
    assert [call.result() for call in calls] == [str(i).encode() * 100 for i in range(1000)]


# --- mk8s calls grpcio ---


class Methods(grpc.GenericRpcHandler):
    """The methods of grpc_interop's server, in Python."""

    def __init__(self):
        self.cancelled = threading.Event()
        self.deadline = None

    def service(self, call):
        unary_method = {"/interop.Test/Echo": lambda request, context: request,
                        "/interop.Test/Fail": self.fail, "/interop.Test/Silent": self.silent}.get(call.method)
        if unary_method:
            return grpc.unary_unary_rpc_method_handler(unary_method)
        if call.method == "/interop.Test/Count":
            return grpc.unary_stream_rpc_method_handler(self.count)
        return None

    def fail(self, request, context):
        status, text = request.decode().split(" ", 1)
        context.abort(grpc.StatusCode[status], text)

    def silent(self, request, context):
        self.deadline = context.time_remaining()
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(20)
        return b""

    def count(self, request, context):
        context.add_callback(self.cancelled.set)
        count, size = map(int, request.split())
        for i in reversed(range(count)):
            yield bytes([97 + i % 26]) * size
            if not context.is_active():
                return


@pytest.fixture
def served(request):
    methods = Methods()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[methods],
                         compression=getattr(request, "param", None))
    methods.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield methods
    server.stop(None)


def call(served, method, request=b"", deadline_ms=20_000, cancel_after=0):
    """The messages as (size, sha256), and the end: "ok" or the code and its message."""
    done = subprocess.run([PROGRAM, "call", served.address, f"/interop.Test/{method}", str(deadline_ms),
                           str(cancel_after)], input=request, capture_output=True, timeout=60, check=True)
    text, _, end = done.stdout.decode().partition("done ")
    messages = [(int(size), digest) for _, size, digest in map(str.split, text.splitlines())]
    return messages, end.rstrip("\n")


@pytest.mark.parametrize("size", SIZES)
def test_client_gets_the_echo(served, size):
    message = os.urandom(size)
    assert call(served, "Echo", message) == ([(size, hashlib.sha256(message).hexdigest())], "ok")


@pytest.mark.parametrize("_,status,ours", CODES)
def test_client_gets_the_status(served, _, status, ours):
    messages, end = call(served, "Fail", f"{status} {HARD_TEXT}".encode())
    # Printable: no line of a server's choosing in logs and terminals.
    assert (messages, end) == ([], f"{ours} {HARD_TEXT}".replace("\n", r"\x0a"))


def test_client_hears_of_an_unknown_method(served):
    assert call(served, "None")[1].startswith("unimplemented ")


def test_client_holds_the_deadline(served):
    started = time.monotonic()
    messages, end = call(served, "Silent", deadline_ms=400)
    assert end.startswith("deadline_exceeded ")
    assert time.monotonic() - started < 5
    assert 0 < served.deadline <= 0.4, "the server was told"
    assert served.cancelled.wait(10)


@pytest.mark.parametrize("count,size", [(0, 0), (1000, 0), (3000, 3000), (3, MESSAGE_BYTES_MAX)])
def test_client_reads_a_stream(served, count, size):
    messages, end = call(served, "Count", f"{count} {size}".encode())
    assert end == "ok"
    assert messages == [(size, hashlib.sha256(bytes([97 + i % 26]) * size).hexdigest())
                        for i in reversed(range(count))]


def test_client_refuses_large_messages(served):
    messages, end = call(served, "Count", f"1 {MESSAGE_BYTES_MAX + 1}".encode())
    assert messages == []
    assert end.startswith("too_large ")


@pytest.mark.parametrize("served", [grpc.Compression.Gzip], indirect=True)
def test_client_takes_no_compressed_messages(served):
    assert call(served, "Count", b"1 0") == ([(0, hashlib.sha256(b"").hexdigest())], "ok"), "too small to compress"
    assert call(served, "Count", b"1 1000")[1].startswith("unimplemented ")


def test_client_cancels(served):
    messages, end = call(served, "Count", b"1000000 100", cancel_after=3)
    assert len(messages) >= 3
    assert end.startswith("cancelled ")
    assert served.cancelled.wait(10)


def test_client_finds_nobody():
    class Nobody:
        address = "127.0.0.1:1"
    assert call(Nobody, "Echo")[1].startswith("unavailable ")
