"""PyArrow: ``match_substring_regex``, which is RE2's, over the whole column for each pattern."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.portable import expressions_of
from benchmarks.macro.workload import COLUMN, Answer, Decision, Int64s, Workload


def enter(workload: Workload) -> list[Contestant]:
    """Needs nothing beforehand: every call compiles its pattern."""
    expressions, owners = expressions_of(workload.ruleset)
    decision = Decision(workload.ruleset, owners)

    def run(path: Path) -> list[Int64s]:
        texts: pa.ChunkedArray[Any] = pq.read_table(path, columns=[COLUMN], use_threads=False)[COLUMN]
        return [pc.indices_nonzero(pc.match_substring_regex(texts, each)).to_numpy() for each in expressions]

    return [Contestant("PyArrow, match_substring_regex", run, lambda found: stacked(found, decision))]


def stacked(found: list[Int64s], decision: Decision) -> Answer:
    """The hits of rows that each expression matched."""
    rows = np.concatenate(found).astype(np.int64)
    return decision.hits(rows, np.repeat(np.arange(len(found)), [len(each) for each in found]))
