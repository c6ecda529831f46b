"""What is known of a table of files, whichever library read its list of files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from scanner.archive import storage
from scanner.archive.storage import FileInfo, Missing
from scanner.errors import HuntError, Problem, SourceError


@dataclass(frozen=True, slots=True)
class Table:
    """The files of a table at one version.

    Attributes:
        files: In no order.
        deletes: For each file of which rows are deleted, the files that say which, by URI.
    """

    files: tuple[FileInfo, ...]
    deletes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def versions(uri: str, paths: Iterable[str]) -> Iterator[FileInfo]:
    """Sizes and versions, of what lies in the table's folder without a request a file."""
    wanted = dict.fromkeys(storage.canonical(path) for path in paths)
    folder = storage.canonical(uri)
    if storage.is_folder(folder):
        try:
            for info in storage.list_files(folder):
                if info.uri in wanted:
                    del wanted[info.uri]
                    yield info
        except HuntError:
            pass  # without a Parquet file in it, every file is looked for by itself
    for path in wanted:
        try:
            yield storage.stat(path)
        except Missing:
            yield FileInfo(path, 0, "")
        except SourceError as error:
            raise wrong(uri, str(error)) from error


def first_line(error: Exception) -> str:
    """What a library says, without what it adds below."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def wrong(uri: str, message: str) -> HuntError:
    """The error for a table that cannot be hunted."""
    return HuntError((Problem(uri, 0, "", message),))
