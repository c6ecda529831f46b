"""Gathers what judges find into the columns of `Matches`; without an object for a hit with one span, as most are."""

from array import array
from collections.abc import Callable, Iterable, Mapping
from itertools import chain

import numpy as np

from scanner.engine.matches import MatchError, Matches
from scanner.engine.pcre import Expression, MatchUndecided, Spans
from scanner.views.raw import Int64s, Repair


class Collector:
    """Takes findings in any order of cells and signatures.

    Args:
        repairs: Of the column; spans are mapped back by them.
    """

    def __init__(self, repairs: Mapping[int, Repair]) -> None:
        self._repairs = repairs
        self._alone = array("q")  # signature, cell, start, end of hits with one span
        self._many = array("q")  # signature, cell, number of matches, number of spans of the others
        self._spans: list[Spans] = []
        self._tables: list[Int64s] = []  # the same four of others, and their spans
        self._places: list[Int64s] = []
        self._errors: list[MatchError] = []
        self._counted: dict[int, int] = {}

    def count(self, signature: int, hits: int) -> None:
        """Counts hits of a signature that are not listed."""
        self._counted[signature] = self._counted.get(signature, 0) + hits

    def find(
        self, signature: int, expression: Expression, cells: Iterable[tuple[int, bytes, int]], limit: int
    ) -> None:
        """Looks for one expression in some cells, and keeps what is found.

        Args:
            signature: Index of the signature.
            expression: What to look for.
            cells: Index and text of each cell, and how many matches there are in it at most.
            limit: How many spans to keep of a cell.
        """
        keep, first = self._alone.extend, expression.first
        for cell, text, most in cells:
            try:
                if most == 1:
                    span = first(text)
                    if span is not None:
                        keep((signature, cell, *span))
                else:
                    self._add(signature, cell, *expression.find(text, limit, most))
            except MatchUndecided as undecided:
                self._errors.append(MatchError(cell, signature, undecided.reason))

    def decide(
        self,
        signature: int,
        cells: Iterable[tuple[int, bytes]],
        judge: Callable[[int, bytes], tuple[int, Spans]],
    ) -> None:
        """Asks about each of some cells, and keeps the answers, be it that there is none.

        Args:
            signature: Index of the signature.
            cells: Index and text of each cell.
            judge: Says how many matches a cell has, and their first spans in bytes of the repaired cell.
        """
        for cell, text in cells:
            try:
                self._add(signature, cell, *judge(cell, text))
            except MatchUndecided as undecided:
                self._errors.append(MatchError(cell, signature, undecided.reason))

    def take(self, signatures: Int64s, cells: Int64s, counts: Int64s, spans: Int64s) -> None:
        """Keeps hits that are known.

        Args:
            signatures: int64[n].
            cells: int64[n].
            counts: int64[n], matches of each, as many as it has spans.
            spans: int64[spans, 2], first byte and the one after, in the repaired cell.
        """
        self._tables.append(np.stack([signatures, cells, counts, counts], axis=1))
        self._places.append(spans)

    def _add(self, signature: int, cell: int, count: int, spans: Spans) -> None:
        if count:
            self._many.extend((signature, cell, count, len(spans)))
            self._spans.append(spans)

    def matches(self) -> Matches:
        """Everything that was decided, sorted by cell, then signature."""
        alone = np.array(self._alone, np.int64).reshape(-1, 4)
        many = np.array(self._many, np.int64).reshape(-1, 4)
        ones = np.ones(len(alone), np.int64)
        spans = chain.from_iterable(chain.from_iterable(self._spans))
        flat = np.fromiter(spans, np.int64, 2 * int(many[:, 3].sum())).reshape(-1, 2)
        flat = np.concatenate([alone[:, 2:], flat, *self._places])
        many = np.concatenate([many, *self._tables])
        signatures, cells = np.concatenate([alone[:, :2], many[:, :2]]).T
        # Runs that are sorted already, which most are, are merged.
        order = np.argsort(cells * (signatures.max(initial=0) + 1) + signatures, kind="stable")
        lengths = np.concatenate([ones, many[:, 3]])
        places = np.cumsum(lengths) - lengths
        cells, lengths = cells[order], lengths[order]
        offsets = np.zeros(len(order) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        moved = np.repeat(places[order] - offsets[:-1], lengths) + np.arange(len(flat), dtype=np.int64)
        flat = np.take(flat, moved, axis=0)  # a tenth of the price of an index in brackets
        if self._repairs:
            self._to_raw(np.repeat(cells, lengths), flat)
        return Matches(
            cells=cells,
            signatures=signatures[order],
            match_counts=np.concatenate([ones, many[:, 2]])[order],
            span_offsets=offsets,
            span_starts=_column(flat, 0),
            span_ends=_column(flat, 1),
            errors=tuple(sorted(self._errors, key=lambda error: (error.cell, error.signature))),
            counted=self._counted,
            invalid_cells=len(self._repairs),
        )

    def _to_raw(self, cells: Int64s, spans: Int64s) -> None:
        """Maps spans back to the raw cells, in place."""
        for place in np.flatnonzero(np.isin(cells, list(self._repairs))).tolist():
            repair = self._repairs[int(cells[place])]
            spans[place] = [repair.raw(int(offset)) for offset in spans[place]]


def _column(table: Int64s, number: int) -> Int64s:
    return np.ascontiguousarray(table[:, number])
