"""Invents patterns, literals and texts, the same ones for the same seed."""

import random
from collections.abc import Sequence
from typing import Final

from scanner.engine.qualification.tree import ALPHABET, Atom, Border, Either, Node, Repeat, Row, Text, chance

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

_REPEATS: Final[tuple[tuple[str, int, int | None], ...]] = (
    *(("", 1, 1),) * 6,
    *(("*", 0, None), ("+", 1, None)) * 3,
    *(("?", 0, 1), ("{2}", 2, 2), ("{1,3}", 1, 3), ("{0,2}", 0, 2), ("{3,}", 3, None), ("{2,9}", 2, 9)),
    ("{12}", 12, 12),
)


_ALTERNATIVES: Final = (("", 1, 1), ("", 1, 1), ("?", 0, 1), ("+", 1, None), ("{1,2}", 1, 2))

_NOTHING: Final = ("",)
_HEADS: Final = _NOTHING * 20 + ("^",) * 3 + ("\\b",) * 2
_TAILS: Final = _NOTHING * 20 + ("$",) * 3 + ("\\b", "\\B")

# A group before, within or behind a pattern, of which Hyperscan knows less than PCRE2.
_PREFILTERED: Final = (
    *("({0}){1}\\1", "(?<n>{0}){1}\\k<n>"),
    *("{1}(?={0})", "{1}(?!{0})", "(?<![a-c]){1}", "(?>{1})"),
)


def invent_pattern(dice: random.Random) -> Row:
    """A pattern as analysts write them, though without their sense."""
    make = dice.choice((_few, _few, _flat, _flat, _deep))
    head, tail = dice.choice(_HEADS), dice.choice(_TAILS)
    return Row((*map(Border, filter(None, [head])), *make(dice), *map(Border, filter(None, [tail]))))


def _few(dice: random.Random) -> tuple[Node, ...]:
    """A few classes in a row: with no letter to look for, engines look for pairs of bytes."""
    return tuple(_repeated(dice, Atom(dice.choice(CLASSES))) for _ in range(dice.randint(2, 3)))


def _flat(dice: random.Random) -> tuple[Node, ...]:
    makers = dice.choices((_word, _repeat), (1, 2), k=dice.randint(1, 4))
    return tuple(node for make in makers for node in make(dice))


def _deep(dice: random.Random) -> tuple[Node, ...]:
    makers = dice.choices((_word, _repeat, _group), (3, 5, 2), k=dice.randint(1, 4))
    return tuple(node for make in makers for node in make(dice))


def _word(dice: random.Random) -> tuple[Node, ...]:
    return tuple(_letter(dice) for _ in range(dice.randint(1, 7)))


def _repeat(dice: random.Random) -> tuple[Node, ...]:
    return (_repeated(dice, Atom(dice.choice(CLASSES)) if chance(dice, 0.75) else _letter(dice)),)


def _group(dice: random.Random) -> tuple[Node, ...]:
    choices = tuple(Row(_flat(dice)) for _ in range(dice.randint(1, 3)))
    return (Repeat(Either(choices), *dice.choice(_ALTERNATIVES)),)


def _letter(dice: random.Random) -> Atom:
    letter = dice.choice((*_LETTERS, *_ESCAPED))
    return Atom(f"\\{letter}" if letter in _ESCAPED else letter)


def _repeated(dice: random.Random, atom: Atom) -> Repeat:
    return Repeat(atom, *dice.choice(_REPEATS))


def invent_text(dice: random.Random, pattern: Row) -> Text:
    """A text that the pattern likely matches somewhere, at any distance from both ends."""
    body = pattern.example(dice, runs=True)
    if body and chance(dice, 0.2):
        place = dice.randrange(len(body))
        body = body[:place] + dice.choice(ALPHABET) + body[place + 1 :]
    return Text(_filler(dice) + body[: 2 * _MAX_LENGTH] + _filler(dice))


def _filler(dice: random.Random) -> str:
    length = dice.choice(_LENGTHS) if chance(dice, 0.7) else dice.randrange(_MAX_LENGTH)
    if chance(dice, 0.5):
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
        literal = literal[: dice.randint(1, len(literal))] if chance(dice, 0.3) else literal
        pieces.append(_filler(dice) + (literal.swapcase() if chance(dice, 0.3) else literal))
    return "".join(pieces).encode() + _filler(dice).encode()


def invent_prefiltered(dice: random.Random, texts: int) -> tuple[str, list[bytes]]:
    """A pattern with a look-around or a back-reference, and texts that it may match."""
    group, pattern = Row(_few(dice)), invent_pattern(dice)
    found = []
    for _ in range(texts):
        edge = group.example(dice, runs=False)
        found.append(f"{_filler(dice)}{edge}{pattern.example(dice, runs=True)}{edge}{_filler(dice)}".encode())
    return dice.choice(_PREFILTERED).format(group.source, pattern.source), found
