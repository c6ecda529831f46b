"""The one way from a pattern as written to PCRE2's language."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from scanner.engine.dialects.python import FIXED_WIDTH, PythonReader
from scanner.engine.dialects.re2 import Re2Reader
from scanner.engine.dialects.reader import HomeReader
from scanner.engine.dialects.rust import RustReader
from scanner.engine.patterns.syntax import judge_source
from scanner.engine.pcre import Expression, PatternRefused, expression
from scanner.signatures.model import RegexPattern

_READERS: Final[Mapping[str, type[HomeReader]]] = {
    "python": PythonReader,
    "re2": Re2Reader,
    "rust": RustReader,
}


@lru_cache(maxsize=100_000)
def in_pcre(pattern: RegexPattern) -> RegexPattern:
    """Spells a pattern of any dialect in PCRE2's language, with the meaning that it has at home.

    Raises:
        PatternRefused: The dialect does not know a part of it, or PCRE2 has no equal.
    """
    if pattern.dialect == "pcre":
        return pattern
    regex, flags = _READERS[pattern.dialect](pattern.regex, pattern.flags).translated()
    return RegexPattern(pattern.name, regex, flags, pattern.line)


def judge_of(pattern: RegexPattern) -> Expression:
    """The judge's expression of a pattern.

    Raises:
        PatternRefused: The dialect or PCRE2 does not take it.
    """
    known = in_pcre(pattern)
    try:
        return expression(judge_source(known.regex), known.flags)
    except PatternRefused as refusal:
        if pattern.dialect == "pcre":
            raise
        # It counts bytes of a text that its author has never seen.
        words = re.sub(r" at byte \d+$", "", refusal.reason)
        # Only Python's dialect has look-behinds, and it knows no `\K`.
        raise PatternRefused(
            words, FIXED_WIDTH if "lookbehind assertion is not limited" in words else refusal.remedy
        ) from None
