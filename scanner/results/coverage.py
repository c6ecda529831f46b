"""Coverage: what the reports of splits say, as rows."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa

from scanner.results.report import SplitReport
from scanner.results.schemas import COVERAGE

_NO_COUNTS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        (
            "rows",
            "rows_filtered",
            "cells",
            "text_bytes",
            "hits",
            "invalid_cells",
            "unparsed_cells",
            "match_errors",
        ),
        0,
    ),
    "elapsed_s": 0.0,
}


def coverage_table(reports: Iterable[SplitReport]) -> pa.Table:
    """In `COVERAGE`, one row a report; with gaps a row for what was read, and one for each row group that was not.

    What is counted stands in the first of them, so that columns can be summed. Cells that are no JSON are told as the
    error of row groups that are ``scanned`` all the same.
    """
    rows = [row for report in reports for row in _rows(report)]
    columns = [pa.array([row[field.name] for row in rows], field.type) for field in COVERAGE]
    return pa.Table.from_arrays(columns, schema=COVERAGE)


def _rows(report: SplitReport) -> Iterator[dict[str, Any]]:
    counts = {name: getattr(report, name) for name in COVERAGE.names}
    told = [*([report.error] if report.error else []), *(reason for _, reason in report.not_json)]
    counts["error"] = "; ".join(told) or None
    if not report.gaps:
        yield counts
        return
    lost = {gap.row_group for gap in report.gaps if not gap.partial}
    read = [number for number in report.row_groups if number not in lost]
    if read:
        yield {**counts, "row_groups": read, "status": "scanned"}
        counts |= _NO_COUNTS
    for gap in report.gaps:
        yield {**counts, "row_groups": [gap.row_group], "error": gap.reason}
        counts |= _NO_COUNTS
