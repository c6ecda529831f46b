"""How wide JSON lines become as columns, told before Arrow makes them: each key is a column of all rows."""

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa

MAX_FIELDS: Final = 5000
"""Fields that the beginning of a file may have, those within objects counted too."""

MAX_CELLS: Final = 32 << 20
"""Cells that are made of some lines at once, which is columns times objects."""

_LINE, _OPEN, _KEY = b"\n{:"

_Shape = dict[tuple[str, ...], tuple[list[int], set[str]]]


def pieces(block: bytes, columns: int, *, any_key: bool) -> Iterator[tuple[int, bytes]]:
    """Cuts lines into runs that become so many cells at most, and one line alone where it may become more.

    Args:
        block: Complete lines.
        columns: How many there are in any case.
        any_key: True where each key that is met becomes a column.

    Yields:
        The place of a run's first line, and its lines.
    """
    place = 0
    rest = [block]
    while rest:
        run = rest.pop()
        cells = _most_cells(run, columns, any_key=any_key)
        parts = [run] if cells <= MAX_CELLS else _parts(run, math.isqrt(cells // MAX_CELLS) + 1)
        if len(parts) > 1:
            rest += reversed(parts)
            continue
        yield place, run
        place += _count(run, _LINE) if rest else 0


def is_too_wide(piece: bytes) -> bool:
    """True for a line that becomes too many cells by itself, each key a column; what is no JSON becomes none."""
    if piece.find(b"\n", 0, -1) >= 0 or _most_cells(piece, 0, any_key=True) <= MAX_CELLS:
        return False
    try:
        return cells_of([json.loads(piece.decode(errors="replace"))]) > MAX_CELLS
    except (ValueError, RecursionError):
        return False


def cells_of(rows: Iterable[Any]) -> int:
    """How many cells some values become: of all objects in one place, each key of any is a column."""
    shape: _Shape = defaultdict(lambda: ([0], set()))
    for row in rows:
        _add(row, (), shape)
    return sum(objects[0] * len(keys) for objects, keys in shape.values())


def width(type_: pa.DataType) -> int:
    """Fields of a type, those within counted too."""
    if pa.types.is_struct(type_):
        return sum(1 + width(field.type) for field in type_.fields)
    return width(type_.value_type) if pa.types.is_list(type_) else 0


def _most_cells(block: bytes, columns: int, *, any_key: bool) -> int:
    return _count(block, _OPEN) * max(columns, _count(block, _KEY) if any_key else 0)


def _count(block: bytes, byte: int) -> int:
    return int(
        np.count_nonzero(np.frombuffer(block, np.uint8) == byte)
    )  # five times as fast as `bytes.count`


def _parts(run: bytes, count: int) -> list[bytes]:
    """About so many runs of lines of one size; all together where it is one line."""
    size = len(run) // count + 1
    cuts = {run.find(b"\n", place) + 1 for place in range(size, len(run), size)} | {len(run)}
    cuts -= {0}
    if len(cuts) == 1:
        cuts.add(run.rfind(b"\n", 0, -1) + 1)
    places = sorted(cuts | {0})
    return [run[start:end] for start, end in itertools.pairwise(places)]


def _add(value: Any, place: tuple[str, ...], shape: _Shape) -> None:
    if isinstance(value, dict):
        objects, keys = shape[place]
        objects[0] += 1
        keys.update(value)
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                _add(inner, (*place, key), shape)
    elif isinstance(value, list):
        for inner in value:
            _add(inner, (*place, "[]"), shape)
