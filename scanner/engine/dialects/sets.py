"""Sets of code points: the algebra that classes of other dialects need, and their spelling for PCRE2.

A set is sorted, closed ranges without surrogates, none of which touches another.
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final

from scanner.engine.patterns.classes import Ranges, members, point

EVERYTHING: Final[Ranges] = ((0, 0xD7FF), (0xE000, 0x10FFFF))

MAX_PLAIN: Final = 60
"""A class of more ranges is spelled by general categories, for PCRE2's compiled patterns are at most 64 KiB long."""

_NOTHING: Final = r"[^\x{0}-\x{10ffff}]"

_CATEGORIES: Final = {
    "L": ("Lu", "Ll", "Lt", "Lm", "Lo"),
    "M": ("Mn", "Mc", "Me"),
    "N": ("Nd", "Nl", "No"),
    "P": ("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"),
    "S": ("Sm", "Sc", "Sk", "So"),
    "Z": ("Zs", "Zl", "Zp"),
    "C": ("Cc", "Cf", "Co", "Cn"),
}


def union(*sets: Iterable[tuple[int, int]]) -> Ranges:
    """Members of any of the sets; the ranges may come in any order."""
    out: list[tuple[int, int]] = []
    for first, last in sorted(pair for ranges in sets for pair in _without_surrogates(ranges)):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(last, out[-1][1]))
        else:
            out.append((first, last))
    return tuple(out)


def _without_surrogates(ranges: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for first, last in ranges:
        for lowest, highest in EVERYTHING:
            if first <= highest and last >= lowest:
                yield max(first, lowest), min(last, highest)


def negate(ranges: Ranges) -> Ranges:
    """Every code point that is no member."""
    return subtract(EVERYTHING, ranges)


def subtract(left: Ranges, right: Ranges) -> Ranges:
    """Members of the first that are not in the second."""
    out: list[tuple[int, int]] = []
    at = 0
    for first, last in left:
        while at < len(right) and right[at][1] < first:
            at += 1
        behind = at
        while behind < len(right) and right[behind][0] <= last:
            if right[behind][0] > first:
                out.append((first, right[behind][0] - 1))
            first = max(first, right[behind][1] + 1)  # noqa: PLW2901 - what is left of it
            behind += 1
        if first <= last:
            out.append((first, last))
    return tuple(out)


def intersect(left: Ranges, right: Ranges) -> Ranges:
    """Members of both."""
    return subtract(left, negate(right))


def folded_ascii(ranges: Ranges) -> Ranges:
    """The set and the other case of every ASCII letter in it."""
    upper, lower = intersect(ranges, ((0x41, 0x5A),)), intersect(ranges, ((0x61, 0x7A),))
    return union(ranges, [(a + 32, b + 32) for a, b in upper], [(a - 32, b - 32) for a, b in lower])


def folded(ranges: Ranges) -> Ranges:
    """The set and every case variant, as Unicode has them, of what is in it."""
    if not ranges:
        return ranges
    return union(members(_plain(ranges, negated=False).encode(), caseless=True, unicode=False))


def property_members(source: str) -> Ranges:
    r"""Members of a property in PCRE2's spelling, such as ``\p{sc:Greek}``.

    Raises:
        PatternRefused: PCRE2 does not know it.
    """
    return union(members(source.encode(), caseless=False, unicode=False))


@lru_cache(maxsize=10_000)
def spelled(ranges: Ranges, *, negated: bool, caseless: bool) -> str:
    """One code point of a set, or of its complement, for PCRE2 without flag ``u``.

    Args:
        ranges: The set.
        negated: True for its complement.
        caseless: True where flag ``i`` is on there; the set is then closed under case before it is negated.
    """
    if len(ranges) <= MAX_PLAIN:
        return _plain(ranges, negated=negated)
    if caseless:
        ranges = folded(ranges)
    wanted = negate(ranges) if negated else ranges
    short = min(_by_category(wanted, negated=False), _by_category(negate(wanted), negated=True), key=len)
    return f"(?-i:{short})" if caseless else short


def _plain(ranges: Ranges, *, negated: bool) -> str:
    if not ranges:
        return "(?s:.)" if negated else _NOTHING
    if ranges == EVERYTHING:
        return _NOTHING if negated else "(?s:.)"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1] and not negated:
        return point(ranges[0][0])
    return f"[{'^' if negated else ''}{_items(ranges)}]"


def _items(ranges: Ranges) -> str:
    return "".join(point(a) if a == b else f"{point(a)}-{point(b)}" for a, b in ranges)


@cache
def _category(name: str) -> Ranges:
    return property_members(f"\\p{{{name}}}")


def _by_category(ranges: Ranges, *, negated: bool) -> str:
    """Categories that the set holds most of, what it holds beside them, and what of them it does not."""
    taken: dict[str, list[str]] = {}
    more: list[Ranges] = []
    less: list[Ranges] = []
    for major, names in _CATEGORIES.items():
        for name in names:
            inside = intersect(ranges, _category(name))
            missing = subtract(_category(name), ranges)
            if len(missing) < len(inside):
                taken.setdefault(major, []).append(name)
                less.append(missing)
            else:
                more.append(inside)
    categories = "".join(
        f"\\p{{{name}}}"
        for major, found in taken.items()
        for name in ([major] if len(found) == len(_CATEGORIES[major]) else found)
    )
    body = f"[{'^' if negated else ''}{categories}{_items(union(*more))}]"
    without = union(*less)
    if not without:
        return body
    # A complement has what is missing from its categories beside what it is the complement of.
    excluded = f"[{_items(without)}]"
    return f"(?:{body}|{excluded})" if negated else f"(?:(?!{excluded}){body})"
