"""One split, start to end: read, match, write the hits, publish the report."""

import os
import platform
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.columns import Cells, extract
from scanner.archive.plan import Split
from scanner.archive.provenance import provenance
from scanner.archive.read import Batch, read_split
from scanner.engine.costs import SignatureCost, total
from scanner.engine.matches import Matcher, Matches
from scanner.errors import CommitUnknown, SourceError, why
from scanner.results import layout
from scanner.results.commit import publish
from scanner.results.mask import Evidence
from scanner.results.report import SplitReport
from scanner.results.schemas import hit_id, hits_schema
from scanner.scan.hits import (
    evidence_column,
    hash_column,
    place_columns,
    raw_cells,
    rows_of,
    signature_columns,
)
from scanner.signatures.model import Ruleset
from scanner.views.raw import text_bytes

_TOLD_ERRORS: Final = 5

STAGES: Final = ("read", "join", "pass_one", "confirm", "build", "write")
"""What the time of a split is spent on."""


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """What every split of a run has in common. It pickles.

    Attributes:
        hunt: Name of the hunt.
        run_id: Id of the run.
        run_uri: Folder of the run's results.
        columns: Text columns of the hunt.
        record_id: Path of the column that identifies a record.
        actor_id: Path of the column that identifies its author.
        event_time: Path of the column that holds its time.
        carry: Fields copied to each hit.
        evidence: What hits keep of the text.
        match_key: Key of the match hashes.
        started_at: When the run started, in UTC; all hits of a run bear it.
    """

    hunt: str
    run_id: str
    run_uri: str
    columns: tuple[str, ...]
    record_id: str | None
    actor_id: str | None
    event_time: str | None
    carry: pa.Schema
    evidence: Evidence
    match_key: bytes
    started_at: datetime

    def needed(self, text_columns: tuple[str, ...]) -> list[str]:
        """Every column to read, for a file that has these text columns."""
        named = (self.record_id, self.actor_id, self.event_time, *self.carry.names)
        return list(dict.fromkeys([*text_columns, *(name for name in named if name is not None)]))


@dataclass(slots=True)
class _Tally:
    """Running sums over the batches of a split."""

    rows: int = 0
    cells: int = 0
    text_bytes: int = 0
    invalid_cells: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    told: list[str] = field(default_factory=list)
    events: int = 0
    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    costs: dict[int, list[SignatureCost]] = field(default_factory=dict)

    def spend(self, stage: str, since: float) -> float:
        """Books the time since a moment, and tells the moment."""
        now = time.perf_counter()
        self.stages[stage] += now - since
        return now

    def add(self, cells: Cells, matches: Matches, ruleset: Ruleset) -> None:
        self.cells += len(cells.values) - cells.values.null_count
        self.text_bytes += text_bytes(cells.values)
        self.invalid_cells += matches.invalid_cells
        self.hits.update(ruleset.signatures[index].id for index in matches.signatures.tolist())
        self.events += matches.costs.events
        for stage in ("join", "pass_one", "confirm"):
            self.stages[stage] += getattr(matches.costs, f"{stage}_s")
        for number, cost in matches.costs.signatures:
            self.costs.setdefault(number, []).append(cost)
        self.errors += len(matches.errors)
        for error in matches.errors[: _TOLD_ERRORS - len(self.told)]:
            row = int(cells.rows[error.cell])
            self.told.append(
                f"{ruleset.signatures[error.signature].id} on row {row} of its batch: {error.reason}"
            )


class _HitsFile:
    """The hits of one attempt, in a file that exists once there is a hit."""

    def __init__(self, settings: ScanSettings, split: Split, exits: ExitStack) -> None:
        self._uri = settings.run_uri
        self._file = f"{split.split_id}.{secrets.token_hex(4)}.parquet"
        self._schema = hits_schema(settings.carry)
        self._exits = exits
        self._writer: pq.ParquetWriter | None = None

    @property
    def name(self) -> str | None:
        return self._file if self._writer is not None else None

    def write(self, hits: pa.Table) -> None:
        if self._writer is None:
            sink = self._exits.enter_context(storage.open_output(layout.hits_uri(self._uri, self._file)))
            self._writer = self._exits.enter_context(pq.ParquetWriter(sink, self._schema, compression="zstd"))
        self._writer.write_table(hits)


