"""How deep JSON is nested, told before anything that calls itself for every bracket has to find out.

Arrow's parser, and what it makes of columns, end the process where brackets are nested some thousands deep.
"""

from typing import Final

import numpy as np

MAX_DEPTH: Final = 100
"""Lines that are nested deeper are not parsed."""

_BRACKETS: Final = b"[]{}"
_OTHERS: Final = bytes(set(range(256)) - set(_BRACKETS))
_LINE, _RETURN, _OPEN, _CLOSE = b"\n\r{}"
_TO_OPEN: Final = ord("{") ^ ord("[")


def without_deep_lines(block: bytes) -> tuple[bytes, list[int], bool]:
    """Leaves out the lines that are nested too deep.

    Returns:
        The block, in which these are empty; their places among its lines; and False where the others together are
        still too deep for a parser that goes on from line to line.
    """
    if _is_flat(block) or depth(block) <= MAX_DEPTH:
        return block, [], True
    lines = block.split(b"\n")
    deep = [number for number, line in enumerate(lines) if depth(line) > MAX_DEPTH]
    for number in deep:
        lines[number] = b""
    rest = b"\n".join(lines)
    return rest, deep, depth(rest) <= MAX_DEPTH


def depth(text: bytes) -> int:
    """How deep brackets are nested at most, outside of strings."""
    outside = text.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    brackets = np.frombuffer(b"".join(outside).translate(None, _OTHERS), np.uint8)
    steps = np.where(brackets | _TO_OPEN == _OPEN, np.int8(1), np.int8(-1))
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


def _is_flat(block: bytes) -> bool:
    """True where it can be told at a glance that no parser gets too deep; false tells nothing.

    A line that begins and ends as an object does cannot go on where one before it was left, so that it is enough
    that each has few brackets.
    """
    data = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
    ends = np.flatnonzero(data == _LINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    last = data[np.maximum(ends - 1, 0)]
    if (last == _RETURN).any():
        last = np.where(last == _RETURN, data[np.maximum(ends - 2, 0)], last)
    if not ((data[starts] == _OPEN) & (last == _CLOSE)).all():
        return False
    return int(np.add.reduceat(data | _TO_OPEN == _OPEN, starts, dtype=np.int32).max()) <= MAX_DEPTH
