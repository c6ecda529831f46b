"""The matcher that hunts use: pass one by Hyperscan, pass two by PCRE2."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, repeat
from typing import Final

import numpy as np

from scanner.engine.bulk import Bulk
from scanner.engine.collect import Collector
from scanner.engine.confirm import Fired, SignatureJudge
from scanner.engine.costs import Costs, SignatureCosts, Spent
from scanner.engine.matches import MAX_SPANS, NO_MATCHES, Matches, Wanted
from scanner.engine.narrow import Mask, possible_cells
from scanner.engine.pass_one import BLOCK_BYTES, NO_CANDIDATES, Candidates, PassOne
from scanner.engine.program import Program
from scanner.engine.qualification.verdict import require_qualified
from scanner.engine.sweep import sweep
from scanner.signatures.condition import possible
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column, Int64s, TextCells, text_cells

_NONE: Final[Fired] = {}

_SOME: Final = 16
"""Candidates of a signature that are worth being put together."""


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
        unprobed: dict[int, set[int]] = {}
        for number, index in program.unprobed:
            unprobed.setdefault(number, set()).add(index)
        self._judges = [
            SignatureJudge(signature, frozenset(unprobed.get(number, ())))
            for number, signature in enumerate(program.ruleset.signatures)
        ]
        self._everywhere = frozenset(self._needs_every_cell())
        # A signature with one expression that pass one does not look for has to be judged in every cell.
        self._single = np.array(
            [judge.is_single and number not in self._everywhere for number, judge in enumerate(self._judges)],
            np.bool_,
        )
        self._flooding = np.zeros(len(self._judges), np.bool_)
        self._flooding[list(program.flooding)] = True
        self._proven: dict[int, bool] = {}
        self._claimed: dict[int, Int64s] = {}
        self._kinds_by_column: dict[str, tuple[Mask, Mask, Mask]] = {}
        self._judging: int | None = None

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset whose indices the answers use."""
        return self._program.ruleset

    @property
    def judging(self) -> str | None:
        """Id of the signature whose candidates are being judged, for another thread to see; None at other times."""
        number = self._judging
        return None if number is None else self.ruleset.signatures[number].id

    def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
        """Finds every hit in one column; see `scanner.engine.matches.Matcher`."""
        started = time.perf_counter()
        text = text_cells(cells)
        joined = time.perf_counter()
        events, candidates = self._pass_one.run(text)
        scanned = time.perf_counter()
        costs = Costs(joined - started, scanned - joined, 0.0, events)
        if not len(candidates) and not self._everywhere and not self._program.flooding:
            return replace(NO_MATCHES, invalid_cells=len(text.repairs), costs=costs)
        collector = Collector(text.repairs)
        self._claimed.clear()
        spent = SignatureCosts.of(self._confirm_all(candidates, text, column, collector, wanted))
        self._judging = None
        matches = collector.matches()
        self._prove(matches)
        costs = replace(costs, confirm_s=time.perf_counter() - scanned, signatures=spent)
        return replace(matches, costs=costs)

    def may_flood(self, number: int) -> bool:
        """True where a signature may be one of the `Program.flooding`."""
        return bool(self._single[number]) and self._judges[number].is_plain

    def _kinds(self, column: str) -> tuple[Mask, Mask, Mask]:
        """bool[signatures] of those that apply to a column: with one expression to look for, others, and flooding."""
        if column not in self._kinds_by_column:
            signatures = self.ruleset.signatures
            applies = np.array(
                [each.columns is None or column in each.columns for each in signatures], np.bool_
            )
            flooding = applies & self._flooding
            applies &= ~flooding
            self._kinds_by_column[column] = applies & self._single, applies & ~self._single, flooding
        return self._kinds_by_column[column]

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

    def _confirm_all(
        self,
        candidates: Candidates,
        text: TextCells,
        column: str,
        collector: Collector,
        wanted: Wanted | None,
    ) -> Iterator[Spent]:
        single, other, flooding = self._kinds(column)
        numbers = self._program.target_signatures[candidates.targets]
        yield from self._confirm_single(candidates.part(single[numbers]), text, collector)
        rest = candidates.part(other[numbers])
        runs = {number: rest.part(run) for number, run in self._runs(rest)}
        for number in sorted(runs.keys() | {each for each in self._everywhere if other[each]}):
            yield self._confirm(number, runs.get(number, NO_CANDIDATES), text, collector)
        for number in np.flatnonzero(flooding).tolist():
            yield self._confirm_everywhere(number, text, collector, wanted)

    def _runs(self, candidates: Candidates) -> Iterator[tuple[int, slice]]:
        """Where the candidates of each signature stand."""
        numbers, starts = np.unique(self._program.target_signatures[candidates.targets], return_index=True)
        borders = [*starts.tolist(), len(candidates)]
        for number, (start, end) in zip(numbers.tolist(), pairwise(borders), strict=True):
            yield number, slice(start, end)

    def _confirm_single(
        self, candidates: Candidates, text: TextCells, collector: Collector
    ) -> Iterator[Spent]:
        """Looks for the one expression of each signature."""
        bulk = Bulk(text, candidates.cells)
        # Each match holds an event of its own, so there are no more matches than events.
        cells, events = candidates.cells.tolist(), candidates.events.tolist()
        started = time.perf_counter()
        for number, run in self._runs(candidates):
            self._judging = number
            judge, seen = self._judges[number], run.stop - run.start
            if seen >= _SOME and judge.is_plain:
                bulk.ask(judge.only, run)
            else:
                about = zip(cells[run], bulk.texts(run), events[run], strict=True)
                collector.find(number, judge.only, about, MAX_SPANS)
            ended = time.perf_counter()
            yield number, seen, seen, ended - started
            started = ended
        if not bulk.was_asked:
            return
        answers = bulk.answers()
        numbers = self._program.target_signatures[candidates.targets]
        collector.take(numbers[answers.hits], candidates.cells[answers.hits], answers.counts, answers.spans)
        yield from self._confirm_again(candidates.part(answers.again), text, collector)

    def _confirm_again(
        self, candidates: Candidates, text: TextCells, collector: Collector
    ) -> Iterator[Spent]:
        """Asks about candidates alone that could not be decided among others."""
        for number, run in self._runs(candidates):
            self._judging = number
            started = time.perf_counter()
            cells, events = candidates.cells[run], candidates.events[run]
            about = zip(cells.tolist(), text.take(cells), events.tolist(), strict=True)
            collector.find(number, self._judges[number].only, about, MAX_SPANS)
            yield number, 0, 0, time.perf_counter() - started

    def _confirm_everywhere(
        self, number: int, text: TextCells, collector: Collector, wanted: Wanted | None
    ) -> Spent:
        """Looks for the plain expression of a signature in every cell."""
        self._judging = number
        started = time.perf_counter()
        cells = chosen = text.not_null()
        hits = self._swept(number, text)
        if hits is not None and number not in self._proven:
            # Where all cells are alike, or there is none, the other engine has shown nothing.
            if 0 < len(hits) < len(cells):
                self._claimed[number] = hits
        elif hits is not None:
            chosen = hits if wanted is None else hits[wanted(number, hits)]
            collector.count(number, len(hits) - len(chosen))
        self._find_all(number, chosen, text, collector)
        return number, len(cells), len(cells), time.perf_counter() - started

    def _swept(self, number: int, text: TextCells) -> Int64s | None:
        """The cells that a signature hits, as another engine than the judge's tells; None where it cannot."""
        source = self._judges[number].sweeping if self._proven.get(number, True) else None
        return None if source is None else sweep(source, text)

    def _prove(self, matches: Matches) -> None:
        """Compares what the other engine told with what the judge found, the first time that it is asked."""
        for number, hits in self._claimed.items():
            self._proven[number] = np.array_equal(hits, matches.cells[matches.signatures == number])

    def _find_all(self, number: int, cells: Int64s, text: TextCells, collector: Collector) -> None:
        """Looks for the plain expression of a signature in some cells."""
        if not len(cells):
            return
        bulk = Bulk(text, cells)
        bulk.ask(self._judges[number].only, slice(0, len(cells)))
        answers = bulk.answers()
        hits = cells[answers.hits]
        collector.take(np.full(len(hits), number), hits, answers.counts, answers.spans)
        self._find_alone(number, cells[answers.again], text, collector)

    def _find_alone(self, number: int, cells: Int64s, text: TextCells, collector: Collector) -> None:
        about = zip(cells.tolist(), text.take(cells), repeat(sys.maxsize))
        collector.find(number, self._judges[number].only, about, MAX_SPANS)

    def _confirm(self, number: int, candidates: Candidates, text: TextCells, collector: Collector) -> Spent:
        self._judging = number
        started = time.perf_counter()
        judge = self._judges[number]
        possible = self._possible(number, candidates, len(text))
        cells = text.not_null() if possible is None else np.flatnonzero(possible)
        fired = self._fired(candidates, possible)
        collector.decide(
            number,
            zip(cells.tolist(), text.take(cells), strict=True),
            lambda index, cell: judge.judge(cell, fired.get(index, _NONE)),
        )
        seen = len(candidates) and 1 + int(np.count_nonzero(np.diff(candidates.cells)))
        return number, seen, len(cells), time.perf_counter() - started

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
