"""How many rows of a row group fit into the memory of one batch."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scanner.archive.columns.cells import extract
from scanner.archive.columns.leaves import Leaf, is_text, leaves, numbers_of

BATCH_BYTES: Final = 32 << 20
"""Uncompressed bytes that a batch should hold at most; where rows are large there are fewer of them."""

WORST_BATCH_BYTES: Final = 512 << 20
"""Bytes that a batch may hold in the worst case, which is each of its cells being a column's longest text."""

_LOOK_ROWS: Final = 256


def rows_at_once(
    source: pa.NativeFile, file: pq.ParquetFile, row_group: int, numbers: Sequence[int], batch_rows: int
) -> int:
    """Rows that a batch of some columns should have, at least one.

    What a row group takes uncompressed tells the size of a row, except where a long text is stored once in a
    dictionary and stands in many rows: a few kilobytes of file can hold gigabytes of cells. So dictionaries that
    could do that are looked into.

    Args:
        source: The file.
        file: The same, opened.
        row_group: Index of the row group.
        numbers: Parquet columns that are read.
        batch_rows: Rows that a batch shall have at most.
    """
    group = file.metadata.row_group(row_group)
    stored = sum(group.column(number).total_uncompressed_size for number in numbers)
    rows = min(batch_rows, BATCH_BYTES // max(1, stored // max(1, group.num_rows)))
    every = leaves(file.schema_arrow)
    for number in numbers:
        column = group.column(number)
        cells_a_row = max(1, column.num_values // max(1, group.num_rows))
        worst = WORST_BATCH_BYTES // cells_a_row
        if column.has_dictionary_page and rows * column.total_uncompressed_size > worst:
            rows = min(rows, worst // max(1, _longest_entry(source, file, row_group, number, every[number])))
    return max(1, rows)


def _longest_entry(
    source: pa.NativeFile, file: pq.ParquetFile, row_group: int, number: int, leaf: Leaf
) -> int:
    """Bytes of the longest text in a column's dictionary, read without unfolding it; 0 for other columns."""
    if not is_text(leaf.type):
        return 0
    if leaf.is_key:  # the keys of a map cannot be read alone, but none is longer than all of them
        total: int = file.metadata.row_group(row_group).column(number).total_uncompressed_size
        return total
    name = file.schema.column(number).path
    options: dict[str, Any] = {"read_dictionary": [name], "arrow_extensions_enabled": False}
    # Without a buffer the whole column of the row group would be fetched for the sake of its first pages.
    options |= {"pre_buffer": False, "buffer_size": 1 << 20}
    with pq.ParquetFile(source, metadata=file.metadata, **options) as folded:
        # The dictionary comes with the first value, which nulls and empty lists may stand before.
        names = [file.schema.column(each).path for each in numbers_of(file.schema_arrow, leaf.path)]
        for batch in folded.iter_batches(_LOOK_ROWS, [row_group], names, use_threads=False):
            values = extract(batch, leaf.path).values
            entries: Any = values.dictionary if isinstance(values, pa.DictionaryArray) else ()
            if len(entries):
                return int(pc.max(pc.binary_length(entries)).as_py())
    return 0
