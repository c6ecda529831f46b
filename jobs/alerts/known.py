"""Whether the gaps of a run were there the time before: what stays broken is told once, not at every run."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.alerts.news import earlier_runs
from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.errors import HuntError, SourceError
from scanner.results.record import coverage_uri
from scanner.results.runs import RunFolder

_COUNTS: Final = ("match_errors", "unparsed_cells")
"""Columns of coverage that count what was read and yet not decided."""

_COLUMNS: Final = ("source_uri", "source_etag", "row_groups", "status", *_COUNTS)
_HAS_GAP: Final[Any] = (
    (pc.field("status") == "failed") | (pc.field("match_errors") > 0) | (pc.field("unparsed_cells") > 0)
)
_WHOLE_FILE: Final = -1

Gap = tuple[str, str, int, bool, bool, bool]
"""File, its version, row group; whether that was not read, and for each of `_COUNTS` whether there are any."""


def same_gaps(run_uri: str, unread: Callable[[SourceError], None]) -> RunFolder | None:
    """The finished run before this one, where it had every gap that this one has: same file, version and row group.

    Args:
        run_uri: Folder of a finished run, below its hunt's.
        unread: Is told of a run that cannot be read; it counts as one without gaps, because better told twice
            than never.
    """
    before = next(earlier_runs(run_uri), None)
    if before is None:
        return None
    try:
        known = set(_gaps(before.uri))
        return before if known and all(gap in known for gap in _gaps(run_uri)) else None
    except SourceError as error:
        unread(error)
        return None


def _gaps(run_uri: str) -> Iterator[Gap]:
    try:
        uri = coverage_uri(run_uri)
    except HuntError as error:
        raise SourceError(run_uri, "its run.json is damaged") from error
    with storage.open_input(uri) as source, arrow_errors(uri), pq.ParquetFile(source) as coverage:
        for batch in coverage.iter_batches(columns=list(_COLUMNS)):
            if len(batch.schema) < len(_COLUMNS):
                raise SourceError(uri, "is the coverage of another version of hindcast")
            for row in batch.filter(_HAS_GAP).to_pylist():
                yield from _gaps_of(row)


def _gaps_of(row: dict[str, Any]) -> Iterator[Gap]:
    kinds = (row["status"] == "failed", row["match_errors"] > 0, row["unparsed_cells"] > 0)
    for row_group in row["row_groups"] or [_WHOLE_FILE]:
        yield (row["source_uri"], row["source_etag"], row_group, *kinds)
