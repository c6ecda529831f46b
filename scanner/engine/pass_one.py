"""Pass one: which cells may hold what. Many cells in one call; it never misses, but it may say too much.

Cells stand in a block one a line. A line feed on both sides is no word character and, under MULTILINE, a
line border, so every border and anchor that holds on a cell alone holds in the block. A match that reaches over several
cells is a candidate like any other, and confirm drops it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scanner.engine.hyperscan import Scanner
from scanner.engine.matches import Int64s
from scanner.engine.program import Program

BLOCK_BYTES: Final = 1 << 20
"""Size of a block, unless one cell alone is larger."""

MAX_PENDING_EVENTS: Final = 1 << 20
"""Events held as Python objects before they are reduced to candidates."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Cells in one buffer, each followed by a line feed; nulls take no bytes.

    Attributes:
        data: The buffer.
        offsets: int64[n + 1]; cell ``i`` is ``data[offsets[i]:offsets[i + 1] - 1]``.
    """

    data: memoryview
    offsets: Int64s

    @classmethod
    def of(cls, values: pa.LargeBinaryArray) -> "Joined":
        """Joins large_binary[n] cells."""
        empty: Any = pa.scalar(b"", pa.large_binary())
        separator: Any = pa.scalar(b"\n", pa.large_binary())
        joined: Any = pc.binary_join_element_wise(values, empty, separator)
        _, offsets, data = joined.buffers()
        first = joined.offset
        positions = (
            np.frombuffer(offsets, np.int64, len(joined) + 1, first * 8)
            if len(joined)
            else np.zeros(1, np.int64)
        )
        return cls(memoryview(data) if data is not None else memoryview(b""), positions)

    def cell(self, index: int) -> bytes:
        """The bytes of a cell that is not null."""
        return bytes(self.data[self.offsets[index] : self.offsets[index + 1] - 1])

    def blocks(self, block_bytes: int) -> Iterator[tuple[int, bytes]]:
        """Cuts the buffer at borders of cells.

        Returns:
            Each block's first byte in the buffer, and the block.
        """
        start, end = int(self.offsets[0]), int(self.offsets[-1])
        while start < end:
            last = int(np.searchsorted(self.offsets, start + block_bytes, "right")) - 1
            stop = int(self.offsets[last])
            if stop <= start:
                stop = int(self.offsets[np.searchsorted(self.offsets, start, "right")])
            yield start, bytes(self.data[start:stop])
            start = stop


@dataclass(frozen=True, slots=True)
class Candidates:
    """(cell, target) pairs that are not confirmed, unique, sorted by signature, cell, pattern, literal.

    Attributes:
        cells: int64[n].
        targets: int64[n], indices into the target columns of the `Program`.
    """

    cells: Int64s
    targets: Int64s


class PassOne:
    """Runs pass one of a program; for one thread."""

    def __init__(self, program: Program, block_bytes: int = BLOCK_BYTES) -> None:
        self._program = program
        self._block_bytes = block_bytes
        self._scanners = [Scanner(database) for database in program.databases]
        self._probes = max(len(program.target_offsets) - 1, 1)

    def run(self, joined: Joined) -> Candidates:
        """Finds the candidates of a column of cells."""
        found = [
            keys
            for start, block in joined.blocks(self._block_bytes)
            for scanner in self._scanners
            for keys in self._scan(scanner, start, block, joined.offsets)
        ]
        keys = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
        return self._candidates(keys)

    def _scan(self, scanner: Scanner, start: int, block: bytes, offsets: Int64s) -> list[Int64s]:
        """Unique ``cell * probes + probe`` keys of one block, in pieces."""
        probes, pending, keys = self._probes, [], []  # type: int, list[int], list[Int64s]
        append = pending.append

        def reduce() -> None:
            events = np.array(pending, np.int64)
            pending.clear()
            # An end stands behind the bytes it belongs to; one that took the line feed belongs before it.
            cells = np.searchsorted(offsets, events // probes + start, "left") - 1
            keys.append(np.unique(cells * probes + events % probes))

        def on_event(probe: int, _start: int, end: int, _flags: int, _context: Any) -> None:
            append(end * probes + probe)
            if len(pending) >= MAX_PENDING_EVENTS:
                reduce()

        scanner.scan(block, on_event)
        if pending:
            reduce()
        return keys

    def _candidates(self, keys: Int64s) -> Candidates:
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
        return Candidates(cells, targets)
