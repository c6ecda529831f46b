"""The one door to stored bytes: local disk today, and by name nothing else.

A URI is a plain path or ``file://…``. The canonical form, which results and coverage keep, is the absolute
path. Two ways to write exist: `open_output` for data that nobody reads until a record names it, and `create`
for the record, which exists whole or not at all and is never overwritten.
"""

import contextlib
import getpass
import glob
import os
import re
import secrets
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs

from scanner.errors import CommitConflict, CommitUnknown, HuntError, Problem, SourceError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HIDDEN = ("_", ".")


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


def canonical(uri: str) -> str:
    """The form of a URI that results keep: an absolute path.

    Raises:
        HuntError: The scheme is not built yet, or the name is not UTF-8.
    """
    scheme = _SCHEME.match(uri)
    path = uri
    if scheme and scheme[1].lower() == "file":
        parts = urllib.parse.urlsplit(uri)
        if parts.netloc not in {"", "localhost"}:
            raise _wrong(uri, "names a host; write `file:///` and an absolute path")
        path = urllib.parse.unquote(parts.path)
    elif scheme:
        raise _wrong(uri, f"`{scheme[1]}://` is not built yet; write a local path")
    if not path or "\0" in path:
        raise _wrong(uri, "is not a path")
    return _utf8(os.path.abspath(path))  # noqa: PTH100 - pathlib keeps `..`


def list_files(uri: str) -> list[FileInfo]:
    """The files that a path, folder or glob names, sorted by URI.

    A folder is walked down to its last ``*.parquet``, through links; names that begin with ``_`` or ``.`` are
    left out there and in what a glob finds. A file named outright is taken whatever its name.

    Raises:
        HuntError: There is nothing, a folder may not be read, or the scheme is not built yet.
    """
    path = canonical(uri)
    if os.path.lexists(path):
        found = [path]
    else:
        found = [name for name in glob.iglob(path, recursive=True) if not _is_hidden(name)]  # noqa: PTH207
    files = sorted({file for name in found for file in _files_below(name)})
    if not files:
        what = "holds no *.parquet file" if Path(path).is_dir() else "is not there"
        raise _wrong(uri, f"{what}; name a Parquet file, a folder of them, or a glob")
    return [stat(file) for file in files]


def stat(uri: str) -> FileInfo:
    """Size and version of a file.

    Raises:
        SourceError: It is not there or may not be looked at.
    """
    path = canonical(uri)
    with _translated(path):
        status = os.stat(path)  # noqa: PTH116 - one system call
    return FileInfo(path, status.st_size, f"{status.st_size:x}-{status.st_mtime_ns:x}")


def open_input(uri: str) -> pa.NativeFile:
    """A file opened for reading at any place.

    Raises:
        SourceError: It is not there or may not be read.
    """
    path = canonical(uri)
    with _translated(path):
        return pa.OSFile(path, "rb")


def read_bytes(uri: str) -> bytes:
    """All of a small file.

    Raises:
        SourceError: It is not there or may not be read.
    """
    path = canonical(uri)
    with _translated(path):
        return Path(path).read_bytes()


def open_dataset(uris: Sequence[str], schema: pa.Schema) -> ds.Dataset:
    """Parquet files read as one table, and only when it is asked for."""
    files = pyarrow.fs.LocalFileSystem()
    return ds.dataset([canonical(uri) for uri in uris], schema=schema, format="parquet", filesystem=files)


def exists(uri: str) -> bool:
    """True where a file or folder of that name stands."""
    return Path(canonical(uri)).exists()


def is_folder(uri: str) -> bool:
    """True where a folder of that name stands."""
    return Path(canonical(uri)).is_dir()


def list_names(folder_uri: str) -> list[str]:
    """Names in a folder, sorted, without those that begin with a dot; none where there is no folder.

    Raises:
        SourceError: The folder may not be read.
    """
    path = canonical(folder_uri)
    try:
        with _translated(path):
            return sorted(name for name in os.listdir(path) if not name.startswith("."))  # noqa: PTH208
    except SourceError:
        if not Path(path).exists():
            return []
        raise


def delete(uri: str) -> None:
    """Removes a file; it is no error that it is gone already."""
    Path(canonical(uri)).unlink(missing_ok=True)


@contextlib.contextmanager
def open_output(uri: str) -> Iterator[pa.NativeFile]:
    """A sink for a new file, which appears under its name whole when the block ends, or not at all.

    Parent folders are made. A file that has the name already is replaced.
    """
    path = Path(canonical(uri))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft_of(path)
    try:
        with pa.OSFile(str(draft), "wb") as sink:
            yield sink
        _sync(draft)
        draft.replace(path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def create(uri: str, data: bytes) -> None:
    """Writes a file that must not exist yet; once this returns it survives a crash of the machine.

    Nobody ever sees a part of it.

    Raises:
        CommitConflict: The name is taken; nothing was written.
        CommitUnknown: The disk refused; the file may or may not be there.
    """
    path = Path(canonical(uri))
    draft = _draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as sink:
            sink.write(data)
            sink.flush()
            os.fsync(sink.fileno())
        _link(draft, path)
        _sync(path.parent)
    except OSError as error:
        raise CommitUnknown(str(path), _reason(error)) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def make_writable(folder_uri: str) -> None:
    """Proves, by doing it, that results can be published in a folder; makes the folder.

    Raises:
        HuntError: They cannot.
    """
    path = Path(canonical(folder_uri))
    rehearsal = path / f".hindcast-{secrets.token_hex(8)}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        create(str(rehearsal), b"")
        rehearsal.unlink()
    except OSError as error:
        raise _wrong(folder_uri, f"cannot be written: {_reason(error)}") from error
    except CommitUnknown as error:
        raise _wrong(folder_uri, f"cannot be written: {error.reason}") from error


def _files_below(path: str) -> Iterator[str]:
    if not Path(path).is_dir():
        yield _utf8(path)
        return
    seen: set[str] = set()

    def refuse(error: OSError) -> None:
        raise _wrong(str(error.filename), _reason(error))

    for folder, folders, names in os.walk(path, onerror=refuse, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(_HIDDEN))
        for name in names:
            if name.endswith(".parquet") and not name.startswith(_HIDDEN):
                yield _utf8(str(Path(folder, name)))


def _is_hidden(path: str) -> bool:
    return Path(path).name.startswith(_HIDDEN)


def _draft_of(path: Path) -> Path:
    """A name beside the final one that no listing and no ``*.parquet`` glob finds."""
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}.draft")


def _link(draft: Path, path: Path) -> None:
    """Gives the draft its name; a link fails where the name exists, which a rename does not."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise CommitConflict(str(path)) from None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(path, _reason(error)) from error


def _reason(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "is not there"
        case PermissionError():
            return f"not allowed (as user {_user()})"
        case _:
            return (error.strerror or str(error)).lower()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _utf8(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise _wrong(ascii(path), "the name is not UTF-8; rename it") from error
    return path


def _wrong(uri: str, message: str) -> HuntError:
    return HuntError((Problem(uri, 0, "", message),))
