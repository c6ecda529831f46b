"""``python -m benchmarks.micro.driver``: the driver's own loop, with tasks that do nothing.

A run over an invented archive of many splits, each of which ends at once: in this process, where nothing but the loop
costs, and as tasks of Ray, whose workers answer without looking. Each measurement has a process of its own, for its
peak of memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import chdir, closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.macro.record import RESULTS, surroundings, write_record
from benchmarks.micro.nothing import Nothing
from benchmarks.micro.planning import OneFooter
from jobs.executors import Executor
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import new_run
from jobs.running.driver import TASK_BYTES
from jobs.running.hunt import Run
from scanner.archive.parquet.footers import read_footer
from scanner.archive.plan import plan_files
from scanner.archive.planning.survey import Wanted
from scanner.archive.storage import FileInfo, stat
from scanner.scan.split import ScanSettings

SPLITS: Final = 200_000
SMALL_BYTES: Final = 40_000
HUNT: Final = "hunt: invented\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n"

CASES: Final = {
    "small splits, in this process": ("inline", SMALL_BYTES, SPLITS),
    "a task each, in this process": ("inline", TASK_BYTES, SPLITS),
    "small splits, on Ray": ("ray", SMALL_BYTES, SPLITS),
    "a task each, on Ray": ("ray", TASK_BYTES, SPLITS // 20),
    "the same, 2,000 under way": ("ray of thousands", TASK_BYTES, SPLITS // 20),
}


class Driven(Run):
    """A run of which nothing but its loop runs."""

    def drive(self, executor: Executor) -> None:
        """Drives all of its splits to their ends."""
        self._drive(executor, range(len(self._prepared.plan.splits)), [], lambda _: None)

    def shared(self) -> ScanSettings:
        """What all of its splits share."""
        return self._settings()


def main() -> int:
    """Measures, prints and records; 1 where a split did not end once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro.driver", description=__doc__)
    parser.add_argument("--ray", action="store_true", help="on Ray, too")
    parser.add_argument("--case", choices=CASES, help="one measurement, in this process")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the record")
    asked = parser.parse_args()
    if asked.case:
        print(json.dumps(measure(*CASES[asked.case])))
        return 0
    started_at = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    print(
        f"{'':<32}{'splits':>9}{'tasks':>9}{'s':>7}{'CPU s':>7}{'splits/s':>10}{'tasks/s':>9}{'grown MB':>10}"
    )
    for name, (where, *_) in CASES.items():
        if where == "inline" or asked.ray:
            command = [sys.executable, "-m", "benchmarks.micro.driver", "--case", name]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603 - this module
            row = {"case": name, **json.loads(answer.splitlines()[-1])}
            rows.append(row)
            print(
                f"{name:<32}{row['splits']:>9,}{row['tasks']:>9,}{row['seconds']:>7.1f}{row['cpu_s']:>7.1f}"
                f"{row['splits_per_s']:>10,}{row['tasks_per_s']:>9,}{row['grown_bytes'] / 1e6:>10.0f}"
            )
    record = {
        "benchmark": "driver",
        "command": f"python -m benchmarks.micro.driver{' --ray' if asked.ray else ''}",
        **surroundings(started_at),
        "results": rows,
    }
    print(f"recorded in {write_record(record, started_at, asked.out)}")
    return 0 if all(row["right"] for row in rows) else 1


def measure(where: str, split_bytes: int, splits: int) -> dict[str, Any]:
    """One run of so many splits, each with so much compressed text."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        prepared = _invented(splits, split_bytes)
        run = Driven(prepared, new_run(prepared, datetime.now(UTC)))
        with closing(_executor(where, prepared, run)) as executor:
            before, begun, spent = _peak_bytes(), time.monotonic(), time.process_time()
            run.drive(executor)
            seconds, cpu_s = time.monotonic() - begun, time.process_time() - spent
        tasks: int = executor.tasks
    return {
        "splits": splits,
        "tasks": tasks,
        "seconds": round(seconds, 3),
        "cpu_s": round(cpu_s, 3),
        "cpu_us_per_split": round(cpu_s / splits * 1e6, 1),
        "splits_per_s": round(splits / seconds),
        "tasks_per_s": round(tasks / seconds),
        "grown_bytes": _peak_bytes() - before,
        "right": run.progress.splits == splits and run.progress.hits == splits,
    }


def _executor(where: str, prepared: Prepared, run: Driven) -> Any:
    if where == "inline":
        return Nothing()
    # Importing it starts nothing, but takes a second and much memory.
    from benchmarks.micro.driver_on_ray import NothingOnRay  # noqa: PLC0415

    return NothingOnRay(
        prepared.signatures.program, run.shared(), 2_000 if where == "ray of thousands" else None
    )


def _invented(splits: int, split_bytes: int) -> Prepared:
    """A hunt over one real file, planned as if there were as many as splits."""
    Path("archive").mkdir()
    first = Path("archive/first.parquet")
    pq.write_table(pa.table({"text": ["x"], "id": ["1"]}), first)
    Path("s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    Path("hunt.yaml").write_text(HUNT)
    prepared = prepare("hunt.yaml", date(2026, 5, 1), "inline")
    footers = OneFooter(read_footer(stat(str(first))))
    infos = (FileInfo(f"s3://archive/part-{number:07}.parquet", 9, str(number)) for number in range(splits))
    plan = plan_files(infos, Wanted(("text",), (), None, ()), footers=footers)
    for number in range(splits):
        plan.splits.text_bytes[number] = split_bytes
    return replace(prepared, plan=plan, footers=footers)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
