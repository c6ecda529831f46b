"""Case folded as the judge folds it: code point by code point, all of Unicode.

Two texts are equal to the judge under flag ``i`` where their folded forms are equal. The literal compiler folds ASCII
only, so what lies beyond is looked for in folded text.
"""

from collections.abc import Iterator
from functools import cache as once
from typing import Final

import numpy as np

from scanner.engine.patterns.classes import members
from scanner.engine.patterns.syntax import judge_source
from scanner.engine.pcre import expression
from scanner.views.raw import Int64s, TextCells

_PIECE_BYTES: Final = 1 << 20
"""A piece of text that is folded at a time takes sixteen times its size."""

_CASED: Final = rb"[\p{CWCM}\p{CWCF}\p{L&}]"
_LINE_FEED: Final = 0x0A
_ASCII: Final = 0x7F


@once
def _others() -> dict[int, int]:
    """For each code point that folds to another one, which."""
    ranges = members(_CASED, caseless=False, unicode=True)
    points = [point for first, last in ranges for point in range(first, last + 1)]
    every = "".join(map(chr, points)).encode()
    out = {}
    for point in points:
        _, spans = expression(judge_source(f"\\x{{{point:x}}}"), "i").find(every, len(points))
        first = min((end - start, every[start:end]) for start, end in spans)[1]
        if first != chr(point).encode():
            out[point] = ord(first.decode())
    return out


@once
def _table() -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    table = np.arange(0x110000, dtype=np.uint32)
    others = _others()
    table[list(others)] = list(others.values())
    return table


def fold(text: str) -> str:
    """The folded form of a text."""
    return text.translate(_others())


def fold_bytes(text: bytes) -> bytes:
    """The folded form of valid UTF-8, of any length."""
    return b"".join(_fold_piece(piece) for piece in _pieces(text))


def _fold_piece(text: bytes) -> bytes:
    points = np.frombuffer(text.decode().encode("utf-32-le"), np.uint32)
    return _table()[points].tobytes().decode("utf-32-le").encode()


def _pieces(text: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(text):
        end = min(start + _PIECE_BYTES, len(text))
        while end < len(text) and text[end] & 0xC0 == 0x80:  # noqa: PLR2004 - a byte within a code point
            end += 1
        yield text[start:end]
        start = end


def folded_blocks(text: TextCells, block_bytes: int) -> Iterator[tuple[Int64s, bytes, Int64s]]:
    """Blocks of folded cells, one a line; cells of ASCII alone are left out.

    Args:
        text: The cells.
        block_bytes: As in `TextCells.blocks`.

    Returns:
        The numbers of the cells, int64[n]; the block; and int64[n + 1], where each cell begins in it.
    """
    every = text.not_null()
    starts = text.offsets[every]
    for start, block in text.blocks(block_bytes):
        if block.isascii():
            continue
        first, last = np.searchsorted(starts, [start, start + len(block)])
        raw, begins = np.frombuffer(block, np.uint8), starts[first:last] - start
        wanted = np.maximum.reduceat(raw, begins) > _ASCII
        lines = np.add.reduceat(raw == _LINE_FEED, begins, dtype=np.int64)[wanted]
        ends = np.append(begins[1:], len(block))[wanted].tolist()
        chosen = b"".join(block[a:b] for a, b in zip(begins[wanted].tolist(), ends, strict=True))
        folded = fold_bytes(chosen)
        # Nothing folds to a line feed, so a cell ends behind as many of them as before.
        feeds = np.flatnonzero(np.frombuffer(folded, np.uint8) == _LINE_FEED)
        offsets = np.append(0, feeds[np.cumsum(lines) - 1] + 1)
        yield every[first:last][wanted], folded, offsets
