"""The local disk."""

import contextlib
import getpass
import glob
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.fs

from scanner.archive.storage.globs import PARQUET, is_data, is_hidden, is_passed_over, literal_prefix
from scanner.archive.storage.names import Place, utf8
from scanner.archive.storage.store import Denied, FileInfo, Missing, ignored, nothing_in, wrong
from scanner.errors import CommitConflict, CommitUnknown, SourceError

_DRAFT: Final = ".draft"
_NO_FOLDER: Final = (FileExistsError, NotADirectoryError)


class LocalStore:
    """Files below ``/``; an etag is made of a file's size and the time of its last change."""

    def list_files(
        self,
        place: Place,
        uri: str,
        endings: tuple[str, ...] = PARQUET,
        passed: Callable[[str], None] = ignored,
    ) -> Iterator[FileInfo]:
        """A folder is walked through links too; one that may not be read is an error.

        What a link in it leads to is read once, under the name that it has there without links.
        """
        path = place.key
        there = os.path.lexists(path)
        files = _files_below(path, endings, passed) if there else iter(_found(path, endings))
        empty = True
        for file in files:
            empty = False
            try:
                yield self.stat(Place("file", "", file))
            except Missing:
                raise
            except SourceError as error:
                raise wrong(file, error.reason) from error
        if empty:
            raise nothing_in(uri, endings, folder=Path(path).is_dir())

    def stat(self, place: Place) -> FileInfo:
        """One system call."""
        with _translated(place.key):
            status = os.stat(place.key)  # noqa: PTH116 - one system call
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(place.key, "is no regular file")
        return FileInfo(place.key, status.st_size, f"{status.st_size:x}-{status.st_mtime_ns:x}")

    def open_input(self, place: Place) -> pa.NativeFile:
        """Reads release Python's lock."""
        with _translated(place.key):
            return pa.OSFile(place.key, "rb")

    def explain(self, error: OSError) -> str | None:  # noqa: ARG002 - the protocol's
        """None: the system's own words do."""
        return None

    def read_range(
        self,
        place: Place,
        start: int,
        length: int,
        etag: str | None = None,  # noqa: ARG002 - the protocol's
    ) -> bytes:
        """One read."""
        with _translated(place.key), Path(place.key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def read_bytes(self, place: Place) -> bytes:
        """All of it."""
        with _translated(place.key):
            return Path(place.key).read_bytes()

    def filesystem(self) -> pyarrow.fs.FileSystem:
        """Arrow's own."""
        return pyarrow.fs.LocalFileSystem()

    def arrow_path(self, place: Place) -> str:
        """The path."""
        return place.key

    def exists(self, place: Place) -> bool:
        """A link to nothing is not there."""
        return Path(place.key).exists()

    def is_folder(self, place: Place) -> bool:
        """A link to a folder is one."""
        return Path(place.key).is_dir()

    def list_names(self, place: Place) -> list[str]:
        """None where there is no folder."""
        try:
            with _translated(place.key):
                return sorted(name for name in os.listdir(place.key) if not name.startswith("."))  # noqa: PTH208
        except SourceError:
            if not Path(place.key).exists():
                return []
            raise

    def delete(self, place: Place) -> None:
        """Its folder stays."""
        with _translated(place.key):
            Path(place.key).unlink(missing_ok=True)

    def delete_drafts(self, place: Place) -> None:
        """Hidden files, named as `_draft_of` does."""
        for draft in Path(place.key).glob(f".*{_DRAFT}"):
            draft.unlink(missing_ok=True)

    @contextlib.contextmanager
    def open_output(self, place: Place) -> Iterator[pa.NativeFile]:
        """Written under a hidden name, then renamed."""
        path = Path(place.key)
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

    def create(self, place: Place, data: bytes) -> None:
        """Written under a hidden name, then linked, which fails where the name exists."""
        path = Path(place.key)
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

    def make_writable(self, place: Place, uri: str) -> None:
        """Makes the folder."""
        path = Path(place.key)
        rehearsal = path / f".hindcast-{secrets.token_hex(8)}"
        try:
            path.mkdir(parents=True, exist_ok=True)
            self.create(Place("file", "", str(rehearsal)), b"")
            rehearsal.unlink()
        except OSError as error:
            remedy = "; name a folder" if isinstance(error, _NO_FOLDER) else ""
            raise wrong(uri, f"cannot be written: {_reason(error)}{remedy}") from error
        except CommitUnknown as error:
            raise wrong(uri, f"cannot be written: {error.reason}") from error

    def identity(self, place: Place) -> str:  # noqa: ARG002 - the protocol's
        """The user of this process."""
        return f"user {_user()}"

    def signing(self, place: Place) -> None:
        """None."""


def _found(pattern: str, endings: tuple[str, ...]) -> list[str]:
    """What a glob finds may lie in a folder that it finds too."""
    names = (name for name in glob.iglob(pattern, recursive=True) if not is_hidden(name))  # noqa: PTH207
    start = literal_prefix(pattern).rpartition("/")[0]
    real_start = os.path.realpath(start)
    found: dict[str, str] = {}
    for file in sorted({file for name in names for file in _files_below(name, endings, ignored)}):
        real = os.path.realpath(file)
        if real not in found or real == real_start + file[len(start) :]:
            found[real] = file
    return sorted(found.values())


def _files_below(path: str, endings: tuple[str, ...], passed: Callable[[str], None]) -> Iterator[str]:
    if Path(path).is_dir():
        yield from _walk(path, endings, passed, os.path.realpath(path), set())
    else:
        yield utf8(path)


def _walk(
    folder: str, endings: tuple[str, ...], passed: Callable[[str], None], root: str, seen: set[str]
) -> Iterator[str]:
    """Files in the order of their whole names, which is the order in which object stores list them."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                _name_in_order(entry) for entry in entries if not _leads_back(entry, endings, root)
            )
    except OSError as error:
        raise wrong(str(error.filename), _reason(error)) from error
    for name in names:
        path = str(Path(folder, name))
        if name.endswith("/"):
            if not is_hidden(name[:-1]):
                yield from _walk(path, endings, passed, root, seen)
        elif is_data(name, endings):
            yield utf8(path)
        elif is_passed_over(name, endings):
            passed(path)


def _leads_back(entry: "os.DirEntry[str]", endings: tuple[str, ...], root: str) -> bool:
    """True for a link to what the walk from a root comes by anyway."""
    if not entry.is_symlink():
        return False
    inside, slash, way = os.path.realpath(entry.path).rpartition(f"{root}/")
    if inside or not slash:
        return False
    return is_data(way, endings) or (entry.is_dir() and not any(map(is_hidden, way.split("/"))))


def _name_in_order(entry: "os.DirEntry[str]") -> str:
    return f"{entry.name}/" if entry.is_dir() else entry.name


def _draft_of(path: Path) -> Path:
    """A name beside the final one that no listing and no ``*.parquet`` glob finds."""
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}{_DRAFT}")


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
    except FileNotFoundError as error:
        raise Missing(path) from error
    except PermissionError as error:
        raise Denied(path, _reason(error)) from error
    except OSError as error:
        raise SourceError(path, _reason(error)) from error


def _reason(error: OSError) -> str:
    match error:
        case PermissionError():
            return f"not allowed (as user {_user()})"
        case FileExistsError() | NotADirectoryError():
            return "a file stands where a folder should be"
        case _:
            return (error.strerror or str(error)).lower()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
