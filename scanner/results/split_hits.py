"""Reads the hits that splits left, in the order of the archive, some files at a time."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.errors import SourceError
from scanner.results import layout
from scanner.results.sample import Mask, ranks_of
from scanner.results.schemas import SAMPLE_BOUND

WHOLE_HITS: Final = 1 << 16
"""A file of at most so many hits is read in one request."""

WHOLE_BYTES: Final = 64 << 20
"""So is one that holds no more than this, as far as those before it tell; and no more is read ahead."""

_READ_AT_ONCE: Final = 16
_AHEAD_HITS: Final = 1 << 16
_AHEAD_FILES: Final = 256
_EMPTY_FILE_BYTES: Final = 32 << 10
_FILES_AT_ONCE: Final = 1 << 12


@dataclass(frozen=True, slots=True)
class HitsFileInfo:
    """A file of one split's hits.

    Attributes:
        source_uri: The split's file.
        row_group: The first row group of the split.
        name: Of the file of hits.
        hits: How many it holds at most.
    """

    source_uri: str
    row_group: int
    name: str
    hits: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Some hits of one split.

    Attributes:
        hits: With the columns that were asked for.
        file: Where they were read.
        following: The file after that.
        next_row: No hit of this file that is still to come lies before this row of the source; None after the last.
    """

    hits: pa.Table
    file: HitsFileInfo
    following: HitsFileInfo | None = None
    next_row: int | None = None

    def to_come(self, hits: pa.Table) -> Mask:
        """bool[n], which of some hits, read before or with this, may lie behind hits that are still to come."""
        behind = np.zeros(len(hits), np.bool_)
        if self.next_row is not None:
            behind |= hits["row_index"].to_numpy() >= self.next_row
        if self.following is not None and self.following.source_uri == self.file.source_uri:
            behind |= hits["row_group"].to_numpy() >= self.following.row_group
        if behind.any():
            behind &= pc.equal(hits["source_uri"], pa.scalar(self.file.source_uri)).to_numpy()
        return behind


def in_order(files: pa.Table) -> Iterator[HitsFileInfo]:
    """Files of a table in `scanner.results.sums.HITS_FILES`."""
    for batch in files.to_batches(_FILES_AT_ONCE):
        yield from (HitsFileInfo(*row.values()) for row in batch.to_pylist())


def read_pieces(
    run_uri: str, files: Iterable[HitsFileInfo], schema: pa.Schema, per_split: int | None = None
) -> Iterator[Piece]:
    """The hits of many splits, those of one after those of another.

    Args:
        run_uri: Folder of the run.
        files: In the order in which they are wanted.
        schema: Of the hits: all of their columns or some, ``hit_id`` and ``row_index`` among them.
        per_split: How many hits of each split are given at most, a sample; None for all.

    Raises:
        SourceError: A file is not there or cannot be read; the others may not have been looked at.
    """
    waiting: deque[_Waiting] = deque()
    hits_ahead, fitting = 0, _Fitting()
    with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="hits") as pool:
        for file, following in itertools.pairwise(itertools.chain(files, [None])):
            if file is None:
                break
            uri = layout.split_hits_uri(run_uri, file.name)
            at_once = file.hits <= fitting.whole
            data = pool.submit(storage.read_bytes, uri) if at_once else None
            waiting.append(_Waiting(file, following, uri, data))
            hits_ahead += file.hits
            while hits_ahead > fitting.ahead or len(waiting) > _AHEAD_FILES:
                first = waiting.popleft()
                hits_ahead -= first.file.hits
                with _remedied(run_uri, first):
                    fitting.add(first)
                    yield from _pieces(first, schema, per_split)
        while waiting:
            first = waiting.popleft()
            with _remedied(run_uri, first):
                yield from _pieces(first, schema, per_split)


@dataclass(frozen=True, slots=True)
class _Waiting:
    file: HitsFileInfo
    following: HitsFileInfo | None
    uri: str
    data: Future[bytes] | None


@contextmanager
def _remedied(run_uri: str, waiting: _Waiting) -> Iterator[None]:
    """Says what to do about a file that will never be read again."""
    try:
        yield
    except SourceError as error:
        if type(error) not in {SourceError, storage.Missing}:
            raise  # a store that fails or forbids may think better of it
        commit = f"{layout.commits_uri(run_uri)}/{waiting.file.name.partition('.')[0]}"
        # One who asks whether a file is missing is told so still.
        raise type(error)(
            error.uri, f"{error.reason}; delete {commit}, and its split is hunted again"
        ) from error


class _Fitting:
    """How many hits fit in memory, as far as the files tell that were read.

    Attributes:
        whole: A file of so many is read in one request.
        ahead: So many are read ahead; none before anything is known.
    """

    def __init__(self) -> None:
        self.whole = WHOLE_HITS
        self.ahead = 0
        self._hits = self._bytes = 0

    def add(self, read: _Waiting) -> None:
        """Learns from a file, which is waited for, if it was read in one request."""
        if read.data is None:
            return
        self._hits += read.file.hits
        self._bytes += max(len(read.data.result()) - _EMPTY_FILE_BYTES, 0)
        fitting = WHOLE_BYTES * self._hits // max(self._bytes, 1)
        self.whole, self.ahead = min(WHOLE_HITS, fitting), min(_AHEAD_HITS, fitting)


def _pieces(waiting: _Waiting, schema: pa.Schema, per_split: int | None) -> Iterator[Piece]:
    file, following, uri = waiting.file, waiting.following, waiting.uri
    with ExitStack() as exits:
        if waiting.data is not None:
            source: Any = pa.BufferReader(waiting.data.result())
        else:
            source = exits.enter_context(storage.open_input(uri))
        exits.enter_context(arrow_errors(uri))
        opened = exits.enter_context(pq.ParquetFile(source))
        numbers = range(opened.num_row_groups)
        bound = None if per_split is None else _bound(opened.metadata)
        next_rows = _next_rows(opened.metadata)
        # Unfolding many columns in many threads would take a multiple of the memory.
        rows = partial(opened.read_row_group, columns=schema.names, use_threads=waiting.data is None)
        for number in numbers:
            yield Piece(_lowest(_aligned(rows(number), schema), bound), file, following, next_rows[number])


def _aligned(hits: pa.Table, schema: pa.Schema) -> pa.Table:
    """With the columns in order; what is carried may have become wider since."""
    return hits if hits.schema.equals(schema) else hits.select(schema.names).cast(schema)


def _bound(metadata: pq.FileMetaData) -> np.uint64 | None:
    """The highest rank that is in the split's sample; None where all are."""
    noted = (metadata.metadata or {}).get(SAMPLE_BOUND.encode())
    return None if noted is None else np.uint64(int(noted))


def _lowest(hits: pa.Table, bound: np.uint64 | None) -> pa.Table:
    if bound is None:
        return hits
    return hits.filter(pa.array(ranks_of(hits["hit_id"].combine_chunks()) <= bound))


def _next_rows(metadata: pq.FileMetaData) -> list[int | None]:
    """For each row group the first source row of those behind it; their order is not that of the rows."""
    if not metadata.num_row_groups:
        return []
    first_group = metadata.row_group(0)
    columns = range(first_group.num_columns)
    column = next(each for each in columns if first_group.column(each).path_in_schema == "row_index")
    firsts: list[int | None] = [None]
    for number in reversed(range(1, metadata.num_row_groups)):
        statistics: Any = metadata.row_group(number).column(column).statistics
        first = int(statistics.min) if statistics is not None and statistics.has_min_max else 0
        firsts.append(first if firsts[-1] is None else min(first, firsts[-1]))
    return firsts[::-1]
