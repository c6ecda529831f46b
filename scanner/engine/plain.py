r"""Tells which expressions are plain, so that PCRE2 can be asked about many cells in one call.

They are made of characters, classes, groups, alternatives, greedy and lazy repeats, word borders, and what must or must
not stand before or behind if no line feed is a part of that. Whatever such an expression can do in a cell alone it can
do there among others too, in the same order, for a line feed is no word character; so where its first way to match lies
within a cell, it is the cell's own. What reaches far, such as ``[^a]*``, would make a call take the square of its
length, and is not plain.
"""

import math
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
_LOOKS: Final = frozenset({"(?=", "(?!", "(?<=", "(?<!"})
_LINE_FEED: Final = b"\n"

_NEAR: Final = 64
"""So many other cells may be reached into."""


@lru_cache(maxsize=100_000)
def is_plain(pattern: RegexPattern) -> bool:
    """True where the matches of a pattern may be looked for in many cells at once."""
    known = in_pcre(pattern)
    if known.regex.startswith("(*"):
        return False
    try:
        root = parse(known.regex, known.flags).root
    except UnknownConstruct:
        return False
    pieces = list(tokens(known.regex, known.flags))
    return all(map(_is_known, [None, *pieces], pieces)) and _least(root) > 0 and _reach(root) <= _NEAR


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
        or (token.kind == "look" and token.text in _LOOKS)
    )


def _reach(node: Node) -> float:
    """How many cells it reaches into at most, but for those without a letter or digit, of which there are few."""
    match node:
        case Group():
            reach = max(sum(map(_reach, branch)) for branch in node.branches)
            return math.inf if reach and node.token.kind == "look" else reach
        case Repeat(Token() as token) if not _takes_text(token):
            return _reach(token)
        case Repeat():
            reach = _reach(node.node)
            return reach and reach * (math.inf if node.most is None else node.most)
        case Token():
            return int(may_take_line_feed(node))


def _takes_text(token: Token) -> bool:
    """True for what matches letters or digits, of any script."""
    if token.kind == "atom":
        return judge_of_one(token).search(_letters())
    return token.kind == "dot" or token.text.isalnum()


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
def _letters() -> bytes:
    """Every letter and digit of the first plane."""
    return "".join(filter(str.isalnum, map(chr, range(0x10000)))).encode()


def _least(node: Node) -> int:
    """How many characters it takes at least."""
    match node:
        case Group():
            return 0 if node.token.kind == "look" else min(sum(map(_least, each)) for each in node.branches)
        case Repeat():
            return node.least * _least(node.node)
        case Token():
            return int(node.kind in _ONE_POINT)
