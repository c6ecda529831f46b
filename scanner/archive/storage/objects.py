"""Stores of objects: a bucket is flat, and folders are what names have in common up to a slash."""

import contextlib
import functools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pyarrow as pa
import pyarrow.fs

from scanner.archive.storage.globs import PARQUET, Glob, has_glob, is_data, is_passed_over, literal_prefix
from scanner.archive.storage.names import Place, Scheme, parse, utf8
from scanner.archive.storage.patience import tried
from scanner.archive.storage.settings import StorageSettings
from scanner.archive.storage.store import (
    Denied,
    FileInfo,
    Missing,
    Signing,
    as_operator,
    ignored,
    nothing_in,
    wrong,
)
from scanner.archive.storage.transfer import RangedFile, ReadOnly, Upload, sending
from scanner.errors import CommitConflict, CommitUnknown, SourceError

PAGE_FILES = 1000
"""Files that a listing is asked for at once; S3 gives no more."""

_T = TypeVar("_T")


class Taken(SourceError):  # noqa: N818 - an outcome, not a fault
    """An object was to be new and is there already."""

    def __init__(self, uri: str, reason: str = "exists already") -> None:
        super().__init__(uri, reason)


@dataclass(frozen=True, slots=True)
class Entry:
    """An object.

    Attributes:
        key: Its name in the bucket.
        size_bytes: Its size.
        etag: Changes whenever the content does.
        writer: What `Objects.put_new` was given; empty in listings and for other objects.
    """

    key: str
    size_bytes: int
    etag: str
    writer: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing, in the order of names.

    Attributes:
        entries: Objects.
        folders: Names up to a slash, with it, where the listing was to stop at slashes.
        next_page: What to ask the next page with; None after the last one.
    """

    entries: tuple[Entry, ...]
    folders: tuple[str, ...]
    next_page: str | None


class Objects(Protocol):
    """What a provider's library is used for: one request each, tried once.

    Each method raises `Missing`, `Taken`, `scanner.archive.storage.patience.Transient`, a `Denied` that names the
    identity used, or another `SourceError`.
    """

    scheme: Scheme

    def page(self, place: Place, next_page: str | None, *, flat: bool, limit: int) -> Page:
        """Lists objects whose names begin with the place's key; stops at slashes unless ``flat``."""

    def head(self, place: Place) -> Entry:
        """What is known of an object."""

    def get(self, place: Place, start: int, length: int | None, etag: str | None = None) -> bytes:
        """Bytes of an object, to its end where no length is given; none beyond its end.

        Where it is another version than the one of an etag, this raises `Changed`.
        """

    def put(self, place: Place, data: bytes) -> None:
        """Writes an object."""

    def put_new(self, place: Place, data: bytes, writer: str) -> None:
        """Writes an object that must not exist, and notes by whom."""

    def upload(self, place: Place) -> Upload:
        """Begins an object of many parts; sends nothing before the first part."""

    def delete(self, place: Place) -> None:
        """Removes an object."""

    def open_input(self, place: Place) -> pa.NativeFile | None:
        """The provider's fastest way to read, with its own retries; None where it has none."""

    def explain(self, error: OSError) -> str | None:
        """What the store said, of an error that reading by `open_input` ended with."""

    def identity(self, place: Place) -> str:
        """As whom requests are made, and where the credentials come from."""

    def signing(self, place: Place) -> Signing | None:
        """What requests are signed with now; None for other providers than S3."""

    def close(self) -> None:
        """Closes connections."""


