"""ORC files, a few rows at a time: no footer tells how large the texts of a stripe are once they are unpacked."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.orc

from scanner.archive.formats.streams import Lost, Open
from scanner.archive.parquet.sizing import BATCH_BYTES
from scanner.archive.read import BATCH_ROWS

MOST_ROWS: Final = 128
"""Rows that are unpacked at once at most; Arrow holds about a dozen times of what they take."""

_FIRST_ROWS: Final = 2
_MORE: Final = 8
_LOOKS: Final = 32
_ROOM: Final = 8 << 20

_OTHER_COLUMNS: Final = "its columns are not those that were planned"
_DOTS: Final = "the name of a column holds a dot, and cannot be told from a field of another column"


class Orc:
    """ORC: columns as it has them."""

    def schema(self, opened: Open) -> pa.Schema:
        """The file's own."""
        with opened() as source:
            schema: pa.Schema = pyarrow.orc.ORCFile(source).schema
            return schema

    def read(self, opened: Open, schema: pa.Schema, wanted: Sequence[str]) -> Iterator[pa.RecordBatch | Lost]:
        """A few rows at a time, joined to batches of the usual size."""
        from pyarrow.dataset import OrcFileFormat  # noqa: PLC0415 - takes a third of a second, for few archives

        with opened() as source:
            fragment: Any = OrcFileFormat().make_fragment(source)
            _check(fragment.physical_schema, schema, wanted)
            read = pa.schema([schema.field(name) for name in wanted])
            for batch in _joined(_paced(fragment, wanted)):
                yield batch.select(list(wanted)).cast(read)


def _check(stored: pa.Schema, planned: pa.Schema, wanted: Sequence[str]) -> None:
    """Refuses what Arrow would read as nulls."""
    if not stored.equals(planned):
        raise pa.ArrowInvalid(_OTHER_COLUMNS)
    if any(name.startswith(f"{other}.") for name in wanted for other in stored.names):
        raise pa.ArrowInvalid(_DOTS)


def _paced(fragment: Any, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """All rows: few at a time at first, and from the start once more with more of them where they are small."""
    rows, taken, largest = _FIRST_ROWS, 0, 1
    while True:
        for batch in _scanned(fragment, wanted, rows, taken):
            taken += batch.num_rows
            largest = max(largest, batch.nbytes // batch.num_rows)
            yield batch
            if taken >= _LOOKS * rows and _MORE * rows <= min(MOST_ROWS, _ROOM // largest):
                rows *= _MORE
                break
        else:
            return


def _scanned(fragment: Any, wanted: Sequence[str], rows: int, taken: int) -> Iterator[pa.RecordBatch]:
    """What comes after the rows that were taken already.

    Arrow drops the last few batches that it has read before an error, so that what is in them is read once more in
    smaller ones.
    """
    met: pa.ArrowException | OSError | None = None
    for each in (rows, max(1, rows // _MORE)):
        passed = 0
        try:
            for batch in _batches(fragment, wanted, each):
                new = batch.slice(min(max(0, taken - passed), batch.num_rows))
                passed += batch.num_rows
                if new.num_rows:
                    taken = passed
                    yield new
        except (pa.ArrowException, OSError) as error:
            met = error
        else:
            return
    if met is not None:
        raise met


def _batches(fragment: Any, wanted: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    # Without threads, Arrow reads the whole file to its end where a scan is given up.
    how = {"batch_readahead": 0, "fragment_readahead": 0, "use_threads": True}
    batches: Iterator[pa.RecordBatch] = fragment.to_batches(columns=list(wanted), batch_size=rows, **how)
    return batches


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in fewer batches, with all that comes before an error."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    try:
        for batch in batches:
            held.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
            if rows >= BATCH_ROWS or size >= BATCH_BYTES:
                yield from _one(held)
                held, rows, size = [], 0, 0
    except (pa.ArrowException, OSError):
        yield from _one(held)
        raise
    yield from _one(held)


def _one(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    return pa.Table.from_batches(batches).combine_chunks().to_batches() if batches else []
