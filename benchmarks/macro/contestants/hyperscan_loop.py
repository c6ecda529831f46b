"""The loop that everybody writes first: one call of Hyperscan a text, on a list of Python strings."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import hyperscan
import numpy as np
import pyarrow.parquet as pq

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.portable import compile_together, compiled, expressions_of
from benchmarks.macro.workload import COLUMN, Answer, Decision, Int64s, Workload, patterns_of
from scanner.signatures.model import LiteralPattern

Found = tuple[list[int], list[int]]
"""Rows, and what was found in each."""


def enter(workload: Workload) -> list[Contestant]:
    """Compiles everything into one database."""
    database, decision = prepare(workload)
    search = searcher(database)

    def run(path: Path) -> Found:
        texts = pq.read_table(path, columns=[COLUMN], use_threads=False)[COLUMN].to_pylist()
        rows, found = [], []
        for row, expression in search(enumerate(texts)):
            rows.append(row)
            found.append(expression)
        return rows, found

    def answer(pairs: Found) -> Answer:
        return decision.hits(np.array(pairs[0], np.int64), np.array(pairs[1], np.int64))

    return [Contestant("Hyperscan, a call a text", run, answer)]


def prepare(workload: Workload) -> tuple[hyperscan.Database, Decision]:
    """The database, and what its events mean. Lists of literals are compiled as literals, without word borders."""
    lists = [pattern for _, pattern in patterns_of(workload.ruleset) if isinstance(pattern, LiteralPattern)]
    if len(lists) == 1 == len(workload.ruleset.signatures):
        literals = [literal.encode() for literal in lists[0].literals]
        owners: Int64s = np.zeros(len(literals), np.int64)
        flags = int(hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_CASELESS)
        return compiled(literals, flags, literal=True), Decision(workload.ruleset, owners)
    expressions, owners = expressions_of(workload.ruleset)
    return compile_together(expressions), Decision(workload.ruleset, owners)


def searcher(
    database: hyperscan.Database,
) -> Callable[[Iterable[tuple[int, str | None]]], Iterator[tuple[int, int]]]:
    """A function from numbered texts to pairs of number and expression found."""
    fired: list[int] = []

    def on_match(expression: int, _start: int, _end: int, _flags: int, _context: Any) -> None:
        fired.append(expression)

    def search(texts: Iterable[tuple[int, str | None]]) -> Iterator[tuple[int, int]]:
        for row, text in texts:
            if text is None:
                continue
            database.scan(text.encode(), match_event_handler=on_match)
            if fired:
                yield from ((row, expression) for expression in fired)
                fired.clear()

    return search
