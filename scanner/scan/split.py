"""One split, start to end: read, match, write the hits, publish the report."""

import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.archive.columns.cells import Cells, extract
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Split
from scanner.archive.provenance import provenance
from scanner.archive.read import Batch, Gap
from scanner.archive.storage import StorageSettings, Unreachable
from scanner.archive.where import Predicate
from scanner.engine.costs import SignatureCosts
from scanner.engine.matches import Matcher, Matches, Wanted
from scanner.errors import OutputError, SourceError, why
from scanner.results.commit import publish, standing
from scanner.results.limits import Limits
from scanner.results.mask import Evidence
from scanner.results.report import SplitReport
from scanner.results.sample import Mask, Ranks, Sampling
from scanner.results.schemas import hits_schema
from scanner.results.signature_sets import keep_set
from scanner.results.snippets import match_hashes, snippets
from scanner.scan.finds import Finds, Waiting
from scanner.scan.hits import (
    coded_paths_of,
    hit_id_column,
    hit_ranks,
    place_columns,
    rows_of,
    signature_columns,
)
from scanner.scan.hits_file import HitsFile
from scanner.scan.tally import Tally
from scanner.views.raw import Int64s

_MOST_GAPS: Final = 1000


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


def run_split(
    split: Split,
    matcher: Matcher,
    settings: ScanSettings,
    footer: bytes | None = None,
    check: Callable[[], None] = lambda: None,
    attempt: int = 1,
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
        attempt: Which attempt at the split this is, from 1.

    Returns:
        The report that counts: of this attempt, or of another one that was first; ``divided`` where parts of the
        split stand for it by now.

    Raises:
        OutputError: The hits cannot be written, and nothing was published; or the report that counts cannot be read.
        Unreachable: The store of the archive fails, and may work another time; nothing was published.
        CommitUnknown: The storage of the results failed; whether the report counts is not known.
    """
    started = time.monotonic()
    scan = _Scan(split, matcher, settings, check)
    error, name = None, None
    try:
        with ExitStack() as exits:
            out = HitsFile(settings.run_uri, split.split_id, hits_schema(settings.carry), exits)
            try:
                scan.run(footer, out)
            except Unreachable:
                raise
            except SourceError as failure:
                error = failure.reason
            scan.write(out)
            name, out.bound = out.name, scan.bound
    except (OutputError, Unreachable):
        raise
    except Exception as failure:  # noqa: BLE001 - the split's edge: it becomes a failed coverage row
        error, name, scan.tally.hits = why(failure), None, Counter()
    report = replace(scan.report(error, name, round(time.monotonic() - started, 6)), attempts=attempt)
    return report if publish(settings.run_uri, report) else _first(settings.run_uri, report)


def _first(run_uri: str, report: SplitReport) -> SplitReport:
    """The report that was published before this one of the same split."""
    try:
        return standing(run_uri, report.split_id) or report
    except SourceError as error:
        # The store of the results fails, which is no fault of the split.
        raise OutputError(error.uri, error.reason) from error


class _Scan:
    """One attempt at a split."""

    def __init__(
        self, split: Split, matcher: Matcher, settings: ScanSettings, check: Callable[[], None]
    ) -> None:
        limits = settings.limits
        self._split = split
        self._matcher = matcher
        self._signatures = matcher.ruleset.signatures
        self._settings = settings
        self._check = check
        self._sampling = Sampling(limits.stored_hits_per_signature, limits.stored_hits_per_split)
        self._ranked: list[tuple[Int64s, Ranks]] = []  # of the hits in a batch
        self._waiting = Waiting()
        self.tally = Tally()

    @property
    def bound(self) -> int | None:
        """The highest rank of the hits that the split stores; None where it stores all of each signature's."""
        return self._sampling.bound

    def run(self, footer: bytes | None, out: HitsFile) -> None:
        """Reads and matches all of it, and writes what does not wait for `write`.

        Raises:
            SourceError: It cannot be read, other than in some of its row groups.
            OutputError: The hits cannot be written.
        """
        split, settings, tally = self._split, self._settings, self.tally
        pieces = read_split(split, settings.needed(split.columns), head=footer, where=settings.where)
        while True:
            self._check()
            began = time.perf_counter()
            piece = next(pieces, None)
            tally.spend("read", began)
            match piece:
                case Batch():
                    tally.enter(piece.row_group)
                    self._batch(piece, out)
                    tally.current.rows += piece.data.num_rows
                    tally.current.rows_filtered += piece.rows_filtered
                case Gap():
                    tally.give_up(piece)
                case None:
                    tally.leave()
                    return
            if len(tally.gaps) > _MOST_GAPS:
                raise SourceError(
                    split.source_uri, f"more than {_MOST_GAPS} of its row groups cannot be read"
                )

    def _batch(self, batch: Batch, out: HitsFile) -> None:
        tally = self.tally
        if tally.broken is not None:
            return
        self._ranked.clear()
        try:
            found = [self._column(batch, column) for column in self._split.columns]
        except Exception as failure:  # noqa: BLE001 - the row group's edge: it becomes a failed coverage row
            tally.broken = why(failure)
            return
        for numbers, ranks in self._ranked:
            self._sampling.add(numbers, ranks)
        for column, (cells, matches, finds) in zip(self._split.columns, found, strict=True):
            tally.add(column, cells, matches, self._signatures)
            if finds is not None:
                self._waiting.add(finds)
        if self._waiting.are_many:
            began = time.perf_counter()
            self._forget()
            tally.spend("build", began)
            if not self._waiting.are_few:
                self.write(out)

    def _forget(self) -> None:
        """Lets go of hits that are no longer in the sample."""
        finds = self._waiting.take()
        if finds is not None:
            self._waiting.add(self._sampled(finds))

    def write(self, out: HitsFile) -> None:
        """Writes the hits that wait.

        Raises:
            OutputError: They cannot be written.
        """
        began = time.perf_counter()
        self._forget()
        finds = self._waiting.take()
        if finds is None:
            return
        for part in finds.parts():
            hits = self._hits(part)
            began = self.tally.spend("build", began)
            out.write(hits)
            began = self.tally.spend("write", began)

    def _column(self, batch: Batch, column: str) -> tuple[Cells, Matches, Finds | None]:
        cells = extract(batch.data, column)
        matches = self._matcher.match(cells.values, column, self._wanted(batch, cells))
        if not len(matches):
            return cells, matches, None
        began = time.perf_counter()
        stored = self._stored(batch, cells, matches)
        finds = self._finds(batch, cells, stored) if len(stored) else None
        self.tally.spend("build", began)
        return cells, matches, finds

    def _stored(self, batch: Batch, cells: Cells, matches: Matches) -> Matches:
        """The matches that may be in the sample of what is stored; building the others would be for nothing."""
        if not self._sampling.bounded:
            return matches
        return matches.where(self._likely(batch, cells, matches.cells, matches.signatures))

    def _wanted(self, batch: Batch, cells: Cells) -> Wanted | None:
        """Says of hits whether they may be in that sample; None where all are stored."""
        if not self._sampling.bounded:
            return None
        return lambda number, hits: self._likely(batch, cells, hits, np.full(len(hits), number))

    def _likely(self, batch: Batch, cells: Cells, hits: Int64s, numbers: Int64s) -> Mask:
        rows = batch.in_file(rows_of(cells, hits))
        ranks = hit_ranks(self._signatures, numbers, self._source, coded_paths_of(cells, hits), rows)
        self._ranked.append((numbers, ranks))
        return self._sampling.likely(numbers, ranks)

    def _sampled(self, finds: Finds) -> Finds:
        """Those that may be in the sample still; hits found since may have taken the places of others."""
        if not self._sampling.bounded:
            return finds
        matches = finds.matches
        ranks = hit_ranks(self._signatures, matches.signatures, self._source, finds.paths, finds.rows)
        return finds.where(self._sampling.still_likely(matches.signatures, ranks))

    @property
    def _source(self) -> tuple[str, str]:
        return self._split.source_uri, self._split.source_etag

    def _finds(self, batch: Batch, cells: Cells, matches: Matches) -> Finds:
        settings = self._settings
        source = provenance(
            batch.data,
            settings.record_id,
            settings.actor_id,
            settings.event_time,
            settings.carry,
            rows_of(cells, matches.cells),
        )
        return Finds.of(batch, cells, matches, source)

    def _hits(self, finds: Finds) -> pa.Table:
        settings, split, matches = self._settings, self._split, finds.matches
        schema = hits_schema(settings.carry)
        columns: dict[str, Any] = {
            **{name: finds.source.column(name) for name in finds.source.schema.names},
            **signature_columns(self._signatures, matches),
            **place_columns(finds.paths, matches),
            "hit_id": hit_id_column(self._signatures, matches, self._source, finds.paths, finds.rows),
            "row_group": pa.array(finds.row_groups).cast(schema.field("row_group").type),
            "row_index": pa.array(finds.rows),
            "evidence": snippets(finds.places, settings.evidence),
            "match_hash": match_hashes(finds.places, settings.match_key),
        }
        constants = {
            "hunt": settings.hunt,
            "run_id": settings.run_id,
            "source_uri": split.source_uri,
            "source_etag": split.source_etag,
            "scanned_at": settings.started_at,
        }
        for name, value in constants.items():
            columns[name] = pa.repeat(pa.scalar(value, schema.field(name).type), len(matches))
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)

    def report(self, error: str | None, hits_file: str | None, elapsed_s: float) -> SplitReport:
        """What became of it, where it failed as a whole for the reason of that."""
        split, tally = self._split, self.tally
        return SplitReport(
            split_id=split.split_id,
            source_uri=split.source_uri,
            source_etag=split.source_etag,
            source_size_bytes=split.source_size_bytes,
            row_groups=split.row_groups,
            columns=split.columns,
            missing_columns=tuple(path for path in self._settings.optional if path not in split.columns),
            ruleset_digest=self._matcher.ruleset.digest,
            signature_set=keep_set(self._settings.run_uri, (each.digest for each in self._signatures)),
            status="scanned" if error is None and not tally.gaps else "failed",
            rows=tally.whole.rows,
            rows_filtered=tally.whole.rows_filtered,
            cells=tally.whole.cells,
            text_bytes=tally.whole.text_bytes,
            hits=tally.hits.total(),
            invalid_cells=tally.invalid_cells,
            unparsed_cells=tally.unparsed.total(),
            unparsed=tuple(self._unparsed()),
            match_errors=tally.errors,
            error=error if error is not None else "; ".join(tally.told) or None,
            gaps=tuple(tally.gaps) if error is None else (),
            elapsed_s=elapsed_s,
            worker=f"{platform.node()}:{os.getpid()}",
            hits_file=hits_file,
            signature_hits=tuple(sorted(tally.hits.items())),
            signature_costs=tuple(self._costs()),
            stages=tuple((stage, round(seconds, 6)) for stage, seconds in tally.stages.items()),
            events=tally.events,
        )

    def _unparsed(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        for column in self._split.columns:
            cells = {group: count for (path, group), count in self.tally.unparsed.items() if path == column}
            if cells:
                yield column, sum(cells.values()), tuple(sorted(cells))

    def _costs(self) -> Iterator[tuple[str, int, int, float]]:
        for number, cost in SignatureCosts.together(self.tally.spent):
            yield self._signatures[number].id, cost.candidates, cost.judged, round(cost.confirm_s, 6)
