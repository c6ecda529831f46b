"""JSONL: a JSON object a line. Columns and their types are those of the file's beginning."""

import contextlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.json

from scanner.archive.columns.leaves import leaves
from scanner.archive.formats.json_types import MixedError, is_number, joined, plain
from scanner.archive.formats.json_values import Places, fitted, parsed, schema_of
from scanner.archive.formats.json_width import MAX_CELLS, MAX_FIELDS, cells_of, is_too_wide, pieces, width
from scanner.archive.formats.lines import BLOCK_BYTES, blocks
from scanner.archive.formats.nesting import without_deep_lines
from scanner.archive.formats.streams import Lost, Open, UpToError, hunts_all_text

_SHOWN_FIELDS: Final = 5
_OBJECTS_TO_CELLS: Final = 16
_TOO_MANY: Final = (
    f"its first {BLOCK_BYTES >> 20} MB have more than {MAX_FIELDS} different fields; "
    "where they are named after what they hold, write names and values as a list"
)


class JsonLines:
    """Blocks of lines are parsed by Arrow; where it refuses one, its lines are parsed one by one.

    A line that is no JSON object, or whose values do not fit the columns, is left out and counted. Times are read as
    the text that they are; what stands where text is expected and is none is read as JSON.
    """

    def schema(self, opened: Open) -> pa.Schema:
        """Fields of the first lines, of which a time is text, and so is what is null in all of them."""
        with opened() as source:
            whole = UpToError(source)
            block = next((block for _, block in blocks(whole) if block is not None and block.strip()), b"")
            if whole.error is not None and not block:
                raise whole.error
        return pa.schema([plain(field) for field in _schema_in(block)])

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """Blocks of some megabytes."""
        told = _Told(schema if hunts_all_text(schema, wanted) else None)
        read = pa.schema([schema.field(name) for name in wanted])
        with opened() as source:
            whole = UpToError(source)
            for first_line, block in blocks(whole):
                if block is None:
                    told.add_bad(first_line)
                else:
                    yield from _batches(block, first_line, read, told)
        yield from told.lost()
        if whole.error is not None:
            raise whole.error


class _Told:
    """What was not read.

    Args:
        schema: All columns of the file, where all of its text is hunted; None where text may be left out.
    """

    def __init__(self, schema: pa.Schema | None) -> None:
        self._lines = 0
        self._first = 0
        self._late: dict[str, None] = {}
        self._known = frozenset(_text_paths(schema or pa.schema([])))
        self._places = Places(schema or pa.schema([]))
        self._hunts_all = schema is not None

    @property
    def looks(self) -> bool:
        """True while fields that come late are to be found: all text is hunted, and not enough are known to be told."""
        return self._hunts_all and len(self._late) <= _SHOWN_FIELDS

    def add_bad(self, number: int) -> None:
        """A line, by its number from 1."""
        self._first = min(self._first or number, number)
        self._lines += 1

    def add_columns(self, schema: pa.Schema) -> None:
        """The columns of some lines."""
        self._add_late(path for path in _text_paths(schema) if path not in self._known)

    def add_row(self, row: dict[str, object]) -> None:
        """One line."""
        self._add_late(self._places.missing(row))

    def _add_late(self, paths: Iterable[str]) -> None:
        for path in paths if self.looks else ():
            self._late[path] = None
            if not self.looks:
                return

    def lost(self) -> Iterator[Lost]:
        if self._lines:
            told = f"lines that are too long, nested too deep, no JSON object, or do not fit its columns: {self._lines}"
            yield Lost(self._lines, f"{told}, the first is line {self._first}")
        if self._late:
            names = ", ".join(f"`{name}`" for name in list(self._late)[:_SHOWN_FIELDS])
            more = " and more" if len(self._late) > _SHOWN_FIELDS else ""
            yield Lost(0, f"fields of text that its first {BLOCK_BYTES >> 20} MB do not have: {names}{more}")


