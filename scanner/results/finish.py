"""Ends a run: folds its commit records into tables, then publishes the record that makes it complete."""

import importlib.metadata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.errors import CommitConflict
from scanner.results import layout
from scanner.results.commit import committed
from scanner.results.limits import Limits
from scanner.results.record import COMPLETE, WITH_GAPS, encode, read_record
from scanner.results.report import SplitReport
from scanner.results.schemas import COVERAGE, SIGNATURES, hits_schema
from scanner.results.tally import SignatureTally, Tally, tally
from scanner.results.trim import trim
from scanner.signatures.model import Ruleset, Signature

NO_HITS: Final = "none.parquet"
"""The one file of hits, without a row, of a run that found nothing: globs and schemas work all the same."""

_GAPS_SHOWN: Final = 100

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
    "hits_file": None,
}


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run knows of itself when its last split is committed.

    Attributes:
        hunt: Name of the hunt.
        run_id: Id of the run.
        spec: The hunt as written, in values that JSON has.
        ruleset: What was hunted.
        expired: Signatures that were left out because they have expired.
        versions: Programs and libraries that took part.
        engine: The engine that matched and the verdict on it, in values that JSON has.
        started_at: In UTC.
        finished_at: In UTC.
        carry: Fields copied from the archive to each hit.
        pruned: What the hunt's predicate removed before anything was read, in values that JSON has.
        splits: Ids of what the run was to read. Commit records of others, such as former versions of files that
            changed while the run was interrupted, do not count. None for every record.
        limits: How many hits are stored.
    """

    hunt: str
    run_id: str
    spec: dict[str, Any]
    ruleset: Ruleset
    expired: tuple[Signature, ...]
    versions: dict[str, str]
    engine: dict[str, Any]
    started_at: datetime
    finished_at: datetime
    carry: pa.Schema = pa.schema([])  # noqa: RUF009 - schemas are immutable
    pruned: tuple[dict[str, Any], ...] = ()
    splits: Collection[str] | None = None
    limits: Limits = field(default_factory=Limits)


def finish(run_uri: str, record: RunRecord) -> dict[str, Any]:
    """Makes a run complete. It may be called again after being killed at any point.

    Cuts hits to what the limits allow, writes coverage and signatures, deletes files of hits that no commit
    record names, and publishes ``run.json`` last. A run that is complete already stays as it is.

    Returns:
        What ``run.json`` holds.

    Raises:
        HuntError: A commit record is damaged.
        SourceError: A file of hits that a commit record names cannot be read.
        CommitUnknown: The storage failed, and it cannot be told whether the run is complete.
    """
    standing = read_record(run_uri)
    if standing is not None:
        return standing
    reports = committed(run_uri, record.splits)
    limits = record.limits
    trim(run_uri, reports, limits.stored_hits_per_signature, limits.stored_hits_per_split)
    found = tally(run_uri, reports)
    _write(layout.coverage_uri(run_uri), coverage_table(reports))
    _write(layout.signatures_uri(run_uri), _signatures(record, found))
    _tidy_hits(run_uri, reports, record.carry)
    document = _document(record, reports, found)
    try:
        storage.create(layout.record_uri(run_uri), encode(document))
    except CommitConflict:
        return read_record(run_uri) or document
    return document


def coverage_table(reports: Sequence[SplitReport]) -> pa.Table:
    """In `COVERAGE`, one row a report; with gaps a row for what was read, and one for each row group that was not.

    What is counted stands in the first of them, so that columns can be summed.
    """
    return pa.Table.from_pylist([row for report in reports for row in _coverage(report)], COVERAGE)


def _coverage(report: SplitReport) -> Iterator[dict[str, Any]]:
    counts = asdict(report)
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


def signatures_of_unfinished(found: Tally) -> pa.Table:
    """One row for each signature that has found something so far; of the signature only the id is known."""
    rows = [
        {"signature_id": name, "ran": True, **_counts(each)}
        for name, each in sorted(found.signatures.items())
    ]
    return pa.Table.from_pylist(rows, SIGNATURES)


def _signatures(record: RunRecord, found: Tally) -> pa.Table:
    none = SignatureTally()
    ran = [(each, True, found.signatures.get(each.id, none)) for each in record.ruleset.signatures]
    expired = [(each, False, none) for each in record.expired]
    rows = [
        {
            "signature_id": signature.id,
            "signature_digest": signature.digest,
            "name": signature.name,
            "severity": signature.severity,
            "status": signature.status,
            "category": signature.category,
            "tags": list(signature.tags),
            "expires": signature.expires,
            "ran": has_run,
            **_counts(each),
        }
        for signature, has_run, each in [*ran, *expired]
    ]
    return pa.Table.from_pylist(rows, SIGNATURES)


def _counts(found: SignatureTally) -> dict[str, Any]:
    return {
        "hits": found.hits,
        "records": found.records,
        "actors": found.actors,
        "first_seen": found.first_seen,
        "last_seen": found.last_seen,
        "truncated": found.stored < found.hits,
        "candidates": found.candidates,
        "judged": found.judged,
        "confirm_s": round(found.confirm_s, 6),
    }


def collect(run_uri: str) -> None:
    """Deletes what attempts that were killed, or came too late, have left in a finished run; nobody reads it.

    Raises:
        SourceError: The run's coverage cannot be read.
    """
    uri = layout.coverage_uri(run_uri)
    with storage.open_input(uri) as source, arrow_errors(uri):
        files = pq.read_table(source, columns=["hits_file"])["hits_file"]
    _delete_orphans(run_uri, {NO_HITS, *map(str, pc.drop_null(files).to_pylist())})


def _tidy_hits(run_uri: str, reports: Iterable[SplitReport], carry: pa.Schema) -> None:
    """Leaves the committed files of hits and no other, so that a plain glob reads the truth."""
    named = {report.hits_file for report in reports if report.hits_file is not None}
    _delete_orphans(run_uri, named)
    if not named:
        _write(layout.hits_uri(run_uri, NO_HITS), hits_schema(carry).empty_table())


def _delete_orphans(run_uri: str, named: Collection[str]) -> None:
    folder = layout.hits_folder_uri(run_uri)
    for name in storage.list_names(folder):
        if name not in named:
            storage.delete(f"{folder}/{name}")
    # Every split has its record by now, so that whoever still writes here is too late anyway.
    for each in (folder, layout.commits_uri(run_uri)):
        storage.delete_drafts(each)


def _write(uri: str, table: pa.Table) -> None:
    with storage.open_output(uri) as sink:
        pq.write_table(table, sink, compression="zstd")


def _document(record: RunRecord, reports: Sequence[SplitReport], found: Tally) -> dict[str, Any]:
    gaps = [gap for report in reports for gap in gaps_of(report)]
    return {
        "hindcast": _program_version(),
        "hunt": record.hunt,
        "run_id": record.run_id,
        "status": WITH_GAPS if gaps else COMPLETE,
        "started_at": record.started_at.isoformat(),
        "finished_at": record.finished_at.isoformat(),
        "elapsed_s": (record.finished_at - record.started_at).total_seconds(),
        "spec": record.spec,
        "ruleset": {
            "digest": record.ruleset.digest,
            "signatures": len(record.ruleset.signatures),
            "expired": [signature.id for signature in record.expired],
        },
        "versions": record.versions,
        "engine": record.engine,
        "totals": {**totals_of(reports, found), **_pruned_totals(record.pruned)},
        "pruned": list(record.pruned),
        "seconds": seconds_of(reports),
        "gaps": gaps[:_GAPS_SHOWN],
        "truncated": [name for name, each in sorted(found.signatures.items()) if each.stored < each.hits],
    }


def totals_of(reports: Sequence[SplitReport], found: Tally) -> dict[str, int | None]:
    """What all splits add up to; ``actors`` is None where no hit names its actor."""
    return {
        "splits": len(reports),
        "scanned": sum(report.status == "scanned" for report in reports),
        "failed": sum(report.status == "failed" for report in reports),
        "files": len({report.source_uri for report in reports}),
        "rows": sum(report.rows for report in reports),
        "rows_filtered": sum(report.rows_filtered for report in reports),
        "cells": sum(report.cells for report in reports),
        "text_bytes": sum(report.text_bytes for report in reports),
        "hits": sum(report.hits for report in reports),
        "records": found.records,
        "actors": found.actors,
        "match_errors": sum(report.match_errors for report in reports),
        "invalid_cells": sum(report.invalid_cells for report in reports),
        "unparsed_cells": sum(report.unparsed_cells for report in reports),
        "files_missing_columns": len({report.source_uri for report in reports if report.missing_columns}),
        "events": sum(report.events for report in reports),
    }


def _pruned_totals(pruned: Sequence[dict[str, Any]]) -> dict[str, int | None]:
    """What was removed before anything was read; None where it was removed uncounted."""
    counts = {name: [each[name] for each in pruned] for name in ("files", "row_groups", "rows")}
    return {f"{name}_pruned": None if None in each else sum(each) for name, each in counts.items()}


def seconds_of(reports: Sequence[SplitReport]) -> dict[str, float]:
    """Where the time of all workers together went, by stage."""
    sums: dict[str, float] = {}
    for report in reports:
        for stage, seconds in report.stages:
            sums[stage] = sums.get(stage, 0.0) + seconds
    return {stage: round(seconds, 3) for stage, seconds in sums.items()}


def gaps_of(report: SplitReport) -> Iterator[dict[str, Any]]:
    """What of a split was not read or not decided, by row group where the others were read."""
    for gap in report.gaps:
        yield _gap(report, (gap.row_group,), gap.reason)
    if report.match_errors or (report.status == "failed" and not report.gaps):
        yield _gap(report, report.row_groups, report.error)


def _gap(report: SplitReport, row_groups: Sequence[int], reason: str | None) -> dict[str, Any]:
    return {
        "source_uri": report.source_uri,
        "row_groups": list(row_groups),
        "reason": reason or "no reason was recorded",
    }


def _program_version() -> str:
    try:
        return importlib.metadata.version("hindcast")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
