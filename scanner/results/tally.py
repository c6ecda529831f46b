"""What the hits of a run add up to, counted file by file without loading any evidence."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.results import layout
from scanner.results.report import SplitReport

_COLUMNS: Final = ["signature_id", "row_index", "actor_id", "event_time"]
_COSTS: Final = ("candidates", "judged", "confirm_s")
_COMPACT_ROWS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SignatureTally:
    """What one signature found.

    Attributes:
        hits: Exact number of hits.
        stored: Hits that stand in the files.
        records: Distinct records among those stored.
        actors: Distinct actors among them; None where no hit names its actor.
        first_seen: Earliest event time; None where no hit has one.
        last_seen: Latest event time.
        candidates: Cells in which pass one saw any of its patterns.
        judged: Cells that the judge was asked about.
        confirm_s: Seconds the judge took, in all workers together.
    """

    hits: int = 0
    stored: int = 0
    records: int = 0
    actors: int | None = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    candidates: int = 0
    judged: int = 0
    confirm_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What a run found.

    Attributes:
        signatures: By signature id, those that found something or had candidates.
        records: Distinct records with any stored hit.
        actors: Distinct actors with any; None where no hit names its actor.
    """

    signatures: dict[str, SignatureTally]
    records: int
    actors: int | None


def tally(run_uri: str, reports: Sequence[SplitReport]) -> Tally:
    """Counts the hits that some reports name.

    Raises:
        SourceError: A file of hits is not there or cannot be read.
    """
    records = 0
    counts: list[pa.Table] = []
    actors = _Distinct(["signature_id", "actor_id"])
    for table in _hits(run_uri, reports):
        # A record lies in one split and so in one file of hits, which makes these sums exact.
        records += len(pc.unique(table["row_index"]))
        counts.append(_count(table))
        actors.add(table.filter(pc.is_valid(table["actor_id"])))
    return Tally(
        _by_signature(reports, counts, actors.table()), records, _number_of_actors(records, actors.table())
    )


class _Distinct:
    """Distinct rows of tables that come one by one, in memory that grows with the distinct ones only."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._tables: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        self._tables.append(self._distinct(table))
        if sum(map(len, self._tables[1:])) > _COMPACT_ROWS:
            self._tables = [self.table()]

    def table(self) -> pa.Table:
        return self._distinct(pa.concat_tables(self._tables)) if self._tables else _no_actors()

    def _distinct(self, table: pa.Table) -> pa.Table:
        return table.select(self._columns).group_by(self._columns).aggregate([])


def _no_actors() -> pa.Table:
    return pa.schema([("signature_id", pa.string()), ("actor_id", pa.string())]).empty_table()


def _hits(run_uri: str, reports: Iterable[SplitReport]) -> Iterator[pa.Table]:
    for report in reports:
        if report.hits_file is not None:
            uri = layout.hits_uri(run_uri, report.hits_file)
            with storage.open_input(uri) as source, arrow_errors(uri):
                yield pq.read_table(source, columns=_COLUMNS)


def _count(hits: pa.Table) -> pa.Table:
    """One row a signature: stored, records, first_seen, last_seen."""
    pairs = hits.group_by(["signature_id", "row_index"]).aggregate(
        [("row_index", "count"), ("event_time", "min"), ("event_time", "max")]
    )
    counted = pairs.group_by("signature_id").aggregate(
        [
            ("row_index_count", "sum"),
            ("row_index", "count"),
            ("event_time_min", "min"),
            ("event_time_max", "max"),
        ]
    )
    return counted.select(
        ["signature_id", "row_index_count_sum", "row_index_count", "event_time_min_min", "event_time_max_max"]
    ).rename_columns(["signature_id", "stored", "records", "first_seen", "last_seen"])


def _by_signature(
    reports: Sequence[SplitReport], counts: Sequence[pa.Table], actors: pa.Table
) -> dict[str, SignatureTally]:
    exact: dict[str, int] = {}
    for report in reports:
        for signature_id, hits in report.signature_hits:
            exact[signature_id] = exact.get(signature_id, 0) + hits
    named = actors.group_by("signature_id").aggregate([("actor_id", "count")])
    actors_of = dict(
        zip(*(named[name].to_pylist() for name in ("signature_id", "actor_id_count")), strict=True)
    )
    found = {row["signature_id"]: row for row in _merged(counts)}
    costs = _costs(reports)
    return {
        signature_id: replace(
            _signature(exact.get(signature_id, 0), found.get(signature_id), actors_of.get(signature_id)),
            **costs.get(signature_id, {}),
        )
        for signature_id in sorted(exact.keys() | costs.keys())
    }


def _costs(reports: Iterable[SplitReport]) -> dict[str, dict[str, Any]]:
    costs: dict[str, dict[str, Any]] = {}
    for report in reports:
        for signature_id, *values in report.signature_costs:
            sums = costs.setdefault(signature_id, dict.fromkeys(_COSTS, 0))
            for name, value in zip(_COSTS, values, strict=True):
                sums[name] += value
    return costs


def _merged(counts: Sequence[pa.Table]) -> list[dict[str, Any]]:
    if not counts:
        return []
    merged = (
        pa.concat_tables(counts)
        .group_by("signature_id")
        .aggregate([("stored", "sum"), ("records", "sum"), ("first_seen", "min"), ("last_seen", "max")])
    )
    return merged.to_pylist()


def _signature(hits: int, found: dict[str, Any] | None, actors: int | None) -> SignatureTally:
    if found is None:
        return SignatureTally(hits)
    return SignatureTally(
        hits,
        found["stored_sum"],
        found["records_sum"],
        actors,
        found["first_seen_min"],
        found["last_seen_max"],
    )


def _number_of_actors(records: int, actors: pa.Table) -> int | None:
    if records and not len(actors):
        return None
    return len(pc.unique(actors["actor_id"]))
