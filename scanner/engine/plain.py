r"""Tells which expressions are plain, so that PCRE2 can be asked about many cells in one call.

They are made of characters, classes, groups, alternatives, greedy and lazy repeats, word borders, and what must or must
not stand before or behind if no line feed is a part of that. Whatever such an expression can do in a cell alone it can
do there among others too, in the same order, for a line feed is no word character; so where its first way to match lies
within a cell, it is the cell's own. What reaches far is not plain.
"""

from functools import lru_cache
from typing import Final

from scanner.engine.dialects.translate import in_pcre
from scanner.engine.patterns.syntax import Token, tokens
from scanner.engine.patterns.tree import Group, Node, Repeat, UnknownConstruct, parse
from scanner.engine.points import ONE_POINT
from scanner.engine.reach import reaches_far
from scanner.signatures.model import RegexPattern

_STRUCTURE: Final = frozenset({"alternative", "close", "repeat"})
_OPTIONS: Final = frozenset({*"imsxunUJ", "xx"})
_LOOKS: Final = frozenset({"(?=", "(?!", "(?<=", "(?<!"})


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
    return all(map(_is_known, [None, *pieces], pieces)) and _least(root) > 0 and not reaches_far(root)


def _is_known(before: Token | None, token: Token) -> bool:
    if not token.options <= _OPTIONS:
        return False
    if token.kind == "repeat" and before is not None and before.kind == "repeat":
        return token.text == "?"  # a plus takes ways to match away
    return (
        token.kind in ONE_POINT
        or token.kind in _STRUCTURE
        or (token.kind == "border" and token.text in {r"\b", r"\B"})
        or (token.kind == "open" and (token.text in {"(", "(?:"} or bool(token.name)))
        or (token.kind == "look" and token.text in _LOOKS)
    )


def _least(node: Node) -> int:
    """How many characters it takes at least."""
    match node:
        case Group():
            return 0 if node.token.kind == "look" else min(sum(map(_least, each)) for each in node.branches)
        case Repeat():
            return node.least * _least(node.node)
        case Token():
            return int(node.kind in ONE_POINT)
