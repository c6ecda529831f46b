"""Files that are read from their start to their end: whatever Arrow can read and is not Parquet."""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import pyarrow as pa

from scanner.archive import storage
from scanner.archive.columns.leaves import find, text_columns
from scanner.archive.columns.paths import ColumnError, ColumnPath, NoColumnError
from scanner.archive.columns.views import without_views
from scanner.archive.formats import compression_of
from scanner.archive.formats.heads import is_head_of, made_head, schema_in
from scanner.archive.parquet.footers import arrow_errors
from scanner.archive.parquet.sizing import BATCH_CELLS
from scanner.archive.planning.partitions import batch_with
from scanner.archive.planning.splits import Split
from scanner.archive.planning.survey import Survey, Surveyor, Widened
from scanner.archive.read import Batch, Gap, check_version, filtered
from scanner.archive.storage import FileInfo
from scanner.archive.where import Predicate
from scanner.errors import SourceError

_START_BYTES: Final = 4 << 10
_READ_BYTES: Final = 64 << 10

Open = Callable[[], contextlib.AbstractContextManager[Any]]
"""Opens the file at its start, unpacked; `pyarrow.NativeFile`."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Records that could not be read, while those around them could.

    Attributes:
        rows: How many; 0 where that is not known.
        reason: Why, without any content of the file.
    """

    rows: int
    reason: str


class Reader(Protocol):
    """Reads one format. What Arrow and the system raise is told by whoever calls it."""

    def schema(self, opened: Open) -> pa.Schema:
        """The columns, as far as the file's beginning tells."""

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """All records, in batches of any size that have the wanted columns at least.

        Args:
            opened: Opens the file.
            schema: As `schema` told it.
            wanted: Names of the columns to read.
        """


class Streamed:
    """A format whose files are one split each.

    Args:
        name: As a hunt calls it.
        reader: Reads it.
        widened: Adds columns that may come later to those that the file's beginning tells.
        named_in_line: True where the first line has the names, so that they are content if it is missing.
    """

    def __init__(
        self,
        name: str,
        reader: Reader,
        widened: Widened = lambda schema, _: schema,
        *,
        named_in_line: bool = False,
    ) -> None:
        self.name = name
        self._named_in_line = named_in_line
        self._reader = reader
        self._widened = widened

    def head(self, info: FileInfo) -> bytes:
        """The columns, and a digest of the start."""
        opened = _opener(info.uri)
        with arrow_errors(info.uri):
            with opened() as source:
                start: bytes = source.read(_START_BYTES)
            return made_head(self.name, start, self._reader.schema(opened))

    def is_head(self, head: bytes) -> bool:
        """True for a head of this format."""
        return is_head_of(self.name, head)

    def survey(self, surveyor: Surveyor, info: FileInfo, head: bytes) -> Survey:
        """One row group of unknown rows, as large as the file."""
        with arrow_errors(info.uri):
            found = surveyor.survey_schema(info, schema_in(info.uri, self.name, head), self._widened)
        problems = tuple(map(_without_names, found.problems)) if self._named_in_line else found.problems
        return replace(found, problems=problems)

    def batches(
        self,
        split: Split,
        columns: Sequence[str],
        batch_rows: int,
        head: bytes | None,
        where: Predicate | None,
    ) -> Iterator[Batch | Gap]:
        """From the start; where it cannot be read further, a gap says how far it was read."""
        check_version(split)
        known = schema_in(split.source_uri, self.name, head or self.head(split.info))
        schema = self._widened(known, split.columns)
        in_path = {name: value for name, value in split.partitions if name not in split.columns}
        names = _names(split, schema, [path for path in columns if path not in in_path])
        row, rows = 0, min(batch_rows, BATCH_CELLS // max(1, len(split.columns)) or 1)
        try:
            with arrow_errors(split.source_uri):
                for piece in self._reader.read(_opener(split.source_uri), schema, names):
                    if isinstance(piece, Lost):
                        yield Gap(0, piece.rows, piece.reason, partial=True)
                        continue
                    for start in range(0, piece.num_rows, rows):
                        data = without_views(piece.select(names).slice(start, rows))
                        data = batch_with(data, in_path)
                        yield filtered(Batch(0, row, data), split, where)
                        row += data.num_rows
        except SourceError as error:
            if not row or isinstance(error, storage.Unreachable):
                raise
            yield Gap(0, 0, f"after {row} records: {error.reason}", partial=True)
        check_version(split)


def hunts_all_text(schema: pa.Schema, wanted: Sequence[str]) -> bool:
    """True where every column of text is read, so that one more would have been read as well."""
    return {ColumnPath.parse(path).steps[0].name for path in text_columns(schema)} <= set(wanted)


def _without_names(problem: ColumnError) -> ColumnError:
    """The same, without the names that there are."""
    if not isinstance(problem, NoColumnError):
        return problem
    return NoColumnError(
        problem.path, "there is no such column in the first line, which has to hold the names"
    )


def _names(split: Split, schema: pa.Schema, columns: Sequence[str]) -> list[str]:
    """The top-level columns that hold some paths."""
    try:
        places = sorted({find(schema, path)[1].way[0] for path in columns})
    except ColumnError as error:
        raise SourceError(split.source_uri, f"column {error}") from error
    return [schema.names[place] for place in places]


def _opener(uri: str) -> Open:
    @contextlib.contextmanager
    def opened() -> Iterator[Any]:
        how = compression_of(uri)
        with storage.open_input(uri) as source:
            if how is None:
                yield source
            else:
                with pa.CompressedInputStream(source, how) as unpacked:
                    yield unpacked

    return opened


class UpToError(io.RawIOBase):
    """A stream that ends where it cannot be read further, so that what came before is parsed.

    Attributes:
        error: Why it ended; None where it came to its end.
    """

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source = source
        self.error: OSError | None = None

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes."""
        parts = []
        while self.error is None and size:
            piece = self._piece(_READ_BYTES if size < 0 else min(size, _READ_BYTES))
            if not piece:
                break
            parts.append(piece)
            size -= len(piece) if size > 0 else 0
        return b"".join(parts)

    def _piece(self, size: int) -> bytes:
        try:
            piece: bytes = self._source.read(size)
        except OSError as error:
            self.error = error
            return b""
        return piece
