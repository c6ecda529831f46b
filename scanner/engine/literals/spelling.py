"""Literals: how the judge reads them, and how case is left out of what pass one looks for.

The literal compiler folds case for ASCII only, while the judge folds all of Unicode. A caseless literal of ASCII is
looked for as it is. Only two letters beyond ASCII are case variants of ASCII's, the Kelvin sign and the long s; they
stand in hardly any text, and one that holds them is looked at once more with ``k`` and ``s`` in their place. Other
caseless literals are looked for in folded text (`scanner.engine.literals.folding`).
"""

from functools import lru_cache
from typing import Final

from scanner.engine.patterns.classes import point
from scanner.engine.patterns.syntax import judge_source
from scanner.engine.pcre import Expression, expression

ODD_LETTERS: Final = {"\N{KELVIN SIGN}": "k", "\N{LATIN SMALL LETTER LONG S}": "s"}
"""The letters beyond ASCII that are case variants of ASCII's, and of which."""

_ODD_BYTES: Final = {odd.encode(): plain.encode() for odd, plain in ODD_LETTERS.items()}
_ODD: Final = str.maketrans(ODD_LETTERS)


def spelled(literal: str) -> str:
    """A literal as a regular expression of PCRE2's."""
    return "".join(point(ord(char)) for char in literal)


@lru_cache(maxsize=100_000)
def literal_expression(literal: str, flags: str, whole_word: bool) -> Expression:  # noqa: FBT001 - of a cache's key
    """How the judge looks for a literal.

    Args:
        literal: Of a `LiteralPattern`.
        flags: The pattern's.
        whole_word: The pattern's.
    """
    return expression(*literal_source(literal, flags, whole_word=whole_word))


def literal_source(literal: str, flags: str, *, whole_word: bool) -> tuple[bytes, str]:
    """The same as a pattern and its flags, in the judge's spelling."""
    escaped = spelled(literal)
    if whole_word:
        escaped = f"(?<!\\w){escaped}(?!\\w)"
    return judge_source(escaped), flags + ("u" if whole_word else "")


def without_odd_letters(text: bytes) -> bytes:
    """A text with ASCII letters in the place of their variants beyond ASCII."""
    for odd, plain in _ODD_BYTES.items():
        text = text.replace(odd, plain)
    return text


def ascii_of(literal: str) -> str | None:
    """The caseless literal in lower case where it is of ASCII, odd letters aside; None where it is not."""
    if not literal.isascii():
        literal = literal.translate(_ODD)
    return literal.lower() if literal.isascii() else None
