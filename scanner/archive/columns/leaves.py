"""Which columns a schema has, nested ones too, and what they hold.

A flat name with dots is found without backticks too, as long as no nested field has that path.
"""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from scanner.archive.columns.paths import ColumnError, ColumnPath, NoColumnError, Step

_SHOWN_COLUMNS = 12
_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column of values, which may lie deep in a record.

    Attributes:
        path: The way to it.
        way: Index of the field at each step of the path.
        type: Arrow type of the values, without extension type.
        is_key: True for the keys of a map, whose path is that of its values.
    """

    path: ColumnPath
    way: tuple[int, ...]
    type: pa.DataType
    is_key: bool = False


class _Index:
    """The leaves of one schema, by what they can be called; thousands of columns are each asked for."""

    def __init__(self, schema: pa.Schema) -> None:
        self.leaves = tuple(_leaves_of_fields(schema, (), (), is_key=False))
        self._by_path: dict[ColumnPath, list[tuple[int, Leaf]]] = {}
        self._by_flat: dict[str, list[tuple[int, Leaf]]] = {}
        for number, leaf in enumerate(self.leaves):
            if not leaf.is_key:
                self._by_path.setdefault(leaf.path, []).append((number, leaf))
                self._by_flat.setdefault(leaf.path.flat, []).append((number, leaf))

    def find(self, path: str | ColumnPath) -> tuple[int, Leaf]:
        wanted = _parsed(path).column
        found = self._by_path.get(wanted) or self._by_flat.get(str(wanted), [])
        if not found:
            raise _not_found(str(path), wanted, [leaf for leaf in self.leaves if not leaf.is_key])
        if len(found) > 1:
            message = f"{len(found)} columns have this name; rename them in the archive"
            raise ColumnError(str(path), message)
        return found[0]

    def shortest_name(self, leaf: Leaf) -> str:
        """The name people write, wherever it leads to that leaf and no other."""
        try:
            if self.find(leaf.path.flat)[1] == leaf:
                return leaf.path.flat
        except ColumnError:
            pass
        return str(self.find(leaf.path)[1].path)


_index = lru_cache(maxsize=16)(_Index)


def leaves(schema: pa.Schema) -> tuple[Leaf, ...]:
    """Every leaf of a schema, in the order in which Parquet numbers its columns."""
    return _index(schema).leaves


def find(schema: pa.Schema, path: str | ColumnPath) -> tuple[int, Leaf]:
    """The leaf that a path names, and its number among `leaves`; for a path into JSON, that of the JSON.

    Raises:
        NoColumnError: There is none.
        ColumnError: There are several of that name, or the path ends above a leaf.
    """
    return _index(schema).find(path)


def find_flat(schema: pa.Schema, path: str) -> Leaf:
    """The leaf that a path names, of which a record has one value.

    Raises:
        ColumnError: There is no such column, or a record has many of it.
    """
    leaf = find(schema, path)[1]
    if not leaf.path.is_single:
        kind = "a map" if any("{}" in step.opened for step in leaf.path.steps) else "a list"
        raise ColumnError(path, f"lies in {kind}, so that a record has many of it; name another column")
    if _parsed(path).json is not None:
        raise ColumnError(path, "is a path into JSON, which only text_columns may hold; name a column")
    return leaf


def numbers_of(schema: pa.Schema, paths: Iterable[str | ColumnPath]) -> list[int]:
    """Numbers of the Parquet columns that have to be read for some paths, ascending: maps come with their keys.

    Raises:
        ColumnError: There is no such column.
    """
    # Whoever asks for each path by itself has the whole schema hashed each time.
    index = _index(schema)
    keys = [(number, leaf.path) for number, leaf in enumerate(index.leaves) if leaf.is_key]
    found: set[int] = set()
    for path in paths:
        number, leaf = index.find(path)
        found |= {number, *(each for each, path_of_key in keys if _is_around(path_of_key, leaf.path))}
    return sorted(found)


def resolve(schema: pa.Schema, path: str | ColumnPath) -> pa.DataType:
    """The type of a text column.

    Text is ``string``, ``large_string``, ``string_view``, ``binary``, ``large_binary``, ``binary_view``,
    ``fixed_size_binary``, or a dictionary of one of them. A column of type ``null`` holds no value that could
    be anything else, so it is text as well: ``string``. What lies in JSON is ``large_string``.

    Raises:
        ColumnError: There is no such column, or it does not hold text.
    """
    leaf = find(schema, path)[1]
    if not (is_text(leaf.type) or pa.types.is_null(leaf.type)):
        raise ColumnError(str(path), f"holds {show_type(leaf.type)}, not text")
    if _parsed(path).json is not None:
        return pa.large_string()
    return pa.string() if pa.types.is_null(leaf.type) else leaf.type


def text_columns(schema: pa.Schema) -> list[str]:
    """Paths of every column that holds strings, nested ones too: what ``auto`` means.

    Left out are binary columns and keys of maps. JSON is taken as the text that it is.

    Raises:
        ColumnError: Two of them have the same name, so that neither can be asked for.
    """
    index = _index(schema)
    strings = [leaf for leaf in index.leaves if is_string(leaf.type) and not leaf.is_key]
    return [index.shortest_name(leaf) for leaf in strings]


def is_text(type_: pa.DataType) -> bool:
    """True for the types whose cells can be hunted."""
    if pa.types.is_dictionary(type_):
        return is_text(storage_type(type_.value_type))
    return is_string(type_) or is_bytes(type_)


def is_string(type_: pa.DataType) -> bool:
    """True for the types that hold text and nothing else."""
    if pa.types.is_dictionary(type_):
        return is_string(storage_type(type_.value_type))
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)


def is_bytes(type_: pa.DataType) -> bool:
    """True for the binary types, which need not hold text."""
    return (
        pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
        or pa.types.is_binary_view(type_)
        or pa.types.is_fixed_size_binary(type_)
    )


def storage_type(type_: pa.DataType) -> pa.DataType:
    """A type without the extension types around it."""
    while isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    return type_


def unwrap(values: "pa.Array[Any]") -> "pa.Array[Any]":
    """An array without the extension types around it."""
    while isinstance(values, pa.ExtensionArray):
        values = values.storage
    return values


def show_type(type_: pa.DataType) -> str:
    """A type in words short enough for a message."""
    text = str(type_)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _parsed(path: str | ColumnPath) -> ColumnPath:
    return ColumnPath.parse(path) if isinstance(path, str) else path


def _leaves_of_fields(
    fields: "Iterable[pa.Field[Any]]", steps: tuple[Step, ...], way: tuple[int, ...], *, is_key: bool
) -> Iterator[Leaf]:
    for index, field in enumerate(fields):
        yield from _leaves(field.type, (*steps, Step(field.name)), (*way, index), is_key=is_key)


def _leaves(
    declared: pa.DataType, steps: tuple[Step, ...], way: tuple[int, ...], *, is_key: bool
) -> Iterator[Leaf]:
    type_ = storage_type(declared)
    if pa.types.is_struct(type_):
        yield from _leaves_of_fields(type_.fields, steps, way, is_key=is_key)
    elif pa.types.is_map(type_):
        opened = _opened(steps, "{}")
        yield from _leaves(type_.key_type, opened, way, is_key=True)
        yield from _leaves(type_.item_type, opened, way, is_key=is_key)
    elif _is_list(type_):
        yield from _leaves(type_.field(0).type, _opened(steps, "[]"), way, is_key=is_key)
    else:
        yield Leaf(ColumnPath(steps), way, type_, is_key)


def _opened(steps: tuple[Step, ...], opening: str) -> tuple[Step, ...]:
    return (*steps[:-1], Step(steps[-1].name, steps[-1].opened + opening))


def _is_around(map_: ColumnPath, inner: ColumnPath) -> bool:
    """True where a column lies in a map, going by the path of the map's keys."""
    before, last = map_.steps[:-1], map_.steps[-1]
    if len(inner.steps) <= len(before) or inner.steps[: len(before)] != before:
        return False
    step = inner.steps[len(before)]
    return step.name == last.name and step.opened.startswith(last.opened)