def _options(block: bytes) -> pyarrow.json.ReadOptions:
    return pyarrow.json.ReadOptions(use_threads=False, block_size=len(block) + 1)


def _schema_in(whole: bytes) -> pa.Schema:
    block, _, parsable = without_deep_lines(whole)
    found = _joined_schema(block) if parsable else None
    if found is None:
        rows = [row for row in map(parsed, block.split(b"\n")) if row is not None]
        if cells_of(rows) > MAX_CELLS:
            raise pa.ArrowInvalid(_TOO_MANY)
        found = pa.struct(list(schema_of(rows)))
    if width(found) > MAX_FIELDS:
        raise pa.ArrowInvalid(_TOO_MANY)
    return pa.schema(found.fields)


def _joined_schema(block: bytes) -> Any:
    """The columns of all lines, or of those up to where there are too many; None where Arrow refuses them."""
    found: Any = pa.struct([])
    for _, piece in pieces(block, 0, any_key=True):
        if is_too_wide(piece):
            return None
        try:
            schema = pyarrow.json.read_json(io.BytesIO(piece), _options(piece)).schema
            found = joined(found, pa.struct(list(schema)))
        except (pa.ArrowInvalid, MixedError):
            return None
        if width(found) > MAX_FIELDS:
            break
    return found


def _batches(whole: bytes, first_line: int, schema: pa.Schema, told: _Told) -> Iterator[pa.RecordBatch]:
    block, deep, parsable = without_deep_lines(whole)
    for place in deep:
        told.add_bad(first_line + place)
    if not block.strip():
        return
    columns = width(pa.struct(list(schema)))
    held: list[pa.RecordBatch] = []
    for place, piece in pieces(block, columns, any_key=told.looks):
        held += _piece(piece, first_line + place, schema, told, parsable=parsable)
        if columns * sum(batch.num_rows for batch in held) >= MAX_CELLS:
            yield from _one(held)
            held = []
    yield from _one(held)


def _one(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    return pa.Table.from_batches(batches).combine_chunks().to_batches() if len(batches) > 1 else batches


def _piece(
    piece: bytes, first_line: int, schema: pa.Schema, told: _Told, *, parsable: bool
) -> list[pa.RecordBatch]:
    if not piece.strip():
        return []
    if parsable:
        with contextlib.suppress(pa.ArrowInvalid):
            return _by_block(piece, schema, told)
    columns = _OBJECTS_TO_CELLS * width(pa.struct(list(schema)))
    return [
        _by_line(lines, first_line + place, schema, told)
        for place, lines in pieces(piece, columns, any_key=False)
    ]


def _by_block(block: bytes, schema: pa.Schema, told: _Told) -> list[pa.RecordBatch]:
    wide = told.looks and is_too_wide(block)
    how = pyarrow.json.ParseOptions(
        explicit_schema=schema, unexpected_field_behavior="infer" if told.looks and not wide else "ignore"
    )
    table = pyarrow.json.read_json(io.BytesIO(block), _options(block), how)
    if wide:
        told.add_row(json.loads(block.decode(errors="replace")))
    told.add_columns(table.schema)
    batches: list[pa.RecordBatch] = table.select(schema.names).cast(schema).to_batches()
    return batches


def _by_line(block: bytes, first_line: int, schema: pa.Schema, told: _Told) -> pa.RecordBatch:
    rows = []
    for number, line in enumerate(block.split(b"\n"), first_line):
        if not line.strip():
            continue
        row = parsed(line)
        fitting = None if row is None else fitted(row, schema)
        if row is None or fitting is None:
            told.add_bad(number)
            continue
        rows.append(fitting)
        told.add_row(row)
    return pa.RecordBatch.from_pylist(rows, schema)


def _text_paths(schema: pa.Schema) -> list[str]:
    every = leaves(schema)
    return [str(leaf.path) for leaf in every if not pa.types.is_null(leaf.type) and not is_number(leaf.type)]
