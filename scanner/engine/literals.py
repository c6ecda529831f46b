"""What pass one looks for in place of a literal.

The literal compiler folds case for ASCII only, while the judge folds Unicode: ``k`` is also the Kelvin sign, ``s``
the long s, ``é`` also ``É``. A caseless literal is therefore looked for by a stretch of it, in every spelling that
the stretch has beyond ASCII's case pairs. A stretch is looser than the whole, and confirm looks at the whole.
"""

from functools import lru_cache
from itertools import product
from typing import Final

from scanner.engine.classes import members, point
from scanner.engine.syntax import judge_source
from scanner.signatures.model import LiteralPattern

MAX_SPELLINGS: Final = 16
"""Spellings of one literal that pass one may look for."""


def judge_literal(literal: str, pattern: LiteralPattern) -> tuple[bytes, str]:
    """The judge's expression of one literal, and its flags."""
    escaped = "".join(point(ord(char)) for char in literal)
    if pattern.whole_word:
        escaped = f"(?<!\\w){escaped}(?!\\w)"
    return judge_source(escaped), pattern.flags + ("u" if pattern.whole_word else "")


@lru_cache(maxsize=20_000)
def _spellings(char: str) -> tuple[bytes, ...]:
    """Every case variant of a character, but one for each pair that ASCII caseless matching knows."""
    ranges = members(judge_source(point(ord(char))), caseless=True, unicode=False)
    variants = {chr(code).encode() for first, last in ranges for code in range(first, last + 1)}
    return tuple(sorted({variant.lower() if len(variant) == 1 else variant for variant in variants}))


def stretches(literal: str, *, caseless: bool) -> tuple[bytes, ...]:
    """Byte strings of which at least one stands in every text that the literal matches.

    Args:
        literal: Not empty, without NUL.
        caseless: True where the literal has flag ``i``; the answer is then to be looked for with ASCII case
            folded.

    Returns:
        1 to `MAX_SPELLINGS` byte strings, sorted.
    """
    if not caseless:
        return (literal.encode(),)
    variants = [_spellings(char) for char in literal]
    start, end = _longest(variants)
    return tuple(sorted(b"".join(choice) for choice in product(*variants[start:end])))


def _longest(variants: list[tuple[bytes, ...]]) -> tuple[int, int]:
    """The longest stretch, in bytes, that has at most `MAX_SPELLINGS` spellings."""
    best, best_bytes, start, count, size = (0, 1), 0, 0, 1, 0
    for end, choices in enumerate(variants, 1):
        count *= len(choices)
        size += len(choices[0])
        while count > MAX_SPELLINGS:
            count //= len(variants[start])
            size -= len(variants[start][0])
            start += 1
        if size > best_bytes:
            best, best_bytes = (start, end), size
    return best