def _is_list(type_: pa.DataType) -> bool:
    return (
        pa.types.is_list(type_)
        or pa.types.is_large_list(type_)
        or pa.types.is_fixed_size_list(type_)
        or pa.types.is_list_view(type_)
        or pa.types.is_large_list_view(type_)
    )


def _not_found(path: str, wanted: ColumnPath, every: Sequence[Leaf]) -> ColumnError:
    inside = [leaf for leaf in every if _is_above(wanted, leaf)]
    if inside:
        message = f"is not a column of values; write {_listed(str(leaf.path) for leaf in inside)}"
        return ColumnError(path, message)
    names = [str(leaf.path) for leaf in every]
    close = difflib.get_close_matches(str(wanted), names, n=3)
    if close:
        return NoColumnError(path, f"there is no such column; did you mean {_listed(close)}?")
    return NoColumnError(path, f"there is no such column; there are {_listed(names)}")


def _is_above(wanted: ColumnPath, leaf: Leaf) -> bool:
    """True where a path names a struct, list or map around a leaf, or the leaf with other brackets."""
    names = [step.name for step in wanted.steps]
    return [step.name for step in leaf.path.steps][: len(names)] == names


def _listed(names: Iterable[str]) -> str:
    every = [f"`{name}`" for name in names]
    shown = ", ".join(every[:_SHOWN_COLUMNS]) or "none"
    return shown + (f" and {len(every) - _SHOWN_COLUMNS} more" if len(every) > _SHOWN_COLUMNS else "")
