"""Keeps Arrow from pages that would fill the memory: it makes room for whatever size the header of a page names.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive.thrift import I32, Cursor, Malformed

MAX_PAGE_BYTES: Final = 512 << 20
"""Uncompressed bytes that a page may have. Writers make pages of a megabyte, unless cells are large."""

_FIRST_READ_BYTES: Final = 256
_MAX_HEADER_BYTES: Final = 16 << 20
_HEADER_ROOM: Final = 64 << 10


def check_pages(source: Any, file: pq.ParquetFile, row_group: int, numbers: Sequence[int]) -> None:
    """Goes from page header to page header of some columns, and refuses pages that are too large.

    What else is wrong with them is left to Arrow, which says so.

    Args:
        source: The file, with ``read_at``.
        file: The same, opened.
        row_group: Index of the row group.
        numbers: Parquet columns that are read.

    Raises:
        pyarrow.ArrowInvalid: A page names a size that is too large, or larger than the footer's for the column.
    """
    group = file.metadata.row_group(row_group)
    for number, (start, length) in zip(numbers, chunk_ranges(file, row_group, numbers), strict=True):
        _check_column(source, start, start + length, group.column(number).total_uncompressed_size)


def chunk_ranges(file: pq.ParquetFile, row_group: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Start and length of each of some columns of a row group."""
    ranges = []
    for number in numbers:
        column = file.metadata.row_group(row_group).column(number)
        starts = (column.data_page_offset, column.dictionary_page_offset or column.data_page_offset)
        ranges.append((min(starts), column.total_compressed_size))
    return ranges


def _check_column(source: Any, start: int, end: int, promised: int) -> None:
    at = start
    while 0 <= at < end:
        uncompressed, compressed, length = _header(source, at, end)
        # Some writers leave headers out of the sums.
        if uncompressed > promised + _HEADER_ROOM:
            message = f"a page says it has {uncompressed} bytes, and its whole column says {promised}"
            raise pa.ArrowInvalid(message)
        if uncompressed > MAX_PAGE_BYTES:
            message = (
                f"a page of it has {uncompressed} bytes uncompressed, of which {MAX_PAGE_BYTES} are allowed"
            )
            raise pa.ArrowInvalid(message)
        at += length + max(0, compressed)
        if at > end + _HEADER_ROOM:
            message = f"a page says that it goes on for {at - end} bytes after the end of its column"
            raise pa.ArrowInvalid(message)
        if compressed < 0:
            return


def _header(source: Any, at: int, end: int) -> tuple[int, int, int]:
    """Uncompressed and compressed size of a page, and the length of its header; 0 where it is none."""
    wanted = _FIRST_READ_BYTES
    while True:
        data = source.read_at(min(wanted, end - at), at)
        try:
            return _sizes(data)
        except IndexError:
            # Statistics of long texts make headers long.
            if len(data) < wanted or wanted >= _MAX_HEADER_BYTES:
                return 0, -1, 0
            wanted *= 16
        except Malformed:
            return 0, -1, 0


def _sizes(data: bytes) -> tuple[int, int, int]:
    cursor = Cursor(data)
    values = {2: 0, 3: -1}
    for number, type_ in cursor.fields():
        if number in values and type_ == I32:
            values[number] = cursor.integer()
        else:
            cursor.skip(type_)
    return values[2], values[3], cursor.at
