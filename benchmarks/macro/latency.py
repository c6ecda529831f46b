"""``python -m benchmarks.macro.latency``: one hunt on the local disk and on an S3 that answers 30 ms late.

It times the whole hunt, planned anew and run in one process. Prints no speed unless all found the same.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

import scanner
from benchmarks.datagen.archive import write_archive
from benchmarks.macro.record import RESULTS, surroundings, write_record
from benchmarks.macro.slow_store import BUCKET, ENVIRONMENT, SlowStore, slow_store
from benchmarks.macro.workers import TEXT_COLUMNS
from benchmarks.macro.workloads import PACK, SEED
from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from scanner.archive import storage

MOST_TIMES: Final = 1.3
_SAME: Final = ["row_index", "column", "signature_id", "start", "end", "match_count"]
_HUNT: Final = """
hunt: latency
archive:
  uri: {archive}
  text_columns: {columns}
signatures: {pack}
output: {output}
"""


@dataclass(slots=True)
class Place:
    """Where a hunt reads and writes, and what it took.

    Attributes:
        name: As it is printed.
        archive: What is hunted.
        output: Where results go.
        seconds: Of each round.
        requests: Of the last round.
    """

    name: str
    archive: str
    output: str
    seconds: list[float] = field(default_factory=list)
    requests: int = 0

    def times(self, other: "Place") -> float:
        """How much longer it takes than another: the median of the rounds, so that a slow minute hits both."""
        pairs = zip(self.seconds, other.seconds, strict=True)
        return statistics.median(mine / its for mine, its in pairs)


def main() -> int:
    """Writes an archive, hunts it in turns, prints and records; 1 where hits differ or S3 takes too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.macro.latency", description=__doc__)
    parser.add_argument("--records", type=int, default=2_000_000, help="posts (%(default)s)")
    parser.add_argument("--files", type=int, default=8, help="files, each a split (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="hunts of each (%(default)s)")
    parser.add_argument("--latency-ms", type=float, default=30, help="of each request (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder for the record (benchmarks/results)"
    )
    asked = parser.parse_args()
    started_at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name, slow_store() as store:
        folder = Path(name)
        os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=store.endpoint, XDG_CACHE_HOME=f"{name}/cache")
        storage.configure(None)
        write_archive(folder, asked.records, asked.files, SEED)
        _copy(folder / "archive")
        store.latency_s.value = asked.latency_ms / 1000
        places = [
            Place("local disk", f"{folder}/archive", f"{folder}/results"),
            Place("S3", f"s3://{BUCKET}/archive", f"{folder}/results-of-s3"),
            Place("S3, results there too", f"s3://{BUCKET}/archive", f"s3://{BUCKET}/results"),
        ]
        found = [_measure(place, store, folder) for _ in range(asked.rounds + 1) for place in places]
        if any(each != found[0] for each in found):
            print("no speed is printed, because the hits differ")
            return 1
    record = _record(places, found[0].num_rows, asked, started_at)
    _print(record)
    print(f"recorded in {write_record(record, started_at, asked.out)}")
    return 0 if record["results"][1]["times_local"] <= MOST_TIMES else 1


def _copy(archive: Path) -> None:
    for file in sorted(archive.glob("*.parquet")):
        with storage.open_output(f"s3://{BUCKET}/archive/{file.name}") as sink:
            sink.write(file.read_bytes())


def _measure(place: Place, store: SlowStore, folder: Path) -> pa.Table:
    """One hunt; the first one of a place warms up."""
    hunt = folder / "hunt.yaml"
    text = _HUNT.format(
        archive=place.archive, columns=json.dumps(TEXT_COLUMNS), pack=PACK, output=place.output
    )
    hunt.write_text(text, encoding="utf-8")
    for footers in (folder / "cache").rglob("footers*"):
        footers.unlink()  # every hunt reads those of its files
    before, started = store.requests.value, time.perf_counter()
    prepared = prepare(hunt, datetime.now(UTC).date(), "inline")
    run = Run(prepared, new_run(prepared, datetime.now(UTC)))
    run.execute()
    elapsed_s = time.perf_counter() - started
    place.seconds.append(elapsed_s)
    place.requests = store.requests.value - before
    print(f"{place.name}: {elapsed_s:.2f} s, {place.requests} requests", flush=True)
    if run.progress.failed:
        message = f"{run.progress.failed} splits failed"
        raise RuntimeError(message)
    return _hits(place.output)


def _hits(output: str) -> pa.Table:
    hits = scanner.open_results(output, hunt="latency").hits.to_table(columns=["source_uri", *_SAME])
    names = pa.array([str(uri).rpartition("/")[2] for uri in hits["source_uri"].to_pylist()])
    hits = hits.set_column(0, "file", names)
    return hits.sort_by([(name, "ascending") for name in hits.column_names])


def _record(
    places: Sequence[Place], hits: int, asked: argparse.Namespace, started_at: datetime
) -> dict[str, Any]:
    for place in places:
        del place.seconds[0]
    options = f"--records {asked.records} --files {asked.files} --rounds {asked.rounds}"
    return {
        "benchmark": "latency",
        "command": f"python -m benchmarks.macro.latency {options} --latency-ms {asked.latency_ms:g}",
        **surroundings(started_at),
        "workload": {"rows": asked.records, "files": asked.files, "hits": hits},
        "results": [
            {
                "name": place.name,
                "seconds": [round(each, 3) for each in place.seconds],
                "median_s": round(statistics.median(place.seconds), 3),
                "times_local": round(place.times(places[0]), 2),
                "requests": place.requests,
            }
            for place in places
        ],
    }


def _print(record: dict[str, Any]) -> None:
    work = record["workload"]
    print(f"{work['rows']:,} posts in {work['files']} files, {work['hits']:,} hits everywhere")
    for row in record["results"]:
        print(
            f"{row['name']:24}{row['median_s']:>8.2f} s{row['times_local']:>8.2f} times local"
            f"{row['requests']:>8} requests"
        )


if __name__ == "__main__":
    sys.exit(main())
