"""``python -m benchmarks.micro.compile``: what rulesets of many sizes cost to compile, to load and to scan with.

Each size is measured in a process of its own, with an empty cache, and then in another that finds its database there.
Prints no speed of a ruleset that did not find exactly what was planted.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, get_args

import pyarrow as pa

from benchmarks.micro.invented_rules import Kind, Work, invent
from scanner import cache
from scanner.engine import cpu
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matches
from scanner.engine.program import compile_ruleset
from scanner.engine.qualification.verdict import require_qualified

RESULTS: Final = Path(__file__).parents[1] / "results"
TEXTS: Final = 150_000
BATCH: Final = 16_384
ROUNDS: Final = 5
SIZES: Final[dict[Kind, tuple[int, ...]]] = {
    "regexes": (10, 100, 500, 2_000, 5_000),
    "literals": (1_000, 10_000, 100_000, 300_000, 1_000_000),
    "hosts": (100_000, 1_000_000),
    "signatures": (100_000,),
}
_PACKAGES: Final = ("hyperscan", "pcre2", "pyarrow", "numpy")


def main() -> int:
    """Measures every size, prints and records; 1 where a ruleset misses or finds too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro.compile", description=__doc__)
    parser.add_argument("--kind", choices=get_args(Kind), help="only these signatures")
    parser.add_argument("--count", type=int, help="only so many of them")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the record")
    parser.add_argument(
        "--here", action="store_true", help="measure in this process, for this program itself"
    )
    asked = parser.parse_args()
    if asked.here:
        print(json.dumps(_measure(asked.kind, asked.count)))
        return 0
    started_at = datetime.now(UTC)
    print(f"{'':11}{'':>10}{'cold s':>9}{'cached s':>9}{'MB':>7}{'peak MB':>9}{'compiler MB':>13}{'MB/s':>8}")
    rows = []
    for kind, sizes in SIZES.items():
        for count in sizes if asked.count is None else (asked.count,):
            if asked.kind in (None, kind):
                rows.append(_row(kind, count))
                print(_line(rows[-1]), flush=True)
    path = asked.out / f"compile-{started_at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(_record(rows, started_at), indent=2) + "\n", encoding="utf-8")
    print(f"recorded in {path}")
    return 0 if all(row["right"] for row in rows) else 1


def _row(kind: Kind, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, cache.FOLDER_VARIABLE: folder}
        command = [sys.executable, "-m", __spec__.name, "--here", "--kind", kind, "--count", str(count)]
        cold, cached = (
            json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)  # noqa: S603
            for _ in range(2)
        )
    return {
        "kind": kind,
        "count": count,
        "cold_s": cold["compile_s"],
        "cached_s": cached["compile_s"],
        "databases": cached["databases"],
        "database_bytes": cached["database_bytes"],
        "peak_bytes": cached["peak_bytes"],
        "compiler_peak_bytes": cold["children_peak_bytes"],
        "mb_per_s": cached["mb_per_s"],
        "right": cold["right"] and cached["right"],
    }


def _measure(kind: Kind, count: int) -> dict[str, Any]:
    require_qualified()
    work = invent(kind, count, TEXTS)
    started = time.perf_counter()
    program = compile_ruleset(work.ruleset)
    compile_s = time.perf_counter() - started
    # Before the texts are matched, so that the peak is what compiling or loading took.
    peaks = {
        "peak_bytes": _peak_bytes(resource.RUSAGE_SELF),
        "children_peak_bytes": _peak_bytes(resource.RUSAGE_CHILDREN),
    }
    matcher = HyperscanMatcher(program)
    column = pa.array(work.texts)
    text_bytes = sum(len(text) for text in work.texts)
    right = _is_right(work, matcher, column)
    best_s = min(_seconds(matcher, column) for _ in range(ROUNDS))
    return {
        "compile_s": round(compile_s, 3),
        "databases": len(program.databases),
        "database_bytes": sum(map(len, program.databases)),
        **peaks,
        "right": right,
        "mb_per_s": round(text_bytes / best_s / 1e6),
    }


def _peak_bytes(whose: int) -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(whose).ru_maxrss * unit


def _matches(matcher: HyperscanMatcher, column: "pa.StringArray") -> list[Matches]:
    return [matcher.match(column[at : at + BATCH], "text") for at in range(0, len(column), BATCH)]


def _seconds(matcher: HyperscanMatcher, column: "pa.StringArray") -> float:
    started = time.process_time()
    _matches(matcher, column)
    return time.process_time() - started


def _is_right(work: Work, matcher: HyperscanMatcher, column: "pa.StringArray") -> bool:
    found = {
        (number * BATCH + cell, signature)
        for number, matches in enumerate(_matches(matcher, column))
        for cell, signature in zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True)
    }
    return found == work.hits


def _line(row: dict[str, Any]) -> str:
    speed = f"{row['mb_per_s']:>8,}" if row["right"] else "   other hits than planted"
    return (
        f"{row['kind']:11}{row['count']:>10,}{row['cold_s']:>9.2f}{row['cached_s']:>9.2f}"
        f"{row['database_bytes'] / 1e6:>7.1f}{row['peak_bytes'] / 1e6:>9.0f}{row['compiler_peak_bytes'] / 1e6:>13.0f}"
        + speed
    )


def _record(rows: list[dict[str, Any]], started_at: datetime) -> dict[str, Any]:
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {
        "benchmark": "compile",
        "command": "python -m benchmarks.micro.compile",
        "started_at": started_at.isoformat(timespec="seconds"),
        "machine": {"cpu": cpu.this().name, "cores": os.cpu_count(), "load_1min": load},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "results": rows,
    }


if __name__ == "__main__":
    sys.exit(main())
