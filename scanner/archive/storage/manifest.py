"""Manifests: files that list the files of an archive, one URI a line."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from scanner.archive.storage.names import canonical, parse
from scanner.archive.storage.store import FileInfo
from scanner.errors import HuntError, Problem, SourceError

MAX_BYTES: Final = 512 << 20
"""Longer manifests are refused; this is several million lines."""

_AT_ONCE: Final = 16
_WAITING: Final = 256
_MOST_PROBLEMS: Final = 100


def files_of(
    uri: str, read: Callable[[str, int], bytes], stat: Callable[[str], FileInfo]
) -> Iterator[FileInfo]:
    """The files that a manifest lists, in its order.

    A line is a URI, or a path from the manifest's folder. Empty lines and lines that begin with ``#`` are skipped.

    Args:
        uri: The manifest.
        read: Reads it, at most so many bytes.
        stat: Looks at a file.

    Raises:
        HuntError: The manifest cannot be read, lists nothing, or lists what is not there; with every such line, or
            the first hundred.
    """
    problems: list[Problem] = []
    empty = True
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="manifest") as pool:
        waiting: deque[tuple[int, Future[FileInfo]]] = deque()
        for number, name in _lines(uri, read):
            empty = False
            waiting.append((number, pool.submit(_look, uri, name, stat)))
            if len(waiting) >= _WAITING:
                yield from _next(uri, waiting, problems)
            if len(problems) >= _MOST_PROBLEMS:
                break
        while waiting:
            yield from _next(uri, waiting, problems)
    if empty:
        problems.append(Problem(uri, 0, "", "lists no file; write one URI a line"))
    if problems:
        raise HuntError(tuple(problems[:_MOST_PROBLEMS]))


def _lines(uri: str, read: Callable[[str, int], bytes]) -> Iterator[tuple[int, str]]:
    try:
        data = read(uri, MAX_BYTES + 1)
    except SourceError as error:
        raise HuntError((Problem(uri, 0, "", error.reason),)) from error
    if len(data) > MAX_BYTES:
        raise HuntError((Problem(uri, 0, "", f"is longer than {MAX_BYTES >> 20} MB; list folders instead"),))
    start, number = 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        line = (
            data[start:end]
            .removesuffix(b"\r")
            .decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape")
        )
        start = end + 1
        if line.strip() and not line.startswith("#"):
            yield number, line


def _look(manifest: str, name: str, stat: Callable[[str], FileInfo]) -> FileInfo:
    if "://" in name or name.startswith("/"):
        return stat(canonical(name))
    place = parse(manifest)
    folder = str(place).rpartition("/")[0] if place.key else str(place)
    return stat(canonical(f"{folder}/{name}"))


def _next(
    uri: str, waiting: "deque[tuple[int, Future[FileInfo]]]", problems: list[Problem]
) -> Iterator[FileInfo]:
    number, future = waiting.popleft()
    try:
        yield future.result()
    except HuntError as error:
        problems += [Problem(uri, number, each.file, each.message) for each in error.problems]
    except SourceError as error:
        problems.append(Problem(uri, number, error.uri, error.reason))
