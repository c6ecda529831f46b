"""A comparison as a set of values that make it true: single ones, or all up to one; or all others."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from scanner.archive.where.places import Held, Place, place
from scanner.archive.where.tree import Among, Comparison, Flag, Value


@dataclass(frozen=True, slots=True)
class Points:
    """Some values, ascending; none where nothing makes a comparison true."""

    values: tuple[Any, ...]

    def overlaps(self, lowest: Any, highest: Any) -> bool:
        """True where some value between two bounds belongs to it; None is no bound."""
        index = 0 if lowest is None else bisect_left(self.values, lowest)
        return index < len(self.values) and (highest is None or self.values[index] <= highest)

    def covers(self, lowest: Any, highest: Any) -> bool:
        """True where every value between two bounds belongs to it."""
        return lowest is not None and lowest == highest and lowest in self.values


@dataclass(frozen=True, slots=True)
class Upto:
    """Every value below one, and that one too where it is included."""

    value: Any
    included: bool

    def overlaps(self, lowest: Any, highest: Any) -> bool:  # noqa: ARG002 - what ends higher overlaps all the same
        """True where some value between two bounds belongs to it; None is no bound."""
        return lowest is None or lowest < self.value or (self.included and lowest == self.value)

    def covers(self, lowest: Any, highest: Any) -> bool:  # noqa: ARG002 - what begins lower is covered all the same
        """True where every value between two bounds belongs to it."""
        return highest is not None and (highest < self.value or (self.included and highest == self.value))


@dataclass(frozen=True, slots=True)
class Bound:
    """What makes a comparison true.

    Attributes:
        values: Some values.
        negated: True where it is all the others.
    """

    values: Points | Upto
    negated: bool = False

    def holds(self, value: Held) -> bool:
        """True where a value makes the comparison true."""
        return self.values.covers(value, value) != self.negated

    def outcomes(self, lowest: Held | None, highest: Held | None) -> tuple[bool, bool]:
        """Whether values between two bounds may make the comparison true, and whether they may make it false."""
        inside, outside = self.values.overlaps(lowest, highest), not self.values.covers(lowest, highest)
        return (outside, inside) if self.negated else (inside, outside)


Compared = Comparison | Among | Flag


@lru_cache(maxsize=4096)
def bind(term: Compared, type_: pa.DataType) -> Bound:
    """What makes a comparison true among the values of a type.

    Raises:
        UnfitError: The values cannot be compared with the type.
    """
    return bound(term, lambda value: place(value, type_))


def bound(term: Compared, placed: Callable[[Value], Place]) -> Bound:
    """What makes a comparison true, where a function knows the places of values."""
    if isinstance(term, Flag):
        return Bound(_points([placed(Value("boolean", "true"))]))
    if isinstance(term, Among):
        return Bound(_points([placed(value) for value in term.values]))
    at = placed(term.value)
    if term.operator in {"=", "<>"}:
        return Bound(_points([at]), term.operator == "<>")
    # Below a value that the column cannot hold is up to the next one that it can.
    included = term.operator in {"<=", ">"} or not at.exact
    return Bound(Upto(at.floor, included), term.operator in {">", ">="})


def _points(places: list[Place]) -> Points:
    exact: set[Any] = {each.floor for each in places if each.exact}
    return Points(tuple(sorted(exact)))
