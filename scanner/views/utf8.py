"""Tells valid UTF-8, by polars, which does so some ten times faster than Arrow."""

import struct
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

SLAB_BYTES: Final = (1 << 31) - 1
"""Bytes that are looked at in one call: where a value stands in them is a number of 32 bits."""

PIECE_BYTES: Final = 1 << 19
"""Bytes of a value, unless a line is longer: they stay in the processor's cache while they are gone through."""

_IN_PLACE: Final = 12
"""Bytes that a view holds itself. Source: https://arrow.apache.org/docs/format/Columnar.html"""


def is_utf8(text: bytes, slab_bytes: int = SLAB_BYTES, piece_bytes: int = PIECE_BYTES) -> bool:
    """True where every line of a text is surely valid UTF-8.

    Args:
        text: Lines, each with a line feed behind it.
        slab_bytes: Bytes to look at in one call; of a line that is longer it is not known.
        piece_bytes: Bytes of a value, unless a line is longer.
    """
    # It takes a sixth of a second, which commands that match nothing need not wait for.
    import polars as pl  # noqa: PLC0415

    start = 0
    while start < len(text):
        # No character holds the byte of a line feed but the line feed, so no character is cut.
        end = text.rfind(b"\n", start, start + slab_bytes) + 1
        if not end:
            return False
        try:
            pl.Series(_pieces(text, start, end, piece_bytes)).cast(pl.String)
        except pl.exceptions.PolarsError:
            return False
        start = end
    return True


def _pieces(text: bytes, start: int, end: int, piece_bytes: int) -> "pa.Array[Any]":
    """binary_view[n], some lines of a text in pieces, without a copy."""
    views = b"".join(_views(text, start, end, piece_bytes))
    lines = pa.py_buffer(text).slice(start, end - start)
    return pa.Array.from_buffers(pa.binary_view(), len(views) // 16, [None, pa.py_buffer(views), lines])


def _views(text: bytes, start: int, end: int, piece_bytes: int) -> Iterator[bytes]:
    at = start
    while at < end:
        stop = text.rfind(b"\n", at, min(at + piece_bytes, end)) + 1 or text.index(b"\n", at) + 1
        if stop - at <= _IN_PLACE:
            yield struct.pack("<i12s", stop - at, text[at:stop])
        else:
            yield struct.pack("<i4sii", stop - at, text[at : at + 4], 0, at - start)
        at = stop