class ObjectStore:
    """Files in buckets.

    Args:
        objects: The provider.
        settings: How patient to be.
    """

    def __init__(self, objects: Objects, settings: StorageSettings) -> None:
        self._objects = objects
        self._settings = settings

    def list_files(
        self,
        place: Place,
        uri: str,
        endings: tuple[str, ...] = PARQUET,
        passed: Callable[[str], None] = ignored,
    ) -> Iterator[FileInfo]:
        """Sizes and versions come with the names: a page of a thousand files is one request."""
        empty = True
        for entry in self._listed(place, endings, passed):
            empty = False
            yield self._info(place, entry)
        if empty:
            with as_operator(uri):
                folder = self.is_folder(place)
            raise nothing_in(uri, endings, folder=folder)

    def stat(self, place: Place) -> FileInfo:
        """One request."""
        return self._info(place, self._head(place))

    def open_input(self, place: Place) -> pa.NativeFile:
        """The provider's own reader, or one request a read."""
        native = self._objects.open_input(place)
        if native is not None:
            return native
        size_bytes = self._head(place).size_bytes
        return pa.PythonFile(RangedFile(size_bytes, functools.partial(self.read_range, place)), mode="r")

    def explain(self, error: OSError) -> str | None:
        """As the provider does."""
        return self._objects.explain(error)

    def read_range(self, place: Place, start: int, length: int, etag: str | None = None) -> bytes:
        """One request."""
        return self._of(place, lambda: self._objects.get(place, start, length, etag))

    def read_bytes(self, place: Place) -> bytes:
        """One request."""
        return self._of(place, lambda: self._objects.get(place, 0, None))

    def filesystem(self) -> pyarrow.fs.FileSystem:
        """Opens files as this does."""

        def size(path: str) -> int:
            return self.stat(parse(path)).size_bytes

        handler = ReadOnly(self._objects.scheme, size, lambda path: self.open_input(parse(path)))
        return pyarrow.fs.PyFileSystem(handler)

    def arrow_path(self, place: Place) -> str:
        """The URI."""
        return str(place)

    def exists(self, place: Place) -> bool:
        """One request for an object, two for a folder."""
        if place.key:
            with contextlib.suppress(Missing):
                self._head(place)
                return True
        return self.is_folder(place)

    def is_folder(self, place: Place) -> bool:
        """True where an object's name begins with the folder's, and for every bucket."""
        below = _below(place)
        try:
            page = self._tried(lambda: self._objects.page(below, None, flat=True, limit=1))
        except Missing:
            return False
        return bool(page.entries) or not place.key

    def list_names(self, place: Place) -> list[str]:
        """Objects and folders."""
        below = _below(place)
        names: set[str] = set()
        with contextlib.suppress(Missing):
            for page in self._pages(below, flat=False):
                names.update(entry.key.removeprefix(below.key) for entry in page.entries)
                names.update(folder.removeprefix(below.key).rstrip("/") for folder in page.folders)
        return sorted(name for name in names if name and not name.startswith("."))

    def delete(self, place: Place) -> None:
        """One request."""
        with contextlib.suppress(Missing):
            self._tried(lambda: self._objects.delete(place))

    def delete_drafts(self, place: Place) -> None:
        """None are listed; a rule of the bucket ends uploads that nobody completes."""

    @contextlib.contextmanager
    def open_output(self, place: Place) -> Iterator[pa.NativeFile]:
        """Small files are one request, others are sent in parts."""
        with sending(_SmallOrLarge(self._objects, place, self._settings)) as sink:
            yield sink

    def create(self, place: Place, data: bytes) -> None:
        """A request whose answer was lost is told from one that came second by the writer's mark."""
        writer = secrets.token_hex(16)
        try:
            self._tried(lambda: self._objects.put_new(place, data, writer))
        except Taken:
            if self._wrote(place, writer):
                return
            raise CommitConflict(str(place)) from None
        except SourceError as error:
            raise CommitUnknown(str(place), error.reason) from error

    def make_writable(self, place: Place, uri: str) -> None:
        """A store that lets a second writer overwrite the first is refused: results could not be trusted there."""
        rehearsal = Place(place.scheme, place.bucket, f"{_below(place).key}.hindcast-{secrets.token_hex(8)}")
        try:
            self.create(rehearsal, b"")
            try:
                self.create(rehearsal, b"")
                safe = False
            except CommitConflict:
                safe = True
            # What may not be deleted stays: its name is hidden, and nobody reads it.
            with contextlib.suppress(Denied):
                self.delete(rehearsal)
        except (CommitUnknown, SourceError) as error:
            raise wrong(uri, f"cannot be written: {error.reason}") from error
        if not safe:
            message = (
                "this store overwrites objects that were to be new, so two workers could publish one split"
            )
            raise wrong(uri, f"{message}; write the results to another store")

    def identity(self, place: Place) -> str:
        """As the provider tells."""
        return self._objects.identity(place)

    def signing(self, place: Place) -> Signing | None:
        """As the provider does."""
        return self._objects.signing(place)

    def close(self) -> None:
        """Closes connections; the store is not used again."""
        self._objects.close()

    def _listed(
        self, place: Place, endings: tuple[str, ...], passed: Callable[[str], None]
    ) -> Iterator[Entry]:
        with as_operator(str(place)):
            named = self._named(place)
            if named is not None:
                yield named
                return
            if has_glob(place.key):
                glob = Glob(place.key)
                start = Place(place.scheme, place.bucket, literal_prefix(place.key))
                for page in self._pages(start, flat=True):
                    yield from (entry for entry in page.entries if glob.takes(entry.key, endings))
                return
            start = _below(place)
            for page in self._pages(start, flat=True):
                for entry in page.entries:
                    name = entry.key.removeprefix(start.key)
                    if is_data(name, endings):
                        yield entry
                    elif is_passed_over(name, endings):
                        passed(str(Place(place.scheme, place.bucket, entry.key)))

    def _named(self, place: Place) -> Entry | None:
        """The object of that name; an empty one beside a folder of its name is the mark of that folder."""
        if not place.key:
            return None
        try:
            entry = self._head(place)
        except Missing:
            return None
        except Denied:
            # Who may list a folder only may not ask for what lies beside it, such as an object of its name.
            if has_glob(place.key) or self.is_folder(place):
                return None
            raise
        return entry if entry.size_bytes or not self.is_folder(place) else None

    def _pages(self, place: Place, *, flat: bool) -> Iterator[Page]:
        next_page: str | None = None
        while True:
            ask = functools.partial(self._objects.page, place, next_page, flat=flat, limit=PAGE_FILES)
            page = self._tried(ask)
            yield page
            next_page = page.next_page
            if next_page is None:
                return

    def _wrote(self, place: Place, writer: str) -> bool:
        try:
            return self._head(place).writer == writer
        except Missing:
            return False
        except SourceError as error:
            raise CommitUnknown(str(place), error.reason) from error

    def _head(self, place: Place) -> Entry:
        return self._of(place, lambda: self._objects.head(place))

    def _info(self, place: Place, entry: Entry) -> FileInfo:
        name = str(Place(place.scheme, place.bucket, utf8(entry.key)))
        return FileInfo(name, entry.size_bytes, entry.etag)

    def _of(self, place: Place, operation: Callable[[], _T]) -> _T:
        """What is asked of one object; S3 says of a missing one that it is denied where listing is tied to a prefix."""
        try:
            return self._tried(operation)
        except Denied as error:
            if self._is_absent(place):
                raise Missing(str(place)) from error
            raise

    def _is_absent(self, place: Place) -> bool:
        """True where a listing says so."""
        try:
            page = self._tried(lambda: self._objects.page(place, None, flat=True, limit=1))
        except SourceError:
            return False
        return all(entry.key != place.key for entry in page.entries)

    def _tried(self, operation: Callable[[], _T]) -> _T:
        return tried(operation, self._settings)


class _SmallOrLarge:
    """An upload that turns into one of parts when there is more than one."""

    def __init__(self, objects: Objects, place: Place, settings: StorageSettings) -> None:
        self._objects = objects
        self._place = place
        self._settings = settings
        self._large: Upload | None = None

    def part(self, data: bytes) -> None:
        if self._large is None:
            self._large = self._objects.upload(self._place)
        self._large.part(data)

    def finish(self, rest: bytes) -> None:
        if self._large is not None:
            self._large.finish(rest)
            return
        tried(lambda: self._objects.put(self._place, rest), self._settings)

    def abandon(self) -> None:
        if self._large is not None:
            self._large.abandon()


def _below(place: Place) -> Place:
    return Place(place.scheme, place.bucket, f"{place.key}/" if place.key else "")
