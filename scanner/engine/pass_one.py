"""Pass one: which cells may hold what. Many cells in one call; it never misses, but it may say too much.

Cells stand in a block one a line. A line feed on both sides is no word character and, under MULTILINE, a
line border, so every border and anchor that holds on a cell alone holds in the block. A match that reaches over several
cells is a candidate like any other, and confirm drops it.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scanner.engine.hyperscan import Scanner
from scanner.engine.literals.folding import folded_blocks
from scanner.engine.literals.spelling import without_odd_letters
from scanner.engine.program import Program
from scanner.views.raw import Int64s, TextCells, text_cells

BLOCK_BYTES: Final = 64 << 20
"""Size of a block, unless one cell alone is larger."""

MAX_PENDING_EVENTS: Final = 1 << 20
"""Events held before they are reduced to candidates."""

_NONE: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Candidates:
    """(cell, target) pairs that are not confirmed, unique, sorted by signature, then cell.

    Attributes:
        cells: int64[n].
        targets: int64[n], indices into the target columns of the `Program`.
        events: int64[n], ends of matches that led to each.
    """

    cells: Int64s
    targets: Int64s
    events: Int64s

    def __len__(self) -> int:
        return len(self.cells)

    def part(self, chosen: slice | npt.NDArray[np.bool_] | Int64s) -> "Candidates":
        """Some of them."""
        return Candidates(self.cells[chosen], self.targets[chosen], self.events[chosen])


NO_CANDIDATES: Final = Candidates(_NONE, _NONE, _NONE)


@dataclass(frozen=True, slots=True)
class _Found:
    """Keys, each ``cell * probes + probe``, unique and ascending; and how many events led to each."""

    keys: Int64s
    events: Int64s

    @classmethod
    def together(cls, pieces: "Sequence[_Found]") -> "_Found":
        if len(pieces) == 1:
            return pieces[0]
        if not pieces:
            return cls(_NONE, _NONE)
        keys = np.concatenate([piece.keys for piece in pieces])
        order = np.argsort(keys)
        keys, starts = np.unique(keys[order], return_index=True)
        events = np.concatenate([piece.events for piece in pieces])[order]
        return cls(keys, np.add.reduceat(events, starts) if len(keys) else events)


class PassOne:
    """Runs pass one of a program; for one thread."""

    def __init__(self, program: Program, block_bytes: int = BLOCK_BYTES) -> None:
        self._program = program
        self._block_bytes = block_bytes
        self._scanners = [Scanner(database) for database in program.databases]
        self._folded_scanners = [Scanner(database) for database in program.folded_databases]
        self._probes = max(len(program.target_offsets) - 1, 1)

    def run(self, text: TextCells) -> tuple[int, Candidates]:
        """Finds the candidates of a column of cells, and says of how many events."""
        found = self._found(text)
        odd = self._program.odd_letters
        if odd and len(found.keys):
            again = np.unique(found.keys[found.keys % self._probes >= odd.start] // self._probes)
            found = _Found.together([found, self._without_odd_letters(text, again)])
        if self._folded_scanners:
            found = _Found.together([found, *self._folded(text)])
        return int(found.events.sum()), self._candidates(found)

    def _found(self, text: TextCells) -> _Found:
        return _Found.together(
            [
                piece
                for start, block in text.blocks(self._block_bytes)
                for scanner in self._scanners
                for piece in self._scan(scanner, start, block, text.offsets)
            ]
        )

    def _without_odd_letters(self, text: TextCells, cells: Int64s) -> _Found:
        """The same, of some cells, with ASCII letters in the place of their variants beyond ASCII."""
        plain = pa.array([without_odd_letters(cell) for cell in text.take(cells)], pa.large_binary())
        found = self._found(text_cells(plain))
        return self._of_cells(found, cells)

    def _folded(self, text: TextCells) -> Iterator[_Found]:
        """The same, of what is looked for in folded text."""
        for cells, block, offsets in folded_blocks(text, self._block_bytes):
            for scanner in self._folded_scanners:
                for found in self._scan(scanner, 0, block, offsets):
                    yield self._of_cells(found, cells)

    def _of_cells(self, found: _Found, cells: Int64s) -> _Found:
        """What was found in some cells by themselves, with the numbers that they have among all."""
        keys = cells[found.keys // self._probes] * self._probes + found.keys % self._probes
        return _Found(keys, found.events)

    def _scan(self, scanner: Scanner, start: int, block: bytes, offsets: Int64s) -> list[_Found]:
        """What is found in one block."""
        pieces: list[_Found] = []
        probes, ends = array("I"), array("I")
        add_probe, add_end = probes.append, ends.append

        def reduce() -> None:
            # An end stands behind the bytes it belongs to; one that took the line feed belongs before it.
            cells = np.searchsorted(offsets, np.array(ends, np.int64) + start, "left") - 1
            keys = cells * self._probes + np.array(probes, np.int64)
            pieces.append(_Found(*np.unique(keys, return_counts=True)))
            del probes[:], ends[:]

        def on_event(probe: int, _start: int, end: int, _flags: int, _context: Any) -> None:
            add_probe(probe)
            add_end(end)
            if len(ends) >= MAX_PENDING_EVENTS:
                reduce()

        scanner.scan(block, on_event)
        if ends:
            reduce()
        return pieces

    def _candidates(self, found: _Found) -> Candidates:
        if not len(found.keys):
            return NO_CANDIDATES
        program = self._program
        cells, probes = found.keys // self._probes, found.keys % self._probes
        first = program.target_offsets[probes]
        counts = program.target_offsets[probes + 1] - first
        cells, events = np.repeat(cells, counts), np.repeat(found.events, counts)
        run_starts = np.cumsum(counts) - counts
        targets = np.repeat(first - run_starts, counts) + np.arange(len(cells), dtype=np.int64)
        order = np.argsort(program.target_signatures[targets] * (cells[-1:] + 1) + cells)
        # Several spellings of one literal share a target's meaning, not its number; confirm takes sets.
        return Candidates(cells[order], targets[order], events[order])
