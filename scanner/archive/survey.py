"""One file of an archive as its footer tells: which columns it has, and how large its row groups are."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive.columns import ColumnError, find, resolve, text_columns, text_in_maps
from scanner.archive.footers import opened
from scanner.archive.provenance import check_key, check_time, plain_type
from scanner.archive.storage import FileInfo

_Check = Callable[[pa.Schema, str], object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that a hunt asks every file for.

    Attributes:
        text: Paths of the columns to hunt, or ``auto`` for every string column of each file.
        keys: Paths of the record's and the actor's id, where asked for.
        event_time: Path of the time; None where not asked for.
        carry: Paths of the columns copied to each hit.
    """

    text: tuple[str, ...] | Literal["auto"]
    keys: tuple[str, ...]
    event_time: str | None
    carry: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group: its rows, and the compressed bytes of its text columns."""

    rows: int
    text_bytes: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file's footer says.

    Attributes:
        info: The file.
        columns: Its text columns.
        carry: Its fields of the columns to carry, named by their paths.
        row_groups: In the order of the file.
        problems: Columns that it lacks or that hold something else; such a file cannot be hunted.
    """

    info: FileInfo
    columns: tuple[str, ...]
    carry: pa.Schema
    row_groups: tuple[RowGroup, ...]
    problems: tuple[ColumnError, ...]


def survey(info: FileInfo, wanted: Wanted) -> Survey:
    """Reads one footer.

    Raises:
        SourceError: It cannot be read, or contradicts itself.
    """
    with opened(info.uri) as file:
        schema = file.schema_arrow
        problems = tuple(_problems(schema, wanted))
        if problems:
            return Survey(info, (), pa.schema([]), (), problems)
        columns = tuple(text_columns(schema)) if wanted.text == "auto" else wanted.text
        carry = pa.schema([(path, plain_type(schema, path)) for path in wanted.carry])
        return Survey(info, columns, carry, tuple(_row_groups(file, columns)), ())


def _problems(schema: pa.Schema, wanted: Wanted) -> Iterator[ColumnError]:
    if wanted.text == "auto":
        yield from _problems_of_auto(schema)
    else:
        yield from _failures(schema, resolve, wanted.text)
    yield from _failures(schema, check_key, wanted.keys)
    yield from _failures(schema, check_time, () if wanted.event_time is None else (wanted.event_time,))
    yield from _failures(schema, plain_type, wanted.carry)


def _failures(schema: pa.Schema, check: _Check, paths: Iterable[str]) -> Iterator[ColumnError]:
    for path in paths:
        try:
            check(schema, path)
        except ColumnError as error:
            yield error


def _problems_of_auto(schema: pa.Schema) -> Iterator[ColumnError]:
    for path in text_in_maps(schema):
        message = "is a map with text in it, which is not built yet; list the other columns in text_columns"
        yield ColumnError(path, message)
    try:
        found = text_columns(schema)
    except ColumnError as error:
        yield error
        return
    if not found:
        yield ColumnError("text_columns", "no column holds strings; name the columns that hold text")


def _row_groups(file: pq.ParquetFile, columns: tuple[str, ...]) -> Iterator[RowGroup]:
    numbers = sorted({find(file.schema_arrow, path)[0] for path in columns})
    for index in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(index)
        sizes = [group.column(number).total_compressed_size for number in numbers]
        if group.num_rows < 0 or min(sizes) < 0:
            message = f"row group {index} has a negative size"
            raise pa.ArrowInvalid(message)
        yield RowGroup(group.num_rows, sum(sizes))
