"""The one door to PCRE2, the judge of every match.

It speaks to the extension module below the ``pcre2`` package, because the package's own iterator validates
the rest of the cell anew for each match, which is quadratic in a large cell: a 4 MB cell with a match a character did
not end within ten minutes. Cells are validated once, in `scanner.views.raw`, so the check is turned off here.
"""

from functools import lru_cache
from typing import Any, Final

import pcre2
from pcre2 import _cy as core

from scanner.errors import HindcastError

# Source: pcre2.h of PCRE2 10.47.
_NO_UTF_CHECK: Final = 0x40000000
_NOTEMPTY_ATSTART: Final = 0x00000008
_JIT_STACK_LIMIT: Final = -46

_FLAGS: Final = {"i": pcre2.I, "m": pcre2.M, "s": pcre2.S, "x": pcre2.X}


class PatternRefused(HindcastError):  # noqa: N818 - an answer about a pattern
    """PCRE2 does not take the pattern.

    Attributes:
        reason: PCRE2's own words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MatchUndecided(HindcastError):  # noqa: N818 - neither a match nor none
    """PCRE2 gave up on a cell, so it is not known whether the pattern matches it.

    Attributes:
        reason: PCRE2's own words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_CONTEXT: Final = core.create_match_context()


class Expression:
    """A compiled expression; matching is on bytes of valid UTF-8, offsets are bytes."""

    __slots__ = ("_code", "_flags", "_interpreted", "_source")

    def __init__(self, source: bytes, flags: int) -> None:
        self._code = pcre2.compile(source, flags)._pcre2_code  # noqa: SLF001 - see above
        self._interpreted: Any = None
        self._source, self._flags = source, flags

    def search(self, cell: bytes) -> bool:
        """True where the expression matches anywhere in the cell.

        Raises:
            MatchUndecided: PCRE2 gave up.
        """
        return self._match(cell, 0, _NO_UTF_CHECK) is not None

    def find(self, cell: bytes, limit: int) -> tuple[int, list[tuple[int, int]]]:
        """Every match, leftmost first, not overlapping.

        Args:
            cell: Where to look.
            limit: How many spans to keep.

        Returns:
            How many matches there are, and the first spans of them, as bytes ``[start, end)``.

        Raises:
            MatchUndecided: PCRE2 gave up.
        """
        at, options, count = 0, _NO_UTF_CHECK, 0
        spans: list[tuple[int, int]] = []
        while at <= len(cell):
            data = self._match(cell, at, options)
            if data is None:
                break
            start, at = span = core.match_substring_span_bynumber(data, cell, 0)
            count += 1
            if count <= limit:
                spans.append(span)
            options = _NO_UTF_CHECK | (_NOTEMPTY_ATSTART if start == at else 0)
        return count, spans

    def _match(self, cell: bytes, at: int, options: int) -> Any:
        try:
            return core.match(self._code, cell, len(cell), at, _CONTEXT, options)[0]
        except pcre2.LibraryError as error:
            if error.code != _JIT_STACK_LIMIT:
                raise MatchUndecided(str(error)) from None
        return self._match_without_jit(cell, at, options)

    def _match_without_jit(self, cell: bytes, at: int, options: int) -> Any:
        if self._interpreted is None:
            self._interpreted = pcre2.compile(self._source, self._flags, jit=False)._pcre2_code  # noqa: SLF001
        try:
            return core.match(self._interpreted, cell, len(cell), at, _CONTEXT, options)[0]
        except pcre2.LibraryError as error:
            raise MatchUndecided(str(error)) from None


@lru_cache(maxsize=100_000)
def expression(source: bytes, flags: str) -> Expression:
    r"""Compiles a pattern in PCRE2's language.

    Args:
        source: The pattern as UTF-8, in the judge's spelling (`scanner.engine.syntax.judge_source`).
        flags: Letters of ``imsxu``. Without ``u``, ``\w \d \s \b`` are ASCII.

    Raises:
        PatternRefused: PCRE2 does not take the pattern.
    """
    prefix = b"(*UTF)(*UCP)(*LF)" if "u" in flags else b"(*UTF)(*LF)"
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
