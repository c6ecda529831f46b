"""The raw view: cells of any text type as valid UTF-8, and the way back to the bytes that stood there.

Both engines' UTF-8 modes need valid input. A cell that is not valid is matched repaired, each bad byte as
U+FFFD, and its spans are mapped back to the raw cell.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.views.utf8 import is_utf8

Column: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"
"""A column of any length, in one piece or several."""

Int64s = npt.NDArray[np.int64]

_OFFSET_BYTES: Final = 8
_BEHIND: Final = 1 << 62
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
    """A column of cells, ready to be matched: in one buffer, one a line, all valid UTF-8.

    Attributes:
        data: Every cell followed by a line feed; nulls take no bytes.
        offsets: int64[n + 1]; cell ``i`` is ``data[offsets[i]:offsets[i + 1] - 1]``.
        repairs: By index of the cell; only of cells that had to be repaired.
    """

    data: bytes
    offsets: Int64s
    repairs: Mapping[int, Repair]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, cells: Int64s) -> Iterator[bytes]:
        """The bytes of some cells that are not null."""
        starts, ends = self.offsets[cells].tolist(), (self.offsets[cells + 1] - 1).tolist()
        return (self.data[start:end] for start, end in zip(starts, ends, strict=True))

    def not_null(self) -> Int64s:
        """int64[m], the cells that are not null."""
        return np.flatnonzero(np.diff(self.offsets))

    def blocks(self, block_bytes: int) -> Iterator[tuple[int, bytes]]:
        """Cuts the buffer at borders of cells.

        Args:
            block_bytes: Size of a block, unless one cell alone is larger.

        Returns:
            Each block's first byte in the buffer, and the block.
        """
        start, end = 0, len(self.data)
        while start < end:
            last = int(np.searchsorted(self.offsets, start + block_bytes, "right")) - 1
            stop = int(self.offsets[last])
            if stop <= start:
                stop = int(self.offsets[np.searchsorted(self.offsets, start, "right")])
            yield start, self.data[start:stop]
            start = stop


def text_cells(cells: Column) -> TextCells:
    """Brings a column of any text type into the form that is matched.

    Args:
        cells: ``string``, ``large_string``, ``string_view``, ``binary``, ``large_binary``, ``binary_view``,
            ``fixed_size_binary[w]`` or a dictionary of one of them, nullable.

    Raises:
        TypeError: The column is of another type.
    """
    pieces = cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]
    values = [large_binary(each) for each in pieces]
    data, offsets = _joined(values)
    repairs: dict[int, Repair] = {}
    if not (data.isascii() or is_utf8(data)):
        repaired, repairs = _repaired([cell for each in values for cell in each.to_pylist()])
        data, offsets = _joined([repaired])
    return TextCells(data, offsets, repairs)


def _joined(values: Sequence[pa.LargeBinaryArray]) -> tuple[bytes, Int64s]:
    """All cells, each with a line feed behind it, and int64[n + 1], where each begins and the last one ends."""
    # Half the price of `binary_join_element_wise`: a slice behind the end of every cell becomes a line feed.
    lines: Iterator[Any] = (pc.binary_replace_slice(each, _BEHIND, _BEHIND, b"\n") for each in values)
    buffers, places, before = [], [np.zeros(1, np.int64)], 0
    for each in lines:
        buffer, offsets = in_one_buffer(each)
        buffers.append(buffer)
        places.append(offsets[1:] + before)
        before += buffer.size
    return b"".join(buffers), np.concatenate(places)


def in_one_buffer(values: pa.LargeBinaryArray) -> tuple[pa.Buffer, Int64s]:
    """The bytes of an array, and int64[n + 1], where each cell begins and the last one ends."""
    buffers: Any = values.buffers()
    _, offsets, data = buffers
    if not len(values):
        return pa.py_buffer(b""), np.zeros(1, np.int64)
    places = np.frombuffer(offsets, np.int64, len(values) + 1, values.offset * _OFFSET_BYTES)
    if data is None:
        return pa.py_buffer(b""), places
    return data.slice(places[0], places[-1] - places[0]), places - places[0]


def large_binary(cells: Any) -> pa.LargeBinaryArray:
    """A column of any type that `text_cells` takes, as its bytes.

    Raises:
        TypeError: The column is of another type.
    """
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if pa.types.is_string_view(kind):
        cells = cells.cast(pa.large_string())
    elif not (_is_counted(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind)):
        message = f"a column of {kind} holds no text"
        raise TypeError(message)
    wide: Any = cells.cast(pa.large_binary())
    if isinstance(wide, pa.ChunkedArray):
        wide = wide.combine_chunks()
    joined: pa.LargeBinaryArray = wide
    return joined


def _repaired(out: list[bytes | None]) -> tuple[pa.LargeBinaryArray, dict[int, Repair]]:
    repairs: dict[int, Repair] = {}
    for index, cell in enumerate(out):
        if cell is None:
            continue
        text = cell.decode(errors="surrogateescape")
        bad = tuple(_bad_bytes(text))
        if bad:
            repairs[index] = Repair(bad)
            out[index] = _ESCAPED.sub("\N{REPLACEMENT CHARACTER}", text).encode()
    return pa.array(out, pa.large_binary()), repairs


def _bad_bytes(text: str) -> Iterator[int]:
    offset, after = 0, 0
    for found in _ESCAPED.finditer(text):
        offset += len(text[after : found.start()].encode())
        after = found.end()
        yield offset
        offset += 1


def text_bytes(cells: Column) -> int:
    """Bytes of text in a column of a type that `text_cells` takes; nulls count nothing."""
    values: Any = cells if _is_counted(cells.type) else large_binary(cells)
    return int(pc.sum(pc.binary_length(values)).as_py() or 0)


def _is_counted(kind: pa.DataType) -> bool:
    """True where Arrow counts the bytes of values as they are."""
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )
