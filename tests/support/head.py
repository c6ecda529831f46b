"""A head of a cluster on loopback: a real HTTP server that keeps to what Ray 2.60 answers, without Ray."""

import base64
import contextlib
import hashlib
import json
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LATER = 1_763_780_000_000


@dataclass
class HeadState:
    """What the head knows, and how it misbehaves.

    Attributes:
        token: What it lets in; None for everybody.
        ray_version: What it says that it runs.
        packages: What was uploaded.
        submissions: What the Jobs API tells of each.
        logs: What each has printed.
        starts_as: How what is submitted stands at once.
        prints: What it prints.
        ends: How what is submitted ends, once its log was followed.
        trouble: For each of the next requests: a status to answer, ``drop`` to hang up before anything is done,
            ``lose`` to do it and hang up, or anything else to do as it should.
        cut_logs: After how many characters the next followings of a log break off.
        before_close: Called when a log was sent whole.
        requests: Method, path and headers of all that was asked.
    """

    token: str | None = TOKEN
    ray_version: str = "2.60.0"
    packages: dict[str, bytes] = field(default_factory=dict)
    submissions: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    starts_as: dict[str, Any] = field(default_factory=lambda: {"status": "PENDING"})
    prints: str = "1 of 2 splits, 3 hits\ndone\n"
    ends: dict[str, Any] = field(default_factory=lambda: {"status": "SUCCEEDED", "driver_exit_code": 0})
    trouble: list[int | str] = field(default_factory=list)
    cut_logs: list[int] = field(default_factory=list)
    before_close: Callable[[], object] = lambda: None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def add(self, submission_id: str, log: str = "", **details: Any) -> None:
        """Notes a submission."""
        usual = {
            "type": "SUBMISSION",
            "submission_id": submission_id,
            "status": "RUNNING",
            "start_time": LATER + len(self.submissions),
        }
        self.submissions[submission_id] = {**usual, "end_time": None, "metadata": {}, **details}
        self.logs[submission_id] = log


@contextlib.contextmanager
def head(state: HeadState) -> Iterator[str]:
    """Serves until the block ends; gives the address."""

    class Handler(_Handler):
        known = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    known: HeadState

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        state = self.known
        state.requests.append((self.command, self.path, dict(self.headers)))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        trouble = state.trouble.pop(0) if state.trouble else "none"
        if trouble == "drop":
            return
        if isinstance(trouble, int):
            self._answer(trouble, "trouble")
        elif state.token and not (given := self.headers.get("Authorization")):
            self._answer(401, "Unauthorized: Missing authentication token")
        elif state.token and given != f"Bearer {state.token}":
            self._answer(403, "Forbidden: Invalid authentication token")
        else:
            status, answer = self._done(body)
            if trouble != "lose" and status:
                self._answer(status, answer)

    def _done(self, body: bytes) -> tuple[int, object]:
        match (self.command, *self.path.strip("/").split("/")):
            case ("GET", "api", "version"):
                return 200, {"version": "4", "ray_version": self.known.ray_version, "ray_commit": "x"}
            case (method, "api", "packages", "gcs", name):
                return self._package(method, name, body)
            case ("POST", "api", "jobs"):
                return self._submit(json.loads(body))
            case ("GET", "api", "jobs"):
                driver = {"type": "DRIVER", "job_id": "01000000", "status": "RUNNING", "metadata": {"n": 1}}
                return 200, [*self.known.submissions.values(), driver]
            case (_, "api", "jobs", name, *what) if name in self.known.submissions:
                return self._of_one(name, what)
            case _:
                return 404, f"{self.path} does not exist"

    def _of_one(self, name: str, what: list[str]) -> tuple[int, object]:
        if what == ["logs", "tail"]:
            self._tail(name)
            return 0, ""
        if what == ["logs"]:
            return 200, {"logs": self.known.logs[name]}
        return self._stop(name) if what == ["stop"] else (200, self.known.submissions[name])

    def _package(self, method: str, name: str, body: bytes) -> tuple[int, object]:
        if method == "PUT":
            self.known.packages[name] = body
            return 200, ""
        return (200, "") if name in self.known.packages else (404, f"Package gcs://{name} does not exist")

    def _submit(self, request: dict[str, Any]) -> tuple[int, object]:
        name = request["submission_id"]
        if name in self.known.submissions:
            words = f"Job with submission_id {name} already exists. Please use a different submission_id."
            return 500, f"Traceback (most recent call last):\n  File ...\nValueError: {words}\n"
        log = f"Running entrypoint for job {name}: {request['entrypoint']}\n{self.known.prints}"
        self.known.add(name, log, metadata=request["metadata"], **self.known.starts_as)
        return 200, {"job_id": name, "submission_id": name}

    def _stop(self, name: str) -> tuple[int, object]:
        details = self.known.submissions[name]
        goes_on = details["status"] in {"PENDING", "RUNNING"}
        if goes_on:
            details.update(status="STOPPED", end_time=LATER + 2500)
        return 200, {"stopped": goes_on}

    def _tail(self, name: str) -> None:
        key = self.headers["Sec-WebSocket-Key"]
        accept = base64.b64encode(
            hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
        ).decode()
        self.send_response_only(101)
        for header, value in (
            ("Upgrade", "websocket"),
            ("Connection", "upgrade"),
            ("Sec-WebSocket-Accept", accept),
        ):
            self.send_header(header, value)
        self.end_headers()
        log = self.known.logs[name]
        cut = self.known.cut_logs.pop(0) if self.known.cut_logs else None
        self.wfile.write(frame(0x9, b"there?"))
        for start in range(0, len(log[:cut]), 7):
            self.wfile.write(frame(0x1, log[:cut][start : start + 7].encode()))
        if cut is None:
            self.known.before_close()
            self.wfile.write(frame(0x8, struct.pack(">H", 1000)))
            self.known.submissions[name].update(end_time=LATER + 5000, **self.known.ends)

    def _answer(self, status: int, answer: object) -> None:
        body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def frame(opcode: int, payload: bytes, first: int = 0x80) -> bytes:
    """A frame as servers send it."""
    length = len(payload)
    if length < 126:
        return bytes([first | opcode, length]) + payload
    size = (
        bytes([126]) + struct.pack(">H", length)
        if length < 1 << 16
        else bytes([127]) + struct.pack(">Q", length)
    )
    return bytes([first | opcode]) + size + payload


@contextlib.contextmanager
def answering(*chunks: bytes) -> Iterator[tuple[str, int, list[bytes]]]:
    """A server of one connection after the other, each of which gets the next bytes for whatever it sends.

    Gives host, port and what was received.
    """
    received: list[bytes] = []
    left = list(chunks)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            received.append(self.request.recv(1 << 16))
            if left:
                self.request.sendall(left.pop(0))

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield "127.0.0.1", server.server_address[1], received
        finally:
            server.shutdown()
            thread.join()
