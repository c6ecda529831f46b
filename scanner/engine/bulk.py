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
        self._asked: list[tuple[int, int]] = []  # the first candidate of a call, and how many
        self._marked: list[bytes] = []
        self._again: list[Int64s] = []

    @property
    def was_asked(self) -> bool:
        """True where there are answers."""
        return bool(self._marked or self._again)

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
        for start, stop in _pieces(self._lengths[run], PIECE_BYTES):
            first, count = run.start + start, stop - start
            marked = judge.marked(self._lines(slice(first, first + count)))
            if marked is None:
                self._again.append(np.arange(first, first + count, dtype=np.int64))
            else:
                self._asked.append((first, count))
                self._marked.append(marked)

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

    def answers(self) -> Answers:
        """What PCRE2 said."""
        asked = _numbers(self._asked)
        borders = np.append(0, np.cumsum(self._lengths[asked]))
        starts, ends = _spans(self._marked)
        cells = np.searchsorted(borders, starts, "right") - 1
        counts = np.bincount(cells, minlength=len(asked))
        alone = counts > MAX_SPANS
        across = np.flatnonzero(ends >= borders[cells + 1])
        touched = np.searchsorted(borders, ends[across], "left")
        for first, last in zip(cells[across].tolist(), touched.tolist(), strict=True):
            alone[first:last] = True
        hits = np.flatnonzero(~alone & (counts > 0))
        before = borders[cells]
        spans = np.stack([starts - before, ends - before], axis=1)[~alone[cells]]
        again = np.sort(np.concatenate([*self._again, asked[alone]]))
        return Answers(asked[hits], counts[hits], spans, again)


def _numbers(runs: Sequence[tuple[int, int]]) -> Int64s:
    """Every number of some runs."""
    firsts, counts = np.array(runs, np.int64).reshape(-1, 2).T
    before = np.cumsum(counts) - counts
    numbers: Int64s = np.repeat(firsts - before, counts) + np.arange(counts.sum(), dtype=np.int64)
    return numbers


def _pieces(lengths: Int64s, piece_bytes: int) -> Iterator[tuple[int, int]]:
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
