"""What the splits of a run add up to, report by report, in memory that hardly grows with them."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.results.report import SplitReport

GAPS_SHOWN: Final = 100
COSTS: Final = ("candidates", "judged", "confirm_s")
_HITS_FILES_TYPES: Final[dict[str, pa.DataType]] = {
    "source_uri": pa.string(),
    "row_group": pa.int32(),
    "name": pa.string(),
    "hits": pa.int64(),
}
HITS_FILES: Final = pa.schema(_HITS_FILES_TYPES)
"""One row a file of a split's hits: its source, the first row group of the split, its name, and its hits at most."""

_SUMMED: Final = (
    "rows",
    "rows_filtered",
    "cells",
    "text_bytes",
    "hits",
    "match_errors",
    "invalid_cells",
    "unparsed_cells",
    "events",
)


class Sums:
    """Counts of all reports that were added.

    Attributes:
        gaps: How many parts of splits were not read or not decided; cells of a column that are no JSON are one.
        first_gaps: The first of them, in values that JSON has.
        signature_hits: Exact number of hits by signature id.
        signature_costs: Sums of `COSTS` by signature id, for those that had candidates.
        signature_sets: Ids of the sets of signatures that ran on anything that was read.
    """

    def __init__(self) -> None:
        self.gaps = 0
        self.first_gaps: list[dict[str, Any]] = []
        self.signature_hits: dict[str, int] = {}
        self.signature_costs: dict[str, list[Any]] = {}
        self.signature_sets: set[str] = set()
        self._counts = dict.fromkeys(("splits", "scanned", "failed", "files_unreadable", *_SUMMED), 0)
        self._stages: dict[str, float] = {}
        self._files: list[pa.Table] = []
        # Hashes, because the names of a million files weigh more than all else here.
        self._sources, self._read, self._without_columns = array("q"), array("q"), array("q")

    def add(self, reports: Sequence[SplitReport]) -> None:
        """Takes in some reports."""
        for report in reports:
            self._add(report)
        self._files.append(_hits_files([each for each in reports if each.hits_file is not None]))

    def _add(self, report: SplitReport) -> None:
        counts = self._counts
        counts["splits"] += 1
        counts["scanned"] += report.status == "scanned"
        counts["failed"] += report.status == "failed"
        counts["files_unreadable"] += report.is_whole_file
        for name in _SUMMED:
            counts[name] += getattr(report, name)
        self._add_file(report)
        for signature_id, hits in report.signature_hits:
            self.signature_hits[signature_id] = self.signature_hits.get(signature_id, 0) + hits
        for signature_id, *costs in report.signature_costs:
            before = self.signature_costs.get(signature_id, (0, 0, 0))
            self.signature_costs[signature_id] = [old + new for old, new in zip(before, costs, strict=True)]
        for stage, seconds in report.stages:
            self._stages[stage] = self._stages.get(stage, 0.0) + seconds
        for gap in _gaps_of(report):
            self.gaps += 1
            if self.gaps <= GAPS_SHOWN:
                self.first_gaps.append(gap)

    def _add_file(self, report: SplitReport) -> None:
        source = hash(report.source_uri)
        self._sources.append(source)
        if not report.nothing_read:
            self._read.append(source)
            self.signature_sets.add(report.signature_set)
        if report.missing_columns:
            self._without_columns.append(source)

    @property
    def hits_files(self) -> pa.Table:
        """In `HITS_FILES`, sorted by source and row group; no two have the same name."""
        files = pa.concat_tables([HITS_FILES.empty_table(), *self._files])
        return files.sort_by([(name, "ascending") for name in ("source_uri", "row_group", "name")])

    @property
    def hits(self) -> int:
        """Hits found."""
        return self._counts["hits"]

    @property
    def seconds(self) -> dict[str, float]:
        """Where the time of all workers together went, by stage."""
        return {stage: round(seconds, 3) for stage, seconds in self._stages.items()}

    def totals(self, records: int, actors: int | None) -> dict[str, int | None]:
        """What all splits add up to.

        Args:
            records: Distinct records with a stored hit.
            actors: Distinct actors with one; None where no hit names its actor.
        """
        return {
            **self._counts,
            "files": _distinct(self._sources),
            "files_read": _distinct(self._read),
            "files_missing_columns": _distinct(self._without_columns),
            "records": records,
            "actors": actors,
        }


def _hits_files(reports: Sequence[SplitReport]) -> pa.Table:
    rows = [
        (each.source_uri, each.row_groups[0] if each.row_groups else 0, each.hits_file, each.hits)
        for each in reports
    ]
    return pa.Table.from_pylist([dict(zip(HITS_FILES.names, row, strict=True)) for row in rows], HITS_FILES)


def _distinct(hashes: "array[int]") -> int:
    return len(np.unique(np.array(hashes, np.int64)))


def _gaps_of(report: SplitReport) -> Iterator[dict[str, Any]]:
    """What of a split was not read or not decided, by row group where the others were read."""
    for gap in report.gaps:
        yield _gap(report, (gap.row_group,), gap.reason)
    if report.match_errors or (report.status == "failed" and not report.gaps):
        yield _gap(report, report.row_groups, report.error)
    for row_groups, reason in report.not_json:
        yield _gap(report, row_groups, reason)


def _gap(report: SplitReport, row_groups: Sequence[int], reason: str | None) -> dict[str, Any]:
    return {
        "source_uri": report.source_uri,
        "row_groups": list(row_groups),
        "reason": reason or "no reason was recorded",
    }
