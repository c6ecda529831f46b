r"""Tells which cells a plain expression hits, not where: of a signature that hits most cells few hits are kept.

The first match in a line of a cell says enough, so PCRE2 passes over the rest of the line. It is asked so only of
expressions that match no line feed, for of these no match reaches over the end of a cell.
"""

from functools import cache
from typing import Final

import numpy as np

from scanner.engine.bulk import pieces
from scanner.engine.dialects.translate import in_pcre
from scanner.engine.literals.spelling import ODD_LETTERS, literal_source
from scanner.engine.patterns.syntax import Token, judge_source, tokens
from scanner.engine.pcre import BEFORE, Expression, PatternRefused, expression
from scanner.engine.plain import is_plain, judge_of_one, may_take_line_feed
from scanner.signatures.model import LiteralPattern, Pattern
from scanner.views.raw import Int64s, TextCells

PIECE_BYTES: Final = 1 << 18
"""Bytes of the cells of one call: they and what is made of them stay in the processor's cache."""

_NONE: Final = np.zeros(0, np.int64)


@cache
def _beyond_ascii() -> bytes:
    """Every character that is not ASCII."""
    return "".join(map(chr, (*range(0x80, 0xD800), *range(0xE000, 0x110000)))).encode()


def _is_ascii(token: Token) -> bool:
    """True for a piece of a plain pattern that means the same where bytes are read instead of characters."""
    if token.unicode or token.kind == "dot":
        return False
    if token.kind == "char":
        return token.text.isascii() and not (token.caseless and token.text.lower() in ODD_LETTERS.values())
    # The members of an extended class are worked out from sets of bytes where bytes are read.
    extended = token.text.startswith("(?[")
    return token.kind != "atom" or not (extended or judge_of_one(token).search(_beyond_ascii()))


def sweeping(pattern: Pattern) -> Expression | None:
    """What `sweep` is to be given for a pattern; None for one that it does not serve.

    Args:
        pattern: A regular expression, or a list of one literal.
    """
    if isinstance(pattern, LiteralPattern):
        source, flags = literal_source(pattern.literals[0], pattern.flags, whole_word=pattern.whole_word)
        takes_line_feed, is_ascii = "\n" in pattern.literals[0], False
    elif is_plain(pattern):
        known = in_pcre(pattern)
        source, flags = judge_source(known.regex), known.flags
        pieces = list(tokens(known.regex, known.flags))
        takes_line_feed = any(map(may_take_line_feed, pieces))
        is_ascii = source.isascii() and all(map(_is_ascii, pieces))
    else:
        return None
    if takes_line_feed:
        return None
    for end in (b")", b"\n)"):
        try:
            return expression(b"(?:" + source + end + rb"\N*+", flags, utf=not is_ascii)
        except PatternRefused:
            continue  # it ends with a comment, which takes the bracket too, and which a line feed ends
    return None


def sweep(expression: Expression, text: TextCells) -> tuple[Int64s, Int64s]:
    """Looks for an expression in all cells.

    Args:
        expression: Of `sweeping`.
        text: The cells.

    Returns:
        int64[n], the cells that are hit, and int64[m], those that must be asked about alone; both ascending.
    """
    offsets = text.offsets
    starts, again = [_NONE], [_NONE]
    for first, stop in pieces(np.diff(offsets), PIECE_BYTES):
        marked = expression.marked_starts(text.data[offsets[first] : offsets[stop]])
        if marked is None:
            again.append(np.arange(first, stop, dtype=np.int64))
            continue
        marks = np.flatnonzero(np.frombuffer(marked, np.uint8) == BEFORE[0])
        starts.append(marks - np.arange(len(marks)) + offsets[first])
    cells = np.searchsorted(offsets, np.concatenate(starts), "right") - 1
    alone = np.concatenate(again)
    return cells[np.append(True, cells[1:] != cells[:-1])[: len(cells)]], alone[np.diff(offsets)[alone] > 0]
