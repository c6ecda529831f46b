"""Reads a stored file ahead of what asks for it, so that the network and the matching go on at the same time.

The footer tells every byte that will be needed. A few threads fetch these in windows, while Arrow, which asks for
a page here and a page there, is served from memory.
"""

import functools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from scanner.archive import storage
from scanner.archive.parquet.page_check import Chunk, PageGuard
from scanner.archive.parquet.windows import Window, windows
from scanner.archive.storage import FileInfo
from scanner.archive.storage.transfer import RangedFile
from scanner.errors import SourceError

AHEAD_BYTES: Final = 32 << 20
"""Bytes that are held or on their way before they are asked for; as many again are held because they are."""

THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class _Held:
    """A window that is there or on its way."""

    window: Window
    data: "Future[bytes]"


class ReadAhead:
    """One version of one file, some row groups of which are read one after the other.

    Args:
        info: The file and its version; bytes of another version are never given.

    Attributes:
        file: What Arrow reads. A page whose header names an absurd size is refused before Arrow sees it.
    """

    def __init__(self, info: FileInfo) -> None:
        self._info = info
        self._pool = ThreadPoolExecutor(THREADS, "hindcast-read-ahead")
        self._coming: Iterator[Window] = iter(())
        self._next: deque[Window] = deque()
        self._held: deque[_Held] = deque()
        self._number = 0
        self._chunks: Callable[[int], list[Chunk]] = lambda _: []
        self._guard = PageGuard(self, ())
        self.file = pa.PythonFile(RangedFile(info.size_bytes, self._read), mode="r")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
        self._held.clear()
        # A request that is under way ends by itself; none begins after this.
        self._pool.shutdown(wait=True, cancel_futures=True)

    def expect(self, count: int, chunks: Callable[[int], list[Chunk]]) -> None:
        """Begins to fetch.

        Args:
            count: How many row groups will be read.
            chunks: Tells which column chunks of each of them, by its number from 0.
        """
        self._chunks = chunks
        self._coming = windows(map(chunks, range(count)), self._info.size_bytes)
        self._fetch_ahead()

    def enter(self, number: int) -> None:
        """Forgets the row groups before this one."""
        self._number = number
        self._held = deque(held for held in self._held if held.window.last_group >= number)
        self._next = deque(window for window in self._next if window.last_group >= number)
        self._guard = PageGuard(self, self._chunks(number))
        self._fetch_ahead()

    def read_at(self, length: int, start: int) -> bytes:
        """Bytes from a place on, fewer where the file ends, whatever pages they hold.

        Raises:
            SourceError: They cannot be read, or are of another version.
        """
        end = min(start + length, self._info.size_bytes)
        pieces = []
        while start < end:
            held = self._at(start)
            # What nobody expected is read as it is asked for.
            piece = self._fetch(start, self._gap_end(start, end)) if held is None else _part(held, start, end)
            pieces.append(piece)
            start += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read(self, start: int, length: int) -> bytes:
        self._forget_before(start)
        self._fetch_ahead()
        self._guard.allow(start, start + length)
        return self.read_at(length, start)

    def _forget_before(self, start: int) -> None:
        """Columns are read from their start to their end."""

        def is_past(window: Window) -> bool:
            return window.chunk is not None and window.end <= start < window.chunk.end

        if any(is_past(held.window) for held in self._held):
            self._held = deque(held for held in self._held if not is_past(held.window))

    def _at(self, start: int) -> _Held | None:
        for held in self._held:
            if held.window.start <= start < held.window.end:
                return held
        for window in self._due():
            if window.start <= start < window.end:
                # Whatever the room, it is needed now.
                self._next.remove(window)
                return self._begin(window)
        return None

    def _gap_end(self, start: int, end: int) -> int:
        """Where the first window behind a place begins."""
        behind = [*(held.window for held in self._held), *self._next]
        return min((window.start for window in behind if start < window.start < end), default=end)

    def _due(self) -> list[Window]:
        """The windows of this row group that are not fetched yet."""
        while (not self._next or self._next[-1].last_group <= self._number) and self._peek_further():
            pass
        return list(self._next)

    def _peek_further(self) -> bool:
        window = next(self._coming, None)
        if window is not None:
            self._next.append(window)
        return window is not None

    def _fetch_ahead(self) -> None:
        room = AHEAD_BYTES - sum(held.window.length for held in self._held)
        while (self._next or self._peek_further()) and self._next[0].length <= room:
            room -= self._next[0].length
            self._begin(self._next.popleft())

    def _begin(self, window: Window) -> _Held:
        fetch = functools.partial(self._fetch, window.start, window.end)
        self._held.append(_Held(window, self._pool.submit(fetch)))
        return self._held[-1]

    def _fetch(self, start: int, end: int) -> bytes:
        info = self._info
        data = storage.read_range(info.uri, start, end - start, info.etag)
        if len(data) != end - start:
            raise SourceError(info.uri, f"the store sent {len(data)} bytes of {end - start}")
        return data


def _part(held: _Held, start: int, end: int) -> bytes:
    first = held.window.start
    return held.data.result()[start - first : end - first]
