"""Pass one: which cells may hold what. Many cells in one call; it never misses, but it may say too much.

Cells stand in a block one a line. A line feed on both sides is no word character and, under MULTILINE, a
line border, so every border and anchor that holds on a cell alone holds in the block. A match that reaches over several
cells is a candidate like any other, and confirm drops it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.engine.hyperscan import Scanner
from scanner.engine.literals.folding import folded_blocks
from scanner.engine.literals.spelling import without_odd_letters
from scanner.engine.program import Program
from scanner.views.raw import Int64s, TextCells, text_cells

BLOCK_BYTES: Final = 1 << 20
"""Size of a block, unless one cell alone is larger."""

MAX_PENDING_EVENTS: Final = 1 << 20
"""Events held as Python objects before they are reduced to candidates."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """(cell, target) pairs that are not confirmed, unique, sorted by signature, cell, pattern, literal.

    Attributes:
        cells: int64[n].
        targets: int64[n], indices into the target columns of the `Program`.
        events: How many events led to them.
    """

    cells: Int64s
    targets: Int64s
    events: int = 0


class PassOne:
    """Runs pass one of a program; for one thread."""

    def __init__(self, program: Program, block_bytes: int = BLOCK_BYTES) -> None:
        self._program = program
        self._block_bytes = block_bytes
        self._scanners = [Scanner(database) for database in program.databases]
        self._folded_scanners = [Scanner(database) for database in program.folded_databases]
        self._probes = max(len(program.target_offsets) - 1, 1)

    def run(self, text: TextCells) -> Candidates:
        """Finds the candidates of a column of cells."""
        events, keys = self._keys(text)
        odd = self._program.odd_letters
        if odd:
            again = np.unique(keys[keys % self._probes >= odd.start] // self._probes)
            more, other = self._keys_without_odd_letters(text, again)
            events, keys = events + more, np.union1d(keys, other)
        if self._folded_scanners:
            more, other = self._folded_keys(text)
            events, keys = events + more, np.union1d(keys, other)
        return self._candidates(keys, events)

    def _keys(self, text: TextCells) -> tuple[int, Int64s]:
        """The number of events, and the unique ``cell * probes + probe`` keys they come down to."""
        found = [
            piece
            for start, block in text.blocks(self._block_bytes)
            for scanner in self._scanners
            for piece in self._scan(scanner, start, block, text.offsets)
        ]
        keys = np.unique(np.concatenate([piece for _, piece in found])) if found else np.zeros(0, np.int64)
        return sum(events for events, _ in found), keys

    def _keys_without_odd_letters(self, text: TextCells, cells: Int64s) -> tuple[int, Int64s]:
        """The same, of some cells, with ASCII letters in the place of their variants beyond ASCII."""
        plain = pa.array([without_odd_letters(cell) for cell in text.take(cells)], pa.large_binary())
        events, keys = self._keys(text_cells(plain))
        return events, cells[keys // self._probes] * self._probes + keys % self._probes

    def _folded_keys(self, text: TextCells) -> tuple[int, Int64s]:
        """The same, of what is looked for in folded text."""
        total, keys = 0, [np.zeros(0, np.int64)]
        for cells, block, offsets in folded_blocks(text, self._block_bytes):
            for scanner in self._folded_scanners:
                for events, found in self._scan(scanner, 0, block, offsets):
                    total += events
                    keys.append(cells[found // self._probes] * self._probes + found % self._probes)
        return total, np.concatenate(keys)

    def _scan(self, scanner: Scanner, start: int, block: bytes, offsets: Int64s) -> list[tuple[int, Int64s]]:
        """Numbers of events, and the unique ``cell * probes + probe`` keys they come down to, of one block."""
        probes, pending, pieces = self._probes, [], []  # type: int, list[int], list[tuple[int, Int64s]]
        append = pending.append

        def reduce() -> None:
            events = np.array(pending, np.int64)
            pending.clear()
            # An end stands behind the bytes it belongs to; one that took the line feed belongs before it.
            cells = np.searchsorted(offsets, events // probes + start, "left") - 1
            pieces.append((len(events), np.unique(cells * probes + events % probes)))

        def on_event(probe: int, _start: int, end: int, _flags: int, _context: Any) -> None:
            append(end * probes + probe)
            if len(pending) >= MAX_PENDING_EVENTS:
                reduce()

        scanner.scan(block, on_event)
        if pending:
            reduce()
        return pieces

    def _candidates(self, keys: Int64s, events: int) -> Candidates:
        program = self._program
        cells, probes = keys // self._probes, keys % self._probes
        first = program.target_offsets[probes]
        counts = program.target_offsets[probes + 1] - first if len(keys) else first
        cells = np.repeat(cells, counts)
        run_starts = np.cumsum(counts) - counts
        targets = np.repeat(first - run_starts, counts) + np.arange(len(cells), dtype=np.int64)
        order = np.lexsort((targets, cells, program.target_signatures[targets]))
        cells, targets = cells[order], targets[order]
        # Several spellings of one literal share a target's meaning, not its number; confirm takes sets.
        return Candidates(cells, targets, events)
