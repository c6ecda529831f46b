"""Which hits are stored where there are too many: a uniform sample that is the same whoever draws it, and how often.

Each hit has a rank, a hash of its id. The hits of the lowest ranks are the sample; those of two samples' union that
have the lowest ranks are the sample of both.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

Ranks = np.ndarray[Any, np.dtype[np.uint64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

_ID_DIGITS: Final = 32
_HALF: Final = 16
_VALUE_OF_DIGIT: Final = np.zeros(256, np.uint64)
for _place, _digit in enumerate(b"0123456789abcdef"):
    _VALUE_OF_DIGIT[_digit] = _place


def ranks_of(hit_ids: "pa.Array[Any]") -> Ranks:
    """uint64[n], the rank of each hit.

    Args:
        hit_ids: string[n] of 32 hexadecimal digits, without nulls.
    """
    whole = hit_ids.cast(pa.binary()).cast(pa.binary(_ID_DIGITS))
    data: Any = whole.buffers()[1]
    start = whole.offset * _ID_DIGITS
    digits = np.frombuffer(data, np.uint8)[start : start + len(whole) * _ID_DIGITS].reshape(-1, _ID_DIGITS)
    values = _VALUE_OF_DIGIT[digits]
    halves = [np.zeros(len(whole), np.uint64) for _ in range(2)]
    for place in range(_ID_DIGITS):
        half = halves[place // _HALF]
        half <<= np.uint64(4)
        half |= values[:, place]
    return ranks_of_halves(*halves)


def ranks_of_halves(first: Ranks, second: Ranks) -> Ranks:
    """uint64[n], the rank of each hit, by the first 16 digits of its id and the others, as numbers."""
    return _mixed(_mixed(first) ^ second)


def _mixed(values: Ranks) -> Ranks:
    """The finalizer of SplitMix64. Source: https://prng.di.unimi.it/splitmix64.c."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class Lowest:
    """The lowest ranks of all that were added.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._added: list[Ranks] = []
        self._waiting = 0
        self._bound: np.uint64 | None = None

    def add(self, ranks: Ranks) -> None:
        """Takes some more into account; one that was added before counts once."""
        ranks = self._possible(ranks)
        self._added.append(ranks)
        self._waiting += len(ranks)
        if self._waiting > self._most + self._most // 4:
            self._compact()

    def bound(self) -> np.uint64 | None:
        """The highest of the lowest ranks; None while there are no more than may be."""
        if self._waiting > self._most:
            self._compact()
        return self._bound

    def bound_with(self, ranks: Ranks) -> np.uint64 | None:
        """What `bound` would be if these were added."""
        ranks = self._possible(ranks)
        if self._waiting + len(ranks) <= self._most:
            return self._bound
        every = _unique([*self._added, ranks])
        return every[self._most - 1] if len(every) > self._most else self._bound

    def _possible(self, ranks: Ranks) -> Ranks:
        return ranks if self._bound is None else ranks[ranks <= self._bound]

    def _compact(self) -> None:
        every = _unique(self._added)
        if len(every) > self._most:
            self._bound = every[self._most - 1]
        lowest = every[: self._most]
        self._added, self._waiting = [lowest], len(lowest)


def _unique(ranks: Sequence[Ranks]) -> Ranks:
    """All of them, sorted, each once."""
    every = np.sort(np.concatenate(ranks))
    unique: Ranks = every[np.append(True, every[1:] != every[:-1])[: len(every)]]
    return unique


_Chosen = slice | np.ndarray[Any, np.dtype[np.int64]]

_Group = tuple[Lowest, _Chosen]
"""What samples some hits, and where these stand."""


class Sampling:
    """What of a stream of hits is worth writing: all of the sample, and a little more.

    Args:
        per_signature: How many hits of each signature are stored at most; None for all.
        in_all: How many of all signatures together; None for all.
    """

    def __init__(self, per_signature: int | None = None, in_all: int | None = None) -> None:
        self._per_signature = per_signature
        self._by_signature: dict[Hashable, Lowest] = {}
        self._all = None if in_all is None else Lowest(in_all)

    @property
    def bounded(self) -> bool:
        """True where anything may be left out."""
        return self._per_signature is not None or self._all is not None

    @property
    def bound(self) -> int | None:
        """The highest rank that is in the sample of all signatures together; None where all are."""
        bound = None if self._all is None else self._all.bound()
        return None if bound is None else int(bound)

    def likely(self, signatures: np.ndarray[Any, Any], ranks: Ranks) -> Mask:
        """Tells what is worth keeping of hits that are to be added.

        Args:
            signatures: [n], the signature of each hit.
            ranks: uint64[n].

        Returns:
            bool[n], False for those that are surely not in the sample of all that was added and of these.
        """
        groups = self._groups(signatures)
        return _within(ranks, [(lowest.bound_with(ranks[of_it]), of_it) for lowest, of_it in groups])

    def add(self, signatures: np.ndarray[Any, Any], ranks: Ranks) -> None:
        """Takes hits into account; one that was added before counts once."""
        for lowest, of_it in self._groups(signatures):
            lowest.add(ranks[of_it])

    def still_likely(self, signatures: np.ndarray[Any, Any], ranks: Ranks) -> Mask:
        """bool[n], False for hits that were added and are surely no longer in the sample."""
        return _within(ranks, [(lowest.bound(), of_it) for lowest, of_it in self._groups(signatures)])

    def _groups(self, signatures: np.ndarray[Any, Any]) -> Iterator[_Group]:
        if self._all is not None:
            yield self._all, slice(None)
        if self._per_signature is not None and len(signatures):
            for signature, of_it in _runs(signatures):
                yield self._by_signature.setdefault(signature, Lowest(self._per_signature)), of_it


def _runs(signatures: np.ndarray[Any, Any]) -> Iterator[tuple[Hashable, _Chosen]]:
    """Each signature, and which hits are its own."""
    if (signatures == signatures[0]).all():
        yield signatures[0].item(), slice(None)
        return
    order = np.argsort(signatures, kind="stable")
    numbers, starts = np.unique(signatures[order], return_index=True)
    yield from zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)


def _within(ranks: Ranks, bounds: Sequence[tuple[np.uint64 | None, _Chosen]]) -> Mask:
    mask = np.ones(len(ranks), np.bool_)
    for bound, of_it in bounds:
        if bound is not None:
            mask[of_it] &= ranks[of_it] <= bound
    return mask
