"""Pass two: the judge decides on the candidates of pass one, and finds the exact spans."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from heapq import merge
from itertools import islice

from scanner.engine.dialects.translate import judge_of
from scanner.engine.literals.spelling import literal_expression
from scanner.engine.matches import MAX_SPANS
from scanner.engine.pcre import Expression
from scanner.engine.plain import is_plain
from scanner.engine.program import all_patterns
from scanner.engine.sweep import sweeping
from scanner.signatures.condition import evaluate, positive
from scanner.signatures.model import LiteralPattern, RegexPattern, Signature

Found = tuple[int, list[tuple[int, int]]]
"""The number of matches, and the first spans of them, sorted and unique; ``(0, [])`` for no hit."""

NOTHING: Found = (0, [])

Fired = dict[int, set[int]]
"""By pattern of the signature, the literals that pass one saw; a pattern it did not look for is not in it."""


class SignatureJudge:
    """Decides whether a signature hits a cell.

    Args:
        signature: The signature.
        unprobed: Its patterns that pass one does not look for.

    Attributes:
        is_single: True for the commonest kind of signature, which has one expression and no condition to decide.
    """

    def __init__(self, signature: Signature, unprobed: frozenset[int]) -> None:
        self._condition = signature.condition
        self._patterns = all_patterns(signature)
        self._numbers = {pattern.name: number for number, pattern in enumerate(signature.patterns)}
        self._allow = range(len(signature.patterns), len(self._patterns))
        self._speaking = sorted(self._numbers[name] for name in positive(signature.condition))
        self._unprobed = unprobed
        self._compiled: dict[int, Expression] = {}
        first = self._patterns[0]
        self.is_single = len(self._patterns) == 1 and (
            isinstance(first, RegexPattern) or len(first.literals) == 1
        )

    @cached_property
    def only(self) -> Expression:
        """The expression of a signature that has but one; compiled when it is first asked for, as most never are."""
        return next(self._expressions(0, {0: {0}}))

    @cached_property
    def is_plain(self) -> bool:
        """True where that expression may be looked for in many cells at once; a literal takes no more than itself."""
        first = self._patterns[0]
        return isinstance(first, LiteralPattern) or is_plain(first)

    @cached_property
    def sweeping(self) -> str | None:
        """What `scanner.engine.sweep.sweep` is to be given for that expression; None where that does not serve it."""
        return sweeping(self._patterns[0])

    def judge(self, cell: bytes, fired: Fired) -> Found:
        """Decides on one cell.

        Args:
            cell: Valid UTF-8.
            fired: What pass one saw in it.

        Raises:
            MatchUndecided: The judge gave up.
        """
        known: dict[int, bool] = {}

        def is_true(name: str) -> bool:
            number = self._numbers[name]
            if number not in known:
                known[number] = self._matches(number, cell, fired)
            return known[number]

        if not evaluate(self._condition, is_true):
            return NOTHING
        if any(self._matches(number, cell, fired) for number in self._allow):
            return NOTHING
        sources = (each for number in self._speaking for each in self._expressions(number, fired))
        return _together([each.find(cell, MAX_SPANS) for each in sources])

    def _matches(self, number: int, cell: bytes, fired: Fired) -> bool:
        return any(each.search(cell) for each in self._expressions(number, fired))

    def _expressions(self, number: int, fired: Fired) -> Iterator[Expression]:
        pattern = self._patterns[number]
        if number not in self._unprobed and number not in fired:
            return
        if isinstance(pattern, LiteralPattern):
            for literal in sorted(fired[number]):
                yield literal_expression(pattern.literals[literal], pattern.flags, pattern.whole_word)
        else:
            if number not in self._compiled:
                self._compiled[number] = judge_of(pattern)
            yield self._compiled[number]


def _together(found: list[Found]) -> Found:
    if len(found) == 1:
        return found[0]
    count = sum(each for each, _ in found)
    return count, list(islice(_unique(merge(*(spans for _, spans in found))), MAX_SPANS))


def _unique(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    before = None
    for span in spans:
        if span != before:
            yield span
        before = span
