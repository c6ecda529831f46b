"""Numbers what pass one looks for, and what an event of each number points at; without an object a literal."""

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from scanner.engine.hyperscan import Batch, Probe
from scanner.engine.literals.folding import fold
from scanner.engine.literals.indicators import choose_needles
from scanner.engine.literals.spelling import ODD_LETTERS, ascii_of
from scanner.signatures.model import LiteralPattern
from scanner.views.raw import Int64s

SHARD_LITERALS: Final = 500_000
"""Literals of one database: a scan pays for each database, and its compiler takes 2 kB of memory a literal."""

Columns = tuple[Int64s, Int64s, Int64s, Int64s]
"""Number of a probe, signature, pattern, literal."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What is compiled, and the target columns of a `scanner.engine.program.Program`.

    Attributes:
        batches: Expressions of pass one; their ids are the numbers of probes.
        folded_batches: Of those to look for in folded text.
        offsets: int64[probes + 1].
        signatures: int64[targets].
        patterns: int64[targets].
        literals: int64[targets].
        odd_letters: Probes without targets, as in the `Program`.
    """

    batches: tuple[Batch, ...]
    folded_batches: tuple[Batch, ...]
    offsets: Int64s
    signatures: Int64s
    patterns: Int64s
    literals: Int64s
    odd_letters: range

    def without(self, signatures: Collection[int]) -> "Targets":
        """The same, without the expressions that are looked for on behalf of no others than some signatures."""
        if not signatures:
            return self
        wanted = np.append(0, np.cumsum(~np.isin(self.signatures, list(signatures))))
        counts, left = np.diff(self.offsets), np.diff(wanted[self.offsets])
        dropped = frozenset(np.flatnonzero((counts > 0) & (left == 0)).tolist())
        kept, folded = (
            tuple(each for batch in batches if (each := batch.without(dropped)) is not None)
            for batches in (self.batches, self.folded_batches)
        )
        return replace(self, batches=kept, folded_batches=folded)


class TargetTable:
    """Collects probes and literals, signature by signature."""

    def __init__(self) -> None:
        self._probes: dict[Probe, int] = {}
        self._rows: list[tuple[int, int, int, int]] = []  # probe, signature, pattern, literal
        self._exact, self._ascii, self._folded = _Literals(), _Literals(), _Literals()

    def add_probe(self, signature: int, pattern: int, probe: Probe, literal: int = 0) -> None:
        """Takes the probe of a regular expression, or of a literal; equal ones become one."""
        self._rows.append((self._probes.setdefault(probe, len(self._probes)), signature, pattern, literal))

    def add_literals(
        self, signature: int, pattern: int, literals: LiteralPattern, probes: Mapping[str, Probe]
    ) -> None:
        """Takes the literals of a pattern.

        Args:
            signature: Its number.
            pattern: The pattern's number in it.
            literals: The pattern.
            probes: Of caseless literals beyond ASCII that are not to be looked for in folded text.
        """
        if "i" not in literals.flags:
            self._exact.add(signature, pattern, range(len(literals.literals)), literals.literals)
            return
        lower = [ascii_of(literal) for literal in literals.literals]
        plain = [number for number, literal in enumerate(lower) if literal is not None]
        self._ascii.add(signature, pattern, plain, [literal for literal in lower if literal is not None])
        if len(plain) == len(lower):
            return
        others = {number: literals.literals[number] for number, each in enumerate(lower) if each is None}
        for number, literal in others.items():
            if literal in probes:
                self.add_probe(signature, pattern, probes[literal], number)
        rest = {number: fold(literal) for number, literal in others.items() if literal not in probes}
        self._folded.add(signature, pattern, list(rest), list(rest.values()))

    def targets(self) -> Targets:
        """Numbers everything that was taken."""
        rows = np.array(self._rows, np.int64).reshape(-1, 4)
        columns: list[Columns] = [(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3])]
        batches = [Batch.of(list(self._probes), range(len(self._probes)))] if self._probes else []
        total = len(self._probes)
        needles: list[bytes] = []
        flags: list[int] = []
        for caseless, literals in ((False, self._exact), (True, self._ascii)):
            found, column = literals.numbered(total + len(needles))
            needles += found
            flags += [Probe(b"", literal=True, caseless=caseless).flags] * len(found)
            columns.append(column)
        odd = [letter.encode() for letter in ODD_LETTERS] if self._ascii else []
        needles += odd
        flags += [Probe(b"", literal=True).flags] * len(odd)
        batches += _shards(needles, flags, total)
        total += len(needles)
        odd_letters = range(total - len(odd), total)
        folded, column = self._folded.numbered(total)
        columns.append(column)
        folded_batches = _shards(folded, [Probe(b"", literal=True).flags] * len(folded), total)
        offsets, targets = _sorted(columns, total + len(folded))
        return Targets(tuple(batches), tuple(folded_batches), offsets, *targets, odd_letters)


def _shards(needles: list[bytes], flags: list[int], first: int) -> Iterator[Batch]:
    shards = -(-len(needles) // SHARD_LITERALS)
    for shard in range(shards):
        part = slice(shard * len(needles) // shards, (shard + 1) * len(needles) // shards)
        yield Batch(needles[part], flags[part], range(first + part.start, first + part.stop), literal=True)


def _sorted(columns: list[Columns], total: int) -> tuple[Int64s, tuple[Int64s, Int64s, Int64s]]:
    """Where the targets of each probe begin, and the targets."""
    probes, signatures, patterns, literals = (np.concatenate(column) for column in zip(*columns, strict=True))
    order = np.argsort(probes, kind="stable")
    offsets = np.zeros(total + 1, np.int64)
    np.cumsum(np.bincount(probes, minlength=total), out=offsets[1:])
    return offsets, (signatures[order], patterns[order], literals[order])


class _Literals:
    """Literals that are looked for in one way, and where they stand."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._signatures, self._patterns, self._numbers = array("q"), array("q"), array("q")

    def __bool__(self) -> bool:
        return bool(self._texts)

    def add(self, signature: int, pattern: int, numbers: Sequence[int], texts: Sequence[str]) -> None:
        self._texts.extend(texts)
        self._signatures.extend([signature] * len(texts))
        self._patterns.extend([pattern] * len(texts))
        self._numbers.extend(numbers)

    def numbered(self, first: int) -> tuple[list[bytes], Columns]:
        """What to look for, numbered from there on, and what it stands for."""
        needles, numbers = choose_needles(self._texts)
        places = (self._signatures, self._patterns, self._numbers)
        signatures, patterns, literals = (np.array(column, np.int64) for column in places)
        return needles, (numbers + first, signatures, patterns, literals)
