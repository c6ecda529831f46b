"""Polars: ``str.contains``, which is Rust's regex, over the whole column for each pattern.

Its search for many texts at once, ``str.contains_any``, takes no regular expressions, and says of no text which.
"""

from pathlib import Path

import polars as pl

from benchmarks.macro.contestants.arrow_column import stacked
from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.portable import expressions_of, in_rust
from benchmarks.macro.workload import COLUMN, Decision, Int64s, Workload


def enter(workload: Workload) -> list[Contestant]:
    """Needs nothing beforehand: every call compiles its pattern."""
    expressions, owners = expressions_of(workload.ruleset)
    decision = Decision(workload.ruleset, owners)
    in_its_language = [in_rust(each) for each in expressions]

    def run(path: Path) -> list[Int64s]:
        texts = pl.read_parquet(path, columns=[COLUMN])[COLUMN]
        return [texts.str.contains(each).arg_true().to_numpy() for each in in_its_language]

    return [Contestant("Polars, str.contains", run, lambda found: stacked(found, decision))]
