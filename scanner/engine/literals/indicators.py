"""What pass one looks for in place of very many literals.

The engine finds a literal by its last eight bytes: where 100,000 end alike, as in ``.blogspot.com``, it compares all
of them at every such end in the text, and a scan falls from 1,000 MB/s to 1 MB/s. So literals with a crowded end are
looked for without it. What is looked for may always be less than the literal, and confirm looks at the whole.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from scanner.views.raw import Int64s

TAIL_BYTES: Final = 8
"""By so many last bytes the engine finds a literal."""

CROWD: Final = 8
"""Literals with the same tail that are no burden yet."""


def choose_needles(literals: Sequence[str]) -> tuple[list[bytes], Int64s]:
    """Chooses a byte string to look for in place of each literal, which stands in every text that the literal is in.

    Args:
        literals: None is empty; any of them may occur again.

    Returns:
        The byte strings, each once; and for each literal the number of its own, int64[n].
    """
    numbers: dict[str, int] = {}
    unique = np.fromiter(
        (numbers.setdefault(literal, len(numbers)) for literal in literals), np.int64, len(literals)
    )
    needles: dict[bytes, int] = {}
    chosen = np.fromiter(
        (needles.setdefault(needle, len(needles)) for needle in _spread(list(numbers))),
        np.int64,
        len(numbers),
    )
    return list(needles), chosen[unique]


def _spread(literals: Sequence[str]) -> Iterator[bytes]:
    """The literals; those with a crowded tail cut off where fewer end alike."""
    encoded = [literal.encode() for literal in literals]
    load = Counter(each[-TAIL_BYTES:] for each in encoded)
    crowded = {tail for tail, count in load.items() if count > CROWD}
    for tail in crowded:
        del load[tail]
    for each in encoded:
        yield _less_crowded(each, load) if each[-TAIL_BYTES:] in crowded else each


def _less_crowded(literal: bytes, load: Counter[bytes]) -> bytes:
    """The longest beginning of a literal whose tail few have, else the one whose tail the fewest have."""
    best, best_load = len(literal), -1
    for end in range(len(literal), TAIL_BYTES - 1, -1):
        here = load[literal[end - TAIL_BYTES : end]]
        if best_load < 0 or here < best_load:
            best, best_load = end, here
        if best_load < CROWD:
            break
    load[literal[best - TAIL_BYTES : best]] += 1
    return literal[:best]
