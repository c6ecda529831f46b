"""A matcher that finds out which signatures hit most cells, and has pass one look for them no longer.

Pass one tells of each match by itself, which costs more than PCRE2 takes to find the same in all cells at once.
"""

from typing import Final

import numpy as np

from scanner import cache
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matches, Wanted
from scanner.engine.pass_one import BLOCK_BYTES
from scanner.engine.program import Program, compile_ruleset
from scanner.errors import EngineError
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column

MOST_PROBES: Final = 2_000
"""Of larger rulesets nothing is compiled again."""

_SHARE: Final = 1 / 16
"""Of all cells: where pass one sees a signature in more of them, it is better off without."""

PAID: Final = 16_000
"""Events for each probe: when there were so many, flooding signatures have cost what compiling costs."""

_EVENTS_A_CELL: Final = 4
"""Deciding about a cell costs as much as so many events."""

_AT_LEAST: Final = 16
"""Few probes count as so many; starting to compile takes its time too."""


class LearningMatcher:
    """Equal to `scanner.engine.matcher.HyperscanMatcher`; much faster where a signature hits most cells.

    Once such signatures of one plain expression have cost more than it takes to compile the others without them, it
    does so, once. The price of signatures that it tells of are then others: every cell is their candidate.

    Args:
        program: The compiled ruleset.
        block_bytes: Size of the blocks of pass one.
        paid: Events for each probe that flooding signatures must have cost.

    Raises:
        EngineError: The engine misses matches on this machine, or the program does not load on it.
    """

    def __init__(self, program: Program, block_bytes: int = BLOCK_BYTES, paid: int = PAID) -> None:
        self._whole = self._matcher = HyperscanMatcher(program, block_bytes)
        self._flooding: frozenset[int] = frozenset()
        self._block_bytes = block_bytes
        probes = len(program.target_offsets) - 1
        self._price = max(probes, _AT_LEAST) * paid
        self._learns = probes <= MOST_PROBES and cache.folder() is not None
        self._cells = self._events = 0
        self._seen = np.zeros(len(program.ruleset.signatures))

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset whose indices the answers use."""
        return self._whole.ruleset

    @property
    def judging(self) -> str | None:
        """Id of the signature whose candidates are being judged, for another thread to see; None at other times."""
        return self._matcher.judging

    @property
    def flooding(self) -> frozenset[int]:
        """Signatures that pass one does not look for any longer."""
        return self._flooding

    def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
        """Finds every hit in one column; see `scanner.engine.matches.Matcher`."""
        found = self._matcher.match(cells, column, wanted)
        if any(error.signature in self._flooding for error in found.errors):
            # Pass one may know of a cell that PCRE2 gives up on that there is nothing in it.
            self._matcher, self._flooding = self._whole, frozenset()
            return self._matcher.match(cells, column, wanted)
        if self._learns:
            self._learn(found, len(cells) - cells.null_count)
        return found

    def _learn(self, found: Matches, cells: int) -> None:
        spent = found.costs.signatures
        self._cells += cells
        self._events += found.costs.events
        self._seen[spent.numbers] += spent.values[:, 0]
        often = np.flatnonzero(self._seen > self._cells * _SHARE)
        flooding = [number for number in often.tolist() if self._whole.may_flood(number)]
        # Nearly all events are theirs.
        if flooding and self._events + _EVENTS_A_CELL * self._seen[flooding].sum() > self._price:
            self._learns = False
            self._leave_out(frozenset(flooding))

    def _leave_out(self, flooding: frozenset[int]) -> None:
        try:
            program = compile_ruleset(self.ruleset, flooding=flooding)
            self._matcher = HyperscanMatcher(program, self._block_bytes)
        except EngineError:
            return  # what there is finds the same
        self._flooding = flooding
