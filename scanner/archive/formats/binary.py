"""ORC files, and Arrow's own: of both, Arrow reads a stripe or a record batch at once."""

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.orc

from scanner.archive.columns.leaves import is_text
from scanner.archive.formats.streams import Lost, Open

_OTHER_COLUMNS: Final = "its columns are not those that were planned"
_MAGIC: Final = b"ARROW1\0\0"


class Orc:
    """ORC: columns as it has them."""

    def schema(self, opened: Open) -> pa.Schema:
        """The file's own."""
        with opened() as source:
            schema: pa.Schema = pyarrow.orc.ORCFile(source).schema
            return schema

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """Stripe by stripe."""
        with opened() as source:
            file = pyarrow.orc.ORCFile(source)
            for stripe in range(file.nstripes):
                batch: Any = file.read_stripe(stripe, columns=list(wanted))
                yield batch.select(list(wanted)).cast(pa.schema([schema.field(name) for name in wanted]))


class Ipc:
    """Arrow's files and streams, Feather among them; as both begin alike, both are read as streams."""

    def schema(self, opened: Open) -> pa.Schema:
        """The file's own."""
        with opened() as source, _stream(source) as reader:
            schema: pa.Schema = reader.schema
            return schema

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """Batch by batch, each checked whole: its buffers are used as they are, and offsets may point anywhere."""
        with opened() as source, _stream(source) as reader:
            if not reader.schema.equals(schema):
                raise pa.ArrowInvalid(_OTHER_COLUMNS)
            for batch in reader:
                columns = [_checked(batch.column(name)) for name in wanted]
                yield pa.RecordBatch.from_arrays(columns, list(wanted))


def _stream(source: Any) -> Any:
    start = source.read(len(_MAGIC))
    if start == _MAGIC:
        return pa.ipc.open_stream(source)
    return pa.ipc.open_stream(_Again(start, source))


class _Again(io.RawIOBase):
    """A stream whose first bytes were read already."""

    def __init__(self, start: bytes, rest: Any) -> None:
        super().__init__()
        self._start = start
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes."""
        if not self._start:
            data: bytes = self._rest.read(size)
            return data
        taken = self._start if size < 0 else self._start[:size]
        self._start = self._start[len(taken) :]
        left = -1 if size < 0 else size - len(taken)
        return taken + self._rest.read(left) if left else taken

    def readable(self) -> bool:
        """True."""
        return True


def _checked(values: "pa.Array[Any]") -> "pa.Array[Any]":
    """The same, or as bytes where it is text that is no UTF-8: that is matched repaired, and counted."""
    plain = values
    if is_text(values.type) and not pa.types.is_dictionary(values.type):
        values.validate()
        wide = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            plain = values.view(pa.large_binary() if wide else pa.binary())
    plain.validate(full=True)
    return plain
