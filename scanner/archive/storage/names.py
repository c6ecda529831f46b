"""Names of files: what may be written, and the one form of each that results keep."""

import os
import re
import urllib.parse
from dataclasses import dataclass
from typing import Final, Literal

from scanner.errors import HuntError, Problem

Scheme = Literal["file", "s3", "gs"]

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_STORES: Final[dict[str, Scheme]] = {"s3": "s3", "s3a": "s3", "s3n": "s3", "gs": "gs", "gcs": "gs"}
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,220}")
_SECRETS: Final = re.compile(
    r"[?&](x-amz-|x-goog-|awsaccesskeyid|googleaccessid|access_?key|secret|session_?token|token|signature|sig=|password)",
    re.IGNORECASE,
)
_INSTEAD: Final = {
    "http": "name what it serves as `s3://bucket/key`, and the server as the store's endpoint",
    "https": "name what it serves as `s3://bucket/key` or `gs://bucket/key`, and the server as the store's endpoint",
    "oci": "write `s3://bucket/key`, and the endpoint of its S3-compatible interface as `storage.s3.endpoint`",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file or a folder lies.

    Attributes:
        scheme: The kind of store.
        bucket: Its bucket; empty on the local disk.
        key: Name in the bucket, without a slash at the end; on the local disk the absolute path.
    """

    scheme: Scheme
    bucket: str
    key: str

    def __str__(self) -> str:
        if self.scheme == "file":
            return self.key
        return f"{self.scheme}://{self.bucket}/{self.key}" if self.key else f"{self.scheme}://{self.bucket}"


def parse(uri: str) -> Place:
    """Reads a URI or a path. Nothing in a URI is decoded: a key is what follows the bucket, to the letter.

    Raises:
        HuntError: It names no store that hindcast reads, holds a secret, or is not UTF-8.
    """
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return Place("file", "", _path(uri, uri))
    kind = scheme[1].lower()
    if kind == "file":
        return Place("file", "", _path(uri, _path_of_file_uri(uri)))
    rest = uri[scheme.end() :]
    if "@" in rest.partition("/")[0] or _SECRETS.search(rest):
        message = "holds a secret; secrets never stand in a name, they come from the environment"
        public = rest.partition("/")[0].rpartition("@")[2]
        raise _wrong("/".join((f"{kind}:/", public, "…")), message)
    if kind not in _STORES:
        instead = _INSTEAD.get(kind, "write an `s3://` or `gs://` URI, or a local path")
        raise _wrong(uri, f"`{kind}://` is no store that hindcast reads; {instead}")
    return _object(uri, _STORES[kind], rest)


def canonical(uri: str) -> str:
    """The form of a name that results keep: ``s3://bucket/key``, ``gs://bucket/key`` or an absolute path.

    Raises:
        HuntError: It names no store that hindcast reads, holds a secret, or is not UTF-8.
    """
    return str(parse(uri))


def utf8(name: str) -> str:
    """A name, which can be stored in results.

    Raises:
        HuntError: It cannot.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise _wrong(ascii(name), "the name is not UTF-8; rename it") from error
    return name


def _object(uri: str, scheme: Scheme, rest: str) -> Place:
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise _wrong(uri, f"names no bucket; write `{scheme}://bucket/key`")
    if "\0" in key:
        raise _wrong(ascii(uri), "is no name; leave the NUL character out")
    return Place(scheme, bucket, utf8(key).rstrip("/"))


def _path_of_file_uri(uri: str) -> str:
    parts = urllib.parse.urlsplit(uri)
    if parts.netloc not in {"", "localhost"}:
        raise _wrong(uri, "names a host; write `file:///` and an absolute path")
    return urllib.parse.unquote(parts.path)


def _path(uri: str, path: str) -> str:
    if not path or "\0" in path:
        raise _wrong(uri, "is not a path")
    return utf8(os.path.abspath(path))  # noqa: PTH100 - pathlib keeps `..`


def _wrong(uri: str, message: str) -> HuntError:
    return HuntError((Problem(uri, 0, "", message),))
