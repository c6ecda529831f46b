r"""Tells which expressions are plain, so that PCRE2 can be asked about many cells in one call.

They are made of characters, classes, groups, alternatives, greedy and lazy repeats and word borders. Whatever such an
expression can do in a cell alone it can do there among others too, in the same order, for a line feed is no word
character; so where its first way to match lies within a cell, it is the cell's own. What reaches far, such as
``[^a]*``, would make a call take the square of its length, and is not plain.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from scanner.engine.dialects.translate import in_pcre
from scanner.engine.patterns.syntax import Token, judge_source, tokens
from scanner.engine.patterns.tree import Group, Node, Repeat, UnknownConstruct, parse
from scanner.engine.pcre import Expression, expression
from scanner.signatures.model import RegexPattern

_ONE_POINT: Final = frozenset({"char", "atom", "dot"})
_STRUCTURE: Final = frozenset({"alternative", "close", "repeat"})
_OPTIONS: Final = frozenset({*"imsxunUJ", "xx"})
_LINE_FEED: Final = b"\n"


@lru_cache(maxsize=100_000)
def is_plain(pattern: RegexPattern) -> bool:
    """True where the matches of a pattern may be looked for in many cells at once."""
    known = in_pcre(pattern)
    if known.regex.startswith("(*"):
        return False
    try:
        takes_text = _least(parse(known.regex, known.flags).root) > 0
    except UnknownConstruct:
        return False
    pieces = list(tokens(known.regex, known.flags))
    return takes_text and all(map(_is_known, [None, *pieces], pieces)) and not _reaches_far(pieces)


def _is_known(before: Token | None, token: Token) -> bool:
    if not token.options <= _OPTIONS:
        return False
    if token.kind == "repeat" and before is not None and before.kind == "repeat":
        return token.text == "?"  # a plus takes ways to match away
    return (
        token.kind in _ONE_POINT
        or token.kind in _STRUCTURE
        or (token.kind == "border" and token.text in {r"\b", r"\B"})
        or (token.kind == "open" and (token.text in {"(", "(?:"} or bool(token.name)))
    )


def _reaches_far(pieces: Sequence[Token]) -> bool:
    """True where more than white space may be taken from cell after cell."""
    repeated = [after.kind == "repeat" and after.text != "?" for after in pieces[1:]] + [False]
    groups = any(piece.kind == "close" and often for piece, often in zip(pieces, repeated, strict=True))
    wide = (often or groups for piece, often in zip(pieces, repeated, strict=True) if _is_wide(piece))
    return any(wide)


def _is_wide(token: Token) -> bool:
    """True for what matches a line feed and more than white space."""
    return may_take_line_feed(token) and (
        token.kind == "dot" or (token.kind == "atom" and judge_of_one(token).search(_no_space()))
    )


def may_take_line_feed(token: Token) -> bool:
    """True for a piece of a plain pattern that may match a line feed."""
    if token.kind == "dot":
        return token.dotall
    if token.kind == "atom":
        return judge_of_one(token).search(_LINE_FEED)
    return token.kind == "char" and token.text == "\n"


def judge_of_one(token: Token) -> Expression:
    """Of an ``atom`` by itself."""
    return expression(judge_source(token.text), "".join(sorted(token.options & frozenset("iu"))))


@cache
def _no_space() -> bytes:
    """Every character of the first plane that is printed, but for spaces."""
    characters = map(chr, (*range(0xD800), *range(0xE000, 0x10000)))
    return "".join(each for each in characters if each.isprintable() and each != " ").encode()


def _least(node: Node) -> int:
    """How many characters it takes at least."""
    match node:
        case Group():
            return min(sum(map(_least, branch)) for branch in node.branches)
        case Repeat():
            return node.least * _least(node.node)
        case Token():
            return int(node.kind in _ONE_POINT)
