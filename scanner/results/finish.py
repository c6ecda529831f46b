"""Ends a run: folds what its splits left into few files, then publishes the record that makes it complete.

Every step writes new files, so that it can be repeated; the record names the files that count; what it does not name
is deleted after it stands. So a run can be finished by several at once, and be killed at any point.
"""

import contextlib
import hashlib
import importlib.metadata
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.errors import CommitConflict, CommitUnknown, OutputError, SourceError
from scanner.results import layout
from scanner.results.commit import reports_of
from scanner.results.compact import in_row_groups, write_hits
from scanner.results.coverage import coverage_table
from scanner.results.limits import Limits
from scanner.results.record import COMPLETE, WITH_GAPS, encode, read_record, signatures_uri
from scanner.results.report import SplitReport
from scanner.results.schemas import COVERAGE, SIGNATURES, hits_schema
from scanner.results.shelf import Shelf
from scanner.results.signature_sets import signature_set
from scanner.results.sorted_hits import SortedHits
from scanner.results.split_hits import in_order, read_pieces
from scanner.results.sums import Sums
from scanner.results.tally import HitCounts, SignatureTally
from scanner.signatures.model import Ruleset, Signature

_REPORTS_AT_ONCE: Final = 1 << 14
_DELETE_AT_ONCE: Final = 16
_LABEL_DIGITS: Final = 16


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
        only_new: What was left out because earlier runs have covered it, in values that JSON has; None where
            everything was to be hunted.
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
    only_new: Mapping[str, object] | None = None


def finish(run_uri: str, record: RunRecord) -> dict[str, Any]:
    """Makes a run complete. It may be called again after being killed at any point, and by several at once.

    Writes coverage, hits and signatures, publishes ``run.json``, and deletes what that does not name. A run that is
    complete already stays as it is.

    Returns:
        What ``run.json`` holds.

    Raises:
        HuntError: A commit record is damaged.
        SourceError: A file of hits that a commit record names cannot be read.
        OutputError: There is no space to write.
        CommitUnknown: The storage failed, and it cannot be told whether the run is complete.
    """
    document = read_record(run_uri) or _finished(run_uri, record)
    # The run is complete by now; what cannot be deleted stays, and nobody reads it.
    with contextlib.suppress(SourceError):
        _tidy(run_uri, document)
    return document


def _finished(run_uri: str, record: RunRecord) -> dict[str, Any]:
    """What ``run.json`` holds when this returns, whoever wrote it."""
    try:
        document = _fold(run_uri, record)
        storage.create(layout.record_uri(run_uri), encode(document))
    except (CommitConflict, CommitUnknown, OSError, OutputError, SourceError) as error:
        # Whoever is first to finish it deletes what others may be reading or writing still.
        standing = read_record(run_uri)
        if standing is not None:
            return standing
        if isinstance(error, OSError):
            raise OutputError(run_uri, (error.strerror or str(error)).lower()) from error
        raise
    return document


def _fold(run_uri: str, record: RunRecord) -> dict[str, Any]:
    """Writes all tables, and gives what ``run.json`` is to hold."""
    sums, name = Sums(), f"part-0-{_label_of_tables(record)}.parquet"
    reports = reports_of(run_uri, record.splits)
    _write(layout.coverage_uri(run_uri, name), COVERAGE, coverage_of(reports, sums))
    schema, counts = hits_schema(record.carry), HitCounts()
    with Shelf() as shelf:
        hits = sorted_hits(run_uri, sums, schema, shelf, record.limits)
        label = _label(sums, schema, record.limits)
        files = write_hits(run_uri, label, schema, counted(in_row_groups(hits), counts))
    found = counts.by_signature(sums)
    ran = _ran(run_uri, record, sums)
    signatures = [_signatures(record, found, ran)]
    _write(layout.signatures_part_uri(run_uri, name), SIGNATURES, signatures)
    totals = {**sums.totals(hits.records, counts.actors), **_pruned_totals(record.pruned)}
    named = {"hits_files": list(files), "coverage_file": name, "signatures_file": name}
    return _document(record, sums, found, totals) | named


def coverage_of(reports: Iterator[SplitReport], sums: Sums) -> Iterator[pa.Table]:
    """Coverage of some thousand splits at a time, which are summed as they are taken."""
    while some := list(itertools.islice(reports, _REPORTS_AT_ONCE)):
        sums.add(some)
        yield coverage_table(some)


def sorted_hits(run_uri: str, sums: Sums, schema: pa.Schema, shelf: Shelf, limits: Limits) -> SortedHits:
    """The hits of all splits that count.

    Args:
        run_uri: Folder of the run.
        sums: Of the splits.
        schema: Of the hits: all of their columns or some, those of `COUNTED` among them.
        shelf: Where hits are put meanwhile.
        limits: How many are given.

    Raises:
        OutputError: The local disk is full.
        SourceError: They cannot be read.
    """
    pieces = read_pieces(run_uri, in_order(sums.hits_files), schema, limits.stored_hits_per_split)
    return SortedHits(pieces, shelf, sums.hits, limits.stored_hits_per_signature)


def counted(hits: Iterable[pa.Table], counts: HitCounts) -> Iterator[pa.Table]:
    """The same hits, counted as they are taken."""
    for table in hits:
        counts.add(table)
        yield table


