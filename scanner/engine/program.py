"""Compiles a ruleset for the two passes: what pass one looks for, and what an event of it points at."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from scanner.engine.compiling.databases import compile_databases
from scanner.engine.compiling.prices import price
from scanner.engine.compiling.probes import PATIENCE, Patience, probe_patterns
from scanner.engine.compiling.verdicts import Verdict
from scanner.engine.dialects.translate import in_pcre, judge_of
from scanner.engine.hyperscan import Probe
from scanner.engine.literals.spelling import ascii_of, spelled
from scanner.engine.pcre import PatternRefused
from scanner.engine.targets import TargetTable
from scanner.errors import Problem, SignatureError
from scanner.signatures.condition import positive
from scanner.signatures.model import LiteralPattern, Pattern, RegexPattern, Ruleset, Signature
from scanner.views.raw import Int64s

MAX_SPELLED: Final = 500
"""Caseless literals beyond ASCII that are looked for as regular expressions; more of them are in folded text."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled ruleset. It pickles, so that workers do not compile.

    Targets are what events point at, in three columns: a signature, one of its patterns (those of ``allow``
    follow those of ``patterns``), and for a literal its index in the pattern, else 0.

    Attributes:
        ruleset: What was compiled.
        databases: Serialised databases of pass one; each sees every block.
        folded_databases: Those that see the blocks folded instead (`scanner.engine.literals.folding`).
        target_offsets: int64[probes + 1], where the targets of a probe begin in the next three.
        target_signatures: int64[targets].
        target_patterns: int64[targets].
        target_literals: int64[targets].
        unprobed: (signature, pattern) that pass one does not look for.
        odd_letters: Probes without targets, of letters that are case variants of ASCII's; where there are any, a cell
            that holds one is to be looked at again `scanner.engine.literals.spelling.without_odd_letters`.
        flooding: Signatures of one plain expression that may hit any cell, and that pass one does not look for.
    """

    ruleset: Ruleset
    databases: tuple[bytes, ...]
    folded_databases: tuple[bytes, ...]
    target_offsets: Int64s
    target_signatures: Int64s
    target_patterns: Int64s
    target_literals: Int64s
    unprobed: frozenset[tuple[int, int]]
    odd_letters: range
    flooding: frozenset[int] = frozenset()

    @property
    def digest(self) -> str:
        """64 hex digits; equal programs match alike."""
        parts = (self.ruleset.digest.encode(), *self.databases, *self.folded_databases)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def all_patterns(signature: Signature) -> tuple[Pattern, ...]:
    """Patterns of a signature in the order in which a `Program` numbers them."""
    return (*signature.patterns, *signature.allow)


def compile_ruleset(
    ruleset: Ruleset,
    patience: Patience = PATIENCE,
    max_spelled: int = MAX_SPELLED,
    flooding: frozenset[int] = frozenset(),
) -> Program:
    """Compiles signatures for matching, or loads what was compiled before.

    Args:
        ruleset: What to compile.
        patience: What one pattern may take; one that takes more is looked for by a looser one.
        max_spelled: How many caseless literals beyond ASCII may be looked for as regular expressions; it changes
            speed, never answers.
        flooding: Signatures of one plain expression that hit so many cells that pass one is not to look for them; it
            changes speed, never answers.

    Raises:
        SignatureError: Patterns that the judge does not take; all of them.
        EngineError: The engine's compiler cannot be run.
    """
    problems = tuple(_refused(ruleset.signatures))
    if problems:
        raise SignatureError(problems)
    verdicts = _verdicts(ruleset.signatures, patience)
    probes = _spelled(ruleset.signatures, patience, max_spelled)
    table = TargetTable()
    unprobed: set[tuple[int, int]] = set()
    for number, signature in enumerate(ruleset.signatures):
        probed = _probed(signature)
        for index, pattern in enumerate(all_patterns(signature)):
            if isinstance(pattern, LiteralPattern):
                table.add_literals(number, index, pattern, probes)
                continue
            probe = verdicts[pattern].probe if index in probed else None
            if probe is None:
                unprobed.add((number, index))
            else:
                table.add_probe(number, index, probe)
    targets = table.targets().without(flooding)
    databases = compile_databases((*targets.batches, *targets.folded_batches))
    return Program(
        ruleset=ruleset,
        databases=tuple(chain(*databases[: len(targets.batches)])),
        folded_databases=tuple(chain(*databases[len(targets.batches) :])),
        target_offsets=targets.offsets,
        target_signatures=targets.signatures,
        target_patterns=targets.patterns,
        target_literals=targets.literals,
        unprobed=frozenset(unprobed),
        odd_letters=targets.odd_letters,
        flooding=flooding,
    )


def _spelled(signatures: Sequence[Signature], patience: Patience, most: int) -> dict[str, Probe]:
    """Probes of caseless literals beyond ASCII, by literal; none where they are many, or cannot be compiled.

    Folded text is looked for any number of them, but folding takes longer than all the rest of pass one.
    """
    beyond = {
        literal
        for signature in signatures
        for pattern in all_patterns(signature)
        if isinstance(pattern, LiteralPattern) and pattern.flags
        for literal in pattern.literals
        if ascii_of(literal) is None
    }
    if len(beyond) > most:
        return {}
    patterns = {literal: RegexPattern("literal", spelled(literal), "i") for literal in sorted(beyond)}
    verdicts = probe_patterns(patterns.values(), patience)
    probes = {literal: verdicts[pattern].probe for literal, pattern in patterns.items()}
    return {literal: probe for literal, probe in probes.items() if probe is not None}


def _probed(signature: Signature) -> dict[int, RegexPattern]:
    """The regular expressions that pass one looks for, by number.

    One that can only speak against a hit is left to confirm, which sees few cells. Literals are always looked for:
    there may be very many of them in one pattern.
    """
    if all(isinstance(pattern, LiteralPattern) for pattern in signature.patterns):
        return {}
    speaking = positive(signature.condition)
    return {
        index: pattern
        for index, pattern in enumerate(signature.patterns)
        if isinstance(pattern, RegexPattern) and pattern.name in speaking
    }


def _verdicts(signatures: Sequence[Signature], patience: Patience) -> dict[RegexPattern, Verdict]:
    return probe_patterns(
        (pattern for signature in signatures for pattern in _probed(signature).values()), patience
    )


def check_patterns(signatures: Sequence[Signature], patience: Patience = PATIENCE) -> tuple[Problem, ...]:
    """Finds every pattern that does not compile, and warns of those that cost much.

    Args:
        signatures: What to check.
        patience: What one pattern may take to compile.

    Returns:
        Problems in the order of the signatures.

    Raises:
        EngineError: The engine's compiler cannot be run.
    """
    refused = {id(signature): list(_refused([signature])) for signature in signatures}
    sound = [signature for signature in signatures if not refused[id(signature)]]
    verdicts = _verdicts(sound, patience)
    return tuple(
        problem
        for signature in signatures
        for problem in refused[id(signature)] or _dear(signature, verdicts)
    )


def check_flawed(signatures: Sequence[Signature]) -> tuple[Problem, ...]:
    """Finds the patterns that do not compile, of signatures with which something else is wrong."""
    return tuple(_refused(signatures))


def _refused(signatures: Sequence[Signature]) -> Iterator[Problem]:
    """What the judge does not take; it takes every literal."""
    for signature in signatures:
        for pattern in all_patterns(signature):
            if isinstance(pattern, RegexPattern):
                try:
                    judge_of(pattern)
                except PatternRefused as refusal:
                    yield _problem(signature, pattern, f"does not compile: {refusal}")


def _dear(signature: Signature, verdicts: dict[RegexPattern, Verdict]) -> Iterator[Problem]:
    for pattern in _probed(signature).values():
        words = price(in_pcre(pattern), verdicts[pattern])
        if words:
            yield _problem(signature, pattern, words, warning=True)


def _problem(signature: Signature, pattern: Pattern, words: str, *, warning: bool = False) -> Problem:
    line = pattern.line or signature.line
    return Problem(signature.file, line, signature.id, f"pattern `{pattern.name}` {words}", warning)
