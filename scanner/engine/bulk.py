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

_CACHED_BYTES: Final = 1 << 19
"""Bytes that are looked at together: they stay in the processor's cache while they are gone through."""

_NONE: Final = np.zeros(0, np.int64)


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
        self._gathered = (
            0,
            0,
            memoryview(b""),
        )  # the first candidate, the one after the last, and their lines
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
        for first, stop in self._pieces(run.start, run.stop):
            marked = judge.marked(self._lines(first, stop))
            if marked is None:
                self._again.append(np.arange(first, stop, dtype=np.int64))
            else:
                self._asked.append((first, stop - first))
                self._marked.append(marked)

    def _pieces(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Candidates that are asked about in one call, of some: the first, and the one after the last."""
        while first < end:
            stop = end
            if self._borders[end] - self._borders[first] > PIECE_BYTES:
                stop = max(first + 1, self._fitting(first, PIECE_BYTES))
            yield first, stop
            first = stop

    def _fitting(self, first: int, size: int) -> int:
        """The candidate before which so many bytes end that begin with another one."""
        return int(np.searchsorted(self._borders, self._borders[first] + size, "right")) - 1

    def _lines(self, first: int, stop: int) -> bytes:
        """The cells of some candidates one behind the other, each with a line feed behind it."""
        begin, end, lines = self._gathered
        if first < begin or stop > end:
            end = max(stop, self._fitting(first, GATHERED_BYTES))
            begin, lines = first, self._gather(first, end)
            self._gathered = begin, end, lines
        before = self._borders[begin]
        return lines[self._borders[first] - before : self._borders[stop] - before].tobytes()

    def _gather(self, first: int, stop: int) -> memoryview:
        text = self._text
        buffers: list[Any] = [None, pa.py_buffer(text.offsets.data), pa.py_buffer(text.data)]
        cells: Any = pa.Array.from_buffers(pa.large_binary(), len(text), buffers)
        # Arrow waits for many places of memory at a time, and a loop for each.
        lines, _ = in_one_buffer(cells.take(pa.array(self._cells[first:stop], pa.int64())))
        return memoryview(lines)

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


def _spans(marked: Sequence[bytes]) -> tuple[Int64s, Int64s]:
    """Where the matches stood in the texts, one behind the other, before they were marked."""
    text = np.frombuffer(b"".join(marked), np.uint8)
    # The two bytes follow on each other by turns; whatever is smaller becomes larger than both.
    places = [
        at + np.flatnonzero(text[at : at + _CACHED_BYTES] - np.uint8(BEFORE[0]) <= BEHIND[0] - BEFORE[0])
        for at in range(0, len(text), _CACHED_BYTES)
    ]
    marks = np.concatenate([_NONE, *places])
    borders = marks - np.arange(len(marks), dtype=np.int64)
    return borders[::2], borders[1::2]
