"""The raw view: cells of any text type as valid UTF-8, and the way back to the bytes that stood there.

Both engines' UTF-8 modes need valid input. A cell that is not valid is matched repaired, each bad byte as
U+FFFD, and its spans are mapped back to the raw cell.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Column: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"
"""A column of any length, in one piece or several."""

_GROWTH: Final = len("\N{REPLACEMENT CHARACTER}".encode()) - 1
_ESCAPED: Final = re.compile("[\udc80-\udcff]")  # what Python's surrogateescape makes of bad bytes


@dataclass(frozen=True, slots=True)
class Repair:
    """Where a repaired cell differs from the raw one.

    Attributes:
        bad: Offsets of the bad bytes in the raw cell, ascending.
    """

    bad: tuple[int, ...]

    def raw(self, offset: int) -> int:
        """Maps an offset of the repaired cell, at a character's border, to the raw cell."""
        replaced = bisect_left(self.bad, offset, key=self._position)
        return offset - _GROWTH * replaced

    def _position(self, bad: int) -> int:
        return bad + _GROWTH * bisect_left(self.bad, bad)


@dataclass(frozen=True, slots=True)
class TextCells:
    """A column of cells, ready to be matched.

    Attributes:
        values: large_binary[n], nullable; every value is valid UTF-8.
        repairs: By index of the cell; only of cells that had to be repaired.
    """

    values: pa.LargeBinaryArray
    repairs: Mapping[int, Repair] = field(default_factory=dict)


def text_cells(cells: Column) -> TextCells:
    """Brings a column of any text type into the form that is matched.

    Args:
        cells: ``string``, ``large_string``, ``string_view``, ``binary``, ``large_binary``, ``binary_view``,
            ``fixed_size_binary[w]`` or a dictionary of one of them, nullable.

    Raises:
        TypeError: The column is of another type.
    """
    values = _large_binary(cells)
    try:
        values.cast(pa.large_string())
    except pa.ArrowInvalid:
        return _repaired(values)
    return TextCells(values)


def _large_binary(cells: Any) -> pa.LargeBinaryArray:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if pa.types.is_string_view(kind):
        cells = cells.cast(pa.large_string())
    elif not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        message = f"a column of {kind} holds no text"
        raise TypeError(message)
    wide: Any = cells.cast(pa.large_binary())
    if isinstance(wide, pa.ChunkedArray):
        wide = wide.combine_chunks()
    joined: pa.LargeBinaryArray = wide
    return joined


def _repaired(values: pa.LargeBinaryArray) -> TextCells:
    repairs: dict[int, Repair] = {}
    out = values.to_pylist()
    for index, cell in enumerate(out):
        if cell is None:
            continue
        text = cell.decode(errors="surrogateescape")
        bad = tuple(_bad_bytes(text))
        if bad:
            repairs[index] = Repair(bad)
            out[index] = _ESCAPED.sub("\N{REPLACEMENT CHARACTER}", text).encode()
    return TextCells(pa.array(out, pa.large_binary()), repairs)


def _bad_bytes(text: str) -> Iterator[int]:
    offset, after = 0, 0
    for found in _ESCAPED.finditer(text):
        offset += len(text[after : found.start()].encode())
        after = found.end()
        yield offset
        offset += 1


def text_bytes(cells: Column) -> int:
    """Bytes of text in a column of a type that `text_cells` takes; nulls count nothing."""
    return int(pc.sum(pc.binary_length(_large_binary(cells))).as_py() or 0)
