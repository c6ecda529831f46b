"""What pass one looks for in place of a literal.

The literal compiler folds case for ASCII only, while the judge folds Unicode: ``k`` is also the Kelvin sign, ``s``
the long s, ``é`` also ``É``. The first two stand in hardly any text, so a text that holds them is looked at once more
with ``k`` and ``s`` in their place. Of what lies beyond ASCII, a stretch of the literal is looked for in every spelling
that it has. A stretch is looser than the whole, and confirm looks at the whole.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Final

from scanner.engine.classes import members, point
from scanner.engine.syntax import judge_source
from scanner.signatures.model import LiteralPattern

MAX_SPELLINGS: Final = 16
"""Spellings of one literal that pass one may look for."""

LEAST_BYTES: Final = 6
"""A stretch that is shorter than this stands in too many texts; more spellings are the lesser evil."""


def judge_literal(literal: str, pattern: LiteralPattern) -> tuple[bytes, str]:
    """The judge's expression of one literal, and its flags."""
    escaped = "".join(point(ord(char)) for char in literal)
    if pattern.whole_word:
        escaped = f"(?<!\\w){escaped}(?!\\w)"
    return judge_source(escaped), pattern.flags + ("u" if pattern.whole_word else "")


ODD_LETTERS: Final = {"\N{KELVIN SIGN}": "k", "\N{LATIN SMALL LETTER LONG S}": "s"}
"""The letters beyond ASCII that are case variants of ASCII's, and of which."""

_ODD_BYTES: Final = {odd.encode(): plain.encode() for odd, plain in ODD_LETTERS.items()}
_ODD: Final = str.maketrans(ODD_LETTERS)


def without_odd_letters(text: bytes) -> bytes:
    """A text with ASCII letters in the place of their variants beyond ASCII."""
    for odd, plain in _ODD_BYTES.items():
        text = text.replace(odd, plain)
    return text


@lru_cache(maxsize=20_000)
def _variants(char: str) -> tuple[str, ...]:
    """Every case variant of a character, but the odd letters and one for each pair of ASCII."""
    ranges = members(judge_source(point(ord(char))), caseless=True, unicode=False)
    variants = {chr(code) for first, last in ranges for code in range(first, last + 1)} - ODD_LETTERS.keys()
    return tuple(sorted({variant.lower() if variant.isascii() else variant for variant in variants}))


def window(literal: str, spellings: int = MAX_SPELLINGS) -> str:
    """The stretch of a caseless literal to look for, with ASCII in lower case.

    Args:
        literal: Not empty.
        spellings: How many the stretch may have; it has more where it would be very short otherwise.
    """
    if literal.isascii():
        return literal.lower()
    literal = literal.translate(_ODD)
    counts = [len(_variants(char)) for char in literal]
    sizes = [len(char.encode()) for char in literal]
    start, end = _longest(counts, sizes, spellings)
    if sum(sizes[start:end]) < LEAST_BYTES and spellings < MAX_SPELLINGS:
        start, end = _longest(counts, sizes, MAX_SPELLINGS)
    return literal[start:end]


def _longest(counts: Sequence[int], sizes: Sequence[int], spellings: int) -> tuple[int, int]:
    """The longest stretch, in bytes, that has at most so many spellings; at least one character."""
    best, best_bytes, start, count, size = (0, 1), 0, 0, 1, 0
    for end, choices in enumerate(counts, 1):
        count *= choices
        size += sizes[end - 1]
        while count > spellings:
            count //= counts[start]
            size -= sizes[start]
            start += 1
        if size > best_bytes:
            best, best_bytes = (start, end), size
    return best


def spelled(stretch: str) -> list[bytes]:
    """Every spelling of a caseless stretch, to be looked for with ASCII case folded."""
    if stretch.isascii():
        return [stretch.lower().encode()]
    return ["".join(choice).encode() for choice in product(*map(_variants, stretch))]


def stretches(literal: str, *, caseless: bool) -> tuple[bytes, ...]:
    """Byte strings of which at least one stands in every text that the literal matches.

    Args:
        literal: Not empty, without NUL.
        caseless: True where the literal has flag ``i``; the answer is then to be looked for with ASCII case
            folded, in a text and in that text `without_odd_letters`.

    Returns:
        1 to `MAX_SPELLINGS` byte strings, sorted.
    """
    return tuple(sorted(spelled(window(literal)))) if caseless else (literal.encode(),)
