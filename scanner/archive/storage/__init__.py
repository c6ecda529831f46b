"""The one door to stored bytes: the local disk, S3 and what speaks its protocol, and Google Cloud Storage.

A name is a path, ``file://…``, ``s3://bucket/key`` or ``gs://bucket/key``. Two ways to write exist: `open_output`
for data that nobody reads until a record names it, and `create` for the record, which exists whole or not at all
and is never overwritten.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Final

import pyarrow as pa
import pyarrow.dataset as ds

from scanner.archive.storage.globs import PARQUET
from scanner.archive.storage.local import LocalStore
from scanner.archive.storage.manifest import files_of
from scanner.archive.storage.names import Place, canonical, parse
from scanner.archive.storage.objects import Objects, ObjectStore
from scanner.archive.storage.settings import GcsSettings, S3Settings, StorageSettings, from_environment
from scanner.archive.storage.store import (
    Changed,
    Denied,
    FileInfo,
    Missing,
    Signing,
    Store,
    Unreachable,
    as_operator,
    ignored,
)

__all__ = [
    "Changed",
    "Denied",
    "FileInfo",
    "GcsSettings",
    "Missing",
    "S3Settings",
    "Signing",
    "StorageSettings",
    "Unreachable",
    "canonical",
    "configure",
    "create",
    "delete",
    "delete_drafts",
    "exists",
    "explain",
    "from_environment",
    "identity",
    "is_folder",
    "is_local",
    "list_files",
    "list_manifest",
    "list_names",
    "make_writable",
    "open_dataset",
    "open_input",
    "open_output",
    "read_bytes",
    "read_range",
    "read_tail",
    "settings",
    "signing",
    "stat",
]

_LOCAL = LocalStore()


def list_files(
    uri: str, endings: tuple[str, ...] = PARQUET, passed: Callable[[str], None] = ignored
) -> Iterator[FileInfo]:
    """The files that a path, folder or glob names, in the order of their names; they are not held in memory.

    A folder is walked down to its last file; names that begin with ``_`` or ``.`` are left out there and in what a
    glob finds. A file named outright is taken whatever its name.

    Args:
        uri: The path, folder or glob.
        endings: How the names of files in a folder end.
        passed: Called with each file in a folder that is not among them, though it might be taken for data.

    Raises:
        HuntError: There is nothing, a folder may not be listed, or the name names no store.
        SourceError: A file vanished while it was looked at.
    """
    place = parse(uri)
    with as_operator(uri):
        store = _store(place)
    return store.list_files(place, uri, endings, passed)


def list_manifest(uri: str) -> Iterator[FileInfo]:
    """The files that a manifest lists: a text file with one URI a line, or one path from the manifest's folder.

    Empty lines and lines that begin with ``#`` are skipped.

    Raises:
        HuntError: The manifest cannot be read, lists nothing, or lists what is not there; with every such line.
    """
    return files_of(canonical(uri), lambda name, length: read_range(name, 0, length), stat)


def stat(uri: str) -> FileInfo:
    """Size and version of a file.

    Raises:
        SourceError: It is not there or may not be looked at.
    """
    place = parse(uri)
    return _store(place).stat(place)


def open_input(uri: str) -> pa.NativeFile:
    """A file opened for reading at any place.

    Raises:
        SourceError: It is not there or may not be read.
    """
    place = parse(uri)
    return _store(place).open_input(place)


def explain(uri: str, error: OSError) -> str | None:
    """What the store said, of an error that reading from `open_input` ended with; None where no store said it."""
    return _store(parse(uri)).explain(error)


def read_range(uri: str, start: int, length: int, etag: str | None = None) -> bytes:
    """Some bytes of a file in one request; fewer where the file ends before.

    Args:
        uri: The file.
        start: The first byte.
        length: How many.
        etag: The version that they must be of, which object stores look at in the same request and the local disk
            does not; None for any.

    Raises:
        Changed: The file is another version.
        SourceError: It is not there or may not be read.
    """
    place = parse(uri)
    return _store(place).read_range(place, start, length, etag)


def is_local(uri: str) -> bool:
    """True for files on the local disk, which answer at once."""
    return parse(uri).scheme == "file"


def read_tail(uri: str, size_bytes: int, length: int, etag: str | None = None) -> bytes:
    """The last bytes of a file whose size a listing told, in one request.

    Raises:
        Changed: It is not the version of the etag, as `read_range` tells.
        SourceError: It is not there or may not be read.
    """
    start = max(0, size_bytes - length)
    return read_range(uri, start, size_bytes - start, etag)


def read_bytes(uri: str) -> bytes:
    """All of a small file.

    Raises:
        SourceError: It is not there or may not be read.
    """
    place = parse(uri)
    return _store(place).read_bytes(place)


def open_dataset(uris: Sequence[str], schema: pa.Schema) -> ds.Dataset:
    """Parquet files of one store read as one table, and only when it is asked for."""
    places = [parse(uri) for uri in uris]
    store = _store(places[0])
    paths = [store.arrow_path(place) for place in places]
    return ds.dataset(paths, schema=schema, format="parquet", filesystem=store.filesystem())


def exists(uri: str) -> bool:
    """True where a file or folder of that name stands."""
    place = parse(uri)
    return _store(place).exists(place)


def is_folder(uri: str) -> bool:
    """True where a folder of that name stands."""
    place = parse(uri)
    return _store(place).is_folder(place)


def list_names(folder_uri: str) -> list[str]:
    """Names in a folder, sorted, without those that begin with a dot; none where there is no folder.

    Raises:
        SourceError: The folder may not be read.
    """
    place = parse(folder_uri)
    return _store(place).list_names(place)


def delete(uri: str) -> None:
    """Removes a file; it is no error that it is gone already."""
    place = parse(uri)
    _store(place).delete(place)


def delete_drafts(folder_uri: str) -> None:
    """Removes what writers that were killed have left in a folder, where a store shows such things as files."""
    place = parse(folder_uri)
    _store(place).delete_drafts(place)


def open_output(uri: str) -> contextlib.AbstractContextManager[pa.NativeFile]:
    """A sink for a new file, which appears under its name whole when the block ends, or not at all.

    Parent folders are made. A file that has the name already is replaced.
    """
    place = parse(uri)
    return _store(place).open_output(place)


def create(uri: str, data: bytes) -> None:
    """Writes a file that must not exist yet; once this returns it survives a crash of the machine.

    Nobody ever sees a part of it.

    Raises:
        CommitConflict: The name is taken; nothing was written.
        CommitUnknown: The store refused; the file may or may not be there.
    """
    place = parse(uri)
    _store(place).create(place, data)


def make_writable(folder_uri: str) -> None:
    """Proves, by doing it, that results can be published in a folder; makes the folder.

    Raises:
        HuntError: They cannot.
    """
    place = parse(folder_uri)
    with as_operator(folder_uri):
        store = _store(place)
    store.make_writable(place, folder_uri)


def identity(uri: str) -> str:
    """As whom the store of a file is asked, and where that comes from; never a secret.

    Raises:
        SourceError: There are no credentials, or the provider does not know them.
    """
    place = parse(uri)
    return _store(place).identity(place)


def signing(uri: str) -> Signing | None:
    """What requests for a file are signed with now, for libraries that ask S3 by themselves; None for other stores.

    Raises:
        SourceError: There are no credentials.
    """
    place = parse(uri)
    return _store(place).signing(place)


def configure(settings: StorageSettings | None) -> None:
    """Says how this process reaches stores from now on.

    Args:
        settings: As a hunt has them; None for what the environment says.
    """
    with _Stores.lock:
        if settings is not None and settings == _Stores.configured:
            return
        _Stores.configured = settings
        for store in _Stores.opened.values():
            store.close()
        _Stores.opened.clear()


def settings() -> StorageSettings:
    """How this process reaches stores."""
    return _Stores.configured or from_environment()


class _Stores:
    """Those of this process; connections are kept from call to call."""

    configured: StorageSettings | None = None
    opened: ClassVar[dict[tuple[str, StorageSettings], ObjectStore]] = {}
    lock: Final = threading.Lock()


def _store(place: Place) -> Store:
    if place.scheme == "file":
        return _LOCAL
    key = (place.scheme, settings())
    with _Stores.lock:
        if key not in _Stores.opened:
            _Stores.opened[key] = ObjectStore(_objects(place, key[1]), key[1])
        return _Stores.opened[key]


def _objects(place: Place, how: StorageSettings) -> Objects:
    # Both libraries take long to import, and nobody who stays on the local disk shall wait for them.
    if place.scheme == "s3":
        from scanner.archive.storage.s3 import S3Objects  # noqa: PLC0415

        return S3Objects(how)
    from scanner.archive.storage.gcs import GcsObjects  # noqa: PLC0415

    return GcsObjects(how)
