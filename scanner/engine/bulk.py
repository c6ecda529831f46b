"""Pass two for many cells in one call: PCRE2 marks every match in candidates that stand one a line.

It is asked so only of plain expressions, as `scanner.engine.plain` says. Where a match reaches over a cell's end, all
cells that it touches are asked about one by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.engine.matches import MAX_SPANS
from scanner.engine.pcre import BEFORE, BEHIND, Expression
from scanner.views.raw import Int64s, TextCells, in_one_buffer

PIECE_BYTES: Final = 1 << 20
"""Bytes of the cells of one call."""

GATHERED_BYTES: Final = 8 << 20
"""Bytes of candidates that are copied together, unless those that are asked about together are more."""

_MANY: Final = 64
_SPREAD: Final = 2
"""So many candidates stand close where there are no more than so many cells for each."""

_NONE: Final = np.zeros(0, np.int64)
_NOTHING: Final = pa.py_buffer(b"")


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of the candidates that were asked about.

    Attributes:
        hits: int64[n], candidates with matches.
        counts: int64[n], matches of each.
        spans: int64[matches, 2], first byte of each in its cell, and the one after it.
        again: int64[m], candidates that must be asked about alone, ascending.
    """

    hits: Int64s
    counts: Int64s
    spans: Int64s
    again: Int64s


class Bulk:
    """Asks about candidates in few calls, and reads all answers at once.

    Args:
        text: The cells of a column.
        cells: int64[candidates], the cell of each; ascending where they are asked about together.
    """

    def __init__(self, text: TextCells, cells: Int64s) -> None:
        self._text = text
        self._cells = cells
        self._lengths = text.offsets[cells + 1] - text.offsets[cells]
        self._borders = np.append(0, np.cumsum(self._lengths))
        self._gathered = (0, 0, _NOTHING)  # the first candidate, the one after the last, and their lines
        self._runs: list[tuple[int, int]] = []  # of those that stand apart: the first candidate, and how many
        self._apart: list[bytes] = []
        self._asked: list[Int64s] = []  # of those that stand close: candidates, -1 for other cells
        self._close: list[bytes] = []
        self._sizes: list[Int64s] = []
        self._again: list[Int64s] = []

    @property
    def was_asked(self) -> bool:
        """True where there are answers."""
        return bool(self._apart or self._close or self._again)

    def texts(self, run: slice) -> list[bytes]:
        """The cells of some candidates."""
        data, (starts, ends) = self._text.data, self._places
        return [data[start:end] for start, end in zip(starts[run], ends[run], strict=True)]

    @cached_property
    def _places(self) -> tuple[list[int], list[int]]:
        offsets, cells = self._text.offsets, self._cells
        return offsets[cells].tolist(), (offsets[cells + 1] - 1).tolist()

    def ask(self, judge: Expression, run: slice) -> None:
        """Looks for a plain expression in some candidates."""
        count = run.stop - run.start
        if count >= _MANY and self._cells[run.stop - 1] - self._cells[run.start] < _SPREAD * count:
            self._ask_close(judge, run)
            return
        for start, stop in pieces(self._lengths[run], PIECE_BYTES):
            self._ask_apart(judge, slice(run.start + start, run.start + stop))

    def _ask_apart(self, judge: Expression, run: slice) -> None:
        marked = judge.marked(self._lines(run))
        if marked is None:
            self._again.append(np.arange(run.start, run.stop, dtype=np.int64))
        else:
            self._runs.append((run.start, run.stop - run.start))
            self._apart.append(marked)

    def _lines(self, run: slice) -> bytes:
        """The cells of some candidates one behind the other, each with a line feed behind it."""
        first, stop, lines = self._gathered
        if run.start < first or run.stop > stop:
            first, stop, lines = self._gathered = self._gather(run)
        begin, end = (int(self._borders[at] - self._borders[first]) for at in (run.start, run.stop))
        found: bytes = lines.slice(begin, end - begin).to_pybytes()
        return found

    def _gather(self, run: slice) -> tuple[int, int, pa.Buffer]:
        """Candidates from some on, with as many of those behind them as fit."""
        fitting = np.searchsorted(self._borders, self._borders[run.start] + GATHERED_BYTES, "right") - 1
        stop = max(run.stop, int(fitting))
        text = self._text
        buffers: list[Any] = [None, pa.py_buffer(text.offsets.data), pa.py_buffer(text.data)]
        cells: Any = pa.Array.from_buffers(pa.large_binary(), len(text), buffers)
        # Arrow waits for many places of memory at a time, and a loop for each.
        lines, _ = in_one_buffer(cells.take(pa.array(self._cells[run.start : stop], pa.int64())))
        return run.start, stop, lines

    def _ask_close(self, judge: Expression, run: slice) -> None:
        """Asks about all cells where they stand, even if pass one saw nothing in some."""
        first, last = self._cells[run.start], self._cells[run.stop - 1]
        asked = np.full(last + 1 - first, -1, np.int64)
        asked[self._cells[run] - first] = np.arange(run.start, run.stop)
        borders = self._text.offsets[first : last + 2]
        for start, stop in pieces(np.diff(borders), PIECE_BYTES):
            some = asked[start:stop]
            marked = judge.marked(self._text.data[borders[start] : borders[stop]])
            if marked is None:
                self._again.append(some[some >= 0])
            else:
                self._asked.append(some)
                self._sizes.append(np.diff(borders[start : stop + 1]))
                self._close.append(marked)

    def answers(self) -> Answers:
        """What PCRE2 said."""
        apart = _numbers(self._runs)
        asked = np.concatenate([apart, *self._asked])
        borders = np.append(0, np.cumsum(np.concatenate([self._lengths[apart], *self._sizes])))
        starts, ends = _spans([*self._apart, *self._close])
        cells = np.searchsorted(borders, starts, "right") - 1
        counts = np.bincount(cells, minlength=len(asked))
        alone = counts > MAX_SPANS
        across = np.flatnonzero(ends >= borders[cells + 1])
        touched = np.searchsorted(borders, ends[across], "left")
        for first, last in zip(cells[across].tolist(), touched.tolist(), strict=True):
            alone[first:last] = True
        wanted = ~alone & (asked >= 0)
        kept = wanted[cells]
        hits = np.flatnonzero(wanted & (counts > 0))
        before = borders[cells]
        spans = np.stack([starts - before, ends - before], axis=1)[kept]
        again = np.sort(np.concatenate([*self._again, asked[alone & (asked >= 0)]]))
        return Answers(asked[hits], counts[hits], spans, again)


