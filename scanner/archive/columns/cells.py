"""How the cells of a column are taken out of a batch, and what a single one is called."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.archive.columns.json_texts import texts_of
from scanner.archive.columns.leaves import Leaf, find, find_flat, is_text, resolve, unwrap
from scanner.archive.columns.paths import ColumnPath, quoted, show_json
from scanner.archive.columns.pieces import Rows, column_of, together
from scanner.archive.columns.texts import plain_values

Int64s = npt.NDArray[np.int64]

_KEY_CHARACTERS: Final = 200
_HASH_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class MapKeys:
    """The keys of all maps that a path opens at one place.

    Attributes:
        keys: Array of any type, length m.
        maps: int64[m], the map that each key belongs to.
        entries: int64[n], for each cell the key that it lies below.
    """

    keys: "pa.Array[Any]"
    maps: Int64s
    entries: Int64s


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one column in one batch.

    Attributes:
        column: The path they were asked for by.
        values: Array of a text type, length n, nullable, without extension type; of rows in pieces a chunked one.
        rows: int64[n], row of the batch that each value belongs to, ascending.
        positions: One int64[n] for each ``[]``, ``{}`` and ``[*]`` of the path: the index in that list, map or
            array, from 0.
        keys: For each ``[]`` and ``{}`` of the path the keys of the maps; None for lists.
        unparsed: Cells that are no JSON, where the path leads into JSON.
    """

    column: ColumnPath
    values: Any
    rows: Int64s
    positions: tuple[Int64s, ...] = ()
    keys: tuple[MapKeys | None, ...] = ()
    unparsed: int = 0

    def path(self, index: int) -> str:
        """The path of one cell with its positions: ``replies[3].text``."""
        return self.paths([index])[0]

    def paths(self, indices: Sequence[int]) -> list[str]:
        """The paths of some cells with their positions and keys: ``replies[3].text``, ``attrs{bio}``.

        A key that needs it stands between backticks. If a map has a key twice, its second value is
        ``attrs{bio#2}``. A very long key is cut and followed by digits of its hash; a key that has no text is
        named by its position: ``attrs{#0}``.
        """
        if not self.positions:
            return [str(self.column)] * len(indices)
        chosen = np.asarray(indices, np.int64)
        positions = iter(zip(self.positions, [*self.keys, *([None] * len(self.positions))], strict=False))
        parts: list[list[str]] = []
        for number, step in enumerate(self.column.steps):
            parts.append([("." if number else "") + quoted(step.name)] * len(chosen))
            for _ in step.openings:
                position, keys = next(positions)
                parts.append(_in_list(position[chosen]) if keys is None else _in_map(keys, position, chosen))
        if self.column.json is not None:
            places = [position[chosen].tolist() for position, _ in positions]
            parts.append([_located(self.column, [each[n] for each in places]) for n in range(len(chosen))])
        return list(map("".join, zip(*parts, strict=True)))


def extract(batch: Rows, path: str | ColumnPath) -> Cells:
    """Takes the cells of one text column out of a batch.

    A list or map that is null or empty has no cells; a struct that is null has null cells. A path into JSON
    has the texts that it leads to; what is no text there, or is not there, is no cell.

    Args:
        batch: Of any schema that has the column; may be a slice, may have no rows.
        path: The column.

    Returns:
        The cells in the order of records, then of elements and entries.

    Raises:
        ColumnError: There is no such column, or it does not hold text.
    """
    wanted = ColumnPath.parse(path) if isinstance(path, str) else path
    resolve(batch.schema, wanted)
    leaf = find(batch.schema, wanted)[1]
    every = np.arange(batch.num_rows, dtype=np.int64)
    if isinstance(batch, pa.Table):
        cells = Cells(leaf.path, column_of(batch, leaf.way[0]), every)
    else:
        cells = _opened(Cells(leaf.path, batch.to_struct_array(), every), leaf)
    if pa.types.is_null(cells.values.type):
        cells = replace(cells, values=cells.values.cast(pa.string()))
    # A flat name may hold what reads as dots and brackets; the name asked for is kept where it fits.
    fits = sum(len(step.openings) for step in wanted.steps) == len(cells.positions)
    cells = replace(cells, column=wanted if fits else replace(leaf.path, json=wanted.json))
    return cells if wanted.json is None else _open_json(cells, wanted)


def _opened(cells: Cells, leaf: Leaf) -> Cells:
    for step, field in zip(leaf.path.steps, leaf.way, strict=True):
        cells = replace(cells, values=unwrap(pc.struct_field(cells.values, [field])))
        for opening in step.openings:
            cells = _open_map(cells) if opening == "{}" else _open_list(cells)
    return cells


def extract_flat(batch: Rows, path: str) -> "pa.Array[Any] | pa.ChunkedArray[Any]":
    """The values of a column of any type, one for each record; null where a struct around them is.

    Those of rows in pieces are in pieces.

    Raises:
        ColumnError: There is no such column, or a record has many of it.
    """
    if isinstance(batch, pa.Table):
        return column_of(batch, find_flat(batch.schema, path).way[0])
    values: pa.Array[Any] = batch.to_struct_array()
    for field in find_flat(batch.schema, path).way:
        values = unwrap(pc.struct_field(values, [field]))
    return values


