"""The one door to PCRE2, the judge of every match.

It speaks to the extension module below the ``pcre2`` package, because the package's own iterator validates
the rest of the cell anew for each match, which is quadratic in a large cell: a 4 MB cell with a match a character did
not end within ten minutes. Cells are validated once, in `scanner.views.raw`, so the check is turned off here.
"""

import sys
from functools import lru_cache
from typing import Any, Final

import pcre2
from pcre2 import _cy as core

from scanner.errors import HindcastError

# Source: pcre2.h of PCRE2 10.47.
_ALT_BSUX: Final = 0x00000002
"""Turned off: the package turns it on, and then ``\\x{e9}`` is a repeated ``x`` and ``\\U`` a ``U``."""
_NO_UTF_CHECK: Final = 0x40000000
_NOTEMPTY_ATSTART: Final = 0x00000008
_JIT_STACK_LIMIT: Final = -46

_FLAGS: Final = {"i": pcre2.I, "m": pcre2.M, "s": pcre2.S, "x": pcre2.X}


_REMEDIES: Final = {
    "lookbehind assertion is not limited": "bound its repeats, e.g. `{0,99}` for `*`, or write `\\K` behind it",
    "lookbehind assertion is too long": "bound its repeats to fewer than 255 characters in all",
    "does not support \\F": "write a character as `\\x{e9}`; if the rule is another engine's, name it by `dialect`",
    "follows \\": "if the rule was written for another engine, name it by `dialect`: re2, python or rust",
    "after (?": "if the rule was written for another engine, name it by `dialect`: re2, python or rust",
    "does not follow a repeatable item": "write `\\` before the character, or brackets around what is repeated",
    "missing closing parenthesis": "close the bracket, or write `\\(` for the character",
    "unmatched closing parenthesis": "open the bracket, or write `\\)` for the character",
    "missing terminating ]": "close the class, or write `\\[` for the character",
    "invalid range in character class": "write `\\-` for the character",
    "range out of order": "turn the range around, or write `\\-` for the character",
    "reference to non-existent subpattern": "number or name a group that there is, or write an octal as `\\o{12}`",
    "unknown property": "write its short name, such as `\\p{Lu}` or `\\p{Greek}`",
    "unknown POSIX class name": "write one of alnum, alpha, digit, lower, punct, space, upper, word, xdigit",
    "regular expression is too large": "cut it into several patterns",
    "\\ at end of pattern": "write `\\\\` for the character",
    "\\C": "write `(?s:.)` for one character",
}
"""PCRE2's words → what to write instead."""


def _remedy(reason: str) -> str:
    found = (remedy for words, remedy in _REMEDIES.items() if words in reason)
    return next(found, "correct it there")


class PatternRefused(HindcastError):  # noqa: N818 - an answer about a pattern
    """A pattern is none of PCRE2's, or none of the dialect that it is in.

    Attributes:
        reason: What is wrong: PCRE2's own words, or those of a reader of dialects.
        remedy: What to write instead.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason, remedy)
        self.reason = reason
        self.remedy = remedy or _remedy(reason)

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


class MatchUndecided(HindcastError):  # noqa: N818 - neither a match nor none
    """PCRE2 gave up on a cell, so it is not known whether the pattern matches it.

    Attributes:
        reason: PCRE2's own words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Spans = list[tuple[int, int]]

BEFORE: Final = b"\x01"
BEHIND: Final = b"\x02"
_MARKED: Final = BEFORE + b"$0" + BEHIND
"""What `Expression.marked` puts around a match."""

_MARKING: Final = int(core.SubstituteOption.GLOBAL) | _NO_UTF_CHECK

_CONTEXT: Final = core.create_match_context()


