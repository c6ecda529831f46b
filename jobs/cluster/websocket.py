"""The reading side of a WebSocket, as much of it as it takes to follow a log.

Source: https://www.rfc-editor.org/rfc/rfc6455
"""

import base64
import codecs
import contextlib
import hashlib
import os
import socket
import struct
from collections.abc import Iterator

MAX_MESSAGE_BYTES = 16 << 20
MAX_HEAD_BYTES = 64 << 10
SILENCE_S = 30.0
"""After so long without a byte, the other side is asked whether it is there."""

SWITCHED = 101

_ANOTHER = "answers another question than ours"
_BROKEN = "breaks the protocol of WebSockets"
_ENDLESS = "answers with endless headers"
_GONE = "went away without a word"
_NO_HTTP = "does not speak HTTP"

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FIN = 0x80
_MASKED = 0x80
_RESERVED = 0x70
_OF_TEXT = (0x0, 0x1)
"""A text, and what continues one."""
_CLOSE, _PING, _PONG = 0x8, 0x9, 0xA
_SMALL = 125
_TWO_BYTES = 126


class WebSocketError(ConnectionError):
    """The other side breaks the protocol, or went away without a word.

    Attributes:
        reason: Of a text about the other side.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WebSocket:
    """A connection whose other side sends text.

    Args:
        sock: Connected, and used by nobody else.
        silence_s: How long the other side may be silent before it is asked, and again before it is given up.
    """

    def __init__(self, sock: socket.socket, silence_s: float = SILENCE_S) -> None:
        self._socket = sock
        self._buffer = bytearray()
        self._silence_s = silence_s

    def open(self, host: str, path: str, headers: dict[str, str]) -> int:
        """Asks for the connection to become a WebSocket.

        Returns:
            The status of the answer; `SWITCHED` where it is one now.

        Raises:
            WebSocketError: What is answered is no HTTP, or not meant for us.
            OSError: The connection broke.
        """
        key = base64.b64encode(os.urandom(16)).decode()
        asked = {
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            **headers,
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items()), "", ""]
        self._socket.sendall("\r\n".join(lines).encode("ascii"))
        status, told = self._head()
        # Source: RFC 6455, section 4.2.2; SHA-1 proves that the answer is to this question, and nothing else.
        accepted = base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest())
        if status == SWITCHED and told.get("sec-websocket-accept") != accepted.decode():
            raise WebSocketError(_ANOTHER)
        return status

    def texts(self) -> Iterator[str]:
        """What the other side sends, until it closes.

        Raises:
            WebSocketError: It breaks the protocol, or is gone.
            OSError: The connection broke.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for opcode, payload in self._frames():
            if opcode in _OF_TEXT:
                if text := decoder.decode(payload):
                    yield text
            elif opcode == _PING:
                self._send(_PONG, payload)
            elif opcode == _CLOSE:
                self._send(_CLOSE, payload[:2])
                return

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        while True:
            first, second = self._read(2)
            length = second & 0x7F
            if length > _SMALL:
                size, form = (2, ">H") if length == _TWO_BYTES else (8, ">Q")
                length = struct.unpack(form, self._read(size))[0]
            if first & _RESERVED or second & _MASKED or length > MAX_MESSAGE_BYTES:
                raise WebSocketError(_BROKEN)
            opcode = first & 0x0F
            if opcode >= _CLOSE and (length > _SMALL or not first & _FIN):
                raise WebSocketError(_BROKEN)
            yield opcode, self._read(length)

    def _head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise WebSocketError(_ENDLESS)
            self._receive()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        status_line, *lines = head.decode("latin-1").split("\r\n")
        words = status_line.split(" ", 2)
        if not words[0].startswith("HTTP/1.") or len(words) == 1 or not words[1].isdecimal():
            raise WebSocketError(_NO_HTTP)
        pairs = (line.partition(":") for line in lines)
        return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _read(self, length: int) -> bytes:
        asked = False
        while len(self._buffer) < length:
            try:
                self._receive()
                asked = False
            except TimeoutError:
                if asked:
                    raise
                asked = True
                self._send(_PING, b"")
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def _receive(self) -> None:
        self._socket.settimeout(self._silence_s)
        data = self._socket.recv(64 << 10)
        if not data:
            raise WebSocketError(_GONE)
        self._buffer += data

    def _send(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        # Whoever hangs up after their last word has said it all the same; it is still to be read.
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(bytes([_FIN | opcode, _MASKED | len(payload)]) + mask + masked)
