import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.websocket import MAX_MESSAGE_BYTES, WebSocket, WebSocketError
from tests.support.head import frame

CLOSE = frame(0x8, b"\x03\xe8")


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def unmasked(sent: bytes) -> tuple[int, bytes]:
    opcode, length, mask, payload = sent[0] & 0x0F, sent[1] & 0x7F, sent[2:6], sent[6:]
    assert sent[1] & 0x80, "what clients send is masked"
    assert len(payload) == length
    return opcode, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


@given(texts=st.lists(st.text(min_size=1, max_size=300), max_size=5), cut=st.integers(1, 1000))
def test_texts_come_whole_however_they_are_cut(texts: list[str], cut: int) -> None:
    data = "".join(texts).encode()
    pieces = [data[i : i + cut] for i in range(0, len(data), cut)]
    # One message in many frames: letters may be cut in two.
    frames = [
        frame(0 if i else 1, piece, 0x80 if i + 1 == len(pieces) else 0) for i, piece in enumerate(pieces)
    ]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"".join(frames) + CLOSE)
        assert "".join(WebSocket(ours).texts()) == "".join(texts)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_frames_of_every_size(ends: tuple[socket.socket, socket.socket], length: int) -> None:
    ours, theirs = ends
    theirs.sendall(frame(0x1, b"x" * length) + CLOSE)
    assert "".join(WebSocket(ours).texts()) == "x" * length


def test_pings_are_answered_and_a_close_returned(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(frame(0x9, b"there?") + frame(0x1, b"a") + CLOSE)
    assert list(WebSocket(ours).texts()) == ["a"]
    assert unmasked(theirs.recv(12)) == (0xA, b"there?")
    assert unmasked(theirs.recv(100)) == (0x8, b"\x03\xe8")


def test_a_silent_server_is_asked_and_then_given_up(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    with pytest.raises(TimeoutError):
        list(WebSocket(ours, silence_s=0.01).texts())
    assert unmasked(theirs.recv(100)) == (0x9, b"")


@pytest.mark.parametrize(
    "sent",
    [
        frame(0x1, b"a", 0xC0),
        bytes([0x81, 0x81]) + b"mask" + b"a",
        bytes([0x81, 127]) + (MAX_MESSAGE_BYTES + 1).to_bytes(8) + b"a",
        frame(0x9, b"x" * 126),
        frame(0x9, b"x", 0x00),
        frame(0x1, b"cut")[:-1],
        b"",
    ],
)
def test_what_breaks_the_protocol(ends: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    ours, theirs = ends
    theirs.sendall(sent)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(WebSocketError):
        list(WebSocket(ours).texts())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: abc\r\n\r\n", "another question"),
        (b"SSH-2.0\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 101", "went away"),
        (b"x" * (1 << 17), "endless headers"),
    ],
)
def test_what_is_no_handshake(ends: tuple[socket.socket, socket.socket], answer: bytes, told: str) -> None:
    ours, theirs = ends
    theirs.sendall(answer)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(WebSocketError, match=told):
        WebSocket(ours).open("head", "/", {})


def test_a_refusal_has_a_status(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    assert WebSocket(ours).open("head:1", "/api", {"Authorization": "Bearer x"}) == 403
    asked = theirs.recv(1 << 16).decode().split("\r\n")
    assert asked[0] == "GET /api HTTP/1.1"
    assert {"Host: head:1", "Authorization: Bearer x", "Upgrade: websocket"} <= set(asked)
