"""A proxy on loopback that does to requests what networks and busy stores do to them."""

import contextlib
import http.client
import http.server
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["status", "reset", "stall", "short", "lost answer"]

EXPIRED = (
    b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message>"
    b"<Token-0>hush-hush</Token-0></Error>"
)


@dataclass(slots=True)
class Fault:
    """What happens to requests, some times.

    Attributes:
        kind: ``status`` answers by itself; ``reset`` resets the connection; ``stall`` sends half a body and then
            nothing more; ``short`` sends half a body and hangs up; ``lost answer`` has the store do what was
            asked, and resets the connection.
        times: How many requests.
        method: Of requests with this method only.
        status: What ``status`` answers.
        body: What ``status`` answers.
        within: Of requests whose path holds this only.
    """

    kind: Kind
    times: int = 1
    method: str = ""
    status: int = 503
    body: bytes = b""
    within: str = ""


@dataclass(slots=True)
class Faults:
    """Faults to come.

    Attributes:
        endpoint: URL of the proxy.
        coming: The first one that fits a request happens to it.
        requests: Method and path of every request.
    """

    endpoint: str = ""
    coming: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that a request meets."""
        with self.lock:
            self.requests.append((method, path))
            for fault in self.coming:
                if fault.times and fault.method in {"", method} and fault.within in path:
                    fault.times -= 1
                    return fault
        return None


@contextlib.contextmanager
def faulty(upstream: str) -> Iterator[Faults]:
    """Stands before a server; gives the faults, of which there are none yet."""
    faults = Faults()

    class Handler(_Handler):
        pass

    Handler.faults = faults
    Handler.upstream = urlsplit(upstream).netloc
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    faults.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield faults
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    faults: Faults
    upstream: str
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.close_connection = True
        fault = self.faults.take(self.command, self.path)
        if fault is None:
            self._send(*self._forward(body), cut=None)
        elif fault.kind == "status":
            self._send(fault.status, {"Content-Length": str(len(fault.body))}, fault.body, cut=None)
        elif fault.kind == "reset":
            self._reset()
        elif fault.kind == "lost answer":
            self._forward(body)
            self._reset()
        else:
            self._send(*self._forward(body), cut=self._stall if fault.kind == "stall" else self._hang_up)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        # What asks a proxy names the server too.
        path = self.path.removeprefix(f"http://{self.upstream}")
        with contextlib.closing(http.client.HTTPConnection(self.upstream)) as connection:
            # Signatures and the addresses of resumable uploads hold the host.
            connection.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            headers = dict(answer.getheaders())
        return answer.status, headers, content

    def _send(
        self, status: int, headers: dict[str, str], body: bytes, *, cut: Callable[[], None] | None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value)
        length = headers.get("Content-Length", str(len(body))) if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if cut is None else body[: len(body) // 2])
        if cut is not None:
            self.wfile.flush()
            cut()

    def _stall(self) -> None:
        """Ends when the client has had enough."""
        with contextlib.suppress(OSError):
            self.connection.recv(1)

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
