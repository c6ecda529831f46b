"""Writes the hits of a run into few files, in which those of one signature lie together."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.results import layout
from scanner.results.sorted_hits import SORTED_BY
from scanner.results.weight import full_ends, row_bytes

ROW_GROUP_HITS: Final = 1 << 15
"""Hits of a row group: what is read for a signature is little more than its own."""

ROW_GROUP_BYTES: Final = 32 << 20
"""Bytes of the hits of a row group: what hunts carry may be large, and a row group is in memory as a whole."""

FILE_HITS: Final = 1 << 21
_FILE_BYTES: Final = 1 << 30
_UNIQUE_COLUMNS: Final = frozenset({"hit_id", "evidence"})


def write_hits(run_uri: str, label: str, schema: pa.Schema, hits: Iterable[pa.Table]) -> tuple[str, ...]:
    """Writes hits in the order in which they come; the same hits make the same files.

    Args:
        run_uri: Folder of the run.
        label: Tells these files from those of other hits.
        schema: Of the hits.
        hits: The hits of one row group each.

    Returns:
        Names of the files, one at least.

    Raises:
        SourceError: The storage refuses them.
    """
    with ExitStack() as exits:
        writer = _Writer(run_uri, label, schema, exits)
        for table in hits:
            writer.write(table)
        return writer.names()


def in_row_groups(hits: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same hits, a row group at a time; where one ends is told by the hits, not by the tables they came in.

    A row group has `ROW_GROUP_HITS`, or fewer that hold `ROW_GROUP_BYTES`; the last one may be smaller.
    """
    waiting: list[pa.Table] = []
    count, held_bytes, due_bytes = 0, 0, ROW_GROUP_BYTES
    for table in hits:
        waiting.append(table)
        count += len(table)
        held_bytes += table.nbytes
        if count >= ROW_GROUP_HITS or held_bytes >= due_bytes:
            joined = pa.concat_tables(waiting).combine_chunks()
            weights, start = row_bytes(joined), 0
            for end in full_ends(weights, ROW_GROUP_HITS, ROW_GROUP_BYTES):
                yield joined.slice(start, end - start)
                start = end
            waiting, count, held_bytes = [joined.slice(start)], len(joined) - start, 0
            due_bytes = ROW_GROUP_BYTES - int(weights[start:].sum())
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


class _Writer:
    """Begins another file where one is large enough."""

    def __init__(self, run_uri: str, label: str, schema: pa.Schema, exits: ExitStack) -> None:
        self._run_uri = run_uri
        self._label = label
        self._schema = schema
        self._exits = exits
        self._names: list[str] = []
        self._open()

    def write(self, hits: pa.Table) -> None:
        if self._hits >= FILE_HITS or self._bytes >= _FILE_BYTES:
            self._exits.pop_all().close()
            self._open()
        self._writer.write_table(hits)
        self._hits += len(hits)
        self._bytes += int(row_bytes(hits).sum())

    def names(self) -> tuple[str, ...]:
        """Of all files, when nothing more is to be written."""
        self._exits.pop_all().close()
        return tuple(self._names)

    def _open(self) -> None:
        name = f"part-{len(self._names):05d}-{self._label}.parquet"
        self._names.append(name)
        self._hits = self._bytes = 0
        sink = self._exits.enter_context(storage.open_output(layout.hits_uri(self._run_uri, name)))
        repeated = [name for name in self._schema.names if name not in _UNIQUE_COLUMNS]
        options: dict[str, Any] = {
            "compression": "zstd",
            "use_dictionary": repeated,
            "sorting_columns": pq.SortingColumn.from_ordering(
                self._schema, [(name, "ascending") for name in SORTED_BY]
            ),
        }
        self._writer = self._exits.enter_context(pq.ParquetWriter(sink, self._schema, **options))
