"""Writes the hits of one attempt at a split."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.errors import OutputError, SourceError
from scanner.results import layout
from scanner.results.schemas import SAMPLE_BOUND

ROW_GROUP_HITS: Final = 1 << 16
"""Hits that wait in memory for a row group of the hits file."""

ROW_GROUP_BYTES: Final = 32 << 20
"""Bytes of hits that wait no longer: what hunts carry may be large, and a row group is read as a whole."""

_UNIQUE_COLUMNS: Final = frozenset({"hit_id", "evidence", "row_index"})


class HitsFile:
    """The hits of one attempt, in a file that exists once there is a hit.

    Args:
        run_uri: Folder of the run.
        split_id: The split; the attempt gets a name of its own.
        schema: Of the hits.
        exits: Closes the file; raises OutputError where the storage refuses that.

    Attributes:
        bound: To be noted in it: the highest rank that is in the split's sample, beyond which it may hold hits too.
    """

    def __init__(self, run_uri: str, split_id: str, schema: pa.Schema, exits: ExitStack) -> None:
        self._file = f"{split_id}.{secrets.token_hex(4)}.parquet"
        self._uri = layout.split_hits_uri(run_uri, self._file)
        self._schema = schema
        self._exits = exits
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._waiting_hits = self._waiting_bytes = 0
        self.bound: int | None = None

    @property
    def name(self) -> str | None:
        """Name of the file; None where there is none."""
        return self._file if self._writer is not None else None

    def write(self, hits: pa.Table) -> None:
        """Keeps hits until there are enough of them for a row group.

        Raises:
            OutputError: The storage refuses them.
        """
        self._waiting.append(hits)
        self._waiting_hits += len(hits)
        self._waiting_bytes += hits.nbytes
        with _failing_as_output(self._uri):
            if self._writer is None:
                self._writer = self._opened()
            if self._waiting_hits >= ROW_GROUP_HITS or self._waiting_bytes >= ROW_GROUP_BYTES:
                self._flush()

    def _opened(self) -> pq.ParquetWriter:
        self._exits.enter_context(_failing_as_output(self._uri))
        sink = self._exits.enter_context(storage.open_output(self._uri))
        repeated = [name for name in self._schema.names if name not in _UNIQUE_COLUMNS]
        # The end of the run reads all of it and asks for no other statistics, which are a fifth of the price.
        options: dict[str, Any] = {
            "compression": "zstd",
            "use_dictionary": repeated,
            "write_statistics": ["row_index"],
        }
        writer = self._exits.enter_context(pq.ParquetWriter(sink, self._schema, **options))
        self._exits.callback(self._end)
        return writer

    def _end(self) -> None:
        self._flush()
        if self._writer is not None and self.bound is not None:
            self._writer.add_key_value_metadata({SAMPLE_BOUND: str(self.bound)})

    def _flush(self) -> None:
        if self._writer is not None and self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting.clear()
        self._waiting_hits = self._waiting_bytes = 0


@contextmanager
def _failing_as_output(uri: str) -> Iterator[None]:
    """A store of results that fails says nothing about the archive, and must not become a gap of it."""
    try:
        yield
    except (OSError, SourceError) as error:
        reason = error.reason if isinstance(error, SourceError) else (error.strerror or str(error)).lower()
        raise OutputError(uri, reason) from error
