"""Matchers of parts of a ruleset, for splits that owe only some of its signatures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scanner.engine.costs import SignatureCosts
from scanner.engine.flood import LearningMatcher
from scanner.engine.matches import Matcher, Matches, Wanted
from scanner.engine.program import Program, compile_ruleset
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column, Int64s

MOST_COMPILED = 8
"""Parts of one ruleset that get programs of their own; of further ones the whole runs, and what is not owed is left
out. There are more only where many runs failed in different places."""


@dataclass(frozen=True, slots=True)
class OwedPart:
    """Some signatures of a ruleset. It pickles.

    Attributes:
        numbers: Their indices in the ruleset, ascending.
        ruleset: These signatures.
        program: The same, compiled; None where the whole ruleset's program is to find their hits.
    """

    numbers: tuple[int, ...]
    ruleset: Ruleset
    program: Program | None = None


def parts_of(whole: Program, owed: Sequence[Sequence[int]]) -> tuple[OwedPart, ...]:
    """Compiles parts of a ruleset.

    Args:
        whole: The ruleset, compiled.
        owed: For each part the indices of its signatures, ascending; those that most splits owe come first.
    """
    parts = []
    for place, numbers in enumerate(owed):
        signatures = tuple(whole.ruleset.signatures[number] for number in numbers)
        ruleset = Ruleset(signatures, ruleset_digest(signatures))
        program = compile_ruleset(ruleset) if place < MOST_COMPILED else None
        parts.append(OwedPart(tuple(numbers), ruleset, program))
    return tuple(parts)


class Matchers:
    """The matcher for what a split owes, by `scanner.archive.plan.Split.owed`; made when it is first asked for.

    Args:
        whole: Of the whole ruleset, which is number 0.
        parts: The others, from number 1 on.
    """

    def __init__(self, whole: Matcher, parts: Sequence[OwedPart] = ()) -> None:
        self._parts = parts
        self._made = {0: whole}

    def __getitem__(self, number: int) -> Matcher:
        if number not in self._made:
            part = self._parts[number - 1]
            made = OnlyThese(self._made[0], part) if part.program is None else LearningMatcher(part.program)
            self._made[number] = made
        return self._made[number]


class OnlyThese:
    """Finds the hits of some signatures by a matcher that looks for more.

    Args:
        matcher: Looks for the whole ruleset.
        part: Whose hits are wanted.
    """

    def __init__(self, matcher: Matcher, part: OwedPart) -> None:
        self._matcher = matcher
        self._ruleset = part.ruleset
        self._places = np.full(len(matcher.ruleset.signatures), -1, np.int64)
        self._places[list(part.numbers)] = np.arange(len(part.numbers))

    @property
    def ruleset(self) -> Ruleset:
        """The signatures whose hits are wanted; answers use their indices."""
        return self._ruleset

    @property
    def judging(self) -> str | None:
        """Id of the signature whose candidates are being judged; it may be one whose hits are not wanted."""
        return self._matcher.judging

    def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
        """Finds every hit in one column; see `scanner.engine.matches.Matcher`."""

        def of_these(number: int, hits: Int64s) -> "np.ndarray[Any, np.dtype[np.bool_]]":
            place = self._place(number)
            return np.zeros(len(hits), np.bool_) if place < 0 or wanted is None else wanted(place, hits)

        found = self._matcher.match(cells, column, None if wanted is None else of_these)
        found = found.where(self._places[found.signatures] >= 0)
        errors = ((self._place(error.signature), error) for error in found.errors)
        spent = self._spent(found.costs.signatures)
        return replace(
            found,
            signatures=self._places[found.signatures],
            errors=tuple(replace(error, signature=place) for place, error in errors if place >= 0),
            counted={
                place: count for number, count in found.counted.items() if (place := self._place(number)) >= 0
            },
            costs=replace(found.costs, signatures=spent),
        )

    def _spent(self, costs: SignatureCosts) -> SignatureCosts:
        places: Int64s = self._places[costs.numbers]
        return SignatureCosts(places[places >= 0], costs.values[places >= 0])

    def _place(self, signature: int) -> int:
        return int(self._places[signature])
