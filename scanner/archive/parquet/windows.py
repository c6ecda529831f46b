"""Which ranges of a Parquet file to fetch, and in which order, so that few requests are made and little is held."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from scanner.archive.parquet.page_check import Chunk

WINDOW_BYTES: Final = 8 << 20
"""Bytes of one request at most: more gain nothing against its latency."""

WHOLE_BYTES: Final = 16 << 20
"""A row group of which no more than this is needed is held whole, a larger one a part of each column at a time."""

GAP_BYTES: Final = 1 << 20
"""What lies between two ranges is fetched along up to this, because another request would take longer."""

_STREAMED_BYTES: Final = 16 << 20
_LEAST_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive bytes that one request fetches.

    Attributes:
        start: The first byte.
        end: The byte after the last one.
        last_group: Number of the last row group that needs them.
        chunk: The column chunk that they are a part of; None where they are held until that row group is done.
    """

    start: int
    end: int
    last_group: int
    chunk: Chunk | None = None

    @property
    def length(self) -> int:
        """Bytes in it."""
        return self.end - self.start


def windows(groups: Iterable[list[Chunk]], size_bytes: int) -> Iterator[Window]:
    """What to fetch, in the order in which it will be needed.

    Args:
        groups: The column chunks that are read of each row group, in the order in which these are read.
        size_bytes: Size of the file; what a footer says lies beyond it is left out.
    """
    last: Window | None = None
    for number, chunks in enumerate(groups):
        there = [chunk for chunk in chunks if 0 <= chunk.start < min(chunk.end, size_bytes)]
        for window in _of_group(number, there, size_bytes):
            if last is None:
                last = window
            elif _fits(last, window):
                last = Window(last.start, window.end, number)
            else:
                yield last
                last = window
    if last is not None:
        yield last


def _of_group(number: int, chunks: list[Chunk], size_bytes: int) -> Iterator[Window]:
    ranges = _joined((chunk.start, min(chunk.end, size_bytes)) for chunk in chunks)
    if sum(end - start for start, end in ranges) <= WHOLE_BYTES:
        for start, end in ranges:
            yield from _cut(start, end, WINDOW_BYTES, number)
        return
    length = max(_LEAST_BYTES, min(WINDOW_BYTES, _STREAMED_BYTES // len(chunks)))
    streamed = [
        ((window.start - chunk.start) / (chunk.end - chunk.start), window)
        for chunk in chunks
        for window in _cut(chunk.start, min(chunk.end, size_bytes), length, number, chunk)
    ]
    # Batches take as large a part of every column.
    streamed.sort(key=lambda each: (each[0], each[1].start))
    yield from (window for _, window in streamed)


def _fits(last: Window, window: Window) -> bool:
    """True where the windows of two row groups can be one."""
    if last.chunk is not None or window.chunk is not None:
        return False
    return 0 <= window.start - last.end <= GAP_BYTES and window.end - last.start <= WINDOW_BYTES


def _cut(start: int, end: int, length: int, number: int, chunk: Chunk | None = None) -> Iterator[Window]:
    for first in range(start, end, length):
        yield Window(first, min(first + length, end), number, chunk)


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order, as one where little lies between them."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start - joined[-1][1] <= GAP_BYTES:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
