"""An S3 on loopback that lets a caller do what a policy says, and nothing else."""

import contextlib
import fnmatch
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for, in IAM's words.

    Attributes:
        action: Such as ``s3:GetObject``.
        resource: Its Amazon resource name.
        prefix: Of a listing, where it named one.
    """

    action: str
    resource: str
    prefix: str | None = None


def call_of(method: str, path: str, query: str) -> Call:
    """The action that S3 asks IAM for.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    """
    bucket, _, key = path.removeprefix("/").partition("/")
    asked = parse_qs(query, keep_blank_values=True)
    if not key:
        listing = method == "HEAD" or (method == "GET" and "list-type" in asked)
        prefix = asked["prefix"][0] if "prefix" in asked else None
        return Call("s3:ListBucket" if listing else f"{method} {query}", f"arn:aws:s3:::{bucket}", prefix)
    actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "POST": "s3:PutObject"}
    actions["DELETE"] = "s3:AbortMultipartUpload" if "uploadId" in asked else "s3:DeleteObject"
    return Call(actions[method], f"arn:aws:s3:::{bucket}/{key}")


@dataclass(slots=True)
class Guard:
    """Asks the policies before it passes a request on.

    Attributes:
        application: The store.
        statements: Of all policies of the caller.
        awake: False to let everything through and note nothing.
        allowed: Calls that were passed on.
        refused: Calls that were not.
        used: Statements and actions that a call needed.
    """

    application: Application
    statements: list[dict[str, Any]] = field(default_factory=list)
    awake: bool = False
    allowed: list[Call] = field(default_factory=list)
    refused: list[Call] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        call = call_of(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        if not self.awake:
            return self.application(environ, start_response)
        if not self._allows(call):
            self.refused.append(call)
            return _deny(environ, start_response)
        self.allowed.append(call)
        answer: list[Any] = []
        body = b"".join(self.application(environ, lambda *given: answer.extend(given)))
        if answer[0].startswith("404") and call.action == "s3:GetObject":
            # S3 tells that an object is missing to those only who may list its bucket; a condition on the prefix
            # fails here, because the request names none.
            bucket = call.resource.split("/")[0]
            if not self._allows(Call("s3:ListBucket", bucket)):
                self.refused.append(Call("s3:ListBucket", bucket))
                return _deny(environ, start_response)
        start_response(*answer)
        return [body]

    def _allows(self, call: Call) -> bool:
        for each in self.statements:
            if call.action in _listed(each["Action"]) and _holds(each, call):
                self.used.add((each["Sid"], call.action))
                return True
        return False


def statements(*paths: Path) -> list[dict[str, Any]]:
    """Those of policy files."""
    return [each for path in paths for each in json.loads(path.read_text("utf-8"))["Statement"]]


@contextlib.contextmanager
def guarded_s3() -> Iterator[tuple[str, Guard]]:
    """moto's S3 behind a guard that sleeps; gives its endpoint and the guard."""
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - seconds that only these tests pay
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    guard = Guard(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, guard, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", guard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _holds(statement: dict[str, Any], call: Call) -> bool:
    assert statement["Effect"] == "Allow"
    if not any(fnmatch.fnmatchcase(call.resource, each) for each in _listed(statement["Resource"])):
        return False
    for operator, tests in statement.get("Condition", {}).items():
        assert operator == "StringLike"
        assert tests.keys() == {"s3:prefix"}
        if call.prefix is None:
            return False
        if not any(fnmatch.fnmatchcase(call.prefix, each) for each in _listed(tests["s3:prefix"])):
            return False
    return True


def _deny(environ: Environ, start_response: StartResponse) -> list[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response(
        "403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(_DENIED)))]
    )
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [_DENIED]
