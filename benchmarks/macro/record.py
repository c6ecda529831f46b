"""What was measured, as a table and as a record with everything that the numbers depend on."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from benchmarks.macro.contestants.floor import DECODE, PASS
from benchmarks.macro.measure import Agreed, Entry
from benchmarks.macro.workload import GROUP_ROWS, Workload

RESULTS: Final = Path(__file__).parents[1] / "results"
_PACKAGES: Final = ("hyperscan", "pcre2", "pyarrow", "numpy", "chdb", "chdb-core", "duckdb", "polars", "ray")
_FLOOR: Final = "floor: both"


def make_record(workload: Workload, agreed: Agreed, started_at: datetime) -> dict[str, Any]:
    """Everything about a measured workload."""
    first, rows = agreed.entries[0], _rows(agreed.entries)
    own = rows[0]["ns_per_text"]
    return {
        "benchmark": workload.name,
        "about": workload.about,
        "command": f"python -m benchmarks.macro {workload.name}",
        **surroundings(started_at),
        "workload": {
            "texts": first.rows,
            "text_bytes": first.text_bytes,
            "file_bytes": workload.path.stat().st_size,
            "row_group_rows": GROUP_ROWS,
            "compression": "zstd",
            "signatures": len(workload.ruleset.signatures),
            "signatures_left_out": workload.left_out,
            "ruleset_digest": workload.ruleset.digest,
            "hits": agreed.hits,
            "rows_hit": agreed.rows_hit,
        },
        "results": [{**row, "times_hindcast": round(row["ns_per_text"] / own, 2)} for row in rows],
    }


def surroundings(started_at: datetime) -> dict[str, Any]:
    """When, on what machine and with which versions."""
    installed = {name: _version(name) for name in _PACKAGES}
    return {
        "started_at": started_at.isoformat(timespec="seconds"),
        "machine": _machine(),
        "versions": {"python": platform.python_version(), **{k: v for k, v in installed.items() if v}},
    }


def write_record(record: dict[str, Any], started_at: datetime, folder: Path = RESULTS) -> Path:
    """Writes a record, and removes those of the same benchmark before it."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{record['benchmark']}-????????T??????Z.json"):
        old.unlink()
    path = folder / f"{record['benchmark']}-{started_at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def print_record(record: dict[str, Any]) -> None:
    """Prints the table of a record."""
    work = record["workload"]
    print(f"\n{record['benchmark']}: {record['about']}")
    print(
        f"{work['texts']:,} texts ({work['text_bytes'] / 1e6:.1f} MB, {work['file_bytes'] / 1e6:.1f} MB on disk), "
        f"{work['signatures']:,} signatures ({work['signatures_left_out']:,} left out), {work['hits']:,} hits in "
        f"{work['rows_hit']:,} rows; {record['machine']['cpu']}"
    )
    print(
        f"{'':30}{'ns a text':>12}{'MB/s':>9}{'time, hindcast = 1':>20}{'answer':>16}{'texts':>10}{'rounds':>8}"
    )
    for row in record["results"]:
        print(
            f"{row['name']:30}{row['ns_per_text']:>12,}{row['mb_per_s']:>9,}{row['times_hindcast']:>20,}"
            f"{row['answer']:>16}{row['texts']:>10,}{len(row['wall_s']):>8}"
        )


def _rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    rows = [_row(entry) for entry in entries]
    halves = {row["name"]: row for row in rows if row["name"] in {DECODE, PASS}}
    if len(halves) == len({DECODE, PASS}):
        # Both halves have the same texts and rounds.
        decode, one_call = halves[DECODE], halves[PASS]
        both = {
            key: [sum(pair) for pair in zip(decode[key], one_call[key], strict=True)]
            for key in ("cpu_s", "wall_s")
        }
        ns = decode["ns_per_text"] + one_call["ns_per_text"]
        rate = round(decode["mb_per_s"] * decode["ns_per_text"] / ns, 1)
        rows.insert(
            rows.index(one_call) + 1, {**decode, "name": _FLOOR, **both, "ns_per_text": ns, "mb_per_s": rate}
        )
    return rows


def _row(entry: Entry) -> dict[str, Any]:
    median_s = statistics.median(entry.seconds)
    answer = "row, signature" if entry.says_which else "row"
    return {
        "name": entry.contestant.name,
        "answer": answer if entry.contestant.answer else "none",
        "clock": entry.contestant.clock,
        "texts": entry.rows,
        "ns_per_text": round(median_s / entry.rows * 1e9),
        "mb_per_s": round(entry.text_bytes / median_s / 1e6, 1),
        "cpu_s": [round(second, 4) for second in entry.cpu_s],
        "wall_s": [round(second, 4) for second in entry.wall_s],
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


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
