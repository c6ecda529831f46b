"""Signatures over a table in memory or a dataset: no run, no commit, hits as an Arrow table."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from scanner.archive.columns.cells import extract
from scanner.archive.columns.leaves import text_columns
from scanner.archive.columns.views import without_views
from scanner.engine.matches import Matcher, Matches
from scanner.results.mask import Evidence
from scanner.results.schemas import SPANS
from scanner.results.snippets import snippets
from scanner.scan.hits import paths_of, place_columns, places_of, rows_of, signature_columns

_COLUMNS: Final[dict[str, pa.DataType]] = {
    "row_index": pa.int64(),
    "column": pa.string(),
    "signature_id": pa.string(),
    "severity": pa.string(),
    "category": pa.string(),
    "view": pa.string(),
    "start": pa.int64(),
    "end": pa.int64(),
    "match_count": pa.int64(),
    "spans": SPANS,
    "evidence": pa.string(),
}
SCAN_SCHEMA: Final = pa.schema(_COLUMNS)
"""One row a hit; ``row_index`` counts the rows of the input from 0, spans are bytes of the raw cell."""


class UndecidedWarning(UserWarning):
    """The engine gave up on some cells; whether signatures hit them is not known."""


class UnparsedWarning(UserWarning):
    """Some cells are no JSON, where a column is a path into JSON; nothing of them was scanned."""


_BATCH_ROWS: Final = 1 << 15


def scan_table(
    data: pa.Table | pa.RecordBatchReader | ds.Dataset,
    matcher: Matcher,
    columns: Sequence[str] | None = None,
    evidence: Evidence = "masked",
    on_unparsed: Callable[[str, int], None] | None = None,
) -> pa.Table:
    """Finds every hit of a ruleset in a table or a dataset, batch by batch.

    Args:
        data: What to scan.
        matcher: With the compiled signatures.
        columns: Paths of text columns; None for every text column.
        evidence: What to keep of the matched text.
        on_unparsed: Called with a column and how many of its cells are no JSON; None to be warned of them.

    Returns:
        A table of `SCAN_SCHEMA`, in the order of the rows, then of the columns.

    Raises:
        ColumnError: A column is not there or holds no text.

    Warns:
        UndecidedWarning: Of some cells it could not be decided whether a signature hits them.
        UnparsedWarning: Some cells are no JSON, though a column is a path into JSON.
    """
    paths = list(columns) if columns is not None else text_columns(data.schema)
    first_row = 0
    unparsed: Counter[str] = Counter()
    found: list[pa.Table] = []
    for batch in map(without_views, _batches(data)):
        hits = pa.Table.from_batches(_scan(batch, first_row, matcher, paths, evidence, unparsed), SCAN_SCHEMA)
        order = np.argsort(hits["row_index"].to_numpy(), kind="stable")
        found.append(hits.take(order))
        first_row += batch.num_rows
    for path, cells in unparsed.items():
        if on_unparsed is None:
            message = f"{cells} cells of {path} are no JSON and were not scanned"
            warnings.warn(UnparsedWarning(message), stacklevel=2)
        else:
            on_unparsed(path, cells)
    return pa.concat_tables([SCAN_SCHEMA.empty_table(), *found])


def _batches(data: pa.Table | pa.RecordBatchReader | ds.Dataset) -> Iterator[pa.RecordBatch]:
    if isinstance(data, pa.Table):
        yield from data.to_batches(_BATCH_ROWS)
        return
    for batch in data.to_batches(batch_size=_BATCH_ROWS) if isinstance(data, ds.Dataset) else data:
        yield from pa.Table.from_batches([batch]).to_batches(_BATCH_ROWS)


def _scan(
    batch: pa.RecordBatch,
    first_row: int,
    matcher: Matcher,
    paths: Sequence[str],
    evidence: Evidence,
    unparsed: Counter[str],
) -> Iterator[pa.RecordBatch]:
    for path in paths:
        cells = extract(batch, path)
        if cells.unparsed:
            unparsed[path] += cells.unparsed
        matches = matcher.match(cells.values, path)
        if matches.errors:
            _warn(matches, matcher, path)
        if not len(matches):
            continue
        columns: dict[str, pa.Array[Any]] = {
            "row_index": pa.array(rows_of(cells, matches.cells) + first_row),
            **signature_columns(matcher.ruleset.signatures, matches),
            **place_columns(paths_of(cells, matches.cells), matches),
            "evidence": snippets(places_of(cells, matches), evidence),
        }
        yield pa.RecordBatch.from_arrays([columns[name] for name in SCAN_SCHEMA.names], schema=SCAN_SCHEMA)


def _warn(matches: Matches, matcher: Matcher, path: str) -> None:
    first = matches.errors[0]
    signature = matcher.ruleset.signatures[first.signature].id
    message = (
        f"{len(matches.errors)} cells of {path} are not decided, the first for {signature}: {first.reason}"
    )
    warnings.warn(UndecidedWarning(message), stacklevel=4)
