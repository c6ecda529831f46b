"""Reads a split: batches of the columns a hunt needs, in the memory of one batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.columns import ColumnError, find
from scanner.archive.footers import opened
from scanner.archive.plan import Split
from scanner.archive.sizing import rows_at_once
from scanner.errors import SourceError


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows of one row group.

    Attributes:
        row_group: Index of the row group in the file.
        first_row: Index of the first row in the file.
        data: The columns asked for, by the paths they were asked for; a struct holds only their leaves.
    """

    row_group: int
    first_row: int
    data: pa.RecordBatch


def read_split(split: Split, columns: Sequence[str], batch_rows: int = 16384) -> Iterator[Batch]:
    """Reads some columns of a split, in the order of the file.

    Args:
        split: As planned.
        columns: Paths of every column that is needed, not only text.
        batch_rows: Rows that a batch holds at most.

    Raises:
        SourceError: The file is not the version that was planned, cannot be read, or contradicts itself.
    """
    _check_version(split)
    with opened(split.source_uri) as file:
        numbers = _numbers(file, split, columns)
        names = [file.schema.column(number).path for number in numbers]
        first_row = split.first_row
        for row_group in split.row_groups:
            rows = rows_at_once(split.source_uri, file, row_group, numbers, batch_rows)
            seen = 0
            for data in file.iter_batches(rows, [row_group], names, use_threads=False):
                data.validate()
                yield Batch(row_group, first_row + seen, data)
                seen += data.num_rows
            _check_rows(file, row_group, seen)
            first_row += seen
    _check_version(split)


def _numbers(file: pq.ParquetFile, split: Split, columns: Sequence[str]) -> list[int]:
    try:
        return sorted({find(file.schema_arrow, path)[0] for path in columns})
    except ColumnError as error:
        raise SourceError(split.source_uri, f"column {error}") from error


def _check_rows(file: pq.ParquetFile, row_group: int, seen: int) -> None:
    promised = file.metadata.row_group(row_group).num_rows
    if seen != promised:
        message = f"row group {row_group} holds {seen} rows and its footer says {promised}"
        raise pa.ArrowInvalid(message)


def _check_version(split: Split) -> None:
    if storage.stat(split.source_uri).etag != split.source_etag:
        raise SourceError(split.source_uri, "has changed since the hunt was planned")
