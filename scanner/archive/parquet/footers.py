"""Parquet footers: read with few requests, opened without reading them again, and what Arrow says of bad ones."""

import contextlib
import re
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.columns.leaves import leaves
from scanner.archive.parquet.footer_check import check_footer
from scanner.archive.storage import FileInfo
from scanner.errors import SourceError

FIRST_READ_BYTES: Final = 64 << 10
"""What is read of a file's end at first, which is all of nearly every footer."""

MAX_FOOTER_BYTES: Final = 128 << 20
"""Longer footers are refused: decoded they take a multiple of this in memory."""

_MAX_REASON: Final = 300
_LENGTH_AND_MAGIC: Final = 8
_MAGIC: Final = b"PAR1"
_ENCRYPTED: Final = b"PARE"
_NOISE: Final = re.compile(r"^(Could not open Parquet input source '.*?': |IOError: |Invalid: )+", re.DOTALL)


@contextlib.contextmanager
def opened(
    uri: str, footer: bytes | None = None, source: pa.NativeFile | None = None
) -> Iterator[tuple[pq.ParquetFile, pa.NativeFile]]:
    """A Parquet file, and its bytes, closed at the end of the block.

    Column chunks are read a page at a time, so that a row group of any size needs the memory of one batch.

    Args:
        uri: The file.
        footer: As `read_footer` gave it; None to read it here.
        source: Its bytes; None to open them here.

    Raises:
        SourceError: It cannot be read, or what the block reads of it cannot.
    """
    with source or storage.open_input(uri) as data, arrow_errors(uri):
        with pq.ParquetFile(pa.BufferReader(footer or read_footer(storage.stat(uri)))) as known:
            metadata = known.metadata
        file = pq.ParquetFile(
            data,
            metadata=metadata,
            pre_buffer=False,
            buffer_size=1 << 20,
            page_checksum_verification=True,
        )
        with file:
            check_shape(file)
            yield file, data


@contextlib.contextmanager
def arrow_errors(uri: str) -> Iterator[None]:
    """Turns what Arrow and the system raise while a file is read into a `SourceError`."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError, RecursionError) as error:
        told = storage.explain(uri, error) if isinstance(error, OSError) else None
        raise SourceError(uri, told or _reason(error)) from error


def read_footer(info: FileInfo) -> bytes:
    """The end of a Parquet file from the first byte of its footer on, in one ranged read or, if it is long, two.

    Raises:
        SourceError: It cannot be read, or is not one.
    """
    tail = storage.read_tail(info.uri, info.size_bytes, FIRST_READ_BYTES, info.etag)
    magic = tail[-len(_MAGIC) :]
    if magic == _ENCRYPTED:
        raise SourceError(info.uri, "is encrypted, which cannot be read")
    if magic != _MAGIC or len(tail) < _LENGTH_AND_MAGIC:
        return tail  # Arrow says what is wrong with it
    length = int.from_bytes(tail[-_LENGTH_AND_MAGIC : -len(_MAGIC)], "little") + _LENGTH_AND_MAGIC
    if length > info.size_bytes:
        raise SourceError(
            info.uri, f"its footer would have {length} bytes, and the file has {info.size_bytes}"
        )
    if length > MAX_FOOTER_BYTES:
        raise SourceError(info.uri, f"its footer has {length} bytes, of which {MAX_FOOTER_BYTES} are allowed")
    if length > len(tail):
        tail = storage.read_tail(info.uri, info.size_bytes, length, info.etag)
    check_footer(info.uri, tail[-length:])
    return tail[-length:]


def check_shape(file: pq.ParquetFile) -> None:
    """Refuses a file whose Arrow schema and Parquet schema have different leaves.

    Leaves are matched by number, because names may hold dots and lists are stored under many names.

    Raises:
        pyarrow.ArrowInvalid: They have.
    """
    names = [leaf.path.steps[0].name for leaf in leaves(file.schema_arrow)]
    stored = [file.schema.column(number).path for number in range(file.metadata.num_columns)]
    same = len(names) == len(stored) and all(map(str.startswith, stored, names))
    if not same:
        message = "the Arrow schema stored in it does not fit its Parquet schema"
        raise pa.ArrowInvalid(message)


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, UnicodeDecodeError):
        return "its text is not UTF-8; write it anew as UTF-8"
    first = _NOISE.sub("", str(error)).strip()
    return " ".join(first.split())[:_MAX_REASON] or type(error).__name__
