"""One split, start to end: read, match, write the hits, publish the report."""

import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from scanner.archive.columns.cells import Cells, extract
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Split
from scanner.archive.provenance import provenance
from scanner.archive.read import Batch, Gap
from scanner.archive.storage import StorageSettings
from scanner.archive.where import Predicate
from scanner.engine.costs import NO_SIGNATURES, SignatureCosts
from scanner.engine.matches import Matcher, Matches
from scanner.errors import OutputError, SourceError, why
from scanner.results.commit import publish
from scanner.results.limits import Limits
from scanner.results.mask import Evidence
from scanner.results.report import SplitReport
from scanner.results.sample import Sampling, ranks_of
from scanner.results.schemas import hits_schema
from scanner.results.snippets import match_hashes, snippets
from scanner.scan.hits import hit_id_column, paths_of, place_columns, places_of, rows_of, signature_columns
from scanner.scan.hits_file import HitsFile
from scanner.signatures.model import Ruleset
from scanner.views.raw import text_bytes

_TOLD_ERRORS: Final = 5
_MOST_GAPS: Final = 1000
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
        where: Which records are wanted; None for all.
        optional: Text columns that a file may lack.
        storage: How stores are reached.
        limits: What bounds the run.
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
    where: Predicate | None = None
    optional: tuple[str, ...] = ()
    storage: StorageSettings = field(default_factory=StorageSettings)
    limits: Limits = field(default_factory=Limits)

    def needed(self, text_columns: tuple[str, ...]) -> list[str]:
        """Every column to read, for a file that has these text columns."""
        named = (self.record_id, self.actor_id, self.event_time, *self.carry.names)
        asked = () if self.where is None else self.where.columns
        return list(dict.fromkeys([*text_columns, *(name for name in named if name is not None), *asked]))


@dataclass(slots=True)
class _Read:
    """What was read."""

    rows: int = 0
    rows_filtered: int = 0
    cells: int = 0
    text_bytes: int = 0

    def __iadd__(self, other: "_Read") -> Self:
        self.rows += other.rows
        self.rows_filtered += other.rows_filtered
        self.cells += other.cells
        self.text_bytes += other.text_bytes
        return self


