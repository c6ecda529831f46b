"""CSV and TSV: a line of names, then a record a line. Every column is text, so that ids keep their zeros."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv

from scanner.archive.formats.streams import Lost, Open, UpToError

BLOCK_BYTES: Final = 32 << 20
"""Bytes that are parsed at once; a record may not be longer."""

_START_BYTES: Final = 1 << 20


class Delimited:
    """CSV with quotes as RFC 4180 has them; line breaks may stand in quotes.

    A line that has another number of fields than the first is left out and counted.

    Args:
        delimiter: What stands between fields.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter

    def schema(self, opened: Open) -> pa.Schema:
        """All ``string``; the names are in the first line."""
        try:
            names = self._names(opened, _START_BYTES)
        except pa.ArrowInvalid:
            names = self._names(opened, BLOCK_BYTES)
        return pa.schema([(name, pa.string()) for name in names])

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """Bytes that are no UTF-8 stay as they are."""
        lost: list[int | None] = []

        def leave_out(row: Any) -> str:
            lost.append(row.number)
            return "skip"

        with opened() as source:
            whole = UpToError(source)
            with self._open(whole, BLOCK_BYTES, leave_out, (schema, wanted)) as reader:
                yield from reader
        if lost:
            place = "" if lost[0] is None else f", the first in line {lost[0]}"
            told = f"records with another number of fields than the first line: {len(lost)}{place}"
            yield Lost(len(lost), told)
        if whole.error is not None:
            raise whole.error

    def _names(self, opened: Open, block_bytes: int) -> list[str]:
        with opened() as source, self._open(UpToError(source), block_bytes, lambda _: "skip") as reader:
            names: list[str] = reader.schema.names
            return names

    def _open(
        self,
        source: Any,
        block_bytes: int,
        handler: Callable[[Any], str],
        columns: tuple[pa.Schema, Sequence[str]] = (pa.schema([]), ()),
    ) -> Any:
        schema, wanted = columns
        how: dict[str, Any] = {"invalid_row_handler": handler}
        return pyarrow.csv.open_csv(
            source,
            pyarrow.csv.ReadOptions(use_threads=False, block_size=block_bytes),
            pyarrow.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True, **how),
            pyarrow.csv.ConvertOptions(
                column_types=schema, include_columns=list(wanted), check_utf8=False, null_values=[]
            ),
        )
