"""Arrow's own files: record batch by record batch."""

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from scanner.archive.columns.leaves import is_text
from scanner.archive.formats.streams import Lost, Open
from scanner.archive.formats.unpacked_size import Bounded, checked_blocks

_OTHER_COLUMNS: Final = "its columns are not those that were planned"
_CUT_SHORT: Final = (
    "it does not end with the footer of an Arrow file: it is cut short, or holds more than its batches"
)
_NO_STREAM: Final = (
    "it holds no stream of batches, as files of polars do not, and so cannot be read packed: "
    "unpack it, or write it as Parquet"
)
_MAGIC: Final = b"ARROW1\0\0"
_LENGTH: Final = 4
_FOOTER_END: Final = _LENGTH + len("ARROW1")
_MOST_PADDING: Final = 64
_READ_BYTES: Final = 1 << 20


class Ipc:
    """Arrow's files and streams, Feather among them; both are read as streams, and a file up to its footer.

    A stream may end after any batch, so that it cannot be told where one was cut there. Some writers, as polars, make
    files that hold no stream: these are read by what their footer says, which takes a file that is not packed.
    """

    def schema(self, opened: Open) -> pa.Schema:
        """The file's own."""
        with opened() as source:
            return _opened(source)[0]

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """Batch by batch, each checked whole: its buffers are used as they are, and offsets may point anywhere."""
        with opened() as source:
            stored, batches = _opened(source)
            if not stored.equals(schema):
                raise pa.ArrowInvalid(_OTHER_COLUMNS)
            for batch in batches:
                columns = [_checked(batch.column(name)) for name in wanted]
                yield pa.RecordBatch.from_arrays(columns, list(wanted))


def _opened(source: Any) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The columns of a file or stream, and its batches."""
    start = source.read(len(_MAGIC))
    is_file = start == _MAGIC
    try:
        reader = pa.ipc.open_stream(Bounded(source if is_file else _Again(start, source)))
    except (pa.ArrowInvalid, OSError) as error:
        if not is_file:
            raise
        return _by_footer(source, error)
    return reader.schema, _by_stream(reader, source if is_file else None)


def _by_stream(reader: Any, file: Any | None) -> Iterator[pa.RecordBatch]:
    with reader:
        yield from reader
    if file is not None and not _is_footer(file):
        raise pa.ArrowInvalid(_CUT_SHORT)


def _by_footer(source: Any, error: Exception) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    if not source.seekable():
        raise pa.ArrowInvalid(_NO_STREAM) from error
    try:
        reader = pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        raise error from None
    return reader.schema, map(reader.get_batch, checked_blocks(source))


def _is_footer(source: Any) -> bool:
    """True where what comes after the batches is the footer that its last bytes tell of, and nothing else."""
    size, end = 0, b""
    while more := source.read(_READ_BYTES):
        size += len(more)
        end = (end + more)[-_FOOTER_END:]
    told = int.from_bytes(end[:_LENGTH], "little")
    return end[_LENGTH:] == _MAGIC.rstrip(b"\0") and 0 <= size - _FOOTER_END - told < _MOST_PADDING


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
