"""Who receives alerts: a server on loopback that keeps what it is sent and answers as a test wants."""

import contextlib
import http.server
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.servers import served

HANG_UP = 0
DRIP = 1
"""In place of a status: what receivers do that are ill."""


@dataclass
class Receiver:
    """One of them.

    Attributes:
        url: Where it listens.
        answers: What it answers to each request, in order; then 204.
        headers: Of every answer.
        requests: Headers and body of each request.
    """

    url: str = ""
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[bytes]:
        """Body of each request."""
        return [body for _, body in self.requests]


@contextlib.contextmanager
def receiving(
    answers: Sequence[int] = (), tls: ssl.SSLContext | None = None, **headers: str
) -> Iterator[Receiver]:
    """A receiver, as long as the block lasts."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    receiver = Receiver(answers=list(answers), headers=named)
    with served(partial(_Handler, receiver), tls) as endpoint:
        receiver.url = f"{endpoint}/in"
        yield receiver


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, receiver: Receiver, *more: Any) -> None:
        self._receiver = receiver
        super().__init__(*more)

    def do_POST(self) -> None:
        receiver = self._receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.requests.append(({name.lower(): text for name, text in self.headers.items()}, body))
        status = receiver.answers.pop(0) if receiver.answers else 204
        if status == DRIP:
            self._drip()
        elif status != HANG_UP:
            self.send_response(status)
            for name, text in receiver.headers.items():
                self.send_header(name, text)
            self.end_headers()

    def _drip(self) -> None:
        """A byte now and then, until the other side has gone."""
        self.connection.settimeout(0.02)
        with contextlib.suppress(OSError):
            for _ in range(1000):
                self.connection.sendall(b"H")
                with contextlib.suppress(TimeoutError):
                    if not self.connection.recv(1, socket.MSG_PEEK):
                        return

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


def verify(headers: dict[str, str], body: bytes, secret: str, now: float | None = None) -> bool:
    """What jobs/README.md tells receivers to do, as it stands there."""
    text = (Path(__file__).parents[2] / "jobs/README.md").read_text("utf-8")
    (code,) = re.findall(r"(?ms)^```python\n(import base64.*?)^```", text)
    told: dict[str, Any] = {}
    exec(code, told)  # noqa: S102 - our own words
    return bool(told["verify"](headers, body, secret, now))
