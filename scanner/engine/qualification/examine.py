"""Holds what the engine reports against what is true, on cases, on invented patterns and on invented literals."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from scanner.engine.hyperscan import CompileRefused, Probe, Scanner, compile_probes
from scanner.engine.patterns.syntax import judge_source
from scanner.engine.pcre import Expression, MatchUndecided, expression
from scanner.engine.qualification.battery import Case
from scanner.engine.qualification.invented import (
    invent_block,
    invent_literals,
    invent_pattern,
    invent_prefiltered,
    invent_text,
)
from scanner.engine.qualification.tree import Row, Text, chance
from scanner.errors import EngineError

MAX_MISSES: Final = 5
"""Misses that are told; the others are counted."""

TEXTS_PER_PATTERN: Final = 6

_PADS: Final = range(67)
_AFTER: Final = ("", "\n", "\n" + 40 * "z")
_MAX_SHOWN: Final = 80

# Hunts compile all patterns into one database, and an engine treats a pattern among others in another way.
_TOGETHER: Final = (1, 1, 1, 2, 5)
_LITERALS_TOGETHER: Final = (1, 2, 5, 12, 40, 150)
_BLOCKS_PER_DATABASE: Final = 12

# The memory of `expression` is for the patterns of signatures.
_compile: Final = expression.__wrapped__


@dataclass(frozen=True, slots=True)
class Miss:
    """An end of a match that the engine does not report.

    Attributes:
        pattern: The expression or literal.
        text: What it was to be found in.
        missed: What is wrong.
    """

    pattern: str
    text: str
    missed: str

    def __str__(self) -> str:
        return f"{_shown(self.pattern)} on {self.text}: {self.missed}"


class Findings:
    """What an examination has found so far.

    Attributes:
        misses: The first of these, one a pattern.
        missed: How often a pattern had an end in a text that was not reported.
        false_ends: Ends that the engine reports and that are none. They cost time, and no hit.
        ends: Ends that were looked for.
        patterns: Invented patterns that were tried.
        literals: Invented literals that were tried.
    """

    def __init__(self) -> None:
        self.misses: list[Miss] = []
        self.missed = 0
        self.false_ends = 0
        self.ends = 0
        self.patterns = 0
        self.literals = 0

    def blame(self, pattern: str, text: str, missed: str) -> None:
        """Notes a miss."""
        self.missed += 1
        if len(self.misses) < MAX_MISSES and all(miss.pattern != pattern for miss in self.misses):
            self.misses.append(Miss(pattern, text, missed))

    def compare(self, patterns: Sequence[str], text: str, true: Sequence[set[int]], seen: "Seen") -> None:
        """Notes the true ends of patterns that were not seen."""
        self.ends += sum(map(len, true))
        if isinstance(seen, str):
            self.blame(patterns[0], text, seen)
            return
        for pattern, wanted, reported in zip(patterns, true, seen, strict=True):
            if not wanted <= reported:
                self.blame(pattern, text, f"no match that ends at byte {min(wanted - reported)}")


Seen = list[set[int]] | str
"""By pattern, the ends that the engine reports; or why it failed."""


def examine_case(case: Case, findings: Findings) -> None:
    """Tries one known defect at every distance from the beginning of a block.

    What is true of a text is true of it behind a line break, and before one.
    """
    probes = [_probe(pattern, case) for pattern in case.patterns]
    scanner = _load(probes, case.patterns, findings)
    if scanner is None:
        return
    for number, (text, expected) in enumerate(case.texts, 1):
        where = f"text {number} of `{case.name}` ({case.reference})"
        true = [_true_ends(probe, text) for probe in probes]
        for place, ends in enumerate(true):
            if bool(ends) != (place in expected):
                findings.blame(case.patterns[place], where, "PCRE2 is wrong about it")
        for length, after in product(_PADS, _AFTER):
            head = "#" * (length - 1) + "\n" * (length > 0)
            block = (head + text + after).encode()
            wanted = [{end + length for end in ends} for ends in true]
            there = f"{where} at byte {length} of {len(block)}"
            findings.compare(case.patterns, there, wanted, _seen(scanner, len(probes), block))


def _probe(pattern: str, case: Case) -> Probe:
    return Probe(
        pattern.encode(),
        literal=case.mode.endswith("literal"),
        caseless=case.mode == "caseless literal",
        prefilter=case.mode == "prefilter",
    )


def _true_ends(probe: Probe, text: str) -> set[int]:
    if probe.literal:
        return set(_literal_ends(probe.expression, text.encode(), caseless=probe.caseless))
    last = _EndsAt(probe.expression.decode())
    offsets = [len(text[:index].encode()) for index in range(1, len(text) + 1)]
    return {offset for offset in offsets if last.holds(text.encode(), offset)}


def _literal_ends(literal: bytes, block: bytes, *, caseless: bool) -> Iterator[int]:
    if caseless:
        literal, block = literal.lower(), block.lower()
    at = block.find(literal)
    while at >= 0:
        yield at + len(literal)
        at = block.find(literal, at + 1)


class _EndsAt:
    """Asks PCRE2 whether some match of a pattern ends at a certain place."""

    def __init__(self, pattern: str) -> None:
        source = judge_source(pattern)
        # One more character stands behind the end, so that `$` and `\b` see what they see in the whole text.
        self._inside = _compile(b"(?:" + source + rb")(?s:.)\z", "m")
        self._at_last = _compile(b"(?:" + source + rb")\z", "m")

    def holds(self, data: bytes, end: int) -> bool:
        """True where PCRE2 says so, or cannot tell."""
        try:
            if end == len(data):
                return self._at_last.search(data)
            return self._inside.search(data[:end] + data[end:].decode()[0].encode())
        except MatchUndecided:
            return True


def examine_patterns(dice: random.Random, findings: Findings) -> None:
    """Tries a few invented patterns in one database, on texts that each of them may match and on all in one."""
    patterns = [invent_pattern(dice) for _ in range(dice.choice(_TOGETHER))]
    names = [pattern.source for pattern in patterns]
    # An engine may refuse a pattern, be it because it matches the empty text; a hunt then does not use it.
    scanner = _load([Probe(name.encode(), literal=False) for name in names], names, None)
    if scanner is None:
        return
    findings.patterns += len(patterns)
    judges = [_compile(name.encode(), "m") for name in names]
    texts = [invent_text(dice, pattern) for pattern in patterns for _ in range(TEXTS_PER_PATTERN)]
    for text in (*texts, Text("\n".join(text.chars for text in texts))):
        true = [_ends(*pair, text) for pair in zip(patterns, judges, strict=True)]
        seen = _seen(scanner, len(patterns), text.data)
        if not isinstance(seen, str):
            pairs = zip(names, true, seen, strict=True)
            true = [_confirmed(name, text.data, wanted, reported) for name, wanted, reported in pairs]
            findings.false_ends += sum(len(b - a) for a, b in zip(true, seen, strict=True))
        findings.compare(names, f"an invented text of {len(text.data)} bytes", true, seen)


def _confirmed(pattern: str, data: bytes, wanted: set[int], reported: set[int]) -> set[int]:
    """The wanted ends, without those that PCRE2 does not see either."""
    if wanted <= reported:
        return wanted
    judge = _EndsAt(pattern)
    return {end for end in wanted if end in reported or judge.holds(data, end)}


def _ends(pattern: Row, judge: Expression, text: Text) -> set[int]:
    """All ends by definition, and those that PCRE2 sees when it looks for one match after the other."""
    ends = text.bytes_of(pattern.reach(text, text.everywhere))
    return ends | _first_ends(judge, text.data)


def _first_ends(judge: Expression, data: bytes) -> set[int]:
    try:
        _, spans = judge.find(data, len(data) + 1)
    except MatchUndecided:
        return set()
    return {end for _, end in spans if end}


def examine_prefilter(dice: random.Random, findings: Findings) -> None:
    """Tries one invented pattern that needs PREFILTER mode, where only more may be reported than is true."""
    source, texts = invent_prefiltered(dice, TEXTS_PER_PATTERN)
    scanner = _load([Probe(source.encode(), literal=False, prefilter=True)], [source], None)
    if scanner is None:
        return
    findings.patterns += 1
    judge = _compile(source.encode(), "m")
    for text in texts:
        where = f"an invented text of {len(text)} bytes, PREFILTER"
        findings.compare([source], where, [_first_ends(judge, text)], _seen(scanner, 1, text))


def examine_literals(dice: random.Random, findings: Findings) -> None:
    """Tries invented literals in one database, with case and without."""
    literals = invent_literals(dice, dice.choice(_LITERALS_TOGETHER))
    caseless = chance(dice, 0.5)
    names = [literal.decode() for literal in literals]
    scanner = _load([Probe(each, literal=True, caseless=caseless) for each in literals], names, findings)
    if scanner is None:
        return
    findings.literals += len(literals)
    for _ in range(_BLOCKS_PER_DATABASE):
        block = invent_block(dice, literals)
        true = [set(_literal_ends(each, block, caseless=caseless)) for each in literals]
        where = f"an invented text of {len(block)} bytes, {'caseless ' if caseless else ''}literals"
        findings.compare(names, where, true, _seen(scanner, len(names), block))


def _load(probes: Sequence[Probe], names: Sequence[str], findings: Findings | None) -> Scanner | None:
    """A scanner; None where the engine refuses, which is a finding where there is one to note."""
    try:
        return Scanner(compile_probes(probes, range(len(probes))))
    except (CompileRefused, EngineError) as refusal:
        if findings is not None:
            findings.blame(names[0], "compiling", str(refusal))
        return None


def _seen(scanner: Scanner, patterns: int, block: bytes) -> Seen:
    reported: list[set[int]] = [set() for _ in range(patterns)]

    def on_event(probe: int, _start: int, end: int, _flags: int, _context: Any) -> None:
        if end:
            reported[probe].add(end)

    try:
        scanner.scan(block, on_event)
    except EngineError as error:
        return str(error)
    return reported


def _shown(pattern: str) -> str:
    return f"`{pattern}`" if len(pattern) <= _MAX_SHOWN else f"`{pattern[:_MAX_SHOWN]}…`"
