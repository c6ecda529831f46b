"""What one piece of a plain pattern matches: a character, a class, or a dot."""

from functools import cache
from typing import Final

from scanner.engine.patterns.classes import Ranges, members, point
from scanner.engine.patterns.syntax import Token, judge_source
from scanner.engine.pcre import Expression, expression

ONE_POINT: Final = frozenset({"char", "atom", "dot"})
"""Kinds of pieces that take one character."""

_LINE_FEED: Final = b"\n"
_PLANES_WITH_LETTERS: Final = range(0x40000)
_SURROGATES: Final = range(0xD800, 0xE000)


def may_take_line_feed(token: Token) -> bool:
    """True for a piece of a plain pattern that may match a line feed."""
    if token.kind == "dot":
        return token.dotall
    if token.kind == "atom":
        return _judge_of_one(token).search(_LINE_FEED)
    return token.kind == "char" and token.text == "\n"


def takes_text(token: Token) -> bool:
    """True for one that matches letters or digits, of any script."""
    if token.kind == "atom":
        return _judge_of_one(token).search(_letters())
    return token.kind == "dot" or token.text.isalnum()


def members_of(token: Token) -> Ranges:
    """The code points that it matches."""
    source = point(ord(token.text)) if token.kind == "char" else token.text
    caseless, unicode = "i" in token.options, "u" in token.options
    return members(judge_source(source), caseless=caseless, unicode=unicode)


def overlap(some: Ranges, others: Ranges) -> bool:
    """True where there is a code point in both."""
    return any(first <= end and start <= last for first, last in some for start, end in others)


def _judge_of_one(token: Token) -> Expression:
    return expression(judge_source(token.text), "".join(sorted(token.options & frozenset("iu"))))


@cache
def _letters() -> bytes:
    """Every letter and digit there is."""
    codes = (code for code in _PLANES_WITH_LETTERS if code not in _SURROGATES)
    return "".join(filter(str.isalnum, map(chr, codes))).encode()
