"""The matcher that hunts use: pass one by Hyperscan, pass two by PCRE2."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from scanner.engine.collect import Collector
from scanner.engine.confirm import Fired, SignatureJudge
from scanner.engine.costs import Costs, SignatureCost
from scanner.engine.matches import MAX_SPANS, Matches
from scanner.engine.narrow import Mask, possible_cells
from scanner.engine.pass_one import BLOCK_BYTES, Candidates, PassOne
from scanner.engine.program import Program
from scanner.engine.qualification.verdict import require_qualified
from scanner.signatures.condition import possible
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column, TextCells, text_cells

_NONE: Final[Fired] = {}


class HyperscanMatcher:
    """Finds hits in few calls on large blocks; equal to `scanner.engine.oracle.OracleMatcher`, and much faster.

    It holds engine scratch, so it belongs to one thread.

    Args:
        program: The compiled ruleset.
        block_bytes: Size of the blocks of pass one; it changes speed, never answers.

    Raises:
        EngineError: The engine misses matches on this machine, or the program does not load on it.
    """

    def __init__(self, program: Program, block_bytes: int = BLOCK_BYTES) -> None:
        require_qualified()
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
        started = time.perf_counter()
        text = text_cells(cells)
        joined = time.perf_counter()
        candidates = self._pass_one.run(text)
        scanned = time.perf_counter()
        collector = Collector(text.repairs)
        spent = tuple(
            (number, self._confirm(number, some, text, collector))
            for number, some in self._by_signature(candidates)
            if self._applies(number, column)
        )
        matches = collector.matches()
        confirm_s = time.perf_counter() - scanned
        costs = Costs(joined - started, scanned - joined, confirm_s, candidates.events, spent)
        return replace(matches, costs=costs)

    def _applies(self, number: int, column: str) -> bool:
        columns = self.ruleset.signatures[number].columns
        return columns is None or column in columns

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

    def _by_signature(self, candidates: Candidates) -> Iterator[tuple[int, Candidates]]:
        numbers = self._program.target_signatures[candidates.targets]
        found, starts = np.unique(numbers, return_index=True)
        borders = np.append(starts, len(numbers)).tolist()
        runs = {n: slice(*borders[i : i + 2]) for i, n in enumerate(found.tolist())}
        for number in sorted(runs.keys() | self._everywhere):
            run = runs.get(number, slice(0, 0))
            yield number, Candidates(candidates.cells[run], candidates.targets[run])

    def _confirm(
        self, number: int, candidates: Candidates, text: TextCells, collector: Collector
    ) -> SignatureCost:
        started = time.perf_counter()
        judge = self._judges[number]
        if judge.only is not None:
            find = judge.only.find
            cells = text.not_null() if number in self._everywhere else candidates.cells
            collector.decide(number, cells.tolist(), text.take(cells), lambda _, cell: find(cell, MAX_SPANS))
        else:
            possible = self._possible(number, candidates, len(text))
            cells = text.not_null() if possible is None else np.flatnonzero(possible)
            fired = self._fired(candidates, possible)
            collector.decide(
                number,
                cells.tolist(),
                text.take(cells),
                lambda index, cell: judge.judge(cell, fired.get(index, _NONE)),
            )
        seen = len(candidates.cells) if judge.only is not None else len(np.unique(candidates.cells))
        return SignatureCost(seen, len(cells), time.perf_counter() - started)

    def _possible(self, number: int, candidates: Candidates, length: int) -> Mask | None:
        """bool[length] of the cells that the signature may hit; None where that is every cell."""
        signature = self.ruleset.signatures[number]
        places = {pattern.name: index for index, pattern in enumerate(signature.patterns)}
        patterns = self._program.target_patterns[candidates.targets]

        def fired(name: str) -> Mask | None:
            if (number, places[name]) in self._program.unprobed:
                return None
            mask = np.zeros(length, np.bool_)
            mask[candidates.cells[patterns == places[name]]] = True
            return mask

        return possible_cells(signature.condition, fired)

    def _fired(self, candidates: Candidates, possible: Mask | None) -> dict[int, Fired]:
        """What pass one saw, by cell; of cells that are not possible nothing is told."""
        wanted = slice(None) if possible is None else possible[candidates.cells]
        cells, targets = candidates.cells[wanted].tolist(), candidates.targets[wanted]
        patterns = self._program.target_patterns[targets].tolist()
        literals = self._program.target_literals[targets].tolist()
        fired: dict[int, Fired] = {}
        for cell, pattern, literal in zip(cells, patterns, literals, strict=True):
            fired.setdefault(cell, {}).setdefault(pattern, set()).add(literal)
        return fired
