"""``python -m benchmarks.macro``: hindcast and what people would use instead, one core each, the same file.

Prints no speed unless all gave the same hits.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from benchmarks.macro.contestants import EVERYBODY, HINDCAST, enter, is_installed, start_what_needs_all_cores
from benchmarks.macro.measure import ROUNDS, SAMPLE_ROUNDS, agree, measure
from benchmarks.macro.record import RESULTS, make_record, print_record, write_record
from benchmarks.macro.workloads import TEXTS, Recipe, recipes

_QUICK_TEXTS, _QUICK_ROUNDS = 20_000, 3


def main() -> int:
    """Makes each workload, checks the answers, measures, prints and records; 1 where answers differ."""
    every = recipes()
    groups = {"main": [], "curves": []}  # type: dict[str, list[str]]
    for name, recipe in every.items():
        groups["main" if recipe.main else "curves"].append(name)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.macro", description=__doc__)
    known = ", ".join([*every, *groups])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"any of {known}; else main")
    parser.add_argument("--quick", action="store_true", help="few texts and rounds, and no record")
    parser.add_argument("--only", nargs="+", choices=EVERYBODY, help="only hindcast and these, and no record")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder for the records (benchmarks/results)"
    )
    asked = parser.parse_args()
    chosen = [name for word in asked.workloads or ["main"] for name in groups.get(word, [word])]
    unknown = sorted(set(chosen) - every.keys())
    if unknown:
        parser.error(f"there is no workload {', '.join(unknown)}; write any of {known}")
    if len(chosen) > 1:
        # What one leaves behind in a process must not slow the next.
        words = [word for word in sys.argv[1:] if word not in asked.workloads]
        command = [sys.executable, "-m", "benchmarks.macro"]
        return max(subprocess.run([*command, name, *words], check=False).returncode for name in chosen)  # noqa: S603
    recipe, who = every[chosen[0]], tuple(dict.fromkeys([HINDCAST, *asked.only])) if asked.only else None
    start_what_needs_all_cores(who or recipe.contestants)
    _use_one_core()
    return _run(recipe, who or recipe.contestants, asked.out if not who else None, quick=asked.quick)


def _use_one_core() -> None:
    """Where the system can pin a process, no helper thread can hide work on another core."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _run(recipe: Recipe, names: Sequence[str], out: Path | None, *, quick: bool) -> int:
    started_at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        workload = recipe.make(Path(folder), _QUICK_TEXTS if quick else TEXTS)
        absent = [name for name in names if not is_installed(name)]
        if absent:
            print(f"not installed: {', '.join(absent)}; `make bench` installs everybody")
        agreed = agree(enter(names, workload), workload)
        if agreed is None:
            return 1
        measure(agreed.entries, *((_QUICK_ROUNDS, _QUICK_ROUNDS) if quick else (ROUNDS, SAMPLE_ROUNDS)))
        record = make_record(workload, agreed, started_at)
    print_record(record)
    if out is not None and not quick:
        print(f"recorded in {write_record(record, started_at, out)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
