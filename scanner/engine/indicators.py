"""What pass one looks for in place of very many literals.

One literal's choice is nobody's business; a million of them are many to spell out, and the engine finds a literal by
its last eight bytes: where 100,000 end alike, as in ``.blogspot.com``, it compares all of them at every such end in the
text, and a scan falls from 1,000 MB/s to 1 MB/s. So literals with a crowded end are looked for without it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scanner.engine.literals import MAX_SPELLINGS, spelled, window
from scanner.views.raw import Int64s

TAIL_BYTES: Final = 8
"""By so many last bytes the engine finds a literal."""

CROWD: Final = 8
"""Literals with the same tail that are no burden yet."""

_FEWER_SPELLINGS: Final = ((20_000, 4), (200_000, 2))
"""From so many literals on, so many spellings of each."""


@dataclass(frozen=True, slots=True)
class Needles:
    """Byte strings to look for, and what they stand for.

    Attributes:
        needles: Unique, of all literals; in every text that literal ``i`` matches stands one of those of ``i``.
        literals: int64[n], by number, ascending.
        needle_of: int64[n], a needle of each, by number.
    """

    needles: list[bytes]
    literals: Int64s
    needle_of: Int64s


def choose_needles(literals: Sequence[str], *, caseless: bool) -> Needles:
    """Chooses what to look for.

    Args:
        literals: None is empty or holds a NUL; any of them may occur again.
        caseless: True where they have flag ``i``; the needles are then to be looked for as those of
            `scanner.engine.literals.stretches`.
    """
    limit = _spellings(len(literals))
    numbers: dict[str, int] = {}
    # The number of the window of each literal; equal windows are one.
    windows = np.fromiter(
        (numbers.setdefault(window(each, limit) if caseless else each, len(numbers)) for each in literals),
        np.int64,
        len(literals),
    )
    needles: dict[bytes, int] = {}
    counts, flat = [], []
    for stretch in _spread(list(numbers)):
        spellings = spelled(stretch) if caseless else [stretch.encode()]
        counts.append(len(spellings))
        flat.extend([needles.setdefault(each, len(needles)) for each in spellings])
    return _expanded(list(needles), windows, np.array(counts, np.int64), np.array(flat, np.int64))


def _expanded(needles: list[bytes], windows: Int64s, counts: Int64s, flat: Int64s) -> Needles:
    times = counts[windows]
    literals = np.repeat(np.arange(len(windows), dtype=np.int64), times)
    first = (np.cumsum(counts) - counts)[windows]
    ends = np.cumsum(times)
    within = np.arange(len(literals), dtype=np.int64) - np.repeat(ends - times, times)
    return Needles(needles, literals, flat[np.repeat(first, times) + within])


def _spellings(count: int) -> int:
    fewer = [spellings for least, spellings in _FEWER_SPELLINGS if count >= least]
    return fewer[-1] if fewer else MAX_SPELLINGS


def _spread(stretches: Sequence[str]) -> Iterator[str]:
    """The same stretches, those with a crowded tail cut off where fewer end alike."""
    tails = [each.encode()[-TAIL_BYTES:] for each in stretches]
    load = Counter(tails)
    crowded = {tail for tail, count in load.items() if count > CROWD}
    for tail in crowded:
        del load[tail]
    for stretch, tail in zip(stretches, tails, strict=True):
        yield _less_crowded(stretch, load) if tail in crowded else stretch


def _less_crowded(stretch: str, load: Counter[bytes]) -> str:
    """The longest beginning of a stretch whose tail few have, else the one whose tail the fewest have."""
    best, best_load = len(stretch), -1
    for end in range(len(stretch), 0, -1):
        tail = stretch[:end].encode()[-TAIL_BYTES:]
        if len(tail) < TAIL_BYTES:
            break
        if best_load < 0 or load[tail] < best_load:
            best, best_load = end, load[tail]
        if best_load < CROWD:
            break
    load[stretch[:best].encode()[-TAIL_BYTES:]] += 1
    return stretch[:best]
