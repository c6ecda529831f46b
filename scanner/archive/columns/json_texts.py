"""The texts at one place in cells that hold JSON.

Cells come from strangers, so nothing in one may cost more than a message: what is nested too deep, too large or no JSON
is counted and left out. Of two members of the same name the last one counts, as with most parsers.
"""

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scanner.archive.columns.paths import JsonStep

MAX_JSON_BYTES: Final = 16 << 20
"""Larger cells are not parsed: what they take in memory is many times their size."""

_TEXTS_AT_ONCE: Final = 1 << 14

_Int64s = npt.NDArray[np.int64]

# Numbers are never hunted, and Python takes long for the digits of a large integer, or refuses them.
_DECODER: Final = json.JSONDecoder(parse_int=float)


@dataclass(frozen=True, slots=True)
class JsonTexts:
    """Texts found in JSON.

    Attributes:
        texts: large_string[n], none of them null.
        parents: int64[n], the cell that each was found in, ascending.
        positions: One int64[n] for each ``[*]`` on the way: the index in that array, from 0.
        unparsed: Cells that are no JSON.
    """

    texts: "pa.Array[Any]"
    parents: _Int64s
    positions: tuple[_Int64s, ...]
    unparsed: int


def texts_of(cells: "pa.Array[Any]", way: Sequence[JsonStep]) -> JsonTexts:
    """Follows a way into the JSON of cells.

    A cell without any characters but spaces has no texts and is not counted as one that is no JSON. Bytes that are
    not UTF-8 count as U+FFFD.

    Args:
        cells: Array of a text type without dictionary, nullable.
        way: The way, from the value that a cell is.
    """
    found = _Found(sum(step is None for step in way))
    unparsed = 0
    for parent, cell in enumerate(cells.cast(pa.large_binary()).to_pylist()):
        if cell is None or not cell.strip():
            continue
        try:
            document = _parse(cell)
        except (ValueError, RecursionError):
            unparsed += 1
            continue
        for text, place in _follow(document, way, ()):
            found.add(parent, text, place)
    return JsonTexts(
        found.texts(), _int64s(found.parents), tuple(_int64s(each) for each in found.positions), unparsed
    )


class _Found:
    """Texts with their places, in little more memory than they take: a small cell can hold millions of tiny ones."""

    def __init__(self, depth: int) -> None:
        self.parents = array("q")
        self.positions = [array("q") for _ in range(depth)]
        self._texts: list[str] = []
        self._full: list[Any] = []

    def add(self, parent: int, text: str, place: Sequence[int]) -> None:
        self._texts.append(_whole(text))
        self.parents.append(parent)
        for positions, position in zip(self.positions, place, strict=True):
            positions.append(position)
        if len(self._texts) == _TEXTS_AT_ONCE:
            self._full.append(pa.array(self._texts, pa.large_string()))
            self._texts.clear()

    def texts(self) -> "pa.Array[Any]":
        every: pa.Array[Any] = pa.concat_arrays([*self._full, pa.array(self._texts, pa.large_string())])
        return every


def _int64s(numbers: "array[int]") -> _Int64s:
    return np.frombuffer(numbers, np.int64) if numbers else np.empty(0, np.int64)


def _parse(cell: bytes) -> object:
    if len(cell) > MAX_JSON_BYTES:
        message = "is too large"
        raise ValueError(message)
    return _DECODER.decode(cell.decode(errors="replace").removeprefix("\ufeff"))


def _follow(
    value: object, way: Sequence[JsonStep], place: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The texts below a value, each with its indices."""
    if not way:
        if isinstance(value, str):
            yield value, place
    elif way[0] is None:
        for index, element in enumerate(value if isinstance(value, list) else ()):
            yield from _follow(element, way[1:], (*place, index))
    else:
        yield from _follow(_below(value, way[0]), way[1:], place)


def _below(value: object, step: str | int) -> object:
    """A member or an element of a value; None where it has none."""
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    return value[step] if isinstance(value, list) and step < len(value) else None


def _whole(text: str) -> str:
    """A text without halves of characters, which JSON can hold and UTF-8 cannot."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