@dataclass(slots=True)
class _Tally:
    """Running sums over the batches of a split.

    Attributes:
        whole: What was read of row groups that were read to their end.
        row_group: The row group that is being read.
        current: What was read of it.
        broken: Why it is given up; None as long as all goes well.
        gaps: Row groups that were given up.
    """

    whole: _Read = field(default_factory=_Read)
    row_group: int | None = None
    current: _Read = field(default_factory=_Read)
    broken: str | None = None
    gaps: list[Gap] = field(default_factory=list)
    invalid_cells: int = 0
    unparsed_cells: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    told: list[str] = field(default_factory=list)
    events: int = 0
    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    costs: SignatureCosts = NO_SIGNATURES
    sampling: Sampling = field(default_factory=Sampling)

    def spend(self, stage: str, since: float) -> float:
        """Books the time since a moment, and tells the moment."""
        now = time.perf_counter()
        self.stages[stage] += now - since
        return now

    def enter(self, row_group: int) -> None:
        """Begins a row group, or goes on with it."""
        if self.row_group != row_group:
            self.leave()
            self.row_group = row_group

    def leave(self) -> None:
        """Ends the row group that is being read: it counts whole or not at all."""
        if self.row_group is not None and self.broken is not None:
            self.gaps.append(Gap(self.row_group, self.current.rows, self.broken))
        else:
            self.whole += self.current
        self.row_group, self.current, self.broken = None, _Read(), None

    def give_up(self, gap: Gap) -> None:
        """Ends a row group that cannot be read further, unless only some of its rows cannot."""
        if gap.partial:
            self.gaps.append(gap)
            return
        self.enter(gap.row_group)
        self.broken = self.broken or gap.reason
        self.current.rows = gap.rows
        self.leave()

    def add(self, cells: Cells, matches: Matches, ruleset: Ruleset) -> None:
        self.current.cells += len(cells.values) - cells.values.null_count
        self.current.text_bytes += text_bytes(cells.values)
        self.invalid_cells += matches.invalid_cells
        self.unparsed_cells += cells.unparsed
        numbers, counts = np.unique(matches.signatures, return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self.hits[ruleset.signatures[number].id] += count
        self.events += matches.costs.events
        for stage in ("join", "pass_one", "confirm"):
            self.stages[stage] += getattr(matches.costs, f"{stage}_s")
        self.costs += matches.costs.signatures
        self.errors += len(matches.errors)
        for error in matches.errors[: _TOLD_ERRORS - len(self.told)]:
            row = int(cells.rows[error.cell])
            self.told.append(
                f"{ruleset.signatures[error.signature].id} on row {row} of its batch: {error.reason}"
            )


def run_split(
    split: Split,
    matcher: Matcher,
    settings: ScanSettings,
    footer: bytes | None = None,
    check: Callable[[], None] = lambda: None,
) -> SplitReport:
    """Hunts one split and publishes what became of it.

    Whatever goes wrong with the data ends as a ``failed`` report. A row group that cannot be read to its end is a gap
    of it: it adds nothing to rows, cells and bytes, and the hits found in its first batches are kept. The others go on.

    Args:
        split: The split.
        matcher: The signatures.
        settings: What every split of the run shares.
        footer: Of its file, where that is known.
        check: Called before each batch; raises KeyboardInterrupt to leave the split as if it had not begun.

    Returns:
        The report of this attempt; where another attempt was first, that one's counts.

    Raises:
        OutputError: The hits cannot be written; nothing was published.
        CommitUnknown: The storage of the results failed; whether the report counts is not known.
    """
    started = time.monotonic()
    limits = settings.limits
    sampling = Sampling(limits.stored_hits_per_signature, limits.stored_hits_per_split)
    tally, error, name = _Tally(sampling=sampling), None, None
    try:
        with ExitStack() as exits:
            out = HitsFile(settings.run_uri, split.split_id, hits_schema(settings.carry), exits)
            try:
                pieces = read_split(split, settings.needed(split.columns), head=footer, where=settings.where)
                _scan(split, _checked(pieces, check), matcher, settings, tally, out)
            except SourceError as failure:
                error = failure.reason
            name = out.name
    except OutputError:
        raise
    except Exception as failure:  # noqa: BLE001 - the split's edge: it becomes a failed coverage row
        error, name, tally.hits = why(failure), None, Counter()
    report = _report(split, matcher.ruleset, tally, error, name)
    lacking = tuple(path for path in settings.optional if path not in split.columns)
    elapsed_s = round(time.monotonic() - started, 6)
    report = replace(report, missing_columns=lacking, elapsed_s=elapsed_s)
    publish(settings.run_uri, report)
    return report


def _checked(pieces: Iterator[Batch | Gap], check: Callable[[], None]) -> Iterator[Batch | Gap]:
    """The same pieces, with a look before each whether anyone still wants them."""
    while True:
        check()
        piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _scan(
    split: Split,
    pieces: Iterator[Batch | Gap],
    matcher: Matcher,
    settings: ScanSettings,
    tally: _Tally,
    out: HitsFile,
) -> None:
    while True:
        began = time.perf_counter()
        piece = next(pieces, None)
        tally.spend("read", began)
        match piece:
            case Batch():
                tally.enter(piece.row_group)
                _scan_batch(split, piece, matcher, settings, tally, out)
                tally.current.rows += piece.data.num_rows
                tally.current.rows_filtered += piece.rows_filtered
            case Gap():
                tally.give_up(piece)
            case None:
                tally.leave()
                return
        if len(tally.gaps) > _MOST_GAPS:
            raise SourceError(split.source_uri, f"more than {_MOST_GAPS} of its row groups cannot be read")


def _scan_batch(
    split: Split, batch: Batch, matcher: Matcher, settings: ScanSettings, tally: _Tally, out: HitsFile
) -> None:
    if tally.broken is not None:
        return
    try:
        found = [_scan_column(split, batch, column, matcher, settings, tally) for column in split.columns]
    except Exception as failure:  # noqa: BLE001 - the row group's edge: it becomes a failed coverage row
        tally.broken = why(failure)
        return
    for cells, matches, hits in found:
        tally.add(cells, matches, matcher.ruleset)
        if hits is not None:
            began = time.perf_counter()
            out.write(hits)
            tally.spend("write", began)


def _scan_column(
    split: Split, batch: Batch, column: str, matcher: Matcher, settings: ScanSettings, tally: _Tally
) -> tuple[Cells, Matches, pa.Table | None]:
    cells = extract(batch.data, column)
    matches = matcher.match(cells.values, column)
    if not len(matches):
        return cells, matches, None
    began = time.perf_counter()
    stored = _stored(split, batch, cells, matches, matcher.ruleset, tally.sampling)
    hits = _hits(split, batch, cells, stored, matcher.ruleset, settings) if len(stored) else None
    tally.spend("build", began)
    return cells, matches, hits


def _stored(
    split: Split, batch: Batch, cells: Cells, matches: Matches, ruleset: Ruleset, sampling: Sampling
) -> Matches:
    """The matches that may be in the sample of what is stored; building the others would be for nothing."""
    if not sampling.bounded:
        return matches
    paths, rows = paths_of(cells, matches), batch.in_file(rows_of(cells, matches))
    source = (split.source_uri, split.source_etag)
    ranks = ranks_of(hit_id_column(ruleset.signatures, matches, source, paths, rows))
    return matches.where(sampling.likely(matches.signatures, ranks))


def _hits(
    split: Split, batch: Batch, cells: Cells, matches: Matches, ruleset: Ruleset, settings: ScanSettings
) -> pa.Table:
    rows = rows_of(cells, matches)
    in_file = batch.in_file(rows)
    places = places_of(cells, matches)
    schema = hits_schema(settings.carry)
    source = provenance(
        batch.data, settings.record_id, settings.actor_id, settings.event_time, settings.carry, pa.array(rows)
    )
    columns: dict[str, Any] = {
        **{name: source.column(name) for name in source.schema.names},
        **signature_columns(ruleset.signatures, matches),
        **place_columns(cells, matches),
        "row_index": pa.array(in_file),
        "evidence": snippets(places, settings.evidence),
        "match_hash": match_hashes(places, settings.match_key),
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
    columns["hit_id"] = hit_id_column(
        ruleset.signatures,
        matches,
        (split.source_uri, split.source_etag),
        columns["column"],
        in_file,
    )
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _costs(ruleset: Ruleset, tally: _Tally) -> Iterator[tuple[str, int, int, float]]:
    for number, cost in tally.costs:
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
        status="scanned" if error is None and not tally.gaps else "failed",
        rows=tally.whole.rows,
        rows_filtered=tally.whole.rows_filtered,
        cells=tally.whole.cells,
        text_bytes=tally.whole.text_bytes,
        hits=tally.hits.total(),
        invalid_cells=tally.invalid_cells,
        unparsed_cells=tally.unparsed_cells,
        match_errors=tally.errors,
        error=error if error is not None else "; ".join(tally.told) or None,
        gaps=tuple(tally.gaps) if error is None else (),
        worker=f"{platform.node()}:{os.getpid()}",
        hits_file=name,
        signature_hits=tuple(sorted(tally.hits.items())),
        signature_costs=tuple(_costs(ruleset, tally)),
        stages=tuple((stage, round(seconds, 6)) for stage, seconds in tally.stages.items()),
        events=tally.events,
    )
