r"""Which code points a class matches, as the judge sees it.

Hyperscan's Unicode tables are many years older than PCRE2's: of the 144,969 code points that ``\w``
matches under flag ``u`` it knows 104,072, and case pairs differ too. So pass one never uses its classes. PCRE2 is asked
for the code points of every class of a pattern, and Hyperscan gets them spelled out.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from scanner.engine.pcre import expression

Ranges = tuple[tuple[int, int], ...]

MAX_RANGES: Final = 120
"""A class of more ranges is spelled as its ASCII members and everything beyond ASCII, which is looser."""

COARSE_RANGES: Final = 16
"""The same, for patterns that are too large when they are spelled finely."""

BEYOND_ASCII: Final = (0x80, 0x10FFFF)

_ASCII: Final = tuple(range(0x80))
# Of the code points beyond ASCII, only these two are case variants of ASCII letters; U+0080 stands for all
# others.
_SMALL: Final = (*_ASCII, 0x80, 0x17F, 0x212A)


@cache
def _everything() -> tuple[bytes, list[int], list[int]]:
    points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    starts, at = [], 0
    for point in points:
        starts.append(at)
        at += 1 + (point > 0x7F) + (point > 0x7FF) + (point > 0xFFFF)
    return "".join(map(chr, points)).encode(), points, starts


def _ranges(points: Sequence[int]) -> Ranges:
    out: list[tuple[int, int]] = []
    for point in points:
        if out and out[-1][1] == point - 1:
            out[-1] = (out[-1][0], point)
        else:
            out.append((point, point))
    return tuple(out)


def _full(source: bytes, flags: str) -> Ranges:
    text, points, starts = _everything()
    out: list[tuple[int, int]] = []
    for start, end in expression(source + b"+", flags).find(text, len(text))[1]:
        first, after = bisect_left(starts, start), bisect_left(starts, end)
        out.extend(_without_surrogates(points[first], points[after - 1]))
    return tuple(out)


def _without_surrogates(first: int, last: int) -> Ranges:
    if first < 0xD800 and last > 0xDFFF:
        return ((first, 0xD7FF), (0xE000, last))
    return ((first, last),)


def _small(source: bytes, flags: str) -> Ranges:
    judge = expression(source, flags)
    members = {point for point in _SMALL if judge.search(chr(point).encode())}
    ascii_ranges = _ranges([point for point in _ASCII if point in members])
    if 0x80 not in members:
        return (*ascii_ranges, *_ranges(sorted(members - set(_ASCII))))
    out = (0x17F in members, 0x212A in members)
    if out == (True, True):
        return (*ascii_ranges, *_without_surrogates(*BEYOND_ASCII))
    return _full(source, flags)


@lru_cache(maxsize=20_000)
def members(source: bytes, *, caseless: bool, unicode: bool) -> Ranges:
    r"""Code points that a class, a property, an escape such as ``\d`` or one character matches.

    Args:
        source: In the judge's spelling; it must match exactly one code point.
        caseless: Flag ``i``.
        unicode: Flag ``u``.

    Returns:
        Sorted, disjoint, closed ranges without surrogates; empty where nothing matches.
    """
    flags = ("i" if caseless else "") + ("u" if unicode else "")
    return _small(source, flags) if _is_small(source, unicode=unicode) else _full(source, flags)


def _is_small(source: bytes, *, unicode: bool) -> bool:
    """True where membership beyond ASCII cannot vary but for the case variants of ASCII letters."""
    if not source.isascii() or (unicode and (b"\\" in source or b"[:" in source)):
        return False
    escapes = {source[i + 1 : i + 2] for i in range(len(source) - 1) if source[i : i + 1] == b"\\"}
    return not escapes & {
        b"p",
        b"P",
        b"h",
        b"H",
        b"v",
        b"V",
        b"N",
        b"x",
        b"u",
        b"o",
        b"Q",
        *(b"%d" % n for n in range(10)),
    }


def spell(ranges: Ranges, most: int = MAX_RANGES) -> str:
    """A character class of exactly, or where it has more than ``most`` ranges of at least, these code points."""
    if len(ranges) > most:
        ranges = (*((a, min(b, 0x7F)) for a, b in ranges if a < 0x80), *_without_surrogates(*BEYOND_ASCII))
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return point(ranges[0][0])
    return "[" + "".join(point(a) if a == b else f"{point(a)}-{point(b)}" for a, b in ranges) + "]"


def point(code: int) -> str:
    """One code point as both engines read it, inside classes and outside."""
    char = chr(code)
    return char if char.isascii() and char.isalnum() else f"\\x{{{code:x}}}"
