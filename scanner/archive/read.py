"""Reads a split: batches of the columns a hunt needs, in the memory of one batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.columns.cells import Int64s
from scanner.archive.columns.leaves import leaves, numbers_of
from scanner.archive.columns.paths import ColumnError
from scanner.archive.columns.pieces import Rows
from scanner.archive.columns.views import without_views
from scanner.archive.deletes import deleted_rows
from scanner.archive.parquet.footers import arrow_errors, opened, read_footer
from scanner.archive.parquet.page_check import Chunk, check_pages, chunks_of
from scanner.archive.parquet.read_ahead import ReadAhead
from scanner.archive.parquet.sizing import Sizing
from scanner.archive.planning.partitions import batch_with
from scanner.archive.planning.splits import Split
from scanner.archive.storage import Changed, Missing, Unreachable
from scanner.archive.where import Predicate
from scanner.errors import SourceError

_NONE_DELETED: Final = np.empty(0, np.int64)

BATCH_ROWS: Final = 1 << 17
"""Rows that a batch holds at most, unless something else is asked for."""

PIECE_ROWS: Final = 1 << 14
"""Rows that are decoded at once where a batch may have pieces; more take a tenth longer, as they leave the cache."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows of one row group, without those that a predicate leaves out.

    Attributes:
        row_group: Index of the row group in the file.
        first_row: Index of the first row in the file.
        data: The columns asked for, by the paths they were asked for; a struct holds only their leaves.
        kept: int64[n], place of each row of ``data`` among the consecutive ones; None where all were kept.
        rows_filtered: How many were left out.
    """

    row_group: int
    first_row: int
    data: Rows
    kept: Int64s | None = None
    rows_filtered: int = 0

    def in_file(self, rows: Int64s) -> Int64s:
        """Indexes in the file of some rows of ``data``."""
        return self.first_row + (rows if self.kept is None else self.kept[rows])


@dataclass(frozen=True, slots=True)
class Gap:
    """A row group that could not be read to its end.

    Attributes:
        row_group: Index of the row group in the file.
        rows: Rows that were not read, as far as that is known: those of the row group, as the footer has them.
        reason: Why, without any content of the file.
        partial: True where the rest of the row group was read and counts, as in a file of lines, some of them bad.
    """

    row_group: int
    rows: int
    reason: str
    partial: bool = False


def read_split(
    split: Split,
    columns: Sequence[str],
    batch_rows: int = BATCH_ROWS,
    footer: bytes | None = None,
    where: Predicate | None = None,
) -> Iterator[Batch | Gap]:
    """Reads some columns of a split, in the order of the file.

    Where a row group is broken, a gap follows the batches that could be read of it, and the next row group comes.

    Args:
        split: As planned.
        columns: Paths of every column that is needed, not only text.
        batch_rows: Rows that a batch holds at most.
        footer: The file's, where it was read before; None to read it.
        where: Which records are wanted, by columns that are among ``columns``; None for all.

    Raises:
        Unreachable: The store has failed as often as it was asked, and may work another time.
        SourceError: The file is not the version that was planned, or its footer cannot be read.
    """
    with (
        _stored(split) as stored,
        opened(split.source_uri, footer := footer or read_footer(split.info), stored.file) as (file, _),
    ):
        in_path = {name: value for name, value in split.partitions if name not in split.columns}
        numbers = _numbers(file, split, [path for path in columns if path not in in_path])
        stored.expect(
            len(split.row_groups), lambda number: chunks_of(file, split.row_groups[number], numbers)
        )
        texts = _numbers(file, split, split.columns)
        sizing = Sizing(stored.file, file, footer, numbers, texts)
        deleted = deleted_rows(split) if split.deletes else _NONE_DELETED
        # Where rows are left out, or values are built of several columns, all of a batch is copied anyway.
        whole = where is not None or split.deletes or not _is_flat(file.schema_arrow, numbers)
        piece_rows = batch_rows if whole else PIECE_ROWS
        first_rows = _first_rows(file, split)
        for number, (row_group, first_row) in enumerate(zip(split.row_groups, first_rows, strict=True)):
            try:
                with arrow_errors(split.source_uri):
                    stored.enter(number)
                    rows = sizing.rows(row_group, batch_rows)
                    for batch in _row_group(file, row_group, first_row, numbers, rows, piece_rows):
                        complete = replace(batch, data=batch_with(batch.data, in_path))
                        yield filtered(complete, split, where, deleted)
            except (Changed, Missing, Unreachable):
                raise
            except SourceError as error:
                yield Gap(row_group, file.metadata.row_group(row_group).num_rows, error.reason)


class _Local:
    """A file on the local disk, which is looked at before and after."""

    def __init__(self, split: Split) -> None:
        check_version(split)
        self._split = split
        self._chunks: Callable[[int], list[Chunk]] = lambda _: []
        self.file = storage.open_input(split.source_uri)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.file.close()
        if kind is None:
            check_version(self._split)

    def expect(self, count: int, chunks: Callable[[int], list[Chunk]]) -> None:  # noqa: ARG002 - like `ReadAhead`
        """Takes where each row group lies."""
        self._chunks = chunks

    def enter(self, number: int) -> None:
        """Checks the pages of a row group."""
        check_pages(self.file, self._chunks(number))


def _stored(split: Split) -> _Local | ReadAhead:
    return _Local(split) if storage.is_local(split.source_uri) else ReadAhead(split.info)


def _row_group(
    file: pq.ParquetFile,
    row_group: int,
    first_row: int,
    numbers: Sequence[int],
    batch_rows: int,
    piece_rows: int,
) -> Iterator[Batch]:
    names = [file.schema.column(number).path for number in numbers]
    promised = file.metadata.row_group(row_group).num_rows
    seen = 0
    pieces = file.iter_batches(min(piece_rows, batch_rows), [row_group], names, use_threads=False)
    for data in _batches(pieces, batch_rows):
        data.validate()
        if seen + data.num_rows > promised:
            break  # its rows would bear the numbers of the next row group's
        yield Batch(row_group, first_row + seen, without_views(data))
        seen += data.num_rows
    if seen != promised:
        message = f"row group {row_group} holds other than the {promised} rows that its footer says"
        raise pa.ArrowInvalid(message)


def _batches(pieces: Iterator[pa.RecordBatch], rows: int) -> Iterator[Rows]:
    """As many pieces together as have so many rows at most; at least one."""
    waiting: list[pa.RecordBatch] = []
    for piece in pieces:
        if waiting and sum(map(len, waiting)) + len(piece) > rows:
            yield _batch(waiting)
            waiting = []
        waiting.append(piece)
    if waiting:
        yield _batch(waiting)


def _batch(pieces: list[pa.RecordBatch]) -> Rows:
    return pieces[0] if len(pieces) == 1 else pa.Table.from_batches(pieces)


def filtered(batch: Batch, split: Split, where: Predicate | None, deleted: Int64s = _NONE_DELETED) -> Batch:
    """A batch without the rows that are deleted, nor those that a predicate leaves out."""
    first, length = batch.first_row, batch.data.num_rows
    begin, end = np.searchsorted(deleted, [first, first + length])
    if where is None and begin == end:
        return batch
    present = np.ones(length, np.bool_)
    present[deleted[begin:end] - first] = False
    wanted = present
    if where is not None:
        wanted = present & where.mask(batch.data, dict(split.partitions)).to_numpy(zero_copy_only=False)
    if wanted.all():
        return batch
    kept = np.flatnonzero(wanted)
    data = batch.data.filter(pa.array(wanted))
    return replace(batch, data=data, kept=kept, rows_filtered=int(present.sum()) - len(kept))


def _is_flat(schema: pa.Schema, numbers: Sequence[int]) -> bool:
    """True where no Parquet column of some lies in another, or is a list or a map."""
    every = leaves(schema)  # found by the hash of the whole schema
    return not any(pa.types.is_nested(schema.field(every[number].way[0]).type) for number in numbers)


def _first_rows(file: pq.ParquetFile, split: Split) -> Iterator[int]:
    """The first row of each row group of a split; between two of them there may be others."""
    wanted = set(split.row_groups)
    first_row = 0
    for row_group in range(max(wanted, default=-1) + 1):
        if row_group in wanted:
            yield first_row
        first_row += file.metadata.row_group(row_group).num_rows


def _numbers(file: pq.ParquetFile, split: Split, columns: Sequence[str]) -> list[int]:
    try:
        return numbers_of(file.schema_arrow, columns)
    except ColumnError as error:
        raise SourceError(split.source_uri, f"column {error}") from error


def check_version(split: Split) -> None:
    """Makes sure that a file is the version that was planned.

    Raises:
        SourceError: It is not, or it is gone.
    """
    if storage.stat(split.source_uri).etag != split.source_etag:
        raise Changed(split.source_uri)
