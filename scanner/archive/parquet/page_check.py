"""Keeps Arrow from pages that would fill the memory: it makes room for whatever size the header of a page names.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive.parquet.thrift import I32, Cursor, Malformed

MAX_PAGE_BYTES: Final = 512 << 20
"""Uncompressed bytes that a page may have. Writers make pages of a megabyte, unless cells are large."""

_FIRST_READ_BYTES: Final = 256
_MAX_HEADER_BYTES: Final = 16 << 20
_HEADER_ROOM: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where one column of one row group lies in its file.

    Attributes:
        start: The first byte.
        end: The byte after the last one.
        uncompressed_bytes: What it takes unpacked, as the footer says.
    """

    start: int
    end: int
    uncompressed_bytes: int


def chunks_of(file: pq.ParquetFile, row_group: int, numbers: Sequence[int]) -> list[Chunk]:
    """Where some columns of a row group lie, by their numbers in Parquet's schema; nowhere where it has no rows."""
    chunks: list[Chunk] = []
    group = file.metadata.row_group(row_group)
    if not group.num_rows:
        return chunks
    for number in numbers:
        column = group.column(number)
        start = min(column.data_page_offset, column.dictionary_page_offset or column.data_page_offset)
        chunks.append(Chunk(start, start + column.total_compressed_size, column.total_uncompressed_size))
    return chunks


def check_pages(source: Any, chunks: Sequence[Chunk]) -> None:
    """Goes from page header to page header of some columns, and refuses pages that are too large.

    What else is wrong with them, but for headers that are none, is left to Arrow, which says so.

    Args:
        source: The file, with ``read_at``.
        chunks: The columns, of one row group.

    Raises:
        pyarrow.ArrowInvalid: A page names a size that is too large, or larger than the footer's for the column.
    """
    for chunk in chunks:
        at = chunk.start
        while 0 <= at < chunk.end:
            at = _after_page(source, chunk, at)


class PageGuard:
    """Does what `check_pages` does, a page at a time: just before Arrow may see its header.

    Args:
        source: The file, with ``read_at``.
        chunks: The columns that are read, of one row group.
    """

    def __init__(self, source: Any, chunks: Sequence[Chunk]) -> None:
        self._source = source
        self._chunks = chunks
        self._checked_to = [chunk.start for chunk in chunks]

    def allow(self, start: int, end: int) -> None:
        """Checks every page that begins before the end of a range.

        Raises:
            pyarrow.ArrowInvalid: As `check_pages` does.
        """
        # Hostile footers let chunks overlap, so every one is looked at.
        for number, chunk in enumerate(self._chunks):
            if start < chunk.end:
                while 0 <= self._checked_to[number] < min(end, chunk.end):
                    self._checked_to[number] = _after_page(self._source, chunk, self._checked_to[number])


def _after_page(source: Any, chunk: Chunk, at: int) -> int:
    """Checks the page at a place, and gives that of the next one; the end of the column where there is none."""
    end, promised = chunk.end, chunk.uncompressed_bytes
    uncompressed, compressed, length = _header(source, at, end)
    # Some writers leave headers out of the sums.
    if uncompressed > promised + _HEADER_ROOM:
        message = f"a page says it has {uncompressed} bytes, and its whole column says {promised}"
        raise pa.ArrowInvalid(message)
    if uncompressed > MAX_PAGE_BYTES:
        message = f"a page of it has {uncompressed} bytes uncompressed, of which {MAX_PAGE_BYTES} are allowed"
        raise pa.ArrowInvalid(message)
    if compressed < 0:
        return end
    at += length + compressed
    if at > end + _HEADER_ROOM:
        message = f"a page says that it goes on for {at - end} bytes after the end of its column"
        raise pa.ArrowInvalid(message)
    return at


def _header(source: Any, at: int, end: int) -> tuple[int, int, int]:
    """Uncompressed and compressed size of a page, and the length of its header; 0 where it is none."""
    wanted = _FIRST_READ_BYTES
    while True:
        data = source.read_at(min(wanted, end - at), at)
        try:
            return _sizes(data)
        except IndexError:
            # Statistics of long texts make headers long.
            if len(data) < wanted:
                return 0, -1, 0
            if wanted >= _MAX_HEADER_BYTES:
                message = f"a page has a header of more than {_MAX_HEADER_BYTES} bytes"
                raise pa.ArrowInvalid(message) from None
            wanted *= 16
        except Malformed:
            message = "the header of a page is broken"
            raise pa.ArrowInvalid(message) from None


def _sizes(data: bytes) -> tuple[int, int, int]:
    cursor = Cursor(data)
    values = {2: 0, 3: -1}
    for number, type_ in cursor.fields():
        if number in values and type_ == I32:
            values[number] = cursor.integer()
        else:
            cursor.skip(type_)
    return values[2], values[3], cursor.at
