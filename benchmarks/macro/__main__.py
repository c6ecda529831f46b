"""``python -m benchmarks.macro``: hindcast and two other ways, one core each, the same file, the same hits.

Prints no speed unless all gave the same hits.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.datagen import VERSION
from benchmarks.datagen.archive import write_archive
from benchmarks.macro.contestants import Contestant, contestants
from benchmarks.macro.workload import COLUMN, Workload, make_workload

RESULTS = Path(__file__).parents[1] / "results"
SEED = 7
_PACKAGES = ("hyperscan", "pcre2", "pyarrow", "numpy", "duckdb")


def main() -> int:
    """Generates the file, checks the answers, measures, prints and records; 1 where the answers differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.macro", description=__doc__)
    parser.add_argument("--records", type=int, default=250_000, help="posts in the file (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder for the record (benchmarks/results)"
    )
    asked = parser.parse_args()
    started_at = datetime.now(UTC)
    _use_one_core()
    with tempfile.TemporaryDirectory() as folder:
        write_archive(Path(folder), asked.records, files=1, seed=SEED)
        workload = make_workload(next((Path(folder) / "archive").iterdir()))
        everybody = contestants(workload)
        hits = agreed_hits(everybody)
        if hits is None:
            return 1
        times = _measure(everybody)
        record = _record(workload, hits, times, started_at)
    _print(record)
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / f"macro-{started_at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"recorded in {path}")
    return 0


def _use_one_core() -> None:
    """Where the system can pin a process, no helper thread can hide work on another core."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def agreed_hits(everybody: Sequence[Contestant]) -> int | None:
    """How many hits all of them find; None, and said why, where they differ. It also warms everybody up."""
    first, *others = ((one.name, one.answer(one.run())) for one in everybody)
    differ = [(name, answer) for name, answer in others if answer != first[1]]
    for name, answer in differ:
        print(
            f"{name} differs from {first[0]}: {len(answer - first[1])} hits more, {len(first[1] - answer)} fewer"
        )
    if differ:
        print("no speed is printed, because these are not the same answers")
        return None
    return len(first[1])


def _measure(everybody: Sequence[Contestant]) -> dict[str, list[float]]:
    """Seconds of each round; the rounds of all are interleaved, so that a slow minute hits everybody."""
    times: dict[str, list[float]] = {one.name: [] for one in everybody}
    for nth in range(max(one.rounds for one in everybody)):
        for one in everybody:
            if nth < one.rounds:
                started = time.perf_counter()
                one.run()
                times[one.name].append(time.perf_counter() - started)
    return times


def _record(
    workload: Workload, hits: int, times: dict[str, list[float]], started_at: datetime
) -> dict[str, Any]:
    texts = pq.read_table(workload.path, columns=[COLUMN])[COLUMN]
    text_bytes = pc.sum(pc.binary_length(texts)).as_py()
    first = statistics.median(next(iter(times.values())))
    return {
        "benchmark": "macro",
        "command": f"python -m benchmarks.macro --records {len(texts)}",
        "started_at": started_at.isoformat(timespec="seconds"),
        "machine": _machine(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "workload": {
            "datagen": {"version": VERSION, "seed": SEED},
            "texts": len(texts),
            "text_bytes": text_bytes,
            "file_bytes": workload.path.stat().st_size,
            "signatures": [signature.id for signature in workload.ruleset.signatures],
            "signatures_left_out": workload.left_out,
            "hits": hits,
        },
        "results": [
            {
                "name": name,
                "seconds": [round(second, 4) for second in seconds],
                "ns_per_text": round(statistics.median(seconds) / len(texts) * 1e9),
                "mb_per_s": round(text_bytes / statistics.median(seconds) / 1e6, 1),
                "times_hindcast": round(statistics.median(seconds) / first, 2),
            }
            for name, seconds in times.items()
        ],
    }


def _machine() -> dict[str, object]:
    """What the numbers depend on; a load above 1 says that something else ran as well."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    kind = {"cpu": _cpu(), "cores": os.cpu_count(), "system": platform.system(), "arch": platform.machine()}
    return {**kind, "load_1min": load}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _print(record: dict[str, Any]) -> None:
    work = record["workload"]
    print(
        f"{work['texts']:,} texts ({work['text_bytes'] / 1e6:.1f} MB), {len(work['signatures'])} signatures, "
        f"{work['hits']:,} hits by each, one core: {record['machine']['cpu']}"
    )
    print(f"{'':28}{'ns a text':>12}{'MB/s':>10}{'time, hindcast = 1':>22}{'rounds':>9}")
    for row in record["results"]:
        print(
            f"{row['name']:28}{row['ns_per_text']:>12,}{row['mb_per_s']:>10,}"
            f"{row['times_hindcast']:>22}{len(row['seconds']):>9}"
        )


if __name__ == "__main__":
    sys.exit(main())
