"""Google Cloud Storage. The only module that imports gcsfs and what it stands on."""

import contextlib
import io
import json
import logging
import secrets
import urllib.parse
from collections.abc import Iterator
from typing import Any, Final

import aiohttp
import google.auth.exceptions
import pyarrow as pa
import requests
from fsspec.asyn import sync
from fsspec.exceptions import FSTimeoutError
from gcsfs.core import GCSFileSystem
from gcsfs.retry import HttpError

from scanner.archive.storage.names import Place, Scheme
from scanner.archive.storage.objects import Entry, Page, Taken
from scanner.archive.storage.patience import Transient, tried
from scanner.archive.storage.settings import StorageSettings
from scanner.archive.storage.store import Changed, Denied, Missing
from scanner.archive.storage.transfer import Upload
from scanner.errors import SourceError

_GOOGLE: Final = "https://storage.googleapis.com"
_WRITER: Final = "hindcast-writer"
_WITHOUT_CREDENTIALS: Final = (
    "no credentials were found; run `gcloud auth application-default login` or set "
    "GOOGLE_APPLICATION_CREDENTIALS, or read anonymously"
)
_BROKEN: Final = (
    aiohttp.ClientError,
    requests.RequestException,
    TimeoutError,
    FSTimeoutError,
    ConnectionError,
    google.auth.exceptions.TransportError,
)
_SOURCES: Final = {
    "google.oauth2.service_account": "a key file",
    "google.oauth2.credentials": "gcloud's login",
    "google.auth.compute_engine": "the machine's metadata",
    "google.auth.impersonated_credentials": "impersonation",
    "google.auth": "workload identity",
}
"""Module of credentials → where they come from; the first that fits."""

# Errors are told by raising them; gcsfs also logs them, which would end up on the user's terminal.
logging.getLogger("gcsfs").addHandler(logging.NullHandler())


class _OneAttempt(GCSFileSystem):  # type: ignore[misc]
    """Without gcsfs' own retries, whose number and pauses cannot be set."""

    async def _request(self, *args: Any, **kwargs: Any) -> Any:
        return await super()._request.__wrapped__(self, *args, **kwargs)


class GcsObjects:
    """Objects by gcsfs.

    Args:
        settings: How Google Cloud Storage is reached.

    Raises:
        SourceError: There are no credentials.
    """

    scheme: Scheme = "gs"

    def __init__(self, settings: StorageSettings) -> None:
        given = settings.gcs
        self._settings = settings
        self._endpoint = (given.endpoint or _GOOGLE).rstrip("/")
        session: dict[str, Any] = {"proxy": given.proxy} if given.proxy else {"trust_env": True}
        try:
            self._files = _OneAttempt(
                token="anon" if given.anonymous else "google_default",
                endpoint_url=self._endpoint,
                requester_pays=given.requester_pays or False,
                requests_timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=settings.timeout_s, sock_read=settings.timeout_s
                ),
                session_kwargs=session,
                skip_instance_cache=True,
                use_listings_cache=False,
            )
        except google.auth.exceptions.GoogleAuthError as error:
            raise SourceError(self._endpoint, _WITHOUT_CREDENTIALS) from error

    def page(self, place: Place, next_page: str | None, *, flat: bool, limit: int) -> Page:
        """One request."""
        wanted = {"prefix": place.key or None, "delimiter": None if flat else "/", "pageToken": next_page}
        try:
            answer = self._json(place, "GET", "b/{}/o", place.bucket, maxResults=limit, **wanted)
        except Missing as error:
            raise Missing(error.uri, "there is no such bucket") from error
        entries = (_entry(each) for each in answer.get("items", ()))
        return Page(tuple(entries), tuple(answer.get("prefixes", ())), answer.get("nextPageToken"))

    def head(self, place: Place) -> Entry:
        """One request."""
        return _entry(self._json(place, "GET", "b/{}/o/{}", place.bucket, place.key))

    def get(self, place: Place, start: int, length: int | None, etag: str | None = None) -> bytes:
        """One request."""
        if length == 0:
            return b""
        same: dict[str, Any] = {} if etag is None else {"ifGenerationMatch": etag}
        end = "" if length is None else start + length - 1
        some = None if length is None and start == 0 else {"Range": f"bytes={start}-{end}"}
        try:
            _, data = self.request(
                place, "GET", "b/{}/o/{}", place.bucket, place.key, alt="media", headers=some, **same
            )
        except Taken as error:
            raise Changed(str(place)) from error
        except _BeyondTheEnd:
            return b""
        return bytes(data)

    def put(self, place: Place, data: bytes) -> None:
        """One request."""
        self.request(place, "POST", self._uploads(place), uploadType="media", name=place.key, data=data)

    def put_new(self, place: Place, data: bytes, writer: str) -> None:
        """One request: generation 0 is that of an object that is not there."""
        border = secrets.token_hex(16)
        known = json.dumps({"name": place.key, "metadata": {_WRITER: writer}})
        head = f"--{border}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{known}\r\n"
        head = f"{head}--{border}\r\nContent-Type: application/octet-stream\r\n\r\n"
        self.request(
            place,
            "POST",
            self._uploads(place),
            uploadType="multipart",
            name=place.key,
            ifGenerationMatch="0",
            headers={"Content-Type": f'multipart/related; boundary="{border}"'},
            data=head.encode() + data + f"\r\n--{border}--\r\n".encode(),
        )

    def upload(self, place: Place) -> Upload:
        """A resumable upload."""
        return _Resumable(self, place, self._uploads(place), self._settings)

    def delete(self, place: Place) -> None:
        """One request."""
        self.request(place, "DELETE", "b/{}/o/{}", place.bucket, place.key)

    def open_input(self, place: Place) -> pa.NativeFile | None:  # noqa: ARG002 - the protocol's
        """None."""
        return None

    def explain(self, error: OSError) -> str | None:  # noqa: ARG002 - the protocol's
        """None."""
        return None

    def identity(self, place: Place) -> str:  # noqa: ARG002 - the protocol's
        """No request."""
        found = self._files.credentials.credentials
        if found is None:
            return "anonymous"
        sources = (words for module, words in _SOURCES.items() if type(found).__module__.startswith(module))
        return f"{self._identity()} from {next(sources, type(found).__module__)}"

    def signing(self, place: Place) -> None:
        """None."""

    def close(self) -> None:
        """Closes the session, for good."""
        session = self._files.session
        if session is not None and not session.closed:
            sync(self._files.loop, session.close)

    def request(
        self, place: Place, method: str, path: str, *args: str, data: bytes | None = None, **more: Any
    ) -> tuple[Any, Any]:
        """Makes one request, and gives the headers and the body of the answer.

        Raises:
            SourceError: As `scanner.archive.storage.objects.Objects` says.
        """
        # The session sends a file piece by piece, and bytes in one, which would hold up other requests.
        content = {} if data is None else {"data": io.BytesIO(data)}
        with self._translated(place):
            headers, body = self._files.call(method, path, *args, **content, **more)
        return headers, body

    def _json(self, place: Place, method: str, path: str, *args: str, **more: Any) -> dict[str, Any]:
        _, body = self.request(place, method, path, *args, **more)
        try:
            answer: dict[str, Any] = json.loads(body)
        except ValueError as error:
            raise Transient(str(place), "the store's answer was cut off") from error
        return answer

    def _uploads(self, place: Place) -> str:
        return f"{self._endpoint}/upload/storage/v1/b/{urllib.parse.quote(place.bucket, safe='')}/o"

    def _identity(self) -> str:
        found = self._files.credentials.credentials
        if found is None:
            return "anonymous"
        account = getattr(found, "service_account_email", None)
        return f"service account {account}" if account else "the user of the default credentials"

    @contextlib.contextmanager
    def _translated(self, place: Place) -> Iterator[None]:
        uri = str(place)
        try:
            yield
        except FileNotFoundError as error:
            raise Missing(uri) from error
        except FileExistsError as error:
            raise Taken(uri) from error
        except HttpError as error:
            raise self._of_answer(uri, error) from error
        except _BROKEN as error:
            raise Transient(uri, f"the connection failed ({type(error).__name__})") from error
        except google.auth.exceptions.GoogleAuthError as error:
            raise Denied(uri, f"not allowed (as {self._identity()}): {type(error).__name__}") from error
        except OSError as error:
            # gcsfs raises nothing else for what is forbidden.
            raise Denied(uri, f"not allowed (as {self._identity()}): the store answered 403") from error
        except ValueError as error:
            raise SourceError(uri, f"the store refused the request (of {self._identity()})") from error

    def _of_answer(self, uri: str, error: HttpError) -> SourceError:
        status = int(error.code or 0)
        if status == 416:  # noqa: PLR2004 - HTTP's numbers name themselves
            return _BeyondTheEnd(uri, "ends before that")
        if status in {408, 429} or status >= 500:  # noqa: PLR2004
            return Transient(uri, f"the store answered {status}")
        if status == 401:  # noqa: PLR2004
            return Denied(uri, f"not allowed (as {self._identity()}): the store answered 401")
        return SourceError(uri, f"the store answered {status} (to {self._identity()})")


