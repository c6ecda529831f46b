"""JSON lines parsed one by one, where Arrow refuses to parse them together, and how they fit columns."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from scanner.archive.columns.paths import ColumnPath, Step

MAX_PARSED_BYTES: Final = 16 << 20
"""Longer lines are not parsed by themselves: what they take in memory is many times their size."""

_TEXT: Final = "text"


class Misfit(ValueError):  # noqa: N818 - a finding about a value, which is always caught
    """A value does not fit its column."""


def parsed(line: bytes) -> dict[str, Any] | None:
    """The object that a line is; None where it is none, or too long."""
    if len(line) > MAX_PARSED_BYTES:
        return None
    try:
        value = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def fitted(values: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any] | None:
    """Values that fit the columns; None where one of them does not."""
    try:
        return {field.name: _fitted(values.get(field.name), field.type) for field in schema}
    except Misfit:
        return None


def _fitted(value: Any, type_: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_string(type_):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return text.encode(errors="replace").decode()
    if pa.types.is_struct(type_) and isinstance(value, Mapping):
        return {field.name: _fitted(value.get(field.name), field.type) for field in type_.fields}
    if pa.types.is_list(type_) and isinstance(value, list):
        return [_fitted(item, type_.value_type) for item in value]
    kinds = (int, float) if pa.types.is_floating(type_) else int
    if pa.types.is_boolean(type_) == isinstance(value, bool) and isinstance(value, kinds):
        try:
            return pa.scalar(value, type_).as_py()
        except (pa.ArrowInvalid, OverflowError):
            raise Misfit from None
    raise Misfit


def schema_of(rows: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """Columns of parsed lines; text where the values of a column have no type in common."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    fields = []
    for name in names:
        try:
            type_ = pa.array([row.get(name) for row in rows]).type
        except (pa.ArrowException, OverflowError, UnicodeError):
            type_ = pa.string()
        fields.append((name, type_))
    return pa.schema(fields)


class Places:
    """Where columns have a place for text.

    Args:
        schema: The columns, as `scanner.archive.formats.json_types.plain` leaves them.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._shape = {field.name: _shape(field.type) for field in schema}

    def missing(self, row: Mapping[str, Any]) -> Iterator[str]:
        """Paths of the texts in a row that have no place in the columns."""
        for steps in _texts(row, self._shape, ()):
            yield str(ColumnPath(steps))


def _shape(type_: pa.DataType) -> object:
    """Of an object its fields, of a list a tuple of what is in it, and None for what is no text."""
    if pa.types.is_struct(type_):
        return {field.name: _shape(field.type) for field in type_.fields}
    if pa.types.is_list(type_):
        return (_shape(type_.value_type),)
    return _TEXT if pa.types.is_string(type_) else None


def _texts(value: object, shape: object, steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    if shape == _TEXT:
        return
    if isinstance(value, str):
        yield steps
    elif isinstance(value, dict):
        fields = shape if isinstance(shape, dict) else {}
        for name, inner in value.items():
            yield from _texts(inner, fields.get(name), (*steps, Step(name)))
    elif isinstance(value, list):
        inner_shape = shape[0] if isinstance(shape, tuple) else None
        opened = (*steps[:-1], Step(steps[-1].name, steps[-1].opened + "[]"))
        for item in value:
            yield from _texts(item, inner_shape, opened)
