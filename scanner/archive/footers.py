"""What a Parquet footer says, as far as a hunt asks, and what Arrow says when it cannot be read."""

import contextlib
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.columns import leaves
from scanner.errors import SourceError

_MAX_REASON = 300
_LENGTH_AND_MAGIC = 8
_NOISE = re.compile(r"^(Could not open Parquet input source '.*?': |IOError: |Invalid: )+", re.DOTALL)


@contextlib.contextmanager
def opened(uri: str) -> Iterator[pq.ParquetFile]:
    """A Parquet file, closed at the end of the block.

    Column chunks are read a page at a time, so that a row group of any size needs the memory of one batch.

    Raises:
        SourceError: It cannot be read, or what the block reads of it cannot.
    """
    with storage.open_input(uri) as source, arrow_errors(uri):
        file = pq.ParquetFile(
            source,
            pre_buffer=False,
            buffer_size=1 << 20,
            page_checksum_verification=True,
        )
        with file:
            _check_shape(file)
            yield file


@contextlib.contextmanager
def arrow_errors(uri: str) -> Iterator[None]:
    """Turns what Arrow and the system raise while a file is read into a `SourceError`."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError, RecursionError) as error:
        raise SourceError(uri, _reason(error)) from error


def footer_bytes(uri: str) -> bytes:
    """The footer of a Parquet file as stored, without its length and magic.

    Raises:
        SourceError: It cannot be read.
    """
    with storage.open_input(uri) as source, arrow_errors(uri):
        end = source.size() - _LENGTH_AND_MAGIC
        source.seek(end)
        length = int.from_bytes(source.read(4), "little")
        source.seek(end - length)
        return source.read(length)


def _check_shape(file: pq.ParquetFile) -> None:
    """Refuses a file whose Arrow schema and Parquet schema have different leaves.

    Leaves are matched by number, because names may hold dots and lists are stored under many names.
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
    first = _NOISE.sub("", str(error)).strip()
    return " ".join(first.split())[:_MAX_REASON] or type(error).__name__
