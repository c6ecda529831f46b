"""``python -m benchmarks.micro.ledger``: what it takes to decide what an archive owes, in seconds and memory.

Invents the coverage of some runs over an archive of which every file has one row group, and asks what a plan of that
archive owes to a ruleset in which some signatures are new. Some files are newer than all runs, some were replaced, and
some failed in the latest run. The answer is known and checked.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.micro.planning import peak_bytes
from scanner.archive.planning.listing import Listing
from scanner.archive.planning.splits import NOTHING, Part, Splits
from scanner.archive.storage import FileInfo
from scanner.results import layout
from scanner.results.ledger import owed_after
from scanner.results.record import encode
from scanner.results.schemas import COVERAGE
from scanner.results.signature_sets import keep_set
from scanner.signatures.condition import Ref
from scanner.signatures.model import RegexPattern, Signature

HUNT: Final = "ledger"
RECORD: Final[dict[str, Any]] = {
    "hunt": HUNT,
    "status": "complete",
    "started_at": "2026-11-22T03:00:00+00:00",
    "totals": {},
    "gaps": [],
    "hits_files": [],
}
SIGNATURES: Final = 500
NEW_SIGNATURES: Final = 3
PART_ROWS: Final = 100_000

_NEW_EVERY: Final = 100
_REPLACED_EVERY: Final = 50
_FAILED_EVERY: Final = 1000
_FAILED: Final = 2


def main() -> int:
    """Measures and prints; 1 where the answer is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro.ledger", description=__doc__)
    parser.add_argument("--files", type=int, default=1_000_000, help="in the archive")
    parser.add_argument("--runs", type=int, default=10, help="that have covered it")
    asked = parser.parse_args()
    signatures = [_signature(number) for number in range(SIGNATURES)]
    with tempfile.TemporaryDirectory() as output:
        runs = [f"run-{number:03}" for number in range(asked.runs)]
        # In a process of its own, so that its memory is not taken for the ledger's.
        with ProcessPoolExecutor(1, get_context("spawn")) as other:
            rows = sum(
                other.submit(_write, output, run, asked.files, latest=run == runs[-1]).result()
                for run in runs
            )
        splits = _plan(asked.files)
        begun, before = time.monotonic(), peak_bytes()
        owed = owed_after(splits, signatures, output, HUNT, runs)
        decided, grown = time.monotonic(), peak_bytes() - before
        cut = splits.owing(owed.numbers)
        ended = time.monotonic()
    print(f"{rows:,} rows of coverage of {asked.runs} runs over {asked.files:,} files")
    print(
        f"decided in {decided - begun:.1f} s, {grown / 1e6:,.0f} MB more at the peak; cut in {ended - decided:.1f} s"
    )
    found = Counter((len(owed.sets[number]) if number != NOTHING else 0) for number in owed.numbers.tolist())
    expected = Counter(_expected(number) for number in range(asked.files))
    return 0 if found == expected and len(cut) == asked.files - expected[0] else 1


def _expected(number: int) -> int:
    """How many signatures a file owes: all, those that failed in the latest run, or none."""
    if number % _NEW_EVERY == 0 or number % _REPLACED_EVERY == 1:
        return SIGNATURES
    return NEW_SIGNATURES if number % _FAILED_EVERY == _FAILED else 0


def _signature(number: int) -> Signature:
    return Signature(f"s.{number}", (RegexPattern("pattern", "x"),), Ref("pattern"), f"{number:064x}")


def _plan(files: int) -> Splits:
    made = Splits(Listing(FileInfo(_name(number), 40_000, f"{number:032x}") for number in range(files)))
    for number in range(files):
        made.add(number, ("text", "caption"), Part((0,), 0, 1000, 40_000))
    return made


def _name(number: int) -> str:
    return f"s3://content-dumps/comments/day={number // 3000:03}/part-{number:07}-5f0c6d2e-c000.zstd.parquet"


def _write(output: str, run: str, files: int, *, latest: bool) -> int:
    """Writes the coverage of a finished run; only the latest one has run the new signatures."""
    uri = layout.run_uri(output, HUNT, run)
    ran = range(0 if latest else NEW_SIGNATURES, SIGNATURES)
    set_id = keep_set(uri, [_signature(number).digest for number in ran])
    path = Path(layout.coverage_uri(uri))
    path.parent.mkdir(parents=True)
    rows = 0
    with pq.ParquetWriter(path, COVERAGE, compression="zstd") as writer:
        for part in _parts(files):
            table = _coverage(part, set_id, latest=latest)
            rows += len(table)
            writer.write_table(table)
    Path(layout.record_uri(uri)).write_bytes(encode(RECORD | {"run_id": run}))
    return rows


def _parts(files: int) -> Iterator[range]:
    """Numbers of the files that stood there when the runs were made, shuffled as the names of splits are."""
    for start in range(0, files, PART_ROWS):
        yield range(start, min(files, start + PART_ROWS))


def _coverage(part: range, set_id: str, *, latest: bool) -> pa.Table:
    numbers = np.array([number for number in part if number % _NEW_EVERY])
    np.random.default_rng(part.start).shuffle(numbers)
    old: list[int] = numbers.tolist()
    etags = [f"{number:032x}" if number % _REPLACED_EVERY != 1 else f"{number:031x}x" for number in old]
    failed = [latest and number % _FAILED_EVERY == _FAILED for number in old]
    columns: dict[str, pa.Array[Any]] = {
        "source_uri": pa.array([_name(number) for number in old]),
        "source_etag": pa.array(etags),
        "row_groups": pa.array([[0]] * len(old), COVERAGE.field("row_groups").type),
        "columns": pa.array([["text", "caption"]] * len(old)),
        "signature_set": pa.array([set_id] * len(old)),
        "status": pa.array(["failed" if each else "scanned" for each in failed]),
        "match_errors": pa.array([0] * len(old), pa.int64()),
    }
    arrays = [columns.get(field.name, pa.nulls(len(old), field.type)) for field in COVERAGE]
    return pa.Table.from_arrays(arrays, schema=COVERAGE)


if __name__ == "__main__":
    sys.exit(main())
