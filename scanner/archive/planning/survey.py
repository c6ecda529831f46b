"""One file of an archive as its footer tells: which columns it has, and how large its row groups are."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive.columns.leaves import find, numbers_of, resolve, text_columns
from scanner.archive.columns.paths import ColumnError, NoColumnError
from scanner.archive.formats import Written
from scanner.archive.parquet.footers import arrow_errors, check_shape
from scanner.archive.planning.partitions import Partitions, schema_with
from scanner.archive.planning.pruning import of_all
from scanner.archive.provenance import check_key, check_time, plain_type
from scanner.archive.storage import FileInfo
from scanner.archive.where import Predicate, Statistics

Widened = Callable[[pa.Schema, Sequence[str]], pa.Schema]

_Check = Callable[[pa.Schema, str], object]

_KNOWN_SHAPES: Final = 16
_ARROW_SCHEMA: Final = b"ARROW:schema"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that a hunt asks every file for.

    Attributes:
        text: Paths of the columns to hunt, or ``auto`` for every string column of each file.
        keys: Paths of the record's and the actor's id, where asked for.
        event_time: Path of the time; None where not asked for.
        carry: Paths of the columns copied to each hit.
        where: Which records are wanted; None for all.
        optional: Those of the columns to hunt that a file may lack.
    """

    text: tuple[str, ...] | Literal["auto"]
    keys: tuple[str, ...]
    event_time: str | None
    carry: tuple[str, ...]
    where: Predicate | None = None
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group.

    Attributes:
        rows: Its rows.
        text_bytes: Compressed bytes of its text columns.
        removed_by: The part of the predicate that is true of none of its rows; None where it has to be read.
    """

    rows: int
    text_bytes: int
    removed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file's footer says.

    Attributes:
        info: The file.
        columns: Its text columns.
        carry: Its fields of the columns to carry, named by their paths.
        row_groups: In the order of the file.
        problems: Columns that it lacks or that hold something else; such a file cannot be hunted.
        removed_by: The part of the predicate that is true of no row of it; None where it has to be read.
    """

    info: FileInfo
    columns: tuple[str, ...]
    carry: pa.Schema
    row_groups: tuple[RowGroup, ...]
    problems: tuple[ColumnError, ...]
    removed_by: str | None = None


@dataclass(frozen=True, slots=True)
class _Shape:
    """What files of one schema have in common.

    Attributes:
        parquet: Their Parquet schema; None for other formats.
        arrow: Their Arrow schema, as stored; None where it is not.
        partitions: Names of the columns in their paths.
        columns: Their text columns.
        numbers: Numbers of the Parquet columns that hold these.
        carry: Their fields of the columns to carry.
        statistics: Where the statistics of the predicate's columns stand.
        problems: Why they cannot be hunted.
    """

    parquet: pq.ParquetSchema | None
    arrow: bytes | None
    partitions: tuple[str, ...]
    columns: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    carry: pa.Schema = pa.schema([])  # noqa: RUF009 - schemas are immutable
    statistics: Statistics = Statistics({})  # noqa: RUF009 - never changed
    problems: tuple[ColumnError, ...] = ()


