r"""Invents patterns, literals and texts, the same ones for the same seed, and knows where each pattern can end.

A pattern of this module is a tree as well as a regular expression, and every end of every match is found by walking
the tree with sets of positions, which are integers of one bit a character. That is the plain definition of a regular
expression, so it is slow to be wrong; PCRE2 is asked before any engine is blamed, and the tests compare the
two. PCRE2 alone could not judge enough in the seconds that there are: it looks for one end at a time.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final

from scanner.engine.pcre import expression

ALPHABET: Final = "abcxyzABK019_ -./:@|$&%{}<>\"'\t\r\n\u00e9\u0444\u661f\uff11\U0001f512"
"""Every character of the texts: few enough that patterns meet them often, of one to four bytes."""

# Those that engines look for by tricks of their own come up often: few members, nearly all members, pairs.
CLASSES: Final = (
    *("[ab]", "[a-c]", "[xyz]", "[0-9]", "[$&]", "[.:]", "[aA]", "[ \\t]", "[a-zA-Z0-9]", "[\"']", "[kK]"),
    *("[^a]", "[^}]", "[^ @]", "[^<>]", "[^\\n]", "[^ab]", "[^\"']"),
    *("\\d", "\\w", "\\s", "\\S", "\\W", "\\D", ".", "(?s:.)"),
    *(
        "[\u00e9\u661f]",
        "[a-z\u00e9]",
        "[\u0430-\u044f]",
        "[\uff10-\uff19]",
        "[^\u00e9]",
        "[0-9\uff10-\uff19]",
    ),
)

_LETTERS: Final = "abcxyzK019 -/:@<\u00e9\u661f\u0444\uff11"
_ESCAPED: Final = (".", "|", "$", "{", "}")

# Around the widths of vector registers, where engines change from one loop to another.
_LENGTHS: Final = (0, 1, 2, 3, 7, 8, 9, 14, 15, 16, 17, 30, 31, 32, 33, 47, 48, 62, 63, 64, 65)
_MAX_LENGTH: Final = 140
_LONG_RUN: Final = 70
_SHORT_RUN: Final = 4

_REPEATS: Final[tuple[tuple[str, int, int | None], ...]] = (
    *(("", 1, 1),) * 6,
    *(("*", 0, None), ("+", 1, None)) * 3,
    *(("?", 0, 1), ("{2}", 2, 2), ("{1,3}", 1, 3), ("{0,2}", 0, 2), ("{3,}", 3, None), ("{2,9}", 2, 9)),
    ("{12}", 12, 12),
)


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
    """An assertion: ``^``, ``$``, ``\\b`` or ``\\B``."""

    source: str

    def reach(self, text: Text, starts: int) -> int:
        """Those of the positions where it holds."""
        return starts & text.borders(self.source)

    def example(self, dice: random.Random, *, runs: bool) -> str:  # noqa: ARG002 - as of the other nodes
        """The break that makes it hold, now and then."""
        return {"^": "\n", "$": "\n", "\\b": " "}.get(self.source, "") if dice.random() < 0.5 else ""


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
            most = self.least + (_LONG_RUN if runs and dice.random() < 0.4 else _SHORT_RUN)
        return "".join(self.node.example(dice, runs=False) for _ in range(dice.randint(self.least, most)))


Node = Atom | Border | Row | Either | Repeat


def invent_pattern(dice: random.Random) -> Row:
    """A pattern as analysts write them, though without their sense."""
    shape = dice.random()
    body = _few(dice) if shape < 0.4 else _row(dice, int(shape > 0.8)).nodes
    before, after = dice.random(), dice.random()
    head = ("^",) if before < 0.12 else ("\\b",) if before < 0.2 else ()
    tail = ("$",) if after < 0.12 else ("\\b",) if after < 0.18 else ("\\B",) if after < 0.2 else ()
    return Row((*map(Border, head), *body, *map(Border, tail)))


def _few(dice: random.Random) -> tuple[Node, ...]:
    """A few classes in a row: with no letter to look for, engines look for pairs of bytes."""
    return tuple(_repeated(dice, Atom(dice.choice(CLASSES))) for _ in range(dice.randint(2, 3)))


def _row(dice: random.Random, depth: int) -> Row:
    return Row(tuple(node for _ in range(dice.randint(1, 4)) for node in _nodes(dice, depth)))


def _nodes(dice: random.Random, depth: int) -> Iterator[Node]:
    kind = dice.random()
    if kind < 0.3:
        yield from (_letter(dice) for _ in range(dice.randint(1, 7)))
    elif kind < 0.82 or depth == 0:
        yield _repeated(dice, Atom(dice.choice(CLASSES)) if dice.random() < 0.75 else _letter(dice))
    else:
        choices = tuple(_row(dice, depth - 1) for _ in range(dice.randint(1, 3)))
        sign, least, most = dice.choice(
            (("", 1, 1), ("", 1, 1), ("?", 0, 1), ("+", 1, None), ("{1,2}", 1, 2))
        )
        yield Repeat(Either(choices), sign, least, most)


def _letter(dice: random.Random) -> Atom:
    letter = dice.choice((*_LETTERS, *_ESCAPED))
    return Atom(f"\\{letter}" if letter in _ESCAPED else letter)


def _repeated(dice: random.Random, atom: Atom) -> Repeat:
    sign, least, most = dice.choice(_REPEATS)
    return Repeat(atom, sign, least, most)


def invent_text(dice: random.Random, pattern: Row) -> Text:
    """A text that the pattern likely matches somewhere, at any distance from both ends."""
    body = pattern.example(dice, runs=True)
    if dice.random() < 0.2 and body:
        place = dice.randrange(len(body))
        body = body[:place] + dice.choice(ALPHABET) + body[place + 1 :]
    return Text(_filler(dice) + body[: 2 * _MAX_LENGTH] + _filler(dice))


def _filler(dice: random.Random) -> str:
    length = dice.choice(_LENGTHS) if dice.random() < 0.7 else dice.randrange(_MAX_LENGTH)
    if dice.random() < 0.5:
        return dice.choice(ALPHABET) * length
    return "".join(dice.choices(ALPHABET, k=length))


def invent_literals(dice: random.Random, count: int) -> list[bytes]:
    """Different literals, many of them alike at either end."""
    found: dict[bytes, None] = {}
    while len(found) < count:
        length = dice.choice((1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 33))
        letters = dice.choice(("ab", "abcxyzABK019", "abcK \u00e9\u661f", ALPHABET))
        found.setdefault("".join(dice.choices(letters, k=length)).encode())
    return list(found)


def invent_block(dice: random.Random, literals: Sequence[bytes]) -> bytes:
    """A text of many literals, whole and cut, in either case."""
    pieces = []
    for _ in range(dice.randint(1, 12)):
        literal = dice.choice(literals).decode()
        literal = literal[: dice.randint(1, len(literal))] if dice.random() < 0.3 else literal
        pieces.append(_filler(dice) + (literal.swapcase() if dice.random() < 0.3 else literal))
    return "".join(pieces).encode() + _filler(dice).encode()


def invent_prefiltered(dice: random.Random, texts: int) -> tuple[str, list[bytes]]:
    """A pattern with a look-around or a back-reference, and texts that it may match."""
    group, pattern = Row(_few(dice)), invent_pattern(dice)
    found = []
    for _ in range(texts):
        edge = group.example(dice, runs=False)
        found.append(f"{_filler(dice)}{edge}{pattern.example(dice, runs=True)}{edge}{_filler(dice)}".encode())
    form = dice.choice(
        ("({0}){1}\\1", "{1}(?={0})", "{1}(?!{0})", "(?<![a-c]){1}", "(?>{1})", "(?<n>{0}){1}\\k<n>")
    )
    return form.format(group.source, pattern.source), found