def run_split(split: Split, matcher: Matcher, settings: ScanSettings) -> SplitReport:
    """Hunts one split and publishes what became of it.

    Whatever goes wrong with the data ends as a ``failed`` report, which keeps the hits found until then.

    Returns:
        The report of this attempt; where another attempt was first, that one's counts.

    Raises:
        CommitUnknown: The storage of the results failed; whether the report counts is not known.
    """
    started = time.monotonic()
    tally, error, name = _Tally(), None, None
    try:
        with ExitStack() as exits:
            out = _HitsFile(settings, split, exits)
            try:
                _scan(split, matcher, settings, tally, out)
            except SourceError as failure:
                error = failure.reason
            name = out.name
    except CommitUnknown:
        raise
    except Exception as failure:  # noqa: BLE001 - the split's edge: it becomes a failed coverage row
        error, name, tally.hits = why(failure), None, Counter()
    report = _report(split, matcher.ruleset, tally, error, name)
    report = replace(report, elapsed_s=round(time.monotonic() - started, 6))
    publish(settings.run_uri, report)
    return report


def _scan(split: Split, matcher: Matcher, settings: ScanSettings, tally: _Tally, out: _HitsFile) -> None:
    batches = read_split(split, settings.needed(split.columns))
    while True:
        began = time.perf_counter()
        batch = next(batches, None)
        tally.spend("read", began)
        if batch is None:
            return
        for column in split.columns:
            cells = extract(batch.data, column)
            matches = matcher.match(cells.values, column)
            tally.add(cells, matches, matcher.ruleset)
            if len(matches):
                began = time.perf_counter()
                hits = _hits(split, batch, cells, matches, matcher.ruleset, settings)
                began = tally.spend("build", began)
                out.write(hits)
                tally.spend("write", began)
        tally.rows += batch.data.num_rows


def _hits(
    split: Split, batch: Batch, cells: Cells, matches: Matches, ruleset: Ruleset, settings: ScanSettings
) -> pa.Table:
    rows = rows_of(cells, matches)
    texts = raw_cells(cells, matches)
    schema = hits_schema(settings.carry)
    source = provenance(
        batch.data, settings.record_id, settings.actor_id, settings.event_time, settings.carry, pa.array(rows)
    )
    columns: dict[str, Any] = {
        **{name: source.column(name) for name in source.schema.names},
        **signature_columns(ruleset.signatures, matches),
        **place_columns(cells, matches),
        "row_index": pa.array(rows + batch.first_row),
        "evidence": evidence_column(texts, matches, settings.evidence),
        "match_hash": hash_column(texts, matches, settings.match_key),
    }
    constants = {
        "hunt": settings.hunt,
        "run_id": settings.run_id,
        "source_uri": split.source_uri,
        "source_etag": split.source_etag,
        "row_group": batch.row_group,
        "scanned_at": settings.started_at,
    }
    for name, value in constants.items():
        columns[name] = pa.repeat(pa.scalar(value, schema.field(name).type), len(matches))
    columns["hit_id"] = pa.array(list(_hit_ids(split, columns)), pa.string())
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _hit_ids(split: Split, columns: dict[str, Any]) -> Iterator[str]:
    names = ("signature_id", "signature_digest", "row_index", "column")
    for signature, digest, row, column in zip(*(columns[name].to_pylist() for name in names), strict=True):
        yield hit_id(signature, digest, split.source_uri, split.source_etag, row, column)


def _costs(ruleset: Ruleset, tally: _Tally) -> Iterator[tuple[str, int, int, float]]:
    for number, costs in sorted(tally.costs.items()):
        cost = total(costs)
        yield ruleset.signatures[number].id, cost.candidates, cost.judged, round(cost.confirm_s, 6)


def _report(
    split: Split, ruleset: Ruleset, tally: _Tally, error: str | None, name: str | None
) -> SplitReport:
    return SplitReport(
        split_id=split.split_id,
        source_uri=split.source_uri,
        source_etag=split.source_etag,
        source_size_bytes=split.source_size_bytes,
        row_groups=split.row_groups,
        columns=split.columns,
        ruleset_digest=ruleset.digest,
        signatures=tuple(sorted({signature.digest for signature in ruleset.signatures})),
        status="scanned" if error is None else "failed",
        rows=tally.rows,
        cells=tally.cells,
        text_bytes=tally.text_bytes,
        hits=tally.hits.total(),
        invalid_cells=tally.invalid_cells,
        match_errors=tally.errors,
        error=error if error is not None else "; ".join(tally.told) or None,
        worker=f"{platform.node()}:{os.getpid()}",
        hits_file=name,
        signature_hits=tuple(sorted(tally.hits.items())),
        signature_costs=tuple(_costs(ruleset, tally)),
        stages=tuple((stage, round(seconds, 6)) for stage, seconds in tally.stages.items()),
        events=tally.events,
    )
