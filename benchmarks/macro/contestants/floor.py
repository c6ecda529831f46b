"""The floor: what reading the column costs, and one call of the engine on all of it, with hindcast's own databases.

The two are measured apart. Nothing is made of what the engine reports, so this is no answer.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.workload import COLUMN, Workload
from scanner.engine.hyperscan import Scanner
from scanner.engine.program import compile_ruleset
from scanner.views.raw import text_cells

DECODE, PASS = "floor: decoding", "floor: one call"
_BATCH_ROWS = 16_384


def enter(workload: Workload) -> list[Contestant]:
    """The two halves of the floor."""
    scanners = [Scanner(database) for database in compile_ruleset(workload.ruleset).databases]

    def decode(path: Path) -> int:
        file = pq.ParquetFile(path)
        return sum(
            len(batch) for batch in file.iter_batches(_BATCH_ROWS, columns=[COLUMN], use_threads=False)
        )

    @cache
    def whole(path: Path) -> bytes:
        texts: pa.ChunkedArray[Any] = pq.read_table(path, columns=[COLUMN], use_threads=False)[COLUMN]
        return text_cells(texts).data

    def one_call(path: Path) -> None:
        block = whole(path)
        for scanner in scanners:
            scanner.scan(block, _forget)

    return [Contestant(DECODE, decode, None), Contestant(PASS, one_call, None)]


def _forget(_probe: int, _start: int, _end: int, _flags: int, _context: Any) -> None:
    return None