class Surveyor:
    """Looks at footers, at each schema among them once. Threads may share one.

    Args:
        wanted: What every file is asked for.
        written: How the files are written.
    """

    def __init__(self, wanted: Wanted, written: Written) -> None:
        self._wanted = wanted
        self._written = written
        self._known: tuple[_Shape, ...] = ()

    def survey(self, info: FileInfo, footer: bytes) -> Survey:
        """What a file's footer says.

        Args:
            info: The file.
            footer: From `scanner.archive.parquet.footers.read_footer`.

        Raises:
            SourceError: It cannot be read, or contradicts itself.
        """
        with arrow_errors(info.uri), pq.ParquetFile(pa.BufferReader(footer)) as file:
            partitions = self._written.partitions_of(info.uri)
            shape = self._shape(file, tuple(partitions))
            if shape.problems:
                return Survey(info, (), shape.carry, (), shape.problems)
            row_groups = tuple(_row_groups(file.metadata, shape.numbers))
            found = Survey(info, shape.columns, shape.carry, row_groups, ())
            predicate = self._wanted.where
            if predicate is None:
                return found
            return _pruned(found, predicate, shape.statistics, file.metadata, partitions)

    def survey_schema(self, info: FileInfo, schema: pa.Schema, widened: Widened) -> Survey:
        """What the columns of a file without a footer say: it is one row group of unknown rows.

        Args:
            info: The file.
            schema: Its columns, as far as they are known.
            widened: Adds those of some columns that may still come.
        """
        partitions = tuple(self._written.partitions_of(info.uri))
        schema = widened(schema, [path for path in self._wanted.optional if path not in partitions])
        shape = self._made(schema, _Shape(None, None, partitions))
        groups = () if shape.problems else (RowGroup(0, info.size_bytes),)
        return Survey(info, shape.columns, shape.carry, groups, shape.problems)

    def _shape(self, file: pq.ParquetFile, partitions: tuple[str, ...]) -> _Shape:
        parquet, arrow = file.metadata.schema, (file.metadata.metadata or {}).get(_ARROW_SCHEMA)
        for shape in self._known:
            alike = shape.partitions == partitions and shape.arrow == arrow
            same = alike and shape.parquet is not None and shape.parquet.equals(parquet)
            if same:
                return shape
        check_shape(file)
        shape = self._made(file.schema_arrow, _Shape(parquet, arrow, partitions))
        self._known = (shape, *self._known[: _KNOWN_SHAPES - 1])
        return shape

    def _made(self, schema: pa.Schema, bare: _Shape) -> _Shape:
        wanted = self._wanted
        whole = schema_with(schema, dict.fromkeys(bare.partitions))
        problems = tuple(_problems(schema, whole, wanted, bare.partitions))
        if problems:
            return _Shape(bare.parquet, bare.arrow, bare.partitions, problems=problems)
        columns = tuple(text_columns(schema)) if wanted.text == "auto" else _present(schema, wanted)
        return _Shape(
            bare.parquet,
            bare.arrow,
            bare.partitions,
            columns=columns,
            numbers=tuple(numbers_of(schema, columns)),
            carry=pa.schema([(path, plain_type(whole, path)) for path in wanted.carry]),
            statistics=Statistics.of(schema, _asked(wanted, bare.partitions)),
        )


def _problems(
    schema: pa.Schema, whole: pa.Schema, wanted: Wanted, partitions: tuple[str, ...]
) -> Iterator[ColumnError]:
    """What is wrong with the file's own columns, and with those that may stand in its path as well."""
    if wanted.text == "auto":
        yield from _problems_of_auto(schema)
    else:
        lacking = set(wanted.text) - set(_present(schema, wanted))
        yield from _failures(schema, resolve, [path for path in wanted.text if path not in lacking])
    yield from _failures(whole, check_key, wanted.keys)
    yield from _failures(whole, check_time, () if wanted.event_time is None else (wanted.event_time,))
    yield from _failures(whole, plain_type, wanted.carry)
    if wanted.where is not None:
        try:
            wanted.where.check(schema, partitions)
        except ColumnError as error:
            yield error


def _present(schema: pa.Schema, wanted: Wanted) -> tuple[str, ...]:
    """The columns to hunt, without those that this file lacks and may lack."""
    present = []
    for path in wanted.text:
        try:
            find(schema, path)
        except NoColumnError:
            if path in wanted.optional:
                continue
        except ColumnError:
            pass
        present.append(path)
    return tuple(present)


def _failures(schema: pa.Schema, check: _Check, paths: Iterable[str]) -> Iterator[ColumnError]:
    for path in paths:
        try:
            check(schema, path)
        except ColumnError as error:
            yield error


def _problems_of_auto(schema: pa.Schema) -> Iterator[ColumnError]:
    try:
        found = text_columns(schema)
    except ColumnError as error:
        yield error
        return
    if not found:
        yield ColumnError("text_columns", "no column holds strings; name the columns that hold text")


def _asked(wanted: Wanted, partitions: tuple[str, ...]) -> list[str]:
    """Columns of the predicate that stand in the file."""
    return [] if wanted.where is None else [path for path in wanted.where.columns if path not in partitions]


def _pruned(
    found: Survey,
    predicate: Predicate,
    statistics: Statistics,
    metadata: pq.FileMetaData,
    constants: Partitions,
) -> Survey:
    """Asks a predicate about the file as a whole, then about each of its row groups."""
    stats = [statistics.row_group(metadata.row_group(index)) for index in range(metadata.num_row_groups)]
    rows = sum(group.rows for group in found.row_groups)
    removed_by = predicate.why_not(of_all(stats), rows, constants) if stats else None
    if removed_by is not None:
        return replace(found, removed_by=removed_by)
    groups = [
        replace(group, removed_by=predicate.why_not(each, group.rows, constants))
        for group, each in zip(found.row_groups, stats, strict=True)
    ]
    return replace(found, row_groups=tuple(groups))


def _row_groups(metadata: pq.FileMetaData, numbers: tuple[int, ...]) -> Iterator[RowGroup]:
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        sizes = [group.column(number).total_compressed_size for number in numbers]
        if group.num_rows < 0 or min(sizes, default=0) < 0:
            message = f"row group {index} has a negative size"
            raise pa.ArrowInvalid(message)
        yield RowGroup(group.num_rows, sum(sizes))
