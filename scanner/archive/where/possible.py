"""What a predicate may come to, as far as the facts about some records tell.

Nothing here is ever sure that a record is wanted; only that none can be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

from scanner.archive.where.bounds import Bound, bind, bound
from scanner.archive.where.patterns import fits, prefix
from scanner.archive.where.places import Held, Place, plain, read
from scanner.archive.where.tree import (
    Among,
    And,
    Comparison,
    Flag,
    IsNull,
    Like,
    Node,
    Not,
    Or,
    Term,
    Value,
    WhereError,
)

# A million files have few values of each column in their paths.
_KNOWN_TRUTHS: Final = 1 << 14
_KNOWN_TERMS: Final = 1 << 10


@dataclass(frozen=True, slots=True)
class ColumnStats:
    """What is known of a column's values in some records.

    Attributes:
        type: Arrow type of the column.
        min: No value is below it; None where that is not known.
        max: No value is above it; None where that is not known. Never known of floating point, because
            statistics leave NaN out, which lies above all numbers.
        null_count: Records without a value; None where that is not known.
    """

    type: pa.DataType
    min: Held | None = None
    max: Held | None = None
    null_count: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of some records.

    Attributes:
        constants: Columns with one value in all of them, which is text; None is null.
        stats: Others of which something is known.
        rows: Their number; None where it is not known.
    """

    constants: Mapping[str, str | None] = field(default_factory=dict)
    stats: Mapping[str, ColumnStats] = field(default_factory=dict)
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Possible:
    """What a predicate may come to. It may always be unknown too, which makes nothing above it true."""

    true: bool = True
    false: bool = True


def possible(node: Node, facts: Facts) -> Possible:
    """What a predicate may come to for any of some records.

    Raises:
        WhereError: A constant cannot be read as what it is compared with.
    """
    if isinstance(node, Not):
        item = possible(node.item, facts)
        return Possible(item.false, item.true)
    if isinstance(node, And):
        return _all(possible(item, facts) for item in node.items)
    if isinstance(node, Or):
        none = _all(possible(Not(item), facts) for item in node.items)
        return Possible(none.false, none.true)
    path = node.column.path
    if path in facts.constants:
        known = truth(node, facts.constants[path])
        return Possible(known is True, known is False)
    stats = facts.stats.get(path)
    return Possible() if stats is None else _of_stats(node, stats, facts.rows)


@lru_cache(maxsize=_KNOWN_TRUTHS)
def truth(term: Term, text: str | None) -> bool | None:
    """What a term comes to where the column's value is a text, which is read as what it is compared with.

    Raises:
        WhereError: It cannot be read so.
    """
    if isinstance(term, IsNull):
        return text is None
    if text is None:
        return None
    if isinstance(term, Like):
        fitting: Any = fits(term, pa.array([text]))
        return bool(fitting[0].as_py())
    kind = _kind(term)
    value = read(kind, text)
    if value is None:
        article = {"number": "a number", "time": "a date or time"}.get(kind, "true or false")
        message = f"a value of this column in the paths of files is not {article}; compare it with a text, in quotes"
        raise WhereError(term.column.position, message)
    return _bind_constant(term).holds(value)


@lru_cache(maxsize=_KNOWN_TERMS)
def _bind_constant(term: Comparison | Among | Flag) -> Bound:
    return bound(term, _of_kind)


def _kind(term: Comparison | Among | Flag) -> Any:
    if isinstance(term, Flag):
        return "boolean"
    return term.value.kind if isinstance(term, Comparison) else next(iter(term.values)).kind


def _of_kind(value: Value) -> Place:
    held = read(value.kind, value.text)
    assert held is not None  # noqa: S101 - the predicate was read so
    return Place(held)


def _all(items: Iterable[Possible]) -> Possible:
    every = list(items)
    return Possible(all(item.true for item in every), any(item.false for item in every))


def _of_stats(term: Term, stats: ColumnStats, rows: int | None) -> Possible:
    some_null = stats.null_count is None or stats.null_count > 0
    some_value = stats.null_count is None or not rows or stats.null_count < rows
    if pa.types.is_null(plain(stats.type)):
        return Possible(isinstance(term, IsNull), false=False)
    if isinstance(term, IsNull):
        return Possible(some_null, some_value)
    if isinstance(term, Like):
        true, false = _fitting(term, stats)
    else:
        true, false = bind(term, plain(stats.type)).outcomes(stats.min, stats.max)
    return Possible(some_value and true, some_value and false)


def _fitting(like: Like, stats: ColumnStats) -> tuple[bool, bool]:
    """Whether texts between two bounds may fit, and whether they may not."""
    begin, enough = prefix(like)
    low, high = (_as_bytes(each) for each in (stats.min, stats.max))
    above = low is not None and low[: len(begin)] > begin
    below = high is not None and high < begin
    every = (
        enough and low is not None and high is not None and low.startswith(begin) and high.startswith(begin)
    )
    return not (above or below), not every


def _as_bytes(value: Held | None) -> bytes | None:
    return value if isinstance(value, bytes) else None
