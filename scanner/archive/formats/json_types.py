"""Types of JSON's columns: what a file's beginning tells, and what a hunt asks for beyond."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa

from scanner.archive.columns.leaves import find
from scanner.archive.columns.paths import ColumnPath, NoColumnError, Step

_NEVER_SET: Final = {b"hindcast": b"null in all lines of the beginning"}


class _ConflictError(ValueError):
    """A column is of another kind than it is asked for."""


class MixedError(ValueError):
    """Two types have none in common."""


def is_number(type_: pa.DataType) -> bool:
    """True for numbers and flags, which are never hunted."""
    return pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_boolean(type_)


def plain(field: "pa.Field[Any]") -> "pa.Field[Any]":
    """Only what JSON has: text, numbers, flags, objects and lists; text where nothing but null was seen."""
    type_ = field.type
    if pa.types.is_struct(type_):
        return pa.field(field.name, pa.struct([plain(each) for each in type_.fields]))
    if pa.types.is_list(type_):
        return pa.field(field.name, pa.list_(plain(type_.value_field)))
    if pa.types.is_null(type_):
        return pa.field(field.name, pa.string(), metadata=_NEVER_SET)
    return pa.field(field.name, type_ if is_number(type_) else pa.string())


def joined(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type of columns of which some lines have one and some the other; what is no JSON type is text.

    Raises:
        MixedError: There is none.
    """
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        fields = {field.name: field.type for field in one.fields}
        for field in other.fields:
            fields[field.name] = joined(fields.get(field.name, pa.null()), field.type)
        return pa.struct(list(fields.items()))
    if pa.types.is_list(one) and pa.types.is_list(other):
        return pa.list_(joined(one.value_type, other.value_type))
    return _joined_plain(one, other)


def _joined_plain(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    kinds = {_kind(one), _kind(other)}
    if kinds == {"text"}:
        return pa.string()
    if kinds == {"number"}:
        return pa.float64()
    raise MixedError


def _kind(type_: pa.DataType) -> str:
    if pa.types.is_nested(type_):
        return "nested"
    if pa.types.is_boolean(type_):
        return "flag"
    return "number" if is_number(type_) else "text"


def widened(schema: pa.Schema, paths: Sequence[str]) -> pa.Schema:
    """The columns of a file's beginning, and a place for text at those of the paths that may still come.

    A path goes without one where the beginning has something of another kind on the way.
    """
    for path in paths:
        try:
            find(schema, path)
        except NoColumnError:
            try:
                schema = pa.schema(_with(schema, ColumnPath.parse(path).steps))
            except _ConflictError:
                continue
    return schema


def _with(fields: "Iterable[pa.Field[Any]]", steps: tuple[Step, ...]) -> "list[pa.Field[Any]]":
    every = list(fields)
    step = steps[0]
    place = next((place for place, field in enumerate(every) if field.name == step.name), None)
    old = None if place is None else every[place]
    new = pa.field(step.name, _type(old, step.openings, steps[1:]))
    return [*every, new] if place is None else [*every[:place], new, *every[place + 1 :]]


def _type(old: "pa.Field[Any] | None", openings: Sequence[str], steps: tuple[Step, ...]) -> pa.DataType:
    known = None if old is None or old.metadata == _NEVER_SET else old.type
    if openings:
        if openings[0] != "[]" or not (known is None or pa.types.is_list(known)):
            raise _ConflictError
        inner = None if known is None else known.field(0)
        return pa.list_(pa.field("item", _type(inner, openings[1:], steps)))
    if not steps:
        if known is not None:
            raise _ConflictError
        return pa.string()
    if not (known is None or pa.types.is_struct(known)):
        raise _ConflictError
    return pa.struct(_with(() if known is None else known.fields, steps))
