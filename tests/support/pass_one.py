"""Asks pass one alone whether it would miss a match that the judge sees."""

from collections.abc import Iterable
from dataclasses import dataclass

from scanner.engine.dialects.translate import in_pcre, judge_of
from scanner.engine.hyperscan import Batch, CompileRefused, Probe, Scanner, compile_batch
from scanner.engine.patterns.loosen import NotForPassOne, loosen
from scanner.engine.pcre import MatchUndecided, PatternRefused
from scanner.signatures.model import RegexPattern


@dataclass(frozen=True)
class Asked:
    """What came of it.

    Attributes:
        matches: Texts that the judge matches.
        missed: Those of them that pass one does not see, with the pattern that it looks for.
        outcome: ``looked for``, or why it is not.
    """

    matches: int = 0
    missed: tuple[tuple[str, str], ...] = ()
    outcome: str = "looked for"


def ask(pattern: RegexPattern, texts: Iterable[str]) -> Asked:
    """Compares pass one and the judge on some texts, each as a cell between others."""
    try:
        judge = judge_of(pattern)
        loose = loosen(in_pcre(pattern))
    except PatternRefused:
        return Asked(outcome="refused by the judge")
    except NotForPassOne as refusal:
        return Asked(outcome=refusal.reason)
    try:
        scanners = {expression: _scanner(expression) for expression in (loose.regex, loose.coarse)}
    except CompileRefused as refusal:
        return Asked(outcome=str(refusal))
    matched = [text for text in texts if _matches(judge.search, text)]
    missed = [
        (text, expression)
        for text in matched
        for expression, scanner in scanners.items()
        if not _sees(scanner, text)
    ]
    return Asked(len(matched), tuple(missed))


def _scanner(expression: str) -> Scanner:
    return Scanner(compile_batch(Batch.of([Probe(expression.encode(), literal=False)], [0])))


def _matches(search: object, text: str) -> bool:
    assert callable(search)
    try:
        return bool(search(text.encode()))
    except MatchUndecided:
        return False


def _sees(scanner: Scanner, text: str) -> bool:
    before, cell = "before\n", f"{text}\n".encode()
    ends: list[int] = []
    scanner.scan(before.encode() + cell, lambda _probe, _start, end, _flags, _context: ends.append(end))
    return any(len(before) <= end for end in ends)
