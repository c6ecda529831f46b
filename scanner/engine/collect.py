"""Gathers verdicts into the columns of `Matches`."""

from collections.abc import Callable, Mapping
from typing import ParamSpec, Protocol

import numpy as np

from scanner.engine.matches import Int64s, MatchError, Matches
from scanner.engine.pcre import MatchUndecided
from scanner.views.raw import Repair

P = ParamSpec("P")


class Found(Protocol):
    """A confirmed hit in one cell."""

    @property
    def match_count(self) -> int:
        """Matches of all patterns that speak for the signature."""

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first of them, sorted, in bytes of the repaired cell."""


class Collector:
    """Takes verdicts in any order of cells and signatures.

    Args:
        repairs: Of the column; spans are mapped back by them.
    """

    def __init__(self, repairs: Mapping[int, Repair]) -> None:
        self._repairs = repairs
        self._rows: list[tuple[int, int, int]] = []
        self._spans: list[list[tuple[int, int]]] = []
        self._errors: list[MatchError] = []

    def decide(
        self, cell: int, signature: int, judge: Callable[P, Found | None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Asks a judge about a cell and keeps its answer, be it that there is none."""
        try:
            found = judge(*args, **kwargs)
        except MatchUndecided as undecided:
            self._errors.append(MatchError(cell, signature, undecided.reason))
            return
        if found is None:
            return
        spans = found.spans
        if repair := self._repairs.get(cell):
            spans = [(repair.raw(start), repair.raw(end)) for start, end in spans]
        self._rows.append((cell, signature, found.match_count))
        self._spans.append(spans)

    def matches(self) -> Matches:
        """Everything that was decided, sorted by cell, then signature."""
        rows = np.array(self._rows, np.int64).reshape(-1, 3)
        order = np.lexsort((rows[:, 1], rows[:, 0]))
        rows = rows[order]
        spans = [self._spans[index] for index in order.tolist()]
        flat = np.array([span for run in spans for span in run], np.int64).reshape(-1, 2)
        offsets = np.concatenate(([0], np.cumsum([len(run) for run in spans], dtype=np.int64)))
        return Matches(
            cells=_column(rows, 0),
            signatures=_column(rows, 1),
            match_counts=_column(rows, 2),
            span_offsets=offsets.astype(np.int64),
            span_starts=_column(flat, 0),
            span_ends=_column(flat, 1),
            errors=tuple(sorted(self._errors, key=lambda error: (error.cell, error.signature))),
            invalid_cells=len(self._repairs),
        )


def _column(table: Int64s, number: int) -> Int64s:
    return np.ascontiguousarray(table[:, number])
