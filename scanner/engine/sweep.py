r"""Tells which cells a plain expression hits, not where: of a signature that hits most cells few hits are kept.

Rust's regular expressions, which polars brings, tell it in a third of the time that PCRE2 takes. They are asked of
regular languages alone, and what a character, a class or an escape stands for is asked of the judge and spelled out.
"""

from itertools import accumulate
from typing import Final

import numpy as np
import pyarrow as pa

from scanner.engine.dialects.sets import negate, union
from scanner.engine.dialects.translate import in_pcre
from scanner.engine.patterns.classes import Ranges, members, point
from scanner.engine.patterns.syntax import Token, judge_source, tokens
from scanner.engine.patterns.tree import Group, Node, Repeat, parse
from scanner.engine.plain import is_plain
from scanner.engine.points import may_take_line_feed, members_of
from scanner.signatures.model import LiteralPattern, Pattern, RegexPattern
from scanner.views.raw import Int64s, TextCells
from scanner.views.utf8 import SLAB_BYTES

MOST_WEIGHT: Final = 4_096
"""Of an expression with all its repeats written out: for text that keeps many of its places open the engine takes so
many times as long, and each repeat of a large class takes memory."""

_WEIGHT_OF_A_PLACE: Final = 32

MOST_DEPTH: Final = 50
"""Groups in groups."""

_STEPS: Final = {"open": 1, "close": -1}
_BORDERS: Final = {r"\b": r"(?-u:\b)", r"\B": r"(?-u:\B)"}


def sweeping(pattern: Pattern) -> str | None:
    """What `sweep` is to be given for a pattern; None for one that it does not serve.

    Args:
        pattern: A regular expression, or a list of one literal.
    """
    source = _literal(pattern) if isinstance(pattern, LiteralPattern) else _regex(pattern)
    return source if source is not None and _is_taken(source) else None


def _literal(pattern: LiteralPattern) -> str | None:
    literal = pattern.literals[0]
    if "\n" in literal:
        return None
    spelled = "".join(_spelled(_members(point(ord(char)), frozenset(pattern.flags))) for char in literal)
    if not pattern.whole_word:
        return spelled
    # A line feed, which is no part of a word, follows on every cell.
    outside = _spelled(negate(_members(r"\w", frozenset("u"))))
    return f"(?:\\A|{outside}){spelled}{outside}"


def _regex(pattern: RegexPattern) -> str | None:
    if not is_plain(pattern):
        return None
    known = in_pcre(pattern)
    pieces = list(tokens(known.regex, known.flags))
    if any(map(may_take_line_feed, pieces)) or any(map(_is_judges_alone, pieces)):
        return None
    if max(accumulate(_STEPS.get(each.kind, 0) for each in pieces)) > MOST_DEPTH:
        return None
    root = parse(known.regex, known.flags).root
    return _node(root) if _weight(root) <= MOST_WEIGHT else None


def _is_judges_alone(token: Token) -> bool:
    """True for what the other engine has not, or has otherwise."""
    return token.kind == "look" or (token.kind == "border" and token.unicode)


def _weight(node: Node) -> int:
    match node:
        case Group():
            return sum(_weight(each) for branch in node.branches for each in branch)
        case Repeat():
            return _weight(node.node) * (node.least + 1 if node.most is None else node.most)
        case Token():
            return 0 if node.kind == "border" else _WEIGHT_OF_A_PLACE + len(union(members_of(node)))


def _node(node: Node) -> str:
    """A piece of a plain pattern; which of its ways to match comes first makes no difference here."""
    match node:
        case Group():
            return f"(?:{'|'.join(''.join(map(_node, branch)) for branch in node.branches)})"
        case Repeat():
            most = "" if node.most is None else node.most
            return f"(?:{_node(node.node)}){{{node.least},{most}}}"
        case Token(kind="border"):
            return _BORDERS[node.text]
        case Token():
            return _spelled(union(members_of(node)))


def _members(source: str, options: frozenset[str]) -> Ranges:
    return union(members(judge_source(source), caseless="i" in options, unicode="u" in options))


def _spelled(ranges: Ranges) -> str:
    items = "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in ranges)
    return f"[{items}]" if items else r"[^\x{0}-\x{10ffff}]"


def _is_taken(source: str) -> bool:
    """True where the engine takes an expression; it refuses those that would fill its memory."""
    import polars as pl  # noqa: PLC0415 - it takes a sixth of a second

    try:
        pl.Series([""]).str.contains(source)
    except pl.exceptions.PolarsError:
        return False
    return True


def sweep(source: str, text: TextCells) -> Int64s | None:
    """Looks for an expression in all cells.

    Args:
        source: Of `sweeping`.
        text: The cells.

    Returns:
        int64[n], the cells that are hit, ascending; None where there is too much text to tell.
    """
    import polars as pl  # noqa: PLC0415 - as above

    if len(text.data) > SLAB_BYTES:
        return None
    offsets, data = (pa.py_buffer(each) for each in (text.offsets.data, text.data))
    lines = pa.LargeStringArray.from_buffers(len(text), offsets, data)
    return np.flatnonzero(pl.Series(lines).str.contains(source).to_numpy())
