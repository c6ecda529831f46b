from typing import Final

import pyarrow as pa
import pytest

from scanner.archive.parquet.page_check import MAX_PAGE_BYTES, Chunk, PageGuard, check_pages

ROOM: Final = 100


class Bytes:
    """A file of bytes; remembers how far it was read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.read_to = 0

    def read_at(self, length: int, start: int) -> bytes:
        self.read_to = max(self.read_to, min(start + length, len(self.data)))
        return self.data[start : start + length]


def page(uncompressed: int, compressed: int) -> bytes:
    """A page of which the header, a Thrift struct, names two sizes."""
    return b"\x25" + varint(uncompressed) + b"\x15" + varint(compressed) + b"\x00" + bytes(compressed)


def varint(number: int) -> bytes:
    number *= 2
    groups = []
    while number >= 1 << 7:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def test_pages_are_checked_just_before_they_are_read_and_refused_every_time() -> None:
    small, huge = page(1000, 500), page(MAX_PAGE_BYTES + 1, 500)
    source = Bytes(small * 3 + huge + small)
    chunk = Chunk(0, len(source.data), 2 * MAX_PAGE_BYTES)
    guard = PageGuard(source, [chunk])
    guard.allow(0, len(small))
    assert source.read_to < 2 * len(small)
    guard.allow(0, 3 * len(small))
    for _ in range(2):
        with pytest.raises(pa.ArrowInvalid, match="are allowed"):
            guard.allow(3 * len(small), 3 * len(small) + 1)
    with pytest.raises(pa.ArrowInvalid, match="are allowed"):
        check_pages(source, [chunk])


def test_a_map_in_a_header_hides_no_size() -> None:
    hidden = (
        b"\x1b\x00"
        + page(MAX_PAGE_BYTES + 1, 10)[:1].replace(b"\x25", b"\x15")
        + page(MAX_PAGE_BYTES + 1, 10)[1:]
    )
    with pytest.raises(pa.ArrowInvalid, match="are allowed"):
        check_pages(Bytes(hidden), [Chunk(0, len(hidden), 2 * MAX_PAGE_BYTES)])


def test_a_header_that_is_none_is_refused_before_arrow_reads_on() -> None:
    with pytest.raises(pa.ArrowInvalid, match="header"):
        check_pages(Bytes(b"\x1d" * 40), [Chunk(0, 40, 10)])


def test_a_page_that_a_hostile_footer_hides_in_another_column_is_found() -> None:
    hidden = page(MAX_PAGE_BYTES + 1, 10)
    around = page(1000, 500)
    data = around[:-ROOM] + hidden + around[-ROOM + len(hidden) :]
    start = len(around) - ROOM
    honest, hostile = Chunk(0, len(data), 1000), Chunk(start, start + len(hidden), 2 * MAX_PAGE_BYTES)
    for chunks in ([honest, hostile], [hostile, honest]):
        guard = PageGuard(Bytes(data), chunks)
        guard.allow(0, start)
        with pytest.raises(pa.ArrowInvalid, match="are allowed"):
            guard.allow(start, start + 5)


def test_what_lies_nowhere_is_left_to_arrow() -> None:
    for chunk in (Chunk(-50, 20, 10), Chunk(30, 10, 10), Chunk(500, 600, 10)):
        PageGuard(Bytes(b"\xff" * 40), [chunk]).allow(0, 1000)
