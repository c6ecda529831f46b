"""Posts an alert: signed, tried again while the receiver is away, and bounded in time, tries and size."""

import base64
import hashlib
import hmac
import http.client
import os
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlsplit

from jobs.alerts.message import Message
from jobs.cluster.contexts import CA_VARIABLE
from jobs.cluster.http import proxy_for
from jobs.hunt_file.alert_keys import is_loopback
from scanner.errors import HindcastError

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
"""Source: the Standard Webhooks specification 1.0, https://www.standardwebhooks.com."""

_ENCODED: Final = "whsec_"
"""What that specification has before secrets that are in base64."""

_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE_S: Final = 30.0


class UndeliveredError(HindcastError):
    """An alert was not taken.

    Attributes:
        host: Where it was to go; the rest of the address may be a secret.
        reason: Why.
    """

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host = host
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.host}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try.

    Attributes:
        tries: Requests at most.
        answer_s: Seconds that one may take from its first byte to the head of the answer, and to connect.
        pause_s: Seconds before the second request; before each further one twice as many.
    """

    tries: int = 5
    answer_s: float = 10.0
    pause_s: float = 1.0


PATIENT: Final = Patience()


def deliver(
    url: str,
    message: Message,
    secret: str | None = None,
    patience: Patience = PATIENT,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> None:
    """Posts an alert until it is taken. The receiver may get it more than once, always under the same key.

    Args:
        url: One that `jobs.hunt_file.alert_keys.checked_url` lets pass.
        message: The alert.
        secret: The key to sign it with, which `checked_secret` lets pass; None to not sign.
        patience: How long to try.
        pause: Waits for some seconds.
        clock: Seconds since 1970.

    Raises:
        UndeliveredError: It was refused, or nobody took it in time.
    """
    parts = urlsplit(url)
    for tried in range(1, patience.tries + 1):
        reason, again_s = _once(parts, message, _headers(message, secret, int(clock())), patience.answer_s)
        if reason is None:
            return
        if again_s is None or tried == patience.tries:
            host, times = f"{parts.scheme}://{parts.netloc}", f", tried {tried} times" if tried > 1 else ""
            raise UndeliveredError(host, reason + times)
        # At random, so that many who found the receiver away do not come back together.
        own_s = patience.pause_s * 2 ** (tried - 1) * (0.5 + random.random() / 2)  # noqa: S311 - no secret
        pause(min(max(own_s, again_s), _LONGEST_PAUSE_S))


def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """The value of the header that proves who sent a message, and when."""
    signed = b".".join((key.encode(), str(timestamp).encode(), body))
    digest = hmac.new(_secret_bytes(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _headers(message: Message, secret: str | None, timestamp: int) -> dict[str, str]:
    signed = {SIGNATURE: signature(secret, message.key, timestamp, message.body)} if secret else {}
    return {
        "Content-Type": "application/json",
        "User-Agent": "hindcast",
        "Idempotency-Key": message.key,
        ID: message.key,
        TIMESTAMP: str(timestamp),
        **signed,
    }


def checked_secret(text: str) -> str:
    """The key, as messages can be signed with it. Files and shells like to put a line break at its end.

    Raises:
        ValueError: Nobody could verify what is signed with it; the message says why, without the key.
    """
    secret = text.strip()
    try:
        known = _secret_bytes(secret)
    except ValueError as error:
        message = f"must be in base64 after `{_ENCODED}`, with its padding; copy the key once more"
        raise ValueError(message) from error
    if not known:
        message = "holds no key; copy the key once more"
        raise ValueError(message)
    return secret


def _secret_bytes(secret: str) -> bytes:
    if not secret.startswith(_ENCODED):
        return secret.encode()
    return base64.b64decode(secret.removeprefix(_ENCODED), validate=True)


def _once(
    parts: SplitResult, message: Message, headers: dict[str, str], answer_s: float
) -> tuple[str | None, float | None]:
    """One request: why it was not taken, and the seconds after which another one may be; None for never."""
    connection: http.client.HTTPConnection | None = None
    try:
        connection = _connected(parts, answer_s)
        with _ended_after(connection.sock, answer_s):
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            connection.request("POST", path, message.body, headers)
            # What the answer holds is of no use here, so that it may be as long as it likes: nobody reads it.
            answer = connection.getresponse()
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted ({error.verify_message})", None
    except (TimeoutError, http.client.RemoteDisconnected):
        return f"gives no answer within {answer_s:g} seconds, or hangs up", 0.0
    except (OSError, http.client.HTTPException) as error:
        return f"cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}", 0.0
    finally:
        if connection is not None:
            connection.close()
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None, None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return (
            f"sends us elsewhere (status {status}), and alerts do not follow; write the address itself",
            None,
        )
    return f"answers with status {status}", _retry_after_s(answer) if status in _AGAIN else None


def _connected(parts: SplitResult, timeout_s: float) -> http.client.HTTPConnection:
    named = None if is_loopback(parts.hostname or "") else proxy_for(parts.scheme, parts.netloc)
    host, port = named or (parts.hostname or "", parts.port)
    connection = (
        http.client.HTTPSConnection(host, port, timeout=timeout_s, context=_trust())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=timeout_s)
    )
    if named:
        connection.set_tunnel(parts.hostname or "", parts.port or connection.default_port)
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    return connection


class _ended_after:  # noqa: N801 - used as a statement
    """Shuts a connection down when its time is over: a receiver that drips bytes would outlive any timeout."""

    def __init__(self, connected: socket.socket, after_s: float) -> None:
        self._timer = threading.Timer(after_s, self._end, (connected,))
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @staticmethod
    def _end(connected: socket.socket) -> None:
        try:
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
        except OSError:
            return


def _trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=os.environ.get(CA_VARIABLE) or None)


def _retry_after_s(answer: http.client.HTTPResponse) -> float:
    named = answer.getheader("Retry-After", "")
    return float(named) if named.isascii() and named.isdigit() else 0.0
