"""An S3 on loopback, in a process of its own, that answers every request late."""

import contextlib
import multiprocessing
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

BUCKET: Final = "bench"

ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What a process needs to be let in."""


@dataclass(frozen=True, slots=True)
class SlowStore:
    """A store that runs.

    Attributes:
        endpoint: Its URL.
        latency_s: Seconds by which each answer is late; a shared number that can be changed.
        requests: How many were made; a shared number too.
    """

    endpoint: str
    latency_s: Any
    requests: Any


@contextlib.contextmanager
def slow_store() -> Iterator[SlowStore]:
    """A store with an empty bucket, which is not late yet."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    latency_s, requests = spawn.Value("d", 0.0), spawn.Value("q", 0)
    process = spawn.Process(target=_serve, args=(theirs, latency_s, requests), daemon=True)
    process.start()
    try:
        endpoint = f"http://127.0.0.1:{ours.recv()}"
        made = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")  # noqa: S310 - made here
        urllib.request.urlopen(made).close()  # noqa: S310
        yield SlowStore(endpoint, latency_s, requests)
    finally:
        process.terminate()
        process.join()


def _serve(port: Connection, latency_s: Any, requests: Any) -> None:
    import logging  # noqa: PLC0415 - this and what follows is for the process of the server alone

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = DomainDispatcherApplication(create_backend_app)

    def late(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with requests.get_lock():
            requests.value += 1
        time.sleep(latency_s.value)
        answer: Iterable[bytes] = application(environ, start)
        return answer

    server = make_server("127.0.0.1", 0, late, threaded=True)
    port.send(server.server_port)
    server.serve_forever()
