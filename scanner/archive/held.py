"""Stored files of which the parts that are needed next are fetched at once: requests take longer than bytes."""

import io
from collections.abc import Iterable
from typing import Any, Final

MOST_BYTES: Final = 128 << 20
"""Bytes that are held at most; what goes beyond is read as it is asked for."""

_WORTH_A_REQUEST_BYTES: Final = 1 << 20
"""Less than this between two ranges is fetched along."""


class HeldFile(io.RawIOBase):
    """A file with some ranges in memory; everything else costs a request a read.

    Args:
        source: The file, a `pyarrow.NativeFile`.
    """

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source = source
        self._size: int = source.size()
        self._place = 0
        self._held: list[tuple[int, memoryview]] = []

    def hold(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fetches ranges, given by start and length, and forgets those before; what the file lacks is left out."""
        self._held = []
        left = MOST_BYTES
        there = [(start, length) for start, length in ranges if 0 <= start < start + length <= self._size]
        for start, end in _joined(there):
            if end - start <= left:
                self._held.append((start, memoryview(self._source.read_at(end - start, start))))
                left -= end - start

    def read_at(self, size: int, start: int) -> bytes:
        """Bytes from a place on, fewer where the file ends."""
        end = min(start + size, self._size)
        for first, data in self._held:
            if first <= start and end <= first + len(data):
                return bytes(data[start - first : end - first])
        found: bytes = self._source.read_at(end - start, start) if start < end else b""
        return found

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves without a request."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        """Bytes from the place on."""
        data = self.read_at(self._size if size is None or size < 0 else size, self._place)
        self._place += len(data)
        return data


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Starts and ends, in order, of ranges and what little lies between them."""
    joined: list[tuple[int, int]] = []
    for start, length in sorted(ranges):
        if joined and start - joined[-1][1] < _WORTH_A_REQUEST_BYTES:
            joined[-1] = (joined[-1][0], max(joined[-1][1], start + length))
        else:
            joined.append((start, start + length))
    return joined
