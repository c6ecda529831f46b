"""Compiles a ruleset for the two passes: what pass one looks for, and what an event of it points at."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scanner.engine.hyperscan import CompileRefused, Probe, compile_probes
from scanner.engine.literals import judge_literal, stretches
from scanner.engine.loosen import NotForPassOne, loosen
from scanner.engine.pcre import PatternRefused, expression
from scanner.engine.syntax import judge_source
from scanner.errors import Problem, SignatureError
from scanner.signatures.condition import positive
from scanner.signatures.model import LiteralPattern, Pattern, RegexPattern, Ruleset, Signature
from scanner.views.raw import Int64s


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled ruleset. It pickles, so that workers do not compile.

    Targets are what events point at, in three columns: a signature, one of its patterns (those of ``allow``
    follow those of ``patterns``), and for a literal its index in the pattern, else 0.

    Attributes:
        ruleset: What was compiled.
        databases: Serialised databases of pass one; each sees every block.
        target_offsets: int64[probes + 1], where the targets of a probe begin in the next three.
        target_signatures: int64[targets].
        target_patterns: int64[targets].
        target_literals: int64[targets].
        unprobed: (signature, pattern) that pass one does not look for.
    """

    ruleset: Ruleset
    databases: tuple[bytes, ...]
    target_offsets: Int64s
    target_signatures: Int64s
    target_patterns: Int64s
    target_literals: Int64s
    unprobed: frozenset[tuple[int, int]]

    @property
    def digest(self) -> str:
        """64 hex digits; equal programs match alike."""
        parts = (self.ruleset.digest.encode(), *self.databases)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def all_patterns(signature: Signature) -> tuple[Pattern, ...]:
    """Patterns of a signature in the order in which a `Program` numbers them."""
    return (*signature.patterns, *signature.allow)


@lru_cache(maxsize=100_000)
def probe_of(pattern: RegexPattern) -> Probe | str:
    """What pass one looks for in place of a regular expression, or why it cannot."""
    try:
        loose = loosen(pattern)
    except NotForPassOne as refusal:
        return refusal.reason
    reason = ""
    for prefilter in (loose.prefilter, True):
        probe = Probe(loose.regex.encode(), literal=False, prefilter=prefilter)
        try:
            compile_probes([probe], [0])
        except CompileRefused as refusal:
            reason = str(refusal)
        else:
            return probe
    return reason


def _probes(signature: Signature) -> Iterator[tuple[int, int, Probe]]:
    """(pattern, literal, probe) of everything that pass one looks for.

    A regular expression that can only speak against a hit is left to confirm, which sees few cells.
    Literals are always looked for: there may be very many of them in one pattern.
    """
    speaking = positive(signature.condition)
    for index, pattern in enumerate(all_patterns(signature)):
        if isinstance(pattern, LiteralPattern):
            yield from _literal_probes(index, pattern)
        elif index < len(signature.patterns) and pattern.name in speaking:
            probe = probe_of(pattern)
            if isinstance(probe, Probe):
                yield index, 0, probe


def _literal_probes(index: int, pattern: LiteralPattern) -> Iterator[tuple[int, int, Probe]]:
    caseless = "i" in pattern.flags
    for position, literal in enumerate(pattern.literals):
        for stretch in stretches(literal, caseless=caseless):
            yield index, position, Probe(stretch, literal=True, caseless=caseless)


def compile_ruleset(ruleset: Ruleset) -> Program:
    """Compiles signatures for matching.

    Raises:
        SignatureError: Patterns that the judge does not take; all of them.
    """
    problems = tuple(problem for problem in check_patterns(ruleset.signatures) if not problem.warning)
    if problems:
        raise SignatureError(problems)
    targets: dict[Probe, list[tuple[int, int, int]]] = {}
    unprobed: set[tuple[int, int]] = set()
    for number, signature in enumerate(ruleset.signatures):
        unprobed.update((number, index) for index in range(len(all_patterns(signature))))
        for index, literal, probe in _probes(signature):
            unprobed.discard((number, index))
            targets.setdefault(probe, []).append((number, index, literal))
    return _assemble(ruleset, targets, frozenset(unprobed))


def _assemble(
    ruleset: Ruleset, targets: dict[Probe, list[tuple[int, int, int]]], unprobed: frozenset[tuple[int, int]]
) -> Program:
    probes = list(targets)
    counts = [len(found) for found in targets.values()]
    table = np.array([target for found in targets.values() for target in found], np.int64).reshape(-1, 3)
    databases: list[bytes] = []
    for literal in (False, True):
        ids = [number for number, probe in enumerate(probes) if probe.literal is literal]
        databases.extend(_compile_together(probes, ids))
    return Program(
        ruleset=ruleset,
        databases=tuple(databases),
        target_offsets=np.cumsum([0, *counts], dtype=np.int64),
        target_signatures=np.ascontiguousarray(table[:, 0]),
        target_patterns=np.ascontiguousarray(table[:, 1]),
        target_literals=np.ascontiguousarray(table[:, 2]),
        unprobed=unprobed,
    )


def _compile_together(probes: Sequence[Probe], ids: Sequence[int]) -> Iterator[bytes]:
    """One database, or where the engine refuses so many at once, several."""
    if not ids:
        return
    try:
        yield compile_probes([probes[number] for number in ids], ids)
    except CompileRefused:
        if len(ids) == 1:
            raise
        half = len(ids) // 2
        yield from _compile_together(probes, ids[:half])
        yield from _compile_together(probes, ids[half:])


def check_patterns(signatures: Sequence[Signature]) -> tuple[Problem, ...]:
    """Finds every pattern that does not compile, and warns of those that cost much.

    Returns:
        Problems in the order of the signatures.
    """
    return tuple(problem for signature in signatures for problem in _check(signature))


def _check(signature: Signature) -> Iterator[Problem]:
    speaking = positive(signature.condition)
    for index, pattern in enumerate(all_patterns(signature)):
        message = _refusal(pattern)
        warning = False
        if not message and isinstance(pattern, RegexPattern) and index < len(signature.patterns):
            message = _price(pattern) if pattern.name in speaking else ""
            warning = True
        if message:
            yield Problem(signature.file, pattern.line or signature.line, signature.id, message, warning)


def _refusal(pattern: Pattern) -> str:
    try:
        if isinstance(pattern, RegexPattern):
            expression(judge_source(pattern.regex), pattern.flags)
        else:
            expression(*judge_literal(pattern.literals[0], pattern))
    except PatternRefused as refusal:
        return f"pattern `{pattern.name}` does not compile: {refusal.reason}; correct it there"
    return ""


def _price(pattern: RegexPattern) -> str:
    probe = probe_of(pattern)
    if isinstance(probe, Probe):
        return ""
    return (
        f"pattern `{pattern.name}` is matched against every cell, one at a time, which is slow"
        f" ({probe.rstrip('.')}); write it without that, or join it by `and` with a pattern that is selective"
    )
