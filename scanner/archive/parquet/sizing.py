"""How many rows of a row group fit into the memory of one batch."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scanner.archive.columns.cells import extract
from scanner.archive.columns.leaves import is_text, leaves, numbers_of
from scanner.archive.parquet.size_statistics import text_bytes

BATCH_BYTES: Final = 32 << 20
"""Uncompressed bytes that a batch should hold at most; where rows are large there are fewer of them."""

BATCH_CELLS: Final = 1 << 17
"""Cells that a batch should hold at most: each may be hit by many signatures."""

WORST_BATCH_BYTES: Final = 128 << 20
"""Bytes that a batch may hold in the worst case, which is each of its cells being a column's longest text."""

_LOOK_ROWS: Final = 256

_SHORT_FOOTER: Final = 64 << 10
"""Bytes of a footer that is gone through faster than a dictionary is looked into."""


class Sizing:
    """Says how many rows of a row group fit into the memory of one batch.

    What a row group takes uncompressed tells the size of a row, except where a long text is stored once in a
    dictionary and stands in many rows: a few kilobytes of file can hold gigabytes of cells. So dictionaries that
    could do that are looked into, unless the writer has counted what all the column's texts take.

    Args:
        source: The file.
        file: The same, opened.
        footer: Its end, from the first byte of the footer on.
        numbers: Parquet columns that are read.
        texts: Those of them that are matched.
    """

    def __init__(
        self,
        source: pa.NativeFile,
        file: pq.ParquetFile,
        footer: bytes,
        numbers: Sequence[int],
        texts: Sequence[int],
    ) -> None:
        self._source = source
        self._file = file
        self._numbers = numbers
        self._texts = texts
        self._leaves = leaves(file.schema_arrow)
        self._text_bytes = text_bytes(footer) if len(footer) <= _SHORT_FOOTER else []

    def rows(self, row_group: int, batch_rows: int) -> int:
        """Rows that a batch of a row group should have, at least one.

        Args:
            row_group: Index of the row group.
            batch_rows: Rows that a batch shall have at most.
        """
        group = self._file.metadata.row_group(row_group)
        stored = sum(group.column(number).total_uncompressed_size for number in self._numbers)
        cells = sum(max(group.num_rows, group.column(number).num_values) for number in self._texts)
        rows = min(batch_rows, BATCH_BYTES // max(1, stored // max(1, group.num_rows)))
        rows = min(rows, BATCH_CELLS // max(1, cells // max(1, group.num_rows)))
        for number in self._numbers:
            column = group.column(number)
            cells_a_row = max(1, column.num_values // max(1, group.num_rows))
            worst = WORST_BATCH_BYTES // cells_a_row
            may_unfold = column.has_dictionary_page and rows * column.total_uncompressed_size > worst
            if may_unfold and not self._all_fits(row_group, number):
                rows = min(rows, worst // max(1, self._longest_entry(row_group, number)))
        return max(1, rows)

    def _all_fits(self, row_group: int, number: int) -> bool:
        """True where all texts of a column of the row group together are known to fit into one batch."""
        counted = self._text_bytes[row_group][number] if self._text_bytes else None
        return counted is not None and 0 <= counted <= WORST_BATCH_BYTES

    def _longest_entry(self, row_group: int, number: int) -> int:
        """Bytes of the longest text in a column's dictionary, read without unfolding it; 0 for other columns."""
        file, leaf = self._file, self._leaves[number]
        if not is_text(leaf.type):
            return 0
        if leaf.is_key:  # the keys of a map cannot be read alone, but none is longer than all of them
            total: int = file.metadata.row_group(row_group).column(number).total_uncompressed_size
            return total
        name = file.schema.column(number).path
        options: dict[str, Any] = {"read_dictionary": [name], "arrow_extensions_enabled": False}
        # Without a buffer the whole column of the row group would be fetched for the sake of its first pages.
        options |= {"pre_buffer": False, "buffer_size": 1 << 20}
        with pq.ParquetFile(self._source, metadata=file.metadata, **options) as folded:
            # The dictionary comes with the first value, which nulls and empty lists may stand before.
            names = [file.schema.column(each).path for each in numbers_of(file.schema_arrow, [leaf.path])]
            for batch in folded.iter_batches(_LOOK_ROWS, [row_group], names, use_threads=False):
                values = extract(batch, leaf.path).values
                entries: Any = values.dictionary if isinstance(values, pa.DictionaryArray) else ()
                if len(entries):
                    return int(pc.max(pc.binary_length(entries)).as_py())
        return 0
