"""Object stores on loopback, over real HTTP: moto's server for S3, gcp-storage-emulator for Google's."""

import contextlib
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "dumps"
ANOTHER_BUCKET = "hunts"

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIATESTING",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
}


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """An S3 with two empty buckets; gives its endpoint."""
    import boto3  # noqa: PLC0415 - seconds that only tests of stores pay
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - the server takes any
        )
        with contextlib.closing(client):
            for bucket in (BUCKET, ANOTHER_BUCKET):
                client.create_bucket(Bucket=bucket)
        yield endpoint
    finally:
        server.stop()


@contextlib.contextmanager
def gcs_server(*, enforcing: bool = True) -> Iterator[str]:
    """A Google Cloud Storage with two empty buckets; gives its endpoint.

    Args:
        enforcing: True to keep ``ifGenerationMatch``, which the emulator by itself ignores.
    """
    from gcp_storage_emulator.handlers import buckets  # noqa: PLC0415
    from gcp_storage_emulator.server import RequestHandler  # noqa: PLC0415
    from gcp_storage_emulator.storage import Storage  # noqa: PLC0415

    storage = Storage(use_memory_fs=True)
    for bucket in (BUCKET, ANOTHER_BUCKET):
        buckets.create_bucket(bucket, storage)
    handler = _enforcing(RequestHandler) if enforcing else RequestHandler
    with served(partial(handler, storage)) as endpoint:
        yield endpoint


@contextlib.contextmanager
def served(handler: Any, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """One request at a time, answered by a handler; gives the endpoint."""
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(http.server.HTTPServer):
    request_queue_size = 64  # of fewer, the rest of a race would wait for their second attempt to connect


def _enforcing(handler: Any) -> Any:
    class Enforcing(handler):  # type: ignore[misc]
        """Refuses to make an object anew and to read another generation; requests come one by one."""

        def do_POST(self) -> None:  # noqa: N802 - http.server's name
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            bucket = parts.path.split("/b/")[-1].split("/")[0]
            new = query.get("ifGenerationMatch") == ["0"]
            if new and self.storage.objects.get(bucket, {}).get(query["name"][0]) is not None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(412, {"error": {"code": 412, "message": "conditionNotMet"}})
            else:
                super().do_POST()

        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            parts = urlsplit(self.path)
            wanted = parse_qs(parts.query).get("ifGenerationMatch")
            bucket, _, name = parts.path.split("/b/")[-1].partition("/o/")
            there = self.storage.objects.get(bucket, {}).get(unquote(name))
            if wanted and there is not None and str(there["generation"]) != wanted[0]:
                self._answer(412, {"error": {"code": 412, "message": "conditionNotMet"}})
            else:
                super().do_GET()

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Enforcing
