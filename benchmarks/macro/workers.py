"""``python -m benchmarks.macro.workers``: one hunt on Ray with one worker and with two, on a machine with two cores.

It times the whole run of a hunt that is prepared, from its first split to its published results, on a Ray that has run
it before. Prints no speed unless both found the same.
"""

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import ray

from benchmarks.datagen.archive import write_archive
from benchmarks.macro.record import RESULTS, surroundings, write_record
from benchmarks.macro.workloads import PACK, SEED
from jobs.executors.ray_tasks import OBJECT_STORE_BYTES
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run

WORKERS: Final = (1, 2)
TEXT_COLUMNS: Final = ("text", "caption", "author.bio", "replies[].text")
_HUNT: Final = """
hunt: bench
archive:
  uri: {folder}/archive
  text_columns: {columns}
signatures: {pack}
output: {folder}/results
"""


def main() -> int:
    """Writes an archive, hunts it in turns, prints and records; 1 where the hits differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.macro.workers", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000, help="posts (%(default)s)")
    parser.add_argument("--files", type=int, default=32, help="files, each a split (%(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="times that Ray is started with each (%(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder for the record (benchmarks/results)"
    )
    asked = parser.parse_args()
    started_at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_archive(folder, asked.records, asked.files, SEED)
        prepared = prepare(write_hunt(folder, TEXT_COLUMNS), started_at.date(), "ray")
        seconds, hits = _measure(prepared, asked.rounds)
    if len(hits) != 1:
        print(f"no speed is printed, because the hits differ: {sorted(hits)}")
        return 1
    record = _record(prepared, seconds, hits.pop(), started_at)
    record["command"] += f" --records {asked.records} --files {asked.files} --rounds {asked.rounds}"
    _print(record)
    print(f"recorded in {write_record(record, started_at, asked.out)}")
    return 0


def write_hunt(folder: Path, columns: Sequence[str]) -> Path:
    """Writes a hunt of the example pack in the folder's ``archive``."""
    hunt = folder / "hunt.yaml"
    hunt.write_text(_HUNT.format(folder=folder, pack=PACK, columns=json.dumps(columns)), encoding="utf-8")
    return hunt


def _measure(prepared: Prepared, rounds: int) -> tuple[dict[int, list[float]], set[int]]:
    """Seconds of every run by number of workers, and every number of hits that was found."""
    seconds: dict[int, list[float]] = {count: [] for count in WORKERS}
    hits: set[int] = set()
    for _ in range(rounds):
        for count in WORKERS:
            with local_ray(count):
                hits.add(run_hunt(prepared)[1])
                for _ in range(2):
                    elapsed_s, found = run_hunt(prepared)
                    seconds[count].append(elapsed_s)
                    hits.add(found)
                    print(f"{count} workers: {elapsed_s:.2f} s", flush=True)
    return seconds, hits


@contextmanager
def local_ray(workers: int) -> Iterator[None]:
    """Ray on this machine, with that many workers."""
    ray.init(
        address="local",
        num_cpus=workers,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=OBJECT_STORE_BYTES,
    )
    try:
        yield
    finally:
        ray.shutdown()


def run_hunt(prepared: Prepared) -> tuple[float, int]:
    """Runs a hunt on the Ray that is there, and tells seconds and hits.

    Raises:
        RuntimeError: A split failed.
    """
    run = Run(prepared, new_run(prepared, datetime.now(UTC)))
    started = time.perf_counter()
    run.execute()
    elapsed_s = time.perf_counter() - started
    if run.progress.failed:
        message = f"{run.progress.failed} splits failed"
        raise RuntimeError(message)
    return elapsed_s, run.progress.hits


def _record(
    prepared: Prepared, seconds: dict[int, list[float]], hits: int, started_at: datetime
) -> dict[str, Any]:
    medians = {count: statistics.median(each) for count, each in seconds.items()}
    one, two = (medians[count] for count in WORKERS)
    return {
        "benchmark": "workers",
        "command": "python -m benchmarks.macro.workers",
        **surroundings(started_at),
        "workload": {
            "rows": prepared.plan.rows,
            "splits": len(prepared.plan.splits),
            "text_columns": list(prepared.plan.columns),
            "signatures": len(prepared.signatures.ruleset.signatures),
            "hits": hits,
        },
        "seconds": {str(count): [round(each, 3) for each in some] for count, some in seconds.items()},
        "times": round(one / two, 2),
    }


def _print(record: dict[str, Any]) -> None:
    work = record["workload"]
    print(
        f"{work['rows']:,} posts in {work['splits']} splits, {work['signatures']} signatures, {work['hits']:,} hits"
    )
    for count, seconds in record["seconds"].items():
        median_s = statistics.median(seconds)
        print(f"{count} workers: {median_s:.2f} s, {work['rows'] / median_s:,.0f} posts a second")
    print(f"two workers do {record['times']} times what one does")


if __name__ == "__main__":
    sys.exit(main())
