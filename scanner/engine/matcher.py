"""The matcher that hunts use: pass one by Hyperscan, pass two by PCRE2."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scanner.engine.collect import Collector
from scanner.engine.confirm import Fired, SignatureJudge
from scanner.engine.matches import Int64s, Matches
from scanner.engine.pass_one import BLOCK_BYTES, Candidates, Joined, PassOne
from scanner.engine.program import Program
from scanner.signatures.condition import possible
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column, text_cells


class HyperscanMatcher:
    """Finds hits in few calls on large blocks; equal to `scanner.engine.oracle.OracleMatcher`, and much faster.

    It holds engine scratch, so it belongs to one thread.

    Args:
        program: The compiled ruleset.
        block_bytes: Size of the blocks of pass one; it changes speed, never answers.

    Raises:
        EngineError: The program does not load on this machine.
    """

    def __init__(self, program: Program, block_bytes: int = BLOCK_BYTES) -> None:
        self._program = program
        self._pass_one = PassOne(program, block_bytes)
        self._judges = [
            SignatureJudge(signature, frozenset(p for s, p in program.unprobed if s == number))
            for number, signature in enumerate(program.ruleset.signatures)
        ]
        self._everywhere = frozenset(self._needs_every_cell())

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset whose indices the answers use."""
        return self._program.ruleset

    def match(self, cells: Column, column: str) -> Matches:
        """Finds every hit in one column; see `scanner.engine.matches.Matcher`."""
        text = text_cells(cells)
        joined = Joined.of(text.values)
        collector = Collector(text.repairs)
        candidates = self._pass_one.run(joined)
        for number, wanted in self._by_signature(candidates, text.values):
            columns = self.ruleset.signatures[number].columns
            if columns is None or column in columns:
                self._confirm(number, wanted, joined, collector)
        return collector.matches()

    def _needs_every_cell(self) -> Iterator[int]:
        """Signatures that may hit although pass one sees nothing."""
        for number, signature in enumerate(self.ruleset.signatures):
            unseen = {
                pattern.name
                for index, pattern in enumerate(signature.patterns)
                if (number, index) in self._program.unprobed
            }
            if possible(signature.condition, unseen.__contains__):
                yield number

    def _by_signature(
        self, candidates: Candidates, values: pa.LargeBinaryArray
    ) -> Iterator[tuple[int, Iterator[tuple[int, Fired]]]]:
        numbers = self._program.target_signatures[candidates.targets]
        found, starts = np.unique(numbers, return_index=True)
        borders = np.append(starts, len(numbers)).tolist()
        runs = {n: slice(*borders[i : i + 2]) for i, n in enumerate(found.tolist())}
        not_null = (
            np.flatnonzero(pc.is_valid(values).to_numpy(zero_copy_only=False)) if self._everywhere else None
        )
        for number in sorted(runs.keys() | self._everywhere):
            run = runs.get(number, slice(0, 0))
            cells, targets = candidates.cells[run], candidates.targets[run]
            if number in self._everywhere and not_null is not None:
                yield number, _fill(self._fired(cells, targets), not_null)
            else:
                yield number, self._fired(cells, targets)

    def _fired(self, cells: Int64s, targets: Int64s) -> Iterator[tuple[int, Fired]]:
        """Groups the candidates of one signature by cell."""
        patterns = self._program.target_patterns[targets].tolist()
        literals = self._program.target_literals[targets].tolist()
        now, fired = -1, Fired()
        for cell, pattern, literal in zip(cells.tolist(), patterns, literals, strict=True):
            if cell != now:
                if fired:
                    yield now, fired
                now, fired = cell, {}
            fired.setdefault(pattern, set()).add(literal)
        if fired:
            yield now, fired

    def _confirm(
        self, number: int, wanted: Iterator[tuple[int, Fired]], joined: Joined, collector: Collector
    ) -> None:
        judge = self._judges[number]
        for cell, fired in wanted:
            collector.decide(cell, number, judge.judge, joined.cell(cell), fired)


def _fill(some: Iterator[tuple[int, Fired]], every: Int64s) -> Iterator[tuple[int, Fired]]:
    known = dict(some)
    for cell in every.tolist():
        yield cell, known.get(cell, {})
