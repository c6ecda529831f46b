"""CSV and TSV: a line of names, then a record a line. Every column is text, so that ids keep their zeros."""

import io
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from scanner.archive.formats.streams import Lost, Open, UpToError

BLOCK_BYTES: Final = 32 << 20
"""Bytes that are parsed at once; a record may not be longer."""

MOST_LINE_BREAKS: Final = 1000
"""A cell with more of them is told: they may be records behind a stray quote."""

_START_BYTES: Final = 1 << 20


class Delimited:
    """CSV with quotes as RFC 4180 has them; line breaks may stand in quotes.

    A line that has another number of fields than the first is left out and counted. A quote that is never closed
    makes one cell of all that follows, which is read and told.

    Args:
        delimiter: What stands between fields.
        quoted: False where quotes are text like any other, and no cell holds a line break.
    """

    def __init__(self, delimiter: str, *, quoted: bool = True) -> None:
        self._delimiter = delimiter
        self._quoted = quoted

    def schema(self, opened: Open) -> pa.Schema:
        """All ``string``; the names are in the first line."""
        try:
            names = self._names(opened, _START_BYTES)
        except pa.ArrowInvalid:
            names = self._names(opened, BLOCK_BYTES)
        return pa.schema([(name, pa.string()) for name in names])

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """Bytes that are no UTF-8 stay as they are."""
        left_out: list[int | None] = []

        def leave_out(row: Any) -> str:
            left_out.append(row.number)
            return "skip"

        with opened() as source:
            whole = UpToError(source)
            end = _End(whole, self._delimiter, len(schema))
            quotes = _Quotes(end)
            with self._open(end, BLOCK_BYTES, leave_out, schema) as reader:
                for batch in quotes.checked(reader):
                    yield batch.select(list(wanted))
        if left_out:
            place = "" if left_out[0] is None else f", the first in line {left_out[0]}"
            told = f"records with another number of fields than the first line: {len(left_out)}{place}"
            yield Lost(len(left_out), told)
        yield from quotes.lost()
        if whole.error is not None:
            raise whole.error

    def _names(self, opened: Open, block_bytes: int) -> list[str]:
        with opened() as source, self._open(UpToError(source), block_bytes, lambda _: "skip") as reader:
            names: list[str] = reader.schema.names
            return names

    def _open(
        self, source: Any, block_bytes: int, handler: Callable[[Any], str], schema: pa.Schema | None = None
    ) -> Any:
        how: dict[str, Any] = {"invalid_row_handler": handler, "newlines_in_values": self._quoted}
        return pyarrow.csv.open_csv(
            source,
            pyarrow.csv.ReadOptions(use_threads=False, block_size=block_bytes),
            pyarrow.csv.ParseOptions(
                delimiter=self._delimiter, quote_char='"' if self._quoted else False, **how
            ),
            pyarrow.csv.ConvertOptions(column_types=schema, check_utf8=False, null_values=[]),
        )


class _End(io.RawIOBase):
    """A stream with one record more than it has, by which it is seen whether the last one was closed.

    Attributes:
        record: What comes last.
        first: Its first field.
        given: True once it came, which it does not where the stream cannot be read to its end.
    """

    def __init__(self, source: UpToError, delimiter: str, fields: int) -> None:
        super().__init__()
        self._source = source
        self.given = False
        self.first = secrets.token_hex(16).encode()
        self.record = b"\n" + delimiter.encode().join([self.first] * fields) + b"\n"

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes."""
        data = self._source.read(size)
        if data or not size or self.given or self._source.error is not None:
            return data
        self.given = True
        return self.record


class _Quotes:
    """Finds quotes that are never closed, or are closed late."""

    def __init__(self, end: _End) -> None:
        self._end = end
        self._rows = 0
        self._long = 0
        self._first_long = 0
        self._open = False

    def checked(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches, without the record that was added."""
        last: pa.RecordBatch | None = None
        for batch in batches:
            if last is not None:
                yield self._counted(last)
            last = batch if batch.num_rows else None
        if not self._end.given:
            yield from () if last is None else [self._counted(last)]
            return
        self._open = last is None or last.column(0).view(pa.binary())[-1].as_py() != self._end.first
        if last is not None:
            yield self._counted(last.slice(0, last.num_rows - 1))
            if self._open:
                yield self._counted(self._without_end(last.slice(last.num_rows - 1)))

    def _without_end(self, record: pa.RecordBatch) -> pa.RecordBatch:
        cells = [column.view(pa.binary())[0].as_py() for column in record.columns]
        columns = [
            pa.array([cell.replace(self._end.record, b"")], pa.binary()).view(pa.string()) for cell in cells
        ]
        return pa.RecordBatch.from_arrays(columns, schema=record.schema)

    def _counted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        for column in batch.columns:
            cells: Any = column.view(pa.binary())
            breaks = pc.count_substring(cells, "\n").to_numpy()
            places = np.flatnonzero(breaks > MOST_LINE_BREAKS)
            if len(places):
                first = self._rows + int(places[0]) + 1
                self._first_long = min(self._first_long or first, first)
                self._long += len(places)
        self._rows += batch.num_rows
        return batch

    def lost(self) -> Iterator[Lost]:
        """What there is to tell."""
        if self._open:
            yield Lost(0, "it ends within quotes: what follows the last quote was read as one cell")
        if self._long:
            told = f"quoted cells with more than {MOST_LINE_BREAKS} line breaks, which may be records: {self._long}"
            yield Lost(0, f"{told}, the first in record {self._first_long}")
