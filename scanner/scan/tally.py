"""What is counted while a split is scanned."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np

from scanner.archive.columns.cells import Cells
from scanner.archive.read import Gap
from scanner.engine.costs import Costs, SignatureCosts
from scanner.engine.matches import Matches
from scanner.signatures.model import Signature
from scanner.views.raw import text_bytes

_TOLD_ERRORS: Final = 5
_FEW: Final = 64

STAGES: Final = ("read", "join", "pass_one", "confirm", "build", "write")
"""What the time of a split is spent on."""


@dataclass(slots=True)
class Read:
    """What was read."""

    rows: int = 0
    rows_filtered: int = 0
    cells: int = 0
    text_bytes: int = 0

    def __iadd__(self, other: "Read") -> Self:
        self.rows += other.rows
        self.rows_filtered += other.rows_filtered
        self.cells += other.cells
        self.text_bytes += other.text_bytes
        return self


@dataclass(slots=True)
class Tally:
    """Running sums over the batches of a split.

    Attributes:
        whole: What was read of row groups that were read to their end.
        row_group: The row group that is being read.
        current: What was read of it.
        broken: Why it is given up; None as long as all goes well.
        gaps: Row groups that were given up.
        unparsed: Cells that are no JSON, by column and row group.
    """

    whole: Read = field(default_factory=Read)
    row_group: int | None = None
    current: Read = field(default_factory=Read)
    broken: str | None = None
    gaps: list[Gap] = field(default_factory=list)
    invalid_cells: int = 0
    unparsed: Counter[tuple[str, int]] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    told: list[str] = field(default_factory=list)
    events: int = 0
    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    spent: list[SignatureCosts] = field(default_factory=list)

    def spend(self, stage: str, since: float) -> float:
        """Books the time since a moment, and tells the moment."""
        now = time.perf_counter()
        self.stages[stage] += now - since
        return now

    def enter(self, row_group: int) -> None:
        """Begins a row group, or goes on with it."""
        if self.row_group != row_group:
            self.leave()
            self.row_group = row_group

    def leave(self) -> None:
        """Ends the row group that is being read: it counts whole or not at all."""
        if self.row_group is not None and self.broken is not None:
            self.gaps.append(Gap(self.row_group, self.current.rows, self.broken))
        else:
            self.whole += self.current
        self.row_group, self.current, self.broken = None, Read(), None

    def give_up(self, gap: Gap) -> None:
        """Ends a row group that cannot be read further, unless only some of its rows cannot."""
        if gap.partial:
            self.gaps.append(gap)
            return
        self.enter(gap.row_group)
        self.broken = self.broken or gap.reason
        self.current.rows = gap.rows
        self.leave()

    def add(self, column: str, cells: Cells, matches: Matches, signatures: Sequence[Signature]) -> None:
        """Counts what was found in a column of a batch."""
        self.current.cells += len(cells.values) - cells.values.null_count
        self.current.text_bytes += text_bytes(cells.values)
        self.invalid_cells += matches.invalid_cells
        if cells.unparsed and self.row_group is not None:
            self.unparsed[column, self.row_group] += cells.unparsed
        for number, count in _hits_of_each(matches):
            self.hits[signatures[number].id] += count
        self._add_costs(matches.costs)
        self.errors += len(matches.errors)
        for error in matches.errors[: _TOLD_ERRORS - len(self.told)]:
            row = int(cells.rows[error.cell])
            self.told.append(f"{signatures[error.signature].id} on row {row} of its batch: {error.reason}")

    def _add_costs(self, costs: Costs) -> None:
        self.events += costs.events
        for stage in ("join", "pass_one", "confirm"):
            self.stages[stage] += getattr(costs, f"{stage}_s")
        self.spent.append(costs.signatures)
        if len(self.spent) > _FEW:
            self.spent = [SignatureCosts.together(self.spent)]


def _hits_of_each(matches: Matches) -> Iterator[tuple[int, int]]:
    """Signatures with hits, and how many."""
    yield from ((number, count) for number, count in matches.counted.items() if count)
    if len(matches):
        numbers, counts = np.unique(matches.signatures, return_counts=True)
        yield from zip(numbers.tolist(), counts.tolist(), strict=True)
