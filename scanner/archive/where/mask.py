"""Which records of a batch a predicate keeps."""

from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from scanner.archive.columns.cells import extract_flat
from scanner.archive.columns.leaves import is_text, unwrap
from scanner.archive.columns.pieces import Rows, together
from scanner.archive.where.bounds import Points, Upto, bind
from scanner.archive.where.patterns import fits
from scanner.archive.where.places import limits
from scanner.archive.where.possible import truth
from scanner.archive.where.tree import And, IsNull, Like, Node, Not, Or, Term


def mask(node: Node, batch: Rows, constants: Mapping[str, str | None]) -> pa.BooleanArray:
    """Which records a predicate is true of, never null."""
    found = _truths(node, batch, constants)
    kept: Any = pc.coalesce(found, pa.scalar(value=False))
    every: pa.BooleanArray = pa.repeat(kept, batch.num_rows) if isinstance(kept, pa.BooleanScalar) else kept
    return every


def _truths(node: Node, batch: Rows, constants: Mapping[str, str | None]) -> Any:
    """boolean[n] or a boolean scalar, null where the predicate is unknown."""
    if isinstance(node, Not):
        return pc.invert(_truths(node.item, batch, constants))
    if isinstance(node, And | Or):
        join = pc.and_kleene if isinstance(node, And) else pc.or_kleene
        return reduce(join, (_truths(item, batch, constants) for item in node.items))
    if node.column.path in constants:
        return pa.scalar(truth(node, constants[node.column.path]), pa.bool_())
    return _of_term(node, together(extract_flat(batch, node.column.path)))


def _of_term(term: Term, stored: "pa.Array[Any]") -> Any:
    values = unwrap(stored.dictionary_decode()) if isinstance(stored, pa.DictionaryArray) else stored
    if isinstance(term, IsNull):
        return values.is_null()
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), pa.bool_())
    if isinstance(term, Like):
        return fits(term, values)
    bound = bind(term, values.type)
    found = _holding(bound.values, *_comparable(values))
    return pc.invert(found) if bound.negated else found


def _comparable(values: Any) -> "tuple[pa.Array[Any], pa.DataType]":
    """Values of a type that Arrow compares as this package orders them, and the type that they had."""
    type_ = values.type
    if is_text(type_):
        return values.cast(pa.large_binary()), type_
    if pa.types.is_date32(type_):
        return values.view(pa.int32()), type_
    if pa.types.is_temporal(type_):
        return values.view(pa.int64()), type_
    if pa.types.is_float16(type_):
        return values.cast(pa.float32()), type_
    if pa.types.is_decimal32(type_) or pa.types.is_decimal64(type_):
        return values.cast(pa.decimal128(type_.precision, type_.scale)), type_
    return values, type_


def _holding(wanted: Points | Upto, values: "pa.Array[Any]", type_: pa.DataType) -> Any:
    if isinstance(wanted, Points):
        return _among(wanted, values, type_)
    if _has_limits(type_):
        lowest, highest = limits(type_)
        if wanted.value < lowest:
            return _everywhere(values, whether=False)
        if wanted.value > highest:
            return _everywhere(values, whether=True)
    compare = pc.less_equal if wanted.included else pc.less
    return compare(values, _scalar(wanted.value, values.type))


def _among(wanted: Points, values: "pa.Array[Any]", type_: pa.DataType) -> Any:
    points = wanted.values
    if _has_limits(type_):
        lowest, highest = limits(type_)
        points = tuple(point for point in points if lowest <= point <= highest)
    if not points:
        return _everywhere(values, whether=False)
    if len(points) == 1:
        return pc.equal(values, _scalar(points[0], values.type))
    if pa.types.is_floating(values.type) and 0.0 in points:
        points = (*points, -0.0, 0.0)  # they are equal, but not to `is_in`
    every = pa.array([_scalar(point, values.type).as_py() for point in points], values.type)
    return pc.if_else(values.is_valid(), pc.is_in(values, value_set=every), pa.scalar(None, pa.bool_()))


def _has_limits(type_: pa.DataType) -> bool:
    return not (is_text(type_) or pa.types.is_boolean(type_) or pa.types.is_floating(type_))


def _everywhere(values: "pa.Array[Any]", *, whether: bool) -> Any:
    """One outcome for all values, and none for nulls."""
    return pc.if_else(values.is_valid(), pa.scalar(whether), pa.scalar(None, pa.bool_()))


def _scalar(value: Any, type_: Any) -> Any:
    if pa.types.is_decimal(type_):
        # Built from its digits, because arithmetic of decimals rounds to the precision of its context.
        digits = tuple(map(int, str(abs(value))))
        return pa.scalar(Decimal((int(value < 0), digits, -type_.scale)), type_)
    return pa.scalar(value, type_)
