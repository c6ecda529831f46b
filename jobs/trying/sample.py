"""Cells of some files to measure on: no more than asked for, from everywhere in the files, the same ones each time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.archive.columns.cells import extract
from scanner.archive.columns.pieces import Rows, taken
from scanner.archive.formats import PARQUET
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Plan, Split
from scanner.archive.read import Gap
from scanner.views.raw import Column

MAX_TEXT_BYTES: Final = 256 << 20
"""Compressed bytes of text that are read at most, in whole row groups; at least one is."""

_MAX_UNPACKED: Final = 4 * MAX_TEXT_BYTES
_BLOCK_ROWS: Final = 256


@dataclass(frozen=True, slots=True)
class Sample:
    """Some cells.

    Attributes:
        columns: Cells by column; a column that files hold as several types is there several times.
        records: Records that they are of.
        records_in_all: Records of all the files; None where they were not all counted.
    """

    columns: tuple[tuple[str, Column], ...]
    records: int
    records_in_all: int | None

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return sum(len(cells) for _, cells in self.columns)


@dataclass(frozen=True, slots=True)
class _Block:
    """Cells of consecutive records."""

    records: int
    columns: tuple[tuple[str, "pa.Array[Any]"], ...]

    @property
    def cells(self) -> int:
        return sum(len(cells) for _, cells in self.columns)


class _Spread:
    """Keeps blocks at even distances of those that come, without knowing how many will.

    Args:
        most: Cells to keep at most, unless one block has more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._step = 1
        self._come = 0
        self._cells = 0
        self.blocks: list[_Block] = []

    def add(self, rows: Rows, columns: Sequence[str]) -> None:
        """Takes in the next records."""
        for start in range(0, rows.num_rows, _BLOCK_ROWS):
            if self._come % self._step == 0:
                self._keep(_block(rows.slice(start, _BLOCK_ROWS), columns))
            self._come += 1

    def _keep(self, block: _Block) -> None:
        self.blocks.append(block)
        self._cells += block.cells
        while self._cells > self._most and len(self.blocks) > 1:
            self._step *= 2
            self.blocks = self.blocks[::2]
            self._cells = sum(each.cells for each in self.blocks)


def take_samples(plan: Plan, *most: int) -> tuple[Sample, ...]:
    """Takes samples of the same files, each of so many cells at most, but of one block of records at least.

    Args:
        plan: The files.
        most: Cells of each sample, the largest first; the others are taken from it.

    Raises:
        SourceError: A file cannot be read.
    """
    spread = _Spread(most[0])
    in_all: int | None = 0
    chosen = list(_chosen(plan))
    share = _MAX_UNPACKED / max(sum(len(row_groups) for _, row_groups in chosen), 1)
    for split, row_groups in chosen:
        counted = _read(split, row_groups, share * len(row_groups), spread)
        rows = split.rows if split.format == PARQUET else counted
        in_all = None if in_all is None or rows is None else in_all + rows
    samples = []
    for cells in most:
        held = sum(block.cells for block in spread.blocks)
        blocks = spread.blocks[:: max(1, -(-held // cells))]
        samples.append(Sample(_joined(blocks), sum(block.records for block in blocks), in_all))
    return tuple(samples)


def _chosen(plan: Plan) -> Iterator[tuple[Split, tuple[int, ...]]]:
    """Every split, with row groups of it that are at even distances in all of the plan."""
    groups = plan.row_groups
    wanted = (
        groups if plan.text_bytes <= MAX_TEXT_BYTES else max(1, groups * MAX_TEXT_BYTES // plan.text_bytes)
    )
    number = 0
    for split in plan.splits:
        places = range(number, number + len(split.row_groups))
        yield (
            split,
            tuple(
                group
                for place, group in zip(places, split.row_groups, strict=True)
                if place * wanted % groups < wanted
            ),
        )
        number += len(split.row_groups)


def _read(split: Split, row_groups: tuple[int, ...], most_bytes: float, spread: _Spread) -> int | None:
    """Reads row groups of a split; how many records they have, or None where not all of it was read."""
    if split.row_groups and not row_groups:
        return None
    records, size_bytes = 0, 0
    for batch in read_split(replace(split, row_groups=row_groups), split.columns):
        if isinstance(batch, Gap):
            continue
        spread.add(batch.data, split.columns)
        records += batch.data.num_rows
        size_bytes += batch.data.nbytes
        if size_bytes > most_bytes:
            return None
    return records


def _block(rows: Rows, columns: Sequence[str]) -> _Block:
    """Copies, as what is sliced out would keep all the rest in memory."""
    found = []
    for column in columns:
        values = extract(rows, column).values
        found.append((column, taken(values, np.arange(len(values), dtype=np.int64))))
    return _Block(rows.num_rows, tuple(found))


def _joined(blocks: Sequence[_Block]) -> tuple[tuple[str, Column], ...]:
    alike: dict[tuple[str, pa.DataType], list[pa.Array[Any]]] = {}
    for block in blocks:
        for column, cells in block.columns:
            alike.setdefault((column, cells.type), []).append(cells)
    return tuple((column, pa.concat_arrays(cells)) for (column, _), cells in alike.items())