class Expression:
    """A compiled expression; matching is on bytes of valid UTF-8, offsets are bytes."""

    __slots__ = ("_code", "_flags", "_interpreted", "_source")

    def __init__(self, source: bytes, flags: int) -> None:
        self._code = _code(source, flags, jit=True)
        self._interpreted: Any = None
        self._source, self._flags = source, flags

    def search(self, cell: bytes) -> bool:
        """True where the expression matches anywhere in the cell.

        Raises:
            MatchUndecided: PCRE2 gave up.
        """
        try:
            return core.match(self._code, cell, len(cell), 0, _CONTEXT, _NO_UTF_CHECK)[0] is not None
        except pcre2.LibraryError as error:
            return self._again(error, cell, 1, 1)[0] > 0

    def first(self, cell: bytes) -> tuple[int, int] | None:
        """The leftmost match, as bytes ``[start, end)``.

        Raises:
            MatchUndecided: PCRE2 gave up.
        """
        try:
            data = core.match(self._code, cell, len(cell), 0, _CONTEXT, _NO_UTF_CHECK)[0]
        except pcre2.LibraryError as error:
            spans = self._again(error, cell, 1, 1)[1]
            return spans[0] if spans else None
        return None if data is None else core.match_substring_span_bynumber(data, cell, 0)

    def find(self, cell: bytes, limit: int, most: int = sys.maxsize) -> tuple[int, Spans]:
        """Every match, leftmost first, not overlapping.

        Args:
            cell: Where to look.
            limit: How many spans to keep.
            most: So many matches there are at most, where that is known; it saves looking for another one.

        Returns:
            How many matches there are, and the first spans of them, as bytes ``[start, end)``.

        Raises:
            MatchUndecided: PCRE2 gave up.
        """
        try:
            return _find(self._code, cell, limit, most)
        except pcre2.LibraryError as error:
            return self._again(error, cell, limit, most)

    def marked(self, text: bytes) -> bytes | None:
        """A text with `BEFORE` and `BEHIND` around every match, as `find` finds them; no match may be empty.

        Returns:
            None where the text holds one of the two itself, or PCRE2 gave up.
        """
        if BEFORE in text or BEHIND in text:
            return None
        try:
            marked: bytes = core.substitute(self._code, _MARKED, text, 0, _MARKING)[0]
        except pcre2.LibraryError:
            return None
        return marked

    def _again(self, error: Any, cell: bytes, limit: int, most: int) -> tuple[int, Spans]:
        """Without just-in-time compiled code, whose stack is small, where it was that which failed."""
        if error.code != _JIT_STACK_LIMIT:
            raise MatchUndecided(str(error)) from None
        if self._interpreted is None:
            self._interpreted = _code(self._source, self._flags, jit=False)
        try:
            return _find(self._interpreted, cell, limit, most)
        except pcre2.LibraryError as second:
            raise MatchUndecided(str(second)) from None


def _code(source: bytes, flags: int, *, jit: bool) -> Any:
    code = core.compile(source, flags, _ALT_BSUX)
    if jit:
        core.jit_compile(code)
    return code


def _find(code: Any, cell: bytes, limit: int, most: int) -> tuple[int, Spans]:
    at, options, count, size = 0, _NO_UTF_CHECK, 0, len(cell)
    spans: Spans = []
    while at <= size and count < most:
        data = core.match(code, cell, size, at, _CONTEXT, options)[0]
        if data is None:
            break
        start, at = span = core.match_substring_span_bynumber(data, cell, 0)
        count += 1
        if count <= limit:
            spans.append(span)
        options = _NO_UTF_CHECK | (_NOTEMPTY_ATSTART if start == at else 0)
    return count, spans


@lru_cache(maxsize=100_000)
def expression(source: bytes, flags: str) -> Expression:
    r"""Compiles a pattern in PCRE2's language.

    Args:
        source: The pattern as UTF-8, in the judge's spelling (`scanner.engine.patterns.syntax.judge_source`).
        flags: Letters of ``imsxu``. Without ``u``, ``\w \d \s \b`` are ASCII.

    Raises:
        PatternRefused: PCRE2 does not take the pattern.
    """
    prefix = b"(*UTF)" + (b"(*UCP)" if "u" in flags else b"") + b"(*LF)"
    options = 0
    for letter in flags:
        options |= _FLAGS.get(letter, 0)
    try:
        return Expression(prefix + source, options)
    except pcre2.PatternError as error:
        what = str(error).partition("; ")[2]
        reason = f"{what} at byte {error.pos - len(prefix)}"
        raise PatternRefused(reason) from None
    except pcre2.LibraryError as error:
        raise PatternRefused(str(error)) from None


def version() -> str:
    """Version of the PCRE2 library, such as ``10.47``."""
    return str(pcre2.__libpcre2_version__)
