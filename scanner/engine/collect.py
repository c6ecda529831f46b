"""Gathers what judges find into the columns of `Matches`."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from scanner.engine.matches import MatchError, Matches
from scanner.engine.pcre import MatchUndecided
from scanner.views.raw import Int64s, Repair

Spans = list[tuple[int, int]]


class Collector:
    """Takes findings in any order of cells and signatures.

    Args:
        repairs: Of the column; spans are mapped back by them.
    """

    def __init__(self, repairs: Mapping[int, Repair]) -> None:
        self._repairs = repairs
        self._rows: list[tuple[int, int, int]] = []
        self._spans: list[Spans] = []
        self._errors: list[MatchError] = []

    def decide(
        self,
        signature: int,
        cells: Iterable[int],
        texts: Iterable[bytes],
        judge: Callable[[int, bytes], tuple[int, Spans]],
    ) -> None:
        """Asks about each of some cells, and keeps the answers, be it that there is none.

        Args:
            signature: Index of the signature.
            cells: Indices of the cells.
            texts: The cells, as they are matched.
            judge: Says how many matches a cell has, and their first spans in bytes of the repaired cell.
        """
        for cell, text in zip(cells, texts, strict=True):
            try:
                count, spans = judge(cell, text)
            except MatchUndecided as undecided:
                self._errors.append(MatchError(cell, signature, undecided.reason))
                continue
            if count:
                self._rows.append((cell, signature, count))
                self._spans.append(spans)

    def matches(self) -> Matches:
        """Everything that was decided, sorted by cell, then signature."""
        rows = np.array(self._rows, np.int64).reshape(-1, 3)
        order = np.lexsort((rows[:, 1], rows[:, 0]))
        rows = rows[order]
        spans = [self._raw(self._rows[index][0], self._spans[index]) for index in order.tolist()]
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

    def _raw(self, cell: int, spans: Spans) -> Spans:
        repair = self._repairs.get(cell)
        return [(repair.raw(start), repair.raw(end)) for start, end in spans] if repair else spans


def _column(table: Int64s, number: int) -> Int64s:
    return np.ascontiguousarray(table[:, number])