def _label(sums: Sums, schema: pa.Schema, limits: Limits) -> str:
    """The same for the same hits: whoever finishes a run again, or meanwhile, writes the same files."""
    digest = hashlib.sha256(f"{schema}\n{limits}\n".encode())
    for batch in sums.hits_files.to_batches():
        digest.update("\n".join(map(str, batch["name"].to_pylist())).encode())
    return digest.hexdigest()[:_LABEL_DIGITS]


def _label_of_tables(record: RunRecord) -> str:
    """Differs where coverage or signatures may: another who finishes the run may have planned other splits."""
    hunted = [record.limits, record.carry, record.only_new is None]
    told = [
        (each.digest, each.id, each.name, each.severity, each.status, each.category, each.tags, each.expires)
        for each in (*record.ruleset.signatures, *record.expired)
    ]
    digest = hashlib.sha256("\n".join(map(str, [*hunted, *told, *sorted(record.splits or ())])).encode())
    return digest.hexdigest()[:_LABEL_DIGITS]


def signatures_of_unfinished(found: Mapping[str, SignatureTally]) -> pa.Table:
    """One row for each signature that has found something so far; of the signature only the id is known."""
    rows = [{"signature_id": name, "ran": True, **_counts(each)} for name, each in sorted(found.items())]
    return pa.Table.from_pylist(rows, SIGNATURES)


def _ran(run_uri: str, record: RunRecord, sums: Sums) -> Collection[str]:
    """Logic digests of the signatures that ran on anything that was read."""
    if record.only_new is None:
        return {each.digest for each in record.ruleset.signatures} if sums.signature_sets else set()
    return {digest for set_id in sums.signature_sets for digest in signature_set(run_uri, set_id)}


def _signatures(record: RunRecord, found: Mapping[str, SignatureTally], digests: Collection[str]) -> pa.Table:
    none = SignatureTally()
    hunted = [(each, each.digest in digests, found.get(each.id, none)) for each in record.ruleset.signatures]
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
        for signature, has_run, each in [*hunted, *expired]
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
    """Deletes what nobody reads in a finished run: hits of single splits, and what killed attempts have left.

    Raises:
        HuntError: The run's record is damaged.
        SourceError: The run's folder cannot be read.
    """
    record = read_record(run_uri)
    if record is not None:
        _tidy(run_uri, record)


def _tidy(run_uri: str, record: Mapping[str, Any]) -> None:
    """Leaves the files that the record names, so that a plain glob reads the truth."""
    _show_signatures(run_uri, record)
    named_in = {
        layout.hits_folder_uri(run_uri): record["hits_files"],
        layout.split_hits_folder_uri(run_uri): (),
        layout.coverage_folder_uri(run_uri): (record.get("coverage_file", layout.UNLABELLED),),
        layout.signatures_folder_uri(run_uri): (record.get("signatures_file"),),
    }
    unread = [
        f"{folder}/{name}"
        for folder, named in named_in.items()
        for name in storage.list_names(folder)
        if name not in named
    ]
    with ThreadPoolExecutor(_DELETE_AT_ONCE, thread_name_prefix="collect") as pool:
        for start in range(0, len(unread), _REPORTS_AT_ONCE):
            list(pool.map(_delete, unread[start : start + _REPORTS_AT_ONCE]))
    # Every split has its record by now, so that whoever still writes here is too late anyway.
    for each in (run_uri, *named_in, layout.commits_uri(run_uri)):
        storage.delete_drafts(each)


def _show_signatures(run_uri: str, record: Mapping[str, Any]) -> None:
    """Puts a copy of the signatures that count where a glob over all runs finds them."""
    uri, counting = layout.signatures_uri(run_uri), signatures_uri(run_uri, record)
    # The run is complete without it; whoever collects the run tries again.
    with contextlib.suppress(OSError, OutputError):
        if uri != counting and not storage.exists(uri):
            data = storage.read_bytes(counting)
            with storage.open_output(uri) as sink:
                sink.write(data)


def _delete(uri: str) -> None:
    # It may stay where nothing may be deleted.
    with contextlib.suppress(SourceError):
        storage.delete(uri)


def _write(uri: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    with storage.open_output(uri) as sink, pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)


def _document(
    record: RunRecord, sums: Sums, found: Mapping[str, SignatureTally], totals: Mapping[str, int | None]
) -> dict[str, Any]:
    return {
        "hindcast": _program_version(),
        "hunt": record.hunt,
        "run_id": record.run_id,
        "status": WITH_GAPS if sums.gaps else COMPLETE,
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
        "totals": dict(totals),
        "pruned": list(record.pruned),
        **({"only_new": dict(record.only_new)} if record.only_new is not None else {}),
        "seconds": sums.seconds,
        "gaps": sums.first_gaps,
        "truncated": [name for name, each in found.items() if each.stored < each.hits],
    }


def _pruned_totals(pruned: Sequence[dict[str, Any]]) -> dict[str, int | None]:
    """What was removed before anything was read; None where it was removed uncounted."""
    counts = {name: [each[name] for each in pruned] for name in ("files", "row_groups", "rows")}
    return {f"{name}_pruned": None if None in each else sum(each) for name, each in counts.items()}


def _program_version() -> str:
    try:
        return importlib.metadata.version("hindcast")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
