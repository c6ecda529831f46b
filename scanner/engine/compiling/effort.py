"""How much work a pattern is for Hyperscan's compiler, and a way to make it less.

No bound of the compiler's time can be named beforehand: an ordinary pattern takes milliseconds, and some rules in
public use take minutes. What costs are positions: places in the pattern, once repeats are written out and characters
beyond ASCII are bytes. Patterns here are in the language of `scanner.engine.patterns.loosen.Loose`.
"""

import re
from typing import Final

LARGE_REPEAT: Final = 16
"""A repeat of more times than this is a large one."""

_PIECE: Final = re.compile(
    r"(?P<repeat>[*+?]|\{\d+,?\d*\})|(?P<open>\((?:\?[a-z]*:)?)|(?P<close>\))|(?P<bar>\|)|(?P<dot>\.)|(?P<set>\[(?:[^\]\\]|\\.)*\])"
    r"|\\x\{(?P<point>[0-9a-f]+)\}|\\?.",
    re.DOTALL,
)
_BEYOND_ASCII: Final = re.compile(r"\\x\{[0-9a-f]{3,}\}")
_REPEAT: Final = re.compile(r"(?<!\\x)\{(\d+)(,?)(\d*)\}")
_BYTES: Final = 4
"""Bytes of a code point at most."""


def positions(regex: str) -> int:
    """Estimates the positions of a pattern."""
    groups = [[0, 0]]  # of each open group: its positions, and those of its last piece
    for found in _PIECE.finditer(regex):
        if found["open"]:
            groups.append([0, 0])
            continue
        group = groups[-1]
        if found["repeat"]:
            group[0] += group[1] * (_times(found["repeat"]) - 1)
            continue
        if found["close"] and len(groups) > 1:
            width = groups.pop()[0]
            group = groups[-1]
        else:
            width = _width(found)
        group[:] = [group[0] + width, width]
    return sum(total for total, _ in groups)


def _width(piece: re.Match[str]) -> int:
    if piece["bar"]:
        return 0
    if piece["dot"]:
        return 2 * _BYTES
    if piece["set"]:
        return 1 + _BYTES * len(_BEYOND_ASCII.findall(piece["set"]))
    return len(chr(int(piece["point"], 16)).encode()) if piece["point"] else 1


def _times(repeat: str) -> int:
    if repeat in "*+?":
        return 1
    return max(1, *(int(bound) for bound in repeat[1:-1].split(",") if bound))


def widen(regex: str) -> str:
    """A looser pattern that is less work: large repeats have no end any more.

    Returns:
        The same text where no repeat is large.
    """
    wide = _REPEAT.sub(_widened, regex)
    endless = f"{{{LARGE_REPEAT},}}"
    # Whether a text holds a match does not depend on how much there is of its last piece.
    return wide.removesuffix(endless) + f"{{{LARGE_REPEAT}}}" if wide.endswith(endless) else wide


def _widened(found: re.Match[str]) -> str:
    least, most = int(found[1]), int(found[3] or found[1])
    return found[0] if max(least, most) <= LARGE_REPEAT else f"{{{min(least, LARGE_REPEAT)},}}"


def largest_repeat(regex: str) -> str:
    """The largest of the large repeats, such as ``{0,150}``; empty where there is none."""
    found = [(max(int(each[1]), int(each[3] or 0)), each[0]) for each in _REPEAT.finditer(regex)]
    most, text = max(found, default=(0, ""))
    return text if most > LARGE_REPEAT else ""
