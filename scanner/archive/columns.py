"""Names of columns, nested ones too, and how the cells of one are taken out of a batch.

``author.bio`` is a field of a struct, ``replies[].text`` that field of every struct in a list, ``tags[]``
every element of a list. A name that holds a character with a meaning here is written between backticks. A
flat name with dots is found without them too, as long as no nested field has that path.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.errors import HindcastError

Int64s = npt.NDArray[np.int64]

_NAME = r"[^.\[\]{}$`]+"
_STEP = re.compile(rf"(?:({_NAME})|`((?:[^`]|``)+)`)((?:\[\])*)(\.|\Z)")
_SHOWN_COLUMNS = 12
_SHOWN_CHARACTERS = 80


class ColumnError(HindcastError):
    """A column is not there, or is not what it is asked to be.

    Attributes:
        path: The column as it was asked for.
        message: What is wrong and what to write instead.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a path: a field, and how many lists are opened below it."""

    name: str
    lists: int = 0

    def __str__(self) -> str:
        name = self.name if re.fullmatch(_NAME, self.name) else f"`{self.name.replace('`', '``')}`"
        return name + "[]" * self.lists


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """The way from a record to its cells, as a hunt names it.

    Attributes:
        steps: Fields from the record down; at least one.
    """

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> "ColumnPath":
        """Reads a path such as ``author.bio``, ``replies[].text`` or ``tags[]``.

        Raises:
            ColumnError: It is no path, or one into a map (``{}``) or JSON (``$``), which are not built yet.
        """
        steps = []
        position, more = 0, True
        while more:
            found = _STEP.match(text, position)
            if found is None:
                raise ColumnError(text, _why_no_path(text))
            plain, quoted, lists, dot = found.groups()
            steps.append(Step(plain or quoted.replace("``", "`"), len(lists) // 2))
            position, more = found.end(), bool(dot)
        return cls(tuple(steps))

    def __str__(self) -> str:
        return ".".join(map(str, self.steps))

    @property
    def flat(self) -> str:
        """The path without any backticks, which is what most people write."""
        return ".".join(step.name + "[]" * step.lists for step in self.steps)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column of values, which may lie deep in a record.

    Attributes:
        path: The way to it; below a map, the way to that map.
        way: Index of the field at each step of the path.
        type: Arrow type of the values, without extension type.
        in_map: True where it is a key or a value of a map.
    """

    path: ColumnPath
    way: tuple[int, ...]
    type: pa.DataType
    in_map: bool = False


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one column in one batch.

    Attributes:
        column: The path they were asked for by.
        values: Array of a text type, length n, nullable, without extension type.
        rows: int64[n], row of the batch that each value belongs to, ascending.
        positions: One int64[n] for each ``[]`` of the path: the index in that list, from 0.
    """

    column: ColumnPath
    values: "pa.Array[Any]"
    rows: Int64s
    positions: tuple[Int64s, ...] = ()

    def path(self, index: int) -> str:
        """The path of one cell with its positions: ``replies[3].text``."""
        positions = iter(self.positions)
        parts = []
        for step in self.column.steps:
            opened = "".join(f"[{next(positions)[index]}]" for _ in range(step.lists))
            parts.append(f"{Step(step.name)}{opened}")
        return ".".join(parts)


def leaves(schema: pa.Schema) -> list[Leaf]:
    """Every leaf of a schema, in the order in which Parquet numbers its columns."""
    return list(_leaves_of_fields(schema, (), (), in_map=False))


def find(schema: pa.Schema, path: str | ColumnPath) -> tuple[int, Leaf]:
    """The leaf that a path names, and its number among `leaves`.

    Raises:
        ColumnError: There is none, there are several of that name, or the path ends above a leaf.
    """
    wanted = ColumnPath.parse(path) if isinstance(path, str) else path
    every = leaves(schema)
    named = [(number, leaf) for number, leaf in enumerate(every) if not leaf.in_map]
    found = [(number, leaf) for number, leaf in named if leaf.path == wanted]
    found = found or [(number, leaf) for number, leaf in named if leaf.path.flat == str(wanted)]
    if not found:
        raise ColumnError(str(path), _why_not_found(wanted, every))
    if len(found) > 1:
        raise ColumnError(str(path), f"{len(found)} columns have this name; rename them in the archive")
    return found[0]


def resolve(schema: pa.Schema, path: str | ColumnPath) -> pa.DataType:
    """The type of a text column.

    Text is ``string``, ``large_string``, ``string_view``, ``binary``, ``large_binary``, ``binary_view``,
    ``fixed_size_binary``, or a dictionary of one of them. A column of type ``null`` holds no value that could
    be anything else, so it is text as well: ``string``.

    Raises:
        ColumnError: There is no such column, or it does not hold text.
    """
    leaf = find(schema, path)[1]
    if pa.types.is_null(leaf.type):
        return pa.string()
    if not is_text(leaf.type):
        raise ColumnError(str(path), f"holds {show_type(leaf.type)}, not text")
    return leaf.type


def text_columns(schema: pa.Schema) -> list[str]:
    """Paths of every column that holds strings, nested ones too: what ``auto`` means.

    Left out are binary columns and what lies in maps; see `text_in_maps`.

    Raises:
        ColumnError: Two of them have the same name, so that neither can be asked for.
    """
    strings = [leaf for leaf in leaves(schema) if _is_string(leaf.type) and not leaf.in_map]
    return [_shortest_name(schema, leaf) for leaf in strings]


def text_in_maps(schema: pa.Schema) -> list[str]:
    """Paths of the maps that hold strings, which cannot be hunted yet."""
    maps = (str(leaf.path) for leaf in leaves(schema) if leaf.in_map and _is_string(leaf.type))
    return list(dict.fromkeys(maps))


def extract(batch: pa.RecordBatch, path: str | ColumnPath) -> Cells:
    """Takes the cells of one text column out of a batch.

    A list that is null or empty has no cells; a struct that is null has null cells.

    Args:
        batch: Of any schema that has the column; may be a slice, may have no rows.
        path: The column.

    Returns:
        The cells in the order of records, then of list elements.

    Raises:
        ColumnError: There is no such column, or it does not hold text.
    """
    wanted = ColumnPath.parse(path) if isinstance(path, str) else path
    resolve(batch.schema, wanted)
    leaf = find(batch.schema, wanted)[1]
    rows = np.arange(batch.num_rows, dtype=np.int64)
    positions: list[Int64s] = []
    values: Any = batch.to_struct_array()
    for step, field in zip(leaf.path.steps, leaf.way, strict=True):
        values = unwrap(pc.struct_field(values, [field]))
        for _ in range(step.lists):
            parents, position = _elements(values)
            values = unwrap(pc.list_flatten(values))
            rows = rows[parents]
            positions = [*(before[parents] for before in positions), position]
    if pa.types.is_null(values.type):
        values = values.cast(pa.string())
    # A flat name may hold what reads as dots and brackets; the name asked for is kept where it fits.
    column = wanted if sum(step.lists for step in wanted.steps) == len(positions) else leaf.path
    return Cells(column, values, rows, tuple(positions))


def is_text(type_: pa.DataType) -> bool:
    """True for the types whose cells can be hunted."""
    if pa.types.is_dictionary(type_):
        return is_text(storage_type(type_.value_type))
    return _is_string(type_) or is_bytes(type_)


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


def _leaves_of_fields(
    fields: "Iterable[pa.Field[Any]]", steps: tuple[Step, ...], way: tuple[int, ...], *, in_map: bool
) -> Iterator[Leaf]:
    for index, field in enumerate(fields):
        here = (steps, way) if in_map else ((*steps, Step(field.name)), (*way, index))
        yield from _leaves(field.type, *here, in_map=in_map)


def _leaves(
    declared: pa.DataType, steps: tuple[Step, ...], way: tuple[int, ...], *, in_map: bool
) -> Iterator[Leaf]:
    type_ = storage_type(declared)
    if pa.types.is_struct(type_):
        yield from _leaves_of_fields(type_.fields, steps, way, in_map=in_map)
    elif pa.types.is_map(type_):
        yield from _leaves_of_fields((type_.key_field, type_.item_field), steps, way, in_map=True)
    elif _is_list(type_):
        opened = steps if in_map else (*steps[:-1], Step(steps[-1].name, steps[-1].lists + 1))
        yield from _leaves(type_.field(0).type, opened, way, in_map=in_map)
    else:
        yield Leaf(ColumnPath(steps), way, type_, in_map)


def _elements(lists: "pa.Array[Any]") -> tuple[Int64s, Int64s]:
    """For each element of all lists: the index of its list, and its position in it.

    `pyarrow.compute.list_parent_indices` answers for null lists too, which `list_flatten` leaves out.
    """
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    parents = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    starts = np.cumsum(lengths) - lengths
    return parents, np.arange(len(parents), dtype=np.int64) - starts[parents]


def _is_list(type_: pa.DataType) -> bool:
    return (
        pa.types.is_list(type_)
        or pa.types.is_large_list(type_)
        or pa.types.is_fixed_size_list(type_)
        or pa.types.is_list_view(type_)
        or pa.types.is_large_list_view(type_)
    )


def _is_string(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        return _is_string(storage_type(type_.value_type))
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)


def _shortest_name(schema: pa.Schema, leaf: Leaf) -> str:
    """The name people write, wherever it leads to that leaf and no other."""
    try:
        if find(schema, leaf.path.flat)[1] == leaf:
            return leaf.path.flat
    except ColumnError:
        pass
    return str(find(schema, leaf.path)[1].path)


def _why_no_path(text: str) -> str:
    if "{" in text or "}" in text:
        return "maps are not built yet; leave this column out"
    if "$" in text:
        return "paths into JSON are not built yet; leave this column out"
    return "is not a column path; write `name`, `struct.field`, `list[]` or `list[].field`"


def _why_not_found(wanted: ColumnPath, every: Sequence[Leaf]) -> str:
    inside = [leaf for leaf in every if _is_above(wanted, leaf)]
    if any(leaf.in_map for leaf in inside):
        return "is a map, which is not built yet; leave this column out"
    if inside:
        return f"is not a column of values; write {_listed(str(leaf.path) for leaf in inside)}"
    names = [str(leaf.path) for leaf in every if not leaf.in_map]
    close = difflib.get_close_matches(str(wanted), names, n=3)
    if close:
        return f"there is no such column; did you mean {_listed(close)}?"
    return f"there is no such column; there are {_listed(names)}"


def _is_above(wanted: ColumnPath, leaf: Leaf) -> bool:
    """True where a path names a struct or list around a leaf, or the leaf with other brackets."""
    names = [step.name for step in wanted.steps]
    return [step.name for step in leaf.path.steps][: len(names)] == names


def _listed(names: Iterable[str]) -> str:
    every = [f"`{name}`" for name in names]
    shown = ", ".join(every[:_SHOWN_COLUMNS]) or "none"
    return shown + (f" and {len(every) - _SHOWN_COLUMNS} more" if len(every) > _SHOWN_COLUMNS else "")
