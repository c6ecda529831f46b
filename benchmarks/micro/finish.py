"""``python -m benchmarks.micro.finish``: what it takes to end a run of many splits, and one of many hits.

Commit records and files of hits are invented and lie on the local disk. Each run is finished in a process of its own,
whose peak memory is compared with what it held before. Answers are checked first.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.micro.planning import peak_bytes
from scanner.results import layout
from scanner.results.finish import RunRecord, finish
from scanner.results.record import coverage_uri, read_record
from scanner.results.report import SplitReport
from scanner.results.schemas import hits_schema
from scanner.results.sorted_hits import SORTED_BY
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.model import Ruleset

SIGNATURES: Final = 500
SEED: Final = 7
NO_CARRY: Final = pa.schema([])
NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """A run to be finished.

    Attributes:
        splits: How many it has.
        hits_each: Hits of each split.
        with_hits: How many splits have hits.
    """

    splits: int
    hits_each: int
    with_hits: int

    @property
    def hits(self) -> int:
        """Of all splits."""
        return self.hits_each * self.with_hits


def main() -> int:
    """Measures and prints; 1 where an answer is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro.finish", description=__doc__)
    parser.add_argument("--splits", type=int, default=200_000, help="splits of the first run (%(default)s)")
    parser.add_argument("--files", type=int, default=2_000, help="splits of the second (%(default)s)")
    parser.add_argument("--hits", type=int, default=2_500, help="hits of each of these (%(default)s)")
    asked = parser.parse_args()
    cases = (Case(asked.splits, 1, asked.splits // 100), Case(asked.files, asked.hits, asked.files))
    print(f"{'splits':>10}{'hits':>12}{'seconds':>10}{'CPU s':>8}{'more MB':>10}{'files':>8}{'MB each':>10}")
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            _write(folder, case)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                seconds, cpu_seconds, grown = pool.apply(_finished, (folder,))
            files = list(Path(folder, "hits").iterdir())
            if not _right(folder, case):
                print("the answer is wrong")
                return 1
            megabytes = sum(file.stat().st_size for file in files) / len(files) / 1e6
            counts = f"{case.splits:>10,}{case.hits:>12,}"
            print(
                f"{counts}{seconds:>10.1f}{cpu_seconds:>8.1f}{grown / 1e6:>10,.0f}{len(files):>8}{megabytes:>10.1f}"
            )
    return 0


def _finished(folder: str) -> tuple[float, float, int]:
    record = RunRecord(
        hunt="invented",
        run_id="r1",
        spec={},
        ruleset=Ruleset((), ruleset_digest(())),
        expired=(),
        versions={},
        engine={},
        started_at=NOW,
        finished_at=NOW,
    )
    before, began, worked = peak_bytes(), time.perf_counter(), time.process_time()
    finish(folder, record)
    return time.perf_counter() - began, time.process_time() - worked, peak_bytes() - before


def _write(folder: str, case: Case) -> None:
    chance = random.Random(SEED)
    for below in ("commits", "split_hits"):
        Path(folder, below).mkdir()
    for number in range(case.splits):
        hits = case.hits_each if number % (case.splits // case.with_hits) == 0 else 0
        name = f"{number:032x}.0a1b2c3d.parquet" if hits else None
        counts: dict[str, int] = {}
        if name is not None:
            table = _hits(number, hits, chance)
            pq.write_table(table, layout.split_hits_uri(folder, name), compression="zstd")
            counts = dict(Counter(map(str, table["signature_id"].to_pylist())))
        report = _report(number, name, counts)
        Path(layout.commit_uri(folder, report.split_id)).write_bytes(report.to_json())


def _report(number: int, name: str | None, counts: dict[str, int]) -> SplitReport:
    return SplitReport(
        split_id=f"{number:032x}",
        source_uri=_source(number),
        source_etag=f"{number:032x}",
        source_size_bytes=40_000 + number,
        row_groups=(0, 1, 2),
        columns=("text", "caption"),
        ruleset_digest="0" * 64,
        signature_set="0" * 32,
        status="scanned",
        rows=number,
        cells=2 * number,
        text_bytes=100 * number,
        hits=sum(counts.values()),
        worker="worker-of-a-cluster:4711",
        hits_file=name,
        signature_hits=tuple(sorted(counts.items())),
        signature_costs=tuple((each, 3, 2, 0.000123) for each in sorted(counts)[:20]),
        stages=tuple((stage, 0.0123) for stage in ("read", "join", "pass_one", "confirm", "build", "write")),
    )


def _source(number: int) -> str:
    return f"s3://content-dumps/comments/day={number % 365:03}/part-{number:07}-5f0c6d2e-c000.zstd.parquet"


def _hits(number: int, hits: int, chance: random.Random) -> pa.Table:
    """Two hits a record; the lower a signature's number, the more often it hits."""
    rows: list[dict[str, Any]] = []
    for place in range(hits):
        signature = int(SIGNATURES * chance.random() ** 3)
        rows.append(
            {
                "hunt": "invented",
                "run_id": "r1",
                "hit_id": chance.randbytes(16).hex(),
                "signature_id": f"invented.signature-{signature:04}",
                "signature_digest": f"{signature:064x}",
                "severity": "high",
                "category": "fraud",
                "tags": ["crypto", "giveaway"],
                "source_uri": _source(number),
                "source_etag": f"{number:032x}",
                "row_group": 0,
                "row_index": place // 2 * 7,
                "record_id": f"c{number}-{place // 2}",
                "actor_id": f"a{chance.randrange(1_000_000)}",
                "event_time": NOW,
                "column": ("text", "caption")[place % 2],
                "view": "raw",
                "start": place % 50,
                "end": place % 50 + 9,
                "match_count": 1,
                "spans": [{"start": place % 50, "end": place % 50 + 9}],
                "evidence": f"{'*' * (place % 40)} ⟦*********⟧ {'*' * (place % 13)} {'*' * (place % 31)}",
                "match_hash": chance.randbytes(16).hex(),
                "scanned_at": NOW,
            }
        )
    return pa.Table.from_pylist(rows, hits_schema(NO_CARRY))


def _right(folder: str, case: Case) -> bool:
    """All splits and hits are there, counted, once and in order."""
    coverage = pq.read_table(coverage_uri(folder), columns=["split_id", "rows"])
    hits = ds.dataset(layout.hits_folder_uri(folder)).to_table(columns=[*SORTED_BY, "hit_id", "actor_id"])
    record = read_record(folder) or {"totals": {}}
    ordered = hits.take(pc.sort_indices(hits, [(name, "ascending") for name in SORTED_BY]))
    totals = {
        "splits": case.splits,
        "rows": sum(range(case.splits)),
        "hits": case.hits,
        "records": case.with_hits * -(-case.hits_each // 2),
        "actors": len(pc.unique(hits["actor_id"])),
    }
    return (
        {name: record["totals"].get(name) for name in totals} == totals
        and coverage.num_rows == case.splits
        and coverage["rows"].to_numpy().sum() == totals["rows"]
        and len(pc.unique(hits["hit_id"])) == len(hits) == case.hits
        and hits["hit_id"].equals(ordered["hit_id"])
    )


if __name__ == "__main__":
    sys.exit(main())
