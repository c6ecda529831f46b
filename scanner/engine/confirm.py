"""Pass two: the judge decides on the candidates of pass one, and finds the exact spans."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from scanner.engine.literals import judge_literal
from scanner.engine.matches import MAX_SPANS
from scanner.engine.pcre import Expression, expression
from scanner.engine.program import all_patterns
from scanner.engine.syntax import judge_source
from scanner.signatures.condition import evaluate, positive
from scanner.signatures.model import LiteralPattern, Pattern, Signature

Spans = list[tuple[int, int]]

Fired = dict[int, set[int]]
"""By pattern of the signature, the literals that pass one saw; a pattern it did not look for is not in it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A confirmed hit: the number of matches, and the first spans of them, sorted and unique."""

    match_count: int
    spans: Spans


class SignatureJudge:
    """Decides whether a signature hits a cell.

    Args:
        signature: The signature.
        unprobed: Its patterns that pass one does not look for.
    """

    def __init__(self, signature: Signature, unprobed: frozenset[int]) -> None:
        self._condition = signature.condition
        self._patterns = all_patterns(signature)
        self._numbers = {pattern.name: number for number, pattern in enumerate(signature.patterns)}
        self._allow = range(len(signature.patterns), len(self._patterns))
        self._speaking = sorted(self._numbers[name] for name in positive(signature.condition))
        self._unprobed = unprobed
        self._only = self._single(signature)

    def _single(self, signature: Signature) -> Callable[[bytes], Iterator[tuple[int, int]]] | None:
        """The one expression of the commonest kind of signature, which needs no condition."""
        pattern = signature.patterns[0]
        if len(self._patterns) > 1 or isinstance(pattern, LiteralPattern):
            return None
        return expression(judge_source(pattern.regex), pattern.flags).spans

    def judge(self, cell: bytes, fired: Fired) -> Verdict | None:
        """Decides on one cell.

        Args:
            cell: Valid UTF-8.
            fired: What pass one saw in it.

        Raises:
            MatchUndecided: The judge gave up.
        """
        if self._only is not None:
            return _verdict([self._only(cell)])
        known: dict[int, bool] = {}

        def is_true(name: str) -> bool:
            number = self._numbers[name]
            if number not in known:
                known[number] = self._matches(number, cell, fired)
            return known[number]

        if not evaluate(self._condition, is_true):
            return None
        if any(self._matches(number, cell, fired) for number in self._allow):
            return None
        return _verdict(
            found.spans(cell) for number in self._speaking for found in self._expressions(number, fired)
        )

    def _matches(self, number: int, cell: bytes, fired: Fired) -> bool:
        return any(found.search(cell) for found in self._expressions(number, fired))

    def _expressions(self, number: int, fired: Fired) -> Iterator[Expression]:
        pattern: Pattern = self._patterns[number]
        if number not in self._unprobed and number not in fired:
            return
        if isinstance(pattern, LiteralPattern):
            for literal in sorted(fired[number]):
                yield expression(*judge_literal(pattern.literals[literal], pattern))
        else:
            yield expression(judge_source(pattern.regex), pattern.flags)


def _verdict(sources: Iterable[Iterator[tuple[int, int]]]) -> Verdict | None:
    count, kept = 0, []
    for spans in sources:
        first = list(islice(spans, MAX_SPANS))
        count += len(first) + sum(1 for _ in spans)
        kept.append(first)
    if not count:
        return None
    return Verdict(count, list(islice(_unique(merge(*kept)), MAX_SPANS)))


def _unique(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    before = None
    for span in spans:
        if span != before:
            yield span
        before = span
