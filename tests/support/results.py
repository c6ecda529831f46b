"""Writes runs as splits and the driver would, without hunting anything."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.results import layout
from scanner.results.commit import publish, reports_of
from scanner.results.finish import RunRecord, finish
from scanner.results.report import SplitReport
from scanner.results.schemas import hit_id, hits_schema
from scanner.signatures.model import Ruleset, Signature
from tests.support.signatures import literal, ruleset, signature

HUNT = "nightly"
RUN_ID = "20261122T030000Z-a1b2c3"
STARTED = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
NO_CARRY = pa.schema([])
RULESET = ruleset(*(signature(name, literal(name)) for name in ("fraud.a", "fraud.b", "idle.c")))


def hit(signature_id: str, row_index: int, actor_id: str | None = None, **more: Any) -> dict[str, Any]:
    """One row of hits."""
    uri, etag = "/archive/a.parquet", "1-2"
    return {
        "hunt": HUNT,
        "run_id": RUN_ID,
        "hit_id": hit_id(signature_id, "digest", uri, etag, row_index, "text"),
        "signature_id": signature_id,
        "signature_digest": "digest",
        "severity": "high",
        "tags": ["t"],
        "source_uri": uri,
        "source_etag": etag,
        "row_group": 0,
        "row_index": row_index,
        "actor_id": actor_id,
        "column": "text",
        "view": "raw",
        "start": 0,
        "end": 4,
        "match_count": 1,
        "spans": [{"start": 0, "end": 4}],
        "evidence": "⟦****⟧",
        "scanned_at": STARTED,
        **more,
    }


def at(day: int) -> datetime:
    """A time in January 2026."""
    return datetime(2026, 1, day, tzinfo=UTC)


def report(split: int, **changes: Any) -> SplitReport:
    """The report of a split that was read and found nothing."""
    values: dict[str, Any] = {
        "split_id": f"{split:032x}",
        "source_uri": "/archive/a.parquet",
        "source_etag": "1-2",
        "source_size_bytes": 1000,
        "row_groups": (split,),
        "columns": ("text",),
        "ruleset_digest": RULESET.digest,
        "signature_set": "0" * 32,
        "status": "scanned",
        "rows": 100,
        "cells": 90,
        "text_bytes": 5000,
        "worker": "host:1",
        **changes,
    }
    return SplitReport(**values)


def commit_split(
    run_uri: str, split: int, hits: Sequence[dict[str, Any]] = (), **changes: Any
) -> SplitReport:
    """Writes the hits of a split and publishes its report."""
    carry = changes.pop("carry", NO_CARRY)
    name = f"{split:032x}.parquet" if hits else None
    if name is not None:
        write_hits(run_uri, name, hits, carry)
    counted = Counter(each["signature_id"] for each in hits)
    made = report(
        split, hits=len(hits), hits_file=name, signature_hits=tuple(sorted(counted.items())), **changes
    )
    publish(run_uri, made)
    return made


def write_hits(run_uri: str, name: str, hits: Sequence[dict[str, Any]], carry: pa.Schema = NO_CARRY) -> None:
    """Writes one file of a split's hits, committed or not."""
    with storage.open_output(layout.split_hits_uri(run_uri, name)) as sink:
        pq.write_table(pa.Table.from_pylist(list(hits), hits_schema(carry)), sink)


def record(
    hunt: str = HUNT,
    run_id: str = RUN_ID,
    expired: tuple[Signature, ...] = (),
    rules: Ruleset = RULESET,
    **more: Any,
) -> RunRecord:
    """What the driver knows when the last split is committed."""
    return RunRecord(
        hunt=hunt,
        run_id=run_id,
        spec={"hunt": hunt},
        ruleset=rules,
        expired=expired,
        versions={"engine": "1"},
        engine={"qualification": {"passed": True}},
        started_at=STARTED,
        finished_at=STARTED + timedelta(seconds=41),
        **more,
    )


def sample_run(output: object, hunt: str = HUNT, run_id: str = RUN_ID, *, failed: bool = False) -> str:
    """A finished run of two or three splits with four hits in three records by two actors."""
    run_uri = layout.run_uri(str(output), hunt, run_id)
    first = [
        hit("fraud.a", 1, "ann", event_time=at(2)),
        hit("fraud.b", 1, "ann", event_time=at(2)),
        hit("fraud.a", 7, "bob", event_time=at(5)),
    ]
    commit_split(run_uri, 0, first)
    commit_split(run_uri, 1, [hit("fraud.a", 101, "ann", event_time=at(1))])
    if failed:
        commit_split(run_uri, 2, status="failed", rows=0, cells=0, text_bytes=0, error="the page is damaged")
    finish(run_uri, record(hunt, run_id))
    return run_uri


def committed(run_uri: str, wanted: Collection[str] | None = None) -> list[SplitReport]:
    """Every report of a run that counts, at once."""
    return list(reports_of(run_uri, wanted))
