"""JSONL: a JSON object a line. Columns and their types are those of the file's beginning."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.json

from scanner.archive.columns.leaves import leaves
from scanner.archive.formats.streams import Lost, Open, UpToError, hunts_all_text

BLOCK_BYTES: Final = 4 << 20
"""Bytes that are parsed at once, and the beginning that tells the columns."""

MAX_LINE_BYTES: Final = 256 << 20
"""Longer lines are left out."""

_READ_BYTES: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_SHOWN_FIELDS: Final = 5


class JsonLines:
    """Blocks of lines are parsed by Arrow; where it refuses one, its lines are parsed one by one.

    A line that is no JSON object, or whose values do not fit the columns, is left out and counted. Times are read as
    the text that they are; what stands where text is expected and is none is read as JSON.
    """

    def schema(self, opened: Open) -> pa.Schema:
        """Fields of the first lines, of which a time is text, and so is what is null in all of them."""
        with opened() as source:
            block = next(_blocks(UpToError(source)), (0, b""))[1] or b""
        try:
            found = pyarrow.json.read_json(io.BytesIO(block), _options(block)).schema
        except pa.ArrowInvalid:
            found = _schema_of([row for row in map(_parsed, block.split(b"\n")) if row is not None])
        return pa.schema([(field.name, _plain(field.type)) for field in found])

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """Blocks of some megabytes."""
        read = pa.schema([schema.field(name) for name in wanted])
        known = _text_paths(schema) if hunts_all_text(schema, wanted) else None
        bad = _Bad()
        with opened() as source:
            whole = UpToError(source)
            for first_line, block in _blocks(whole):
                if block is None:
                    bad.add(first_line)
                    continue
                try:
                    yield from _by_block(block, read, known, bad)
                except pa.ArrowInvalid:
                    yield _by_line(block, first_line, read, known, bad)
        yield from bad.lost()
        if whole.error is not None:
            raise whole.error


class _Bad:
    """What was not read.

    Attributes:
        lines: How many lines.
        first: Number of the first, from 1.
        late: Fields of text that no line of the beginning had.
    """

    def __init__(self) -> None:
        self.lines = 0
        self.first = 0
        self.late: dict[str, None] = {}

    def add(self, number: int) -> None:
        self.first = self.first or number
        self.lines += 1

    def lost(self) -> Iterator[Lost]:
        if self.lines:
            told = f"lines that are too long, no JSON object, or do not fit its columns: {self.lines}"
            yield Lost(self.lines, f"{told}, the first is line {self.first}")
        if self.late:
            names = ", ".join(f"`{name}`" for name in list(self.late)[:_SHOWN_FIELDS])
            yield Lost(0, f"fields of text that its first {BLOCK_BYTES >> 20} MB do not have: {names}")


def _options(block: bytes) -> pyarrow.json.ReadOptions:
    return pyarrow.json.ReadOptions(use_threads=False, block_size=len(block) + 1)


def _blocks(source: Any) -> Iterator[tuple[int, bytes | None]]:
    """Complete lines, and the number of the first; None for a line that is too long."""
    parts: list[bytes] = []
    size = 0
    number = 1
    more = source.read(_READ_BYTES).removeprefix(_BOM)
    while more:
        size += len(more)
        parts.append(more)
        end = more.rfind(b"\n") + 1
        if size > MAX_LINE_BYTES and not end:
            # What comes up to its end is read and forgotten.
            parts = [b""]
        elif size >= BLOCK_BYTES and end:
            parts[-1] = more[:end]
            block = None if size - len(more) + end > MAX_LINE_BYTES + BLOCK_BYTES else b"".join(parts)
            yield number, block
            number += 1 if block is None else block.count(b"\n")
            parts, size = [more[end:]], len(more) - end
        more = source.read(_READ_BYTES)
    if size:
        yield number, None if size > MAX_LINE_BYTES + BLOCK_BYTES else b"".join(parts)


def _by_block(
    block: bytes, schema: pa.Schema, known: frozenset[str] | None, bad: _Bad
) -> Iterator[pa.RecordBatch]:
    if not block.strip():
        return
    how = pyarrow.json.ParseOptions(
        explicit_schema=schema, unexpected_field_behavior="ignore" if known is None else "infer"
    )
    table = pyarrow.json.read_json(io.BytesIO(block), _options(block), how)
    if known is not None:
        bad.late |= dict.fromkeys(sorted(_text_paths(table.schema) - known))
    yield from table.select(schema.names).cast(schema).to_batches()


def _by_line(
    block: bytes, first_line: int, schema: pa.Schema, known: frozenset[str] | None, bad: _Bad
) -> pa.RecordBatch:
    rows = []
    for number, line in enumerate(block.split(b"\n"), first_line):
        if not line.strip():
            continue
        row = _parsed(line)
        fitted = None if row is None else _row(row, schema)
        if row is None or fitted is None:
            bad.add(number)
            continue
        rows.append(fitted)
        if known is not None:
            late = [name for name, value in row.items() if isinstance(value, str) and name not in known]
            bad.late |= dict.fromkeys(name for name in late if not any(_is_of(path, name) for path in known))
    return pa.RecordBatch.from_pylist(rows, schema)


class _Misfit(ValueError):  # noqa: N818 - it never leaves this module
    """A value does not fit its column."""


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _row(values: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any] | None:
    """Values that fit the columns; None where one of them does not."""
    try:
        return {field.name: _fitted(values.get(field.name), field.type) for field in schema}
    except _Misfit:
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
            raise _Misfit from None
    raise _Misfit


def _plain(type_: pa.DataType) -> pa.DataType:
    """Only what JSON has: text, numbers, flags, objects and lists."""
    if pa.types.is_struct(type_):
        return pa.struct([(field.name, _plain(field.type)) for field in type_.fields])
    if pa.types.is_list(type_):
        return pa.list_(_plain(type_.value_type))
    kept = pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_boolean(type_)
    return type_ if kept else pa.string()


def _schema_of(rows: Sequence[Mapping[str, Any]]) -> pa.Schema:
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


def _text_paths(schema: pa.Schema) -> frozenset[str]:
    return frozenset(
        str(leaf.path)
        for leaf in leaves(schema)
        if not pa.types.is_null(leaf.type) and not _is_number(leaf.type)
    )


def _is_number(type_: pa.DataType) -> bool:
    return pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_boolean(type_)


def _is_of(path: str, name: str) -> bool:
    return path.startswith((f"{name}.", f"{name}["))
