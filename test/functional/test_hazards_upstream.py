"""Hazards from the other side: a cluster that answers nonsense, too much, too slowly or not to the end.  The client
gets a 502 or an answer that is visibly cut, never somebody else's bytes."""

import time

import pytest

from harness.h2 import Http2
from harness.hazard import status
from harness.recording_upstream import answer

OK = "HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("said", [
    "not HTTP at all\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n", OK + "no colon\r\n\r\n",
    OK + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", OK + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    OK + "Content-Length: -1\r\n\r\n", OK + "X: a\r\n folded\r\nContent-Length: 0\r\n\r\n", OK.replace("\r", "") + "\n",
    OK + "X: " + "a" * 70_000 + "\r\n\r\n", OK + "X: y\r\n" * 300 + "\r\n", "HTTP/1.1 100 Continue\r\n\r\n" * 20,
    "HTTP/1.1 200 " + "a" * 20_000 + "\r\n\r\n", ""], ids=lambda said: said[:40] or "nothing")
def test_malformed_answer_is_a_bad_gateway(hazard, said):
    user, word = hazard.user("operator"), hazard.word()
    hazard.upstream.script(f"/api/v1/namespaces/{word}/", lambda connection, _: (connection.send(said), False)[1])
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", user))
    assert status(got) in (502, 503) and b'"kind":"Status"' in got, got[:500]
    assert b"aaaa" not in got and b"folded" not in got


@pytest.mark.parametrize("said", [
    OK + "Content-Length: 100\r\n\r\n{", OK + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    OK + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n",
    OK + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n"], ids=["length", "chunks", "bad-chunk", "bad-trailer"])
def test_answer_cut_short_is_not_taken_for_whole(hazard, said):
    user, word = hazard.user("operator"), hazard.word()

    def step(connection, _):
        connection.send(said)
        time.sleep(0.3)  # so that the head is on its way
        return False
    hazard.upstream.script(f"/api/v1/namespaces/{word}/", step)
    path = f"/api/v1/namespaces/{word}/pods"
    got = hazard.raw(hazard.head("GET", path, user))
    head, _, body = got.partition(b"\r\n\r\n")
    assert status(got) in (200, 502), got[:500]
    if status(got) == 200:
        whole = body.endswith(b"0\r\n\r\n") if b"chunked" in head.lower() else len(body) == 100
        assert not whole, got
    with Http2(hazard) as h2:
        answer_2 = h2.ask("GET", f"/clusters/recorded/k8s{path}", user)
        assert answer_2.reset not in (None, 0) or answer_2.status == 502, answer_2


def test_bytes_behind_an_answer_are_nobodys_answer(hazard):
    """Response splitting: what a broken cluster sends unasked must not become the next request's answer."""
    user, word = hazard.user("operator"), hazard.word()
    hazard.upstream.script(f"/api/v1/namespaces/{word}/", answer("200 OK", "{}") + answer("200 OK", '{"stolen": true}'))
    for _ in range(5):
        got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", user))
        assert b"stolen" not in got, got
        for _ in range(3):
            assert b"stolen" not in hazard.raw(hazard.head("GET", f"/api/v1/namespaces/x{word}/pods", user))


def test_trickled_answer_arrives_whole(hazard):
    """Slow is not wrong: a watch of a quiet object, byte by byte."""
    user, word = hazard.user("operator"), hazard.word()

    def step(connection, _):
        for byte in answer("200 OK", '{"kind": "PodList"}', "X-Kept: yes"):
            connection.send(bytes([byte]))
            time.sleep(0.005)
    hazard.upstream.script(f"/api/v1/namespaces/{word}/", step)
    got = hazard.raw(hazard.head("GET", f"/api/v1/namespaces/{word}/pods", user))
    assert status(got) == 200 and got.endswith(b'{"kind": "PodList"}') and b"X-Kept: yes" in got, got