class _BeyondTheEnd(SourceError):  # noqa: N818 - an outcome, not a fault
    """A range begins where the object has ended."""


class _Resumable:
    """An upload in parts, which Google shows when the last has arrived."""

    def __init__(self, objects: GcsObjects, place: Place, uploads: str, settings: StorageSettings) -> None:
        self._objects = objects
        self._place = place
        self._uploads = uploads
        self._settings = settings
        self._session: str | None = None
        self._sent = 0

    def part(self, data: bytes) -> None:
        if self._session is None:
            self._session = tried(self._begin, self._settings)
        self._send(data, "*")

    def finish(self, rest: bytes) -> None:
        self._send(rest, str(self._sent + len(rest)))

    def abandon(self) -> None:
        if self._session is not None:
            with contextlib.suppress(SourceError):
                self._objects.request(self._place, "DELETE", self._session)

    def _begin(self) -> str:
        headers, _ = self._objects.request(
            self._place, "POST", self._uploads, uploadType="resumable", name=self._place.key, json={}
        )
        return str(headers["Location"])

    def _send(self, data: bytes, total: str) -> None:
        end = self._sent + len(data)
        doubtful = False

        def once() -> None:
            nonlocal doubtful
            start = self._arrived(end, total) if doubtful else self._sent
            doubtful = True
            if start is not None:
                self._put(data[start - self._sent :], _range(start, end, total))

        tried(once, self._settings)
        self._sent = end

    def _arrived(self, end: int, total: str) -> int | None:
        """Where to go on after a request whose answer was lost; None where all has arrived."""
        headers = self._put(b"", f"bytes */{total}")
        if "Range" not in headers:
            return self._sent
        arrived = int(headers["Range"].rpartition("-")[2]) + 1
        return arrived if arrived < end else None

    def _put(self, data: bytes, where: str) -> Any:
        headers, _ = self._objects.request(
            self._place, "PUT", self._session or "", headers={"Content-Range": where}, data=data
        )
        return headers


def _range(start: int, end: int, total: str) -> str:
    return f"bytes {start}-{end - 1}/{total}" if end > start else f"bytes */{total}"


def _entry(each: dict[str, Any]) -> Entry:
    writer = each.get("metadata", {}).get(_WRITER, "")
    return Entry(each["name"], int(each["size"]), str(each["generation"]), writer)