def _open_list(cells: Cells) -> Cells:
    """The elements of all lists.

    `pyarrow.compute.list_parent_indices` answers for null lists too, which `list_flatten` leaves out.
    """
    lengths = pc.fill_null(pc.list_value_length(cells.values), 0).to_numpy(zero_copy_only=False)
    parents, positions = _within(lengths.astype(np.int64))
    return _below(cells, unwrap(pc.list_flatten(cells.values)), parents, positions, None)


def _open_map(cells: Cells) -> Cells:
    """The values of all maps."""
    maps: Any = cells.values
    offsets = maps.offsets.to_numpy().astype(np.int64)
    valid = maps.is_valid().to_numpy(zero_copy_only=False)
    parents, positions = _within(np.where(valid, np.diff(offsets), 0))
    entries = offsets[parents] + positions
    keys = MapKeys(_taken(maps.keys, entries), parents, np.arange(len(entries), dtype=np.int64))
    return _below(cells, unwrap(_taken(maps.items, entries)), parents, positions, keys)


def _within(lengths: Int64s) -> tuple[Int64s, Int64s]:
    """For each element of all lists: the index of its list, and its position in it."""
    parents = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    starts = np.cumsum(lengths) - lengths
    return parents, np.arange(len(parents), dtype=np.int64) - starts[parents]


def _taken(values: Any, wanted: Int64s) -> "pa.Array[Any]":
    """Values at ascending places; without a copy where nothing between them is left out."""
    if len(wanted) and wanted[-1] - wanted[0] + 1 != len(wanted):
        values = values.take(pa.array(wanted))
    else:
        values = values.slice(int(wanted[0]) if len(wanted) else 0, len(wanted))
    found: pa.Array[Any] = values
    return found


def _below(
    cells: Cells, values: "pa.Array[Any]", parents: Int64s, positions: Int64s, keys: MapKeys | None
) -> Cells:
    """Cells one level deeper."""
    return replace(
        cells,
        values=values,
        rows=cells.rows[parents],
        positions=(*(before[parents] for before in cells.positions), positions),
        keys=(*_keys_of(cells, parents), keys),
    )


def _keys_of(cells: Cells, parents: Int64s) -> Iterator[MapKeys | None]:
    for before in cells.keys:
        yield None if before is None else replace(before, entries=before.entries[parents])


def _open_json(cells: Cells, wanted: ColumnPath) -> Cells:
    values: Any = together(cells.values)
    plain = unwrap(values.dictionary_decode()) if isinstance(values, pa.DictionaryArray) else values
    found = texts_of(plain, wanted.json or ())
    parents = found.parents
    return replace(
        cells,
        values=found.texts,
        rows=cells.rows[parents],
        positions=(*(before[parents] for before in cells.positions), *found.positions),
        keys=tuple(_keys_of(cells, parents)),
        unparsed=found.unparsed,
    )


def _in_list(positions: Int64s) -> list[str]:
    return [f"[{position}]" for position in positions.tolist()]


def _in_map(keys: MapKeys, positions: Int64s, chosen: Int64s) -> list[str]:
    entries = keys.entries[chosen]
    every: Any = keys.keys
    try:
        texts: list[Any] = plain_values(unwrap(every.take(pa.array(entries)))).cast(pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return [f"{{#{position}}}" for position in positions[chosen].tolist()]
    repeats = _repeats(keys)[entries].tolist() if is_text(keys.keys.type) else [0] * len(entries)
    return [
        f"{{{_shown_key(text)}{f'#{repeat + 1}' if repeat else ''}}}"
        for text, repeat in zip(texts, repeats, strict=True)
    ]


def _repeats(keys: MapKeys) -> Int64s:
    """int64[m], how often each key stands in the same map before."""
    every: Any = pc.dictionary_encode(keys.keys.cast(pa.large_binary()))
    pairs = keys.maps * max(1, len(every.dictionary)) + every.indices.to_numpy().astype(np.int64)
    order = np.argsort(pairs, kind="stable")
    in_order = pairs[order]
    starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1])) if len(order) else order
    firsts = np.repeat(starts, [end - start for start, end in pairwise([*starts.tolist(), len(order)])])
    repeats = np.empty(len(order), np.int64)
    repeats[order] = np.arange(len(order)) - firsts
    return repeats


def _shown_key(text: str) -> str:
    if len(text) > _KEY_CHARACTERS:
        digits = sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_DIGITS]
        text = f"{text[:_KEY_CHARACTERS]}…{digits}"
    return f"`{text.replace('`', '``')}`" if "#" in text or not text else quoted(text)


def _located(column: ColumnPath, places: Sequence[int]) -> str:
    """The way into the JSON, with the indices of the elements on it."""
    left = iter(places)
    return "->" + show_json(next(left) if step is None else step for step in column.json or ())
