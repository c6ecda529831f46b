"""What every store can do, and how its failures are told apart."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
import pyarrow.fs

from scanner.archive.storage.globs import PARQUET
from scanner.archive.storage.names import Place
from scanner.errors import HuntError, Problem, SourceError


@dataclass(frozen=True, slots=True, order=True)
class FileInfo:
    """One version of one file.

    Attributes:
        uri: Canonical name.
        size_bytes: Its size.
        etag: Changes whenever the content does.
    """

    uri: str
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class Signing:
    """What requests to S3 are signed with.

    Attributes:
        region: Of the bucket.
        secret: Key, secret and, of roles, token; empty where nothing is signed.
    """

    region: str
    secret: tuple[str, ...] = field(repr=False)


class Missing(SourceError):  # noqa: N818 - an outcome that callers ask for, not always a fault
    """There is no file of that name."""

    def __init__(self, uri: str, reason: str = "is not there") -> None:
        super().__init__(uri, reason)


class Denied(SourceError):  # noqa: N818 - an outcome, which may mean that there is no file
    """The store does not allow it; the reason names who asked."""


class Unreachable(SourceError):  # noqa: N818 - an outcome, which another time may be another
    """The store has failed as often as it was asked; nothing is known of the file."""


class Changed(SourceError):  # noqa: N818 - an outcome that callers ask for, not always a fault
    """A file is not the version that was planned with."""

    def __init__(self, uri: str, reason: str = "has changed since the hunt was planned") -> None:
        super().__init__(uri, reason)


def ignored(_uri: str) -> None:
    """Does nothing."""


class Store(Protocol):
    """Where files lie. Each method does what the function of the same name in `scanner.archive.storage` says."""

    def list_files(
        self,
        place: Place,
        uri: str,
        endings: tuple[str, ...] = PARQUET,
        passed: Callable[[str], None] = ignored,
    ) -> Iterator[FileInfo]:
        """The files that a name, folder or glob stands for, in the order of their names."""

    def stat(self, place: Place) -> FileInfo:
        """Size and version."""

    def open_input(self, place: Place) -> pa.NativeFile:
        """A file to read at any place."""

    def explain(self, error: OSError) -> str | None:
        """What the store said that Arrow tells of; None where it tells of something else."""

    def read_range(self, place: Place, start: int, length: int, etag: str | None = None) -> bytes:
        """Some bytes, fewer where the file ends."""

    def read_bytes(self, place: Place) -> bytes:
        """All of a file."""

    def filesystem(self) -> pyarrow.fs.FileSystem:
        """Arrow's view of the store, for reading; paths in it are those of `arrow_path`."""

    def arrow_path(self, place: Place) -> str:
        """What `filesystem` calls a file."""

    def exists(self, place: Place) -> bool:
        """True for a file or a folder."""

    def is_folder(self, place: Place) -> bool:
        """True for a folder."""

    def list_names(self, place: Place) -> list[str]:
        """What lies in a folder."""

    def delete(self, place: Place) -> None:
        """Removes a file."""

    def delete_drafts(self, place: Place) -> None:
        """Removes from a folder what was written in part."""

    def open_output(self, place: Place) -> AbstractContextManager[pa.NativeFile]:
        """Writes a file that appears whole or not at all."""

    def create(self, place: Place, data: bytes) -> None:
        """Writes a file that must not exist yet."""

    def make_writable(self, place: Place, uri: str) -> None:
        """Proves that a folder can be written."""

    def identity(self, place: Place) -> str:
        """As whom the store is asked."""

    def signing(self, place: Place) -> "Signing | None":
        """With what; None but for S3."""


@contextlib.contextmanager
def as_operator(uri: str) -> Iterator[None]:
    """What keeps an archive from being listed is for the operator to mend, and never an empty archive."""
    try:
        yield
    except SourceError as error:
        raise wrong(uri, error.reason) from error


def wrong(uri: str, message: str) -> HuntError:
    """The error for a place that the operator of a hunt has to change."""
    return HuntError((Problem(uri, 0, "", message),))


def nothing_in(uri: str, endings: tuple[str, ...], *, folder: bool) -> HuntError:
    """The error for an archive without a file."""
    named = " or ".join(f"*{ending}" for ending in endings)
    what = f"holds no {named} file" if folder else "is not there"
    kind = "Parquet file" if endings == PARQUET else "file"
    return wrong(uri, f"{what}; name a {kind}, a folder of them, or a glob")
