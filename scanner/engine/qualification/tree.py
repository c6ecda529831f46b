r"""Patterns that know where they can end.

A pattern of this module is a tree as well as a regular expression, and every end of every match is found by walking
the tree with sets of positions, which are integers of one bit a character. That is the plain definition of a regular
expression, with nothing clever in it; PCRE2 is asked before any engine is blamed, and the tests compare the two.
PCRE2 alone could not judge enough in the seconds that there are: it looks for one end at a time.
"""

import random
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final

from scanner.engine.pcre import expression

ALPHABET: Final = "abcxyzABK019_ -./:@|$&%{}<>\"'\t\r\n\u00e9\u0444\u661f\uff11\U0001f512"
"""Every character of the texts: few enough that patterns meet them often, of one to four bytes."""

_LONG_RUN: Final = 70
_SHORT_RUN: Final = 4


class Text:
    """A text, and what patterns ask of it.

    Args:
        chars: The text, of the `ALPHABET`.

    Attributes:
        chars: The text.
        data: Its UTF-8.
        everywhere: All positions: one before each character, and the end.
    """

    __slots__ = ("_ends", "_where", "chars", "data", "everywhere")

    def __init__(self, chars: str) -> None:
        self.chars, self.data = chars, chars.encode()
        self.everywhere = (1 << (len(chars) + 1)) - 1
        self._where: dict[str, int] = {}
        self._ends = list(accumulate((len(char.encode()) for char in chars), initial=0))

    def where(self, source: str) -> int:
        """Positions before a character that a class matches."""
        if source not in self._where:
            self._where[source] = int("0" + self.chars[::-1].translate(_members(source)), 2)
        return self._where[source]

    def borders(self, source: str) -> int:
        r"""Positions where ``^``, ``$``, ``\b`` or ``\B`` holds, each line by itself."""
        breaks, words = self.where("\\n"), self.where("\\w")
        if source == "^":
            # A line break that ends the text begins no line.
            return 1 | (breaks << 1 & (self.everywhere >> 1))
        if source == "$":
            return breaks | 1 << len(self.chars)
        between = (words ^ words << 1) & self.everywhere
        return between if source == "\\b" else self.everywhere & ~between

    def bytes_of(self, positions: int) -> set[int]:
        """Positions as offsets into the UTF-8; the very beginning, where nothing can end, is left out."""
        bits = bin(positions)[:1:-1]
        return {end for end, bit in zip(self._ends, bits, strict=False) if bit == "1"} - {0}


@cache
def _members(source: str) -> dict[int, str]:
    """``1`` for each character that a class matches, as PCRE2 sees it, else ``0``."""
    judge = expression(source.encode(), "")
    return {ord(char): "01"[judge.search(char.encode())] for char in ALPHABET}


def chance(dice: random.Random, share: float) -> bool:
    """True in this share of all cases."""
    return dice.random() < share


@dataclass(frozen=True, slots=True)
class Atom:
    """One character: of a class, or itself."""

    source: str

    def reach(self, text: Text, starts: int) -> int:
        """Where matches end that begin at some positions."""
        return (starts & text.where(self.source)) << 1

    def example(self, dice: random.Random, *, runs: bool) -> str:  # noqa: ARG002 - as of the other nodes
        """A text that it matches, with newlines on either side if need be."""
        return dice.choice(_choices(self.source))


@cache
def _choices(source: str) -> list[str]:
    return [chr(code) for code, member in _members(source).items() if member == "1"]


@dataclass(frozen=True, slots=True)
class Border:
    r"""An assertion: ``^``, ``$``, ``\b`` or ``\B``."""

    source: str

    def reach(self, text: Text, starts: int) -> int:
        """Those of the positions where it holds."""
        return starts & text.borders(self.source)

    def example(self, dice: random.Random, *, runs: bool) -> str:  # noqa: ARG002 - as of the other nodes
        """The break that makes it hold, now and then."""
        return {"^": "\n", "$": "\n", "\\b": " "}.get(self.source, "") if chance(dice, 0.5) else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One node after the other."""

    nodes: tuple["Node", ...]

    @property
    def source(self) -> str:
        """The regular expression."""
        return "".join(node.source for node in self.nodes)

    def reach(self, text: Text, starts: int) -> int:
        """Where matches end that begin at some positions."""
        for node in self.nodes:
            starts = node.reach(text, starts)
        return starts

    def example(self, dice: random.Random, *, runs: bool) -> str:
        """A text that it probably matches."""
        return "".join(node.example(dice, runs=runs) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Either:
    """One of several nodes."""

    nodes: tuple["Node", ...]

    @property
    def source(self) -> str:
        """The regular expression."""
        return f"(?:{'|'.join(node.source for node in self.nodes)})"

    def reach(self, text: Text, starts: int) -> int:
        """Where matches end that begin at some positions."""
        ends = 0
        for node in self.nodes:
            ends |= node.reach(text, starts)
        return ends

    def example(self, dice: random.Random, *, runs: bool) -> str:
        """A text that it probably matches."""
        return dice.choice(self.nodes).example(dice, runs=runs)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A node several times.

    Attributes:
        node: An atom or an `Either`.
        sign: The quantifier as written.
        least: The fewest times.
        most: The most; None for any number.
    """

    node: "Node"
    sign: str
    least: int
    most: int | None

    @property
    def source(self) -> str:
        """The regular expression."""
        return self.node.source + self.sign

    def reach(self, text: Text, starts: int) -> int:
        """Where matches end that begin at some positions."""
        for _ in range(self.least):
            starts = self.node.reach(text, starts)
        ends, left = starts, self.most and self.most - self.least
        while starts and left != 0:
            starts = self.node.reach(text, starts) & ~ends
            ends |= starts
            left = left and left - 1
        return ends

    def example(self, dice: random.Random, *, runs: bool) -> str:
        """A text that it probably matches, with long runs where the pattern allows any number."""
        most = self.most
        if most is None:
            most = self.least + (_LONG_RUN if runs and chance(dice, 0.4) else _SHORT_RUN)
        return "".join(self.node.example(dice, runs=False) for _ in range(dice.randint(self.least, most)))


Node = Atom | Border | Row | Either | Repeat
