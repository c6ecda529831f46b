"""HTTP to a cluster's head: bounded in time, tries and size, and every failure told with its remedy."""

import functools
import http.client
import importlib.metadata
import random
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from jobs.cluster.contexts import TOKEN_VARIABLE, Cluster
from jobs.cluster.websocket import WebSocketError
from scanner.errors import HuntError, Problem

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
TRIES = 3
MAX_ANSWER_BYTES = 64 << 20

_OK = 200
_REDIRECTS = range(300, 400)
_NOT_KNOWN = 401
_FORBIDDEN = 403
_PASSING = frozenset({502, 503, 504})
"""What proxies say while the head behind them is away."""

Pause = Callable[[float], None]


class ClusterError(HuntError):
    """A cluster's head cannot be reached, or refuses.

    Attributes:
        address: Of the head.
        message: What is wrong and what to do.
        unreachable: True where the network or the head was away, and may come back.
    """

    def __init__(self, address: str, message: str, unreachable: bool = False) -> None:  # noqa: FBT001, FBT002 - args == fields, for pickle
        super().__init__((Problem(address, 0, "", message),))
        self.args = (address, message, unreachable)
        self.address = address
        self.message = message
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Answer:
    """What the head said.

    Attributes:
        status: The status of HTTP.
        body: At most `MAX_ANSWER_BYTES`.
    """

    status: int
    body: bytes


class Http:
    """Sends requests to one head. Every request is safe to send twice.

    Args:
        cluster: Whose head.
        pause: Waits for some seconds.
    """

    def __init__(self, cluster: Cluster, pause: Pause = time.sleep) -> None:
        self.cluster = cluster
        self._pause = pause

    def request(
        self, method: str, path: str, body: bytes | None = None, media_type: str = "application/json"
    ) -> Answer:
        """One request, tried again while the head is away.

        Args:
            method: Of HTTP.
            path: Below the address, with its first slash.
            body: What to send.
            media_type: Of the body.

        Raises:
            ClusterError: There is no answer, it is too large, or it says that we may not ask.
        """
        headers = {"Content-Type": media_type} if body is not None else {}
        for tried in range(1, TRIES + 1):
            try:
                answer = self._once(method, path, body, headers)
            except ClusterError as error:
                if not error.unreachable or tried == TRIES:
                    raise
            else:
                if answer.status not in _PASSING or tried == TRIES:
                    return self.admitted(answer)
            # At random, so that many who lost the head together do not come back together.
            self._pause(0.5 * 2**tried * (0.5 + random.random() / 2))  # noqa: S311 - no secret
        raise AssertionError

    def admitted(self, answer: Answer) -> Answer:
        """The answer, unless it says that we may not ask.

        Raises:
            ClusterError: With what to do about it.
        """
        if answer.status in _REDIRECTS:
            message = (
                "sends us elsewhere, as a login page would; give `headers:` in a context that it lets pass"
            )
            raise self.error(message)
        if answer.status in {_NOT_KNOWN, _FORBIDDEN}:
            raise self.error(self._not_admitted(answer.status))
        if answer.status in _PASSING:
            message = f"a proxy answers with status {answer.status}: the head behind it is away"
            raise self.error(message, unreachable=True)
        return answer

    def connect(self) -> http.client.HTTPConnection:
        """A connection to the head, through the proxy that the environment names for it.

        Raises:
            ClusterError: There is none.
        """
        parts = urlsplit(self.cluster.address)
        proxy = None if self.cluster.is_here else proxy_for(parts.scheme, parts.netloc)
        host, port = proxy or (self.cluster.host, parts.port)
        connection = (
            http.client.HTTPSConnection(host, port, timeout=CONNECT_TIMEOUT_S, context=self._trust())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_S)
        )
        if proxy:
            connection.set_tunnel(self.cluster.host, parts.port or connection.default_port)
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self.failure(error) from error
        connection.sock.settimeout(ANSWER_TIMEOUT_S)
        return connection

    def full_path(self, path: str) -> str:
        """A path of the API with what stands before it in the address."""
        return urlsplit(self.cluster.address).path + path

    @property
    def headers(self) -> dict[str, str]:
        """Those of every request."""
        return {**_own_headers(), **self.cluster.headers}

    def error(self, message: str, *, unreachable: bool = False) -> ClusterError:
        """An error of this head."""
        return ClusterError(self.cluster.address, message, unreachable)

    def failure(self, error: Exception) -> ClusterError:
        """What went wrong on the way to the head, with what to do about it."""
        away = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
        return self.error(_told(error, self.cluster.host), unreachable=away)

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, self.full_path(path), body, {**self.headers, **headers})
            response = connection.getresponse()
            told = response.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise self.failure(error) from error
        finally:
            connection.close()
        if len(told) > MAX_ANSWER_BYTES:
            message = f"answers more than {MAX_ANSWER_BYTES >> 20} MB to {method} {path}"
            raise self.error(message)
        if response.length:
            message = "broke off in the middle of an answer"
            raise self.error(message, unreachable=True)
        return Answer(response.status, told)

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.cluster.ca_file)
        except ssl.SSLError as error:
            raise ClusterError(str(self.cluster.ca_file), "holds no certificates in PEM") from error

    def _not_admitted(self, status: int) -> str:
        if self.cluster.token_source:
            message = (
                f"refuses the token from {self.cluster.token_source}; "
                "ask whoever runs the cluster for the token of today"
            )
        elif status == _NOT_KNOWN:
            message = f"wants a token; set {TOKEN_VARIABLE}, or write `token: {{env: NAME}}` in a context"
        else:
            message = "does not let us in; a proxy before it may want `headers:` in a context"
        return f"{message} (status {status})"


_REMEDIES: tuple[tuple[type[Exception], str], ...] = (
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted ({reason}); name the file to check it with in `ca:` or HINDCAST_CA_BUNDLE",
    ),
    (ssl.SSLError, "does not speak TLS as we do; is the address one of http:// instead?"),
    (socket.gaierror, "the name {host} is not known here; check the address and the VPN"),
    (
        ConnectionRefusedError,
        "nobody listens here; is the head up, is this its dashboard's port (8265), and is that forwarded to here?",
    ),
    (TimeoutError, "does not answer; check the address, the VPN and the firewall"),
    (http.client.RemoteDisconnected, "hangs up without an answer; is the address one of https:// instead?"),
    (WebSocketError, "{reason}"),
    (OSError, "cannot be reached: {reason}"),
    (Exception, "does not speak HTTP; is this the port of the head's dashboard (8265)?"),
)
"""What happened → what is told; the first that fits."""


def _told(error: Exception, host: str) -> str:
    words = next(words for kind, words in _REMEDIES if isinstance(error, kind))
    names = ("verify_message", "reason", "strerror")
    reasons = (getattr(error, name, None) for name in names)
    reason = next((reason for reason in reasons if isinstance(reason, str) and reason), type(error).__name__)
    return words.format(host=host, reason=reason.lower())


def proxy_for(scheme: str, netloc: str) -> tuple[str, int | None] | None:
    """Host and port of the proxy that the environment names for an address."""
    named = urllib.request.getproxies().get(scheme)
    if not named or urllib.request.proxy_bypass(netloc):
        return None
    parts = urlsplit(named if "://" in named else f"http://{named}")
    return (parts.hostname, parts.port) if parts.hostname else None


@functools.cache
def _own_headers() -> dict[str, str]:
    return {"User-Agent": f"hindcast/{importlib.metadata.version('hindcast')}", "Accept": "application/json"}
