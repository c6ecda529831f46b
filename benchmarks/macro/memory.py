"""``python -m benchmarks.macro.memory``: the most memory that a Ray worker holds over one row group of 2 GB of text.

Needs Linux, which tells the peak of a process while it lives.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import scanner
from benchmarks.macro.record import RESULTS, surroundings, write_record
from benchmarks.macro.workers import local_ray, run_hunt, write_hunt
from benchmarks.macro.workload import COLUMN
from benchmarks.macro.workloads import SEED, posts
from jobs.preparing.prepare import prepare

LIMIT_BYTES: Final = 1_000_000_000
_PIECE_TEXTS: Final = 250_000


def main() -> int:
    """Writes the file, hunts it with one worker, prints and records; 1 where that held a gigabyte or more."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.macro.memory", description=__doc__)
    parser.add_argument(
        "--text-bytes", type=int, default=2_000_000_000, help="of the row group (%(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder for the record (benchmarks/results)"
    )
    asked = parser.parse_args()
    started_at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        found = _measure(Path(folder), asked.text_bytes, started_at)
    command = f"python -m benchmarks.macro.memory --text-bytes {asked.text_bytes}"
    record = {"benchmark": "memory", "command": command, **surroundings(started_at), **found}
    print(
        f"{found['text_bytes'] / 1e9:.2f} GB of text in {found['row_groups']} row group, {found['hits']:,} hits: the "
        f"worker held {found['peak_bytes'] / 1e6:.0f} MB at most, in {found['seconds']:.0f} s"
    )
    print(f"recorded in {write_record(record, started_at, asked.out)}")
    return 0 if found["peak_bytes"] < LIMIT_BYTES else 1


def write_file(path: Path, text_bytes: int) -> None:
    """Writes one row group of that many bytes of text: invented posts, again and again, without a dictionary."""
    piece = pa.array(posts(_PIECE_TEXTS, SEED), pa.string())
    piece_bytes = pc.sum(pc.binary_length(piece)).as_py() or 1
    texts = pa.chunked_array([piece] * -(-text_bytes // piece_bytes))
    table = pa.Table.from_arrays([texts], [COLUMN])
    pq.write_table(table, path, compression="zstd", row_group_size=len(table), use_dictionary=False)


def _measure(folder: Path, text_bytes: int, started_at: datetime) -> dict[str, Any]:
    (folder / "archive").mkdir()
    write_file(folder / "archive" / "big.parquet", text_bytes)
    prepared = prepare(write_hunt(folder, [COLUMN]), started_at.date(), "ray")
    with local_ray(workers=1):
        seconds, hits = run_hunt(prepared)
        results = scanner.open_results(prepared.spec.output, hunt=prepared.spec.hunt)
        (split,) = results.coverage.to_table().to_pylist()
        peak = peak_bytes(int(split["worker"].rpartition(":")[2]))
    return {
        "text_bytes": split["text_bytes"],
        "rows": split["rows"],
        "row_groups": len(split["row_groups"]),
        "file_bytes": split["source_size_bytes"],
        "hits": hits,
        "seconds": round(seconds, 1),
        "peak_bytes": peak,
    }


def peak_bytes(process: int) -> int:
    """The most memory that a process has held since it began."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


if __name__ == "__main__":
    sys.exit(main())
