"""Numbers what pass one looks for, and what an event of each number points at; without an object a literal."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from scanner.engine.hyperscan import Batch, Probe
from scanner.engine.indicators import choose_needles
from scanner.engine.literals import ODD_LETTERS
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
        offsets: int64[probes + 1].
        signatures: int64[targets].
        patterns: int64[targets].
        literals: int64[targets].
        odd_letters: Probes without targets, as in the `Program`.
    """

    batches: tuple[Batch, ...]
    offsets: Int64s
    signatures: Int64s
    patterns: Int64s
    literals: Int64s
    odd_letters: range


class TargetTable:
    """Collects probes and literals, signature by signature."""

    def __init__(self) -> None:
        self._probes: dict[Probe, int] = {}
        self._rows: list[tuple[int, int, int]] = []  # probe, signature, pattern
        self._lists = {False: _Lists(), True: _Lists()}

    def add_probe(self, signature: int, pattern: int, probe: Probe) -> None:
        """Takes the probe of a regular expression; equal ones become one."""
        self._rows.append((self._probes.setdefault(probe, len(self._probes)), signature, pattern))

    def add_literals(self, signature: int, pattern: int, literals: LiteralPattern) -> None:
        """Takes the literals of a pattern."""
        self._lists["i" in literals.flags].add(signature, pattern, literals.literals)

    def targets(self) -> Targets:
        """Numbers everything that was taken."""
        rows = np.array(self._rows, np.int64).reshape(-1, 3)
        columns: list[Columns] = [(rows[:, 0], rows[:, 1], rows[:, 2], np.zeros(len(rows), np.int64))]
        needles: list[bytes] = []
        flags: list[int] = []
        for caseless, lists in self._lists.items():
            found, column = lists.numbered(len(self._probes) + len(needles), caseless=caseless)
            needles += found
            flags += [Probe(b"", literal=True, caseless=caseless).flags] * len(found)
            columns.append(column)
        odd = [letter.encode() for letter in ODD_LETTERS] if self._lists[True] else []
        needles += odd
        flags += [Probe(b"", literal=True).flags] * len(odd)
        total = len(self._probes) + len(needles)
        batches = tuple(self._batches(needles, flags))
        return self._sorted(columns, batches, range(total - len(odd), total))

    def _batches(self, needles: list[bytes], flags: list[int]) -> Iterator[Batch]:
        count = len(self._probes)
        if count:
            yield Batch.of(list(self._probes), range(count))
        shards = -(-len(needles) // SHARD_LITERALS)
        for shard in range(shards):
            part = slice(shard * len(needles) // shards, (shard + 1) * len(needles) // shards)
            ids = range(count + part.start, count + part.stop)
            yield Batch(needles[part], flags[part], ids, literal=True)

    @staticmethod
    def _sorted(columns: list[Columns], batches: tuple[Batch, ...], odd_letters: range) -> Targets:
        probes, *targets = (np.concatenate(column) for column in zip(*columns, strict=True))
        order = np.argsort(probes, kind="stable")
        offsets = np.zeros(odd_letters.stop + 1, np.int64)
        np.cumsum(np.bincount(probes, minlength=odd_letters.stop), out=offsets[1:])
        signatures, patterns, literals = (column[order] for column in targets)
        return Targets(batches, offsets, signatures, patterns, literals, odd_letters)


class _Lists:
    """Literals with the same flags."""

    def __init__(self) -> None:
        self._literals: list[str] = []
        self._lists: list[tuple[int, int, int]] = []  # signature, pattern, length

    def __bool__(self) -> bool:
        return bool(self._literals)

    def add(self, signature: int, pattern: int, literals: tuple[str, ...]) -> None:
        self._literals.extend(literals)
        self._lists.append((signature, pattern, len(literals)))

    def numbered(self, first: int, *, caseless: bool) -> tuple[list[bytes], Columns]:
        """What to look for, and in columns: its number, a signature, a pattern, a literal of it."""
        chosen = choose_needles(self._literals, caseless=caseless)
        lists = np.array(self._lists, np.int64).reshape(-1, 3)
        lengths = lists[:, 2]
        of_list = np.repeat(np.arange(len(lists), dtype=np.int64), lengths)
        within = np.arange(len(self._literals), dtype=np.int64) - np.repeat(
            np.cumsum(lengths) - lengths, lengths
        )
        owner = of_list[chosen.literals]
        columns = (chosen.needle_of + first, lists[owner, 0], lists[owner, 1], within[chosen.literals])
        return chosen.needles, columns
