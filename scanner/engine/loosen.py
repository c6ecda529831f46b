r"""Spells a pattern for pass one: never stricter than the judge, in a language that both engines read alike.

Hyperscan gets literal characters, classes spelled out, groups, alternatives, greedy repeats, line borders
and ASCII word borders, in UTF-8 mode under MULTILINE. What else PCRE2 has is widened:

* an assertion (look-around, a Unicode word border) is left out, atomic groups and possessive repeats are
plain ones;
* ``\A``, ``\z`` and ``\Z`` are line borders, because cells stand in a block one a line;
* back-references and conditions on groups stay, and Hyperscan's PREFILTER mode widens them.

Leaving something out only ever adds matches, with one exception: inside a negated assertion it would take
them away, and assertions are left out whole. What cannot be widened is `NotForPassOne`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scanner.engine.classes import members, point, spell
from scanner.engine.syntax import Token, judge_source, tokens
from scanner.errors import HindcastError
from scanner.signatures.model import RegexPattern

_MANY: Final = 1 << 62

_FIXED: Final = {
    "bol": "^",
    "subject_start": "^",
    "eol": "$",
    "subject_end": "$",
    "reset": "",
    "alternative": "|",
    "close": ")",
    "line_break": r"(?:\x{d}\x{a}|[\x{a}-\x{d}\x{85}\x{2028}\x{2029}])",
    "cluster": "(?:(?s:.)+)",
}


class NotForPassOne(HindcastError):  # noqa: N818 - an answer about a pattern
    """No pattern is known that is surely looser than this one.

    Attributes:
        reason: What stands in the way.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Loose:
    """A pattern for pass one.

    Attributes:
        regex: In Hyperscan's language, for UTF-8 mode under MULTILINE.
        prefilter: True where it compiles in PREFILTER mode only.
    """

    regex: str
    prefilter: bool


class _Shortest:
    """Adds up the fewest code points that the pieces written so far can match."""

    def __init__(self) -> None:
        self._open: list[list[int]] = [
            [_MANY, 0, 0]
        ]  # a group: its shortest alternative, this one, its last piece

    def add(self, token: Token) -> None:
        group = self._open[-1]
        match token.kind:
            case "open":
                self._open.append([_MANY, 0, 0])
            case "conditional":
                self._open.append([0, 0, 0])
            case "alternative":
                group[:] = [min(group[:2]), 0, 0]
            case "close":
                self._open.pop()
                self._piece(min(group[:2]))
            case "repeat":
                times = {"*": 0, "?": 0, "+": 1}.get(token.text)
                times = int(token.text[1:-1].split(",")[0]) if times is None else times
                group[1:] = [group[1] + group[2] * (times - 1), group[2] * times]
            case "char" | "atom" | "dot" | "line_break" | "cluster":
                self._piece(1)
            case _:
                self._piece(0)

    def _piece(self, length: int) -> None:
        group = self._open[-1]
        group[1:] = [group[1] + length, length]

    def total(self) -> int:
        return min(self._open[0][:2])


class _Writer:
    def __init__(self, pattern: RegexPattern) -> None:
        self._shortest = _Shortest()
        self._unicode = "u" in pattern.flags
        self._out: list[str] = []
        self._prefilter = False
        self._lost_groups = False
        self._depth = 0  # of assertions being left out
        self._after_gap = False
        self._writers: dict[str, Callable[[Token], str]] = {
            "char": self._char,
            "atom": lambda token: self._members(judge_source(token.text), token),
            "dot": lambda token: "(?s:.)" if token.dotall else ".",
            "border": lambda token: "" if self._unicode else token.text,
            "look": self._look,
            "open": self._group,
            "conditional": self._reference,
            "reference": self._reference,
            "repeat": lambda token: token.text,
        }

    def write(self, pattern: RegexPattern) -> Loose:
        for token in tokens(pattern.regex, pattern.flags):
            if self._depth:
                self._leave_out(token)
            else:
                self._one(token)
        if self._shortest.total() == 0:
            reason = "it can match the empty text"
            raise NotForPassOne(reason)
        if self._prefilter and self._lost_groups:
            reason = "a back-reference beside a group inside a look-around"
            raise NotForPassOne(reason)
        return Loose("".join(self._out), self._prefilter)

    def _leave_out(self, token: Token) -> None:
        if token.kind == "unknown":
            reason = f"`{token.text}`"
            raise NotForPassOne(reason)
        if token.kind in ("open", "look", "conditional"):
            self._depth += 1
            self._lost_groups |= token.kind == "open" and _captures(token)
        elif token.kind == "close":
            self._depth -= 1

    def _one(self, token: Token) -> None:
        if token.kind == "repeat" and self._after_gap:
            reason = "a repeated assertion"
            raise NotForPassOne(reason)
        piece = self._spell(token)
        if token.kind != "look":
            self._shortest.add(token)
        self._after_gap = piece == ""
        self._out.append(piece)

    def _spell(self, token: Token) -> str:
        if token.kind in _FIXED:
            return _FIXED[token.kind]
        if token.kind not in self._writers:
            reason = f"`{token.text}`"
            raise NotForPassOne(reason)
        return self._writers[token.kind](token)

    def _look(self, _token: Token) -> str:
        self._depth = 1
        return ""

    def _group(self, token: Token) -> str:
        return token.text if _captures(token) else "(?:"

    def _reference(self, token: Token) -> str:
        self._prefilter = True
        return token.text

    def _char(self, token: Token) -> str:
        if not token.caseless or (token.text.isascii() and not token.text.isalpha()):
            return point(ord(token.text))
        return self._members(judge_source(f"\\x{{{ord(token.text):x}}}"), token)

    def _members(self, source: bytes, token: Token) -> str:
        ranges = members(source, caseless=token.caseless, unicode=self._unicode)
        if not ranges:
            reason = f"`{token.text}`, which matches nothing"
            raise NotForPassOne(reason)
        return spell(ranges)


def _captures(token: Token) -> bool:
    return token.text == "(" or token.text.startswith(("(?P<", "(?'")) or token.text[:3] == "(?<"


def loosen(pattern: RegexPattern) -> Loose:
    """Widens a pattern that the judge takes.

    Raises:
        NotForPassOne: It cannot be widened for certain.
    """
    return _Writer(pattern).write(pattern)
