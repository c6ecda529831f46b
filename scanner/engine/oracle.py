"""The oracle: PCRE2 alone, every cell and every pattern by themselves; slow, obvious, the judge of the engine."""

from functools import partial

from scanner.engine.collect import Collector
from scanner.engine.dialects.translate import judge_of
from scanner.engine.literals.spelling import literal_expression
from scanner.engine.matches import MAX_SPANS, Matches, Wanted
from scanner.engine.pcre import Expression, MatchUndecided, Spans
from scanner.signatures.condition import evaluate, positive
from scanner.signatures.model import Pattern, RegexPattern, Ruleset, Signature
from scanner.views.raw import Column, text_cells


class OracleMatcher:
    """Finds hits the slow way.

    Args:
        ruleset: The signatures; their patterns must compile.

    Raises:
        PatternRefused: One of them does not.
    """

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset

    @property
    def ruleset(self) -> Ruleset:
        """The ruleset whose indices the answers use."""
        return self._ruleset

    @property
    def judging(self) -> None:
        """Does not tell: whoever waits for an oracle can wait."""

    def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:  # noqa: ARG002
        """Finds and lists every hit in one column; see `scanner.engine.matches.Matcher`."""
        text = text_cells(cells)
        collector = Collector(text.repairs)
        present = text.not_null()
        every = list(zip(present.tolist(), text.take(present), strict=True))
        for number, signature in enumerate(self._ruleset.signatures):
            if signature.columns is None or column in signature.columns:
                worth = _worth_judging(signature, every)
                collector.decide(number, worth.items(), partial(_judge, signature))
        return collector.matches()


def _worth_judging(signature: Signature, cells: list[tuple[int, bytes]]) -> dict[int, bytes]:
    """Cells in which at least one pattern matches; without one, no condition is true."""
    wanted: dict[int, bytes] = {}
    for pattern in signature.patterns:
        for judge in _expressions(pattern):
            wanted.update((index, cell) for index, cell in cells if _may_match(judge, cell))
    return wanted


def _may_match(judge: Expression, cell: bytes) -> bool:
    try:
        return judge.search(cell)
    except MatchUndecided:
        return True


def _judge(signature: Signature, _index: int, cell: bytes) -> tuple[int, Spans]:
    if not evaluate(signature.condition, lambda name: _matches(_named(signature, name), cell)):
        return 0, []
    if any(_matches(pattern, cell) for pattern in signature.allow):
        return 0, []
    every = [
        span
        for name in positive(signature.condition)
        for judge in _expressions(_named(signature, name))
        for span in judge.find(cell, 2 * len(cell) + 1)[1]
    ]
    return len(every), sorted(set(every))[:MAX_SPANS]


def _named(signature: Signature, name: str) -> Pattern:
    return next(pattern for pattern in signature.patterns if pattern.name == name)


def _expressions(pattern: Pattern) -> list[Expression]:
    if isinstance(pattern, RegexPattern):
        return [judge_of(pattern)]
    return [literal_expression(literal, pattern.flags, pattern.whole_word) for literal in pattern.literals]


def _matches(pattern: Pattern, cell: bytes) -> bool:
    return any(judge.search(cell) for judge in _expressions(pattern))