def _numbers(runs: Sequence[tuple[int, int]]) -> Int64s:
    """Every number of some runs."""
    firsts, counts = np.array(runs, np.int64).reshape(-1, 2).T
    before = np.cumsum(counts) - counts
    numbers: Int64s = np.repeat(firsts - before, counts) + np.arange(counts.sum(), dtype=np.int64)
    return numbers


def pieces(lengths: Int64s, piece_bytes: int) -> Iterator[tuple[int, int]]:
    """Cells that are asked about in one call: first one, and the one after the last.

    Args:
        lengths: int64[n], bytes of each cell and its line feed.
        piece_bytes: Of one call, unless one cell alone is larger.
    """
    ends = np.cumsum(lengths)
    first, before = 0, 0
    while first < len(ends):
        stop = len(ends)
        if ends[-1] - before > piece_bytes:
            stop = max(first + 1, int(np.searchsorted(ends, before + piece_bytes, "right")))
        yield first, stop
        first, before = stop, int(ends[stop - 1])


def _spans(marked: Sequence[bytes]) -> tuple[Int64s, Int64s]:
    """Where the matches stood in the texts, one behind the other, before they were marked."""
    places, before = [_NONE], 0
    for text in marked:
        # The two bytes follow on each other by turns; whatever is smaller becomes larger than both.
        values = np.frombuffer(text, np.uint8) - np.uint8(BEFORE[0])
        places.append(np.flatnonzero(values <= BEHIND[0] - BEFORE[0]) + before)
        before += len(text)
    marks = np.concatenate(places)
    borders = marks - np.arange(len(marks), dtype=np.int64)
    return borders[::2], borders[1::2]
