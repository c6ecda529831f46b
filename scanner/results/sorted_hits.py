"""Sorts more hits than fit in memory.

Hits come in the order of the archive. As many as fit are sorted by signature, and put aside as a run; since every
hit of a run lies before every hit of the next one, the hits of a signature in all runs, one after the other, are in
order. So nothing is compared twice, and every run is read from its start to its end once.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scanner.results.sample import Lowest, Ranks, ranks_of
from scanner.results.shelf import Shelf
from scanner.results.split_hits import Piece
from scanner.results.weight import full_ends, row_bytes

SORTED_BY: Final = ("signature_id", "source_uri", "row_group", "row_index", "column", "start")

RUN_BYTES: Final = 64 << 20
_BATCHES_BYTES: Final = 32 << 20
"""What the batches hold together of which every run has one in memory in the end."""

BATCH_BYTES: Final = (1 << 16, 1 << 21)
"""What a batch holds at least and at most, but for its last hit."""

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Bounds = Mapping[str, np.uint64]
"""The highest rank that is stored of a signature, for those of which not all hits are."""


class SortedHits:
    """Hits of many splits, sorted by `SORTED_BY`, and cut to a sample where there are too many of a signature.

    Args:
        pieces: The hits, in the order of the archive.
        shelf: Where they are put meanwhile.
        hits: How many there are at most.
        per_signature: How many of a signature are given at most; None for all.

    Attributes:
        records: Distinct records of the hits that are given.

    Raises:
        OutputError: The local disk is full.
        SourceError: Hits cannot be read.
    """

    def __init__(
        self, pieces: Iterable[Piece], shelf: Shelf, hits: int, per_signature: int | None = None
    ) -> None:
        self._runs = list(map(functools.partial(_Run, shelf, hits), _tables(pieces)))
        self._bounds = {} if per_signature is None else _bounds(self._runs, per_signature)
        self.records = sum(run.records(self._bounds) for run in self._runs)

    def __iter__(self) -> Iterator[pa.Table]:
        """The hits, some at a time; once."""
        rows = [run.rows() for run in self._runs]
        for signature in sorted(set().union(*(run.counts for run in self._runs))):
            bound = self._bounds.get(signature)
            for run, reader in zip(self._runs, rows, strict=True):
                for hits in reader.take(run.counts.get(signature, 0)):
                    yield (
                        hits
                        if bound is None
                        else hits.filter(pa.array(ranks_of(hits["hit_id"].combine_chunks()) <= bound))
                    )


def _tables(pieces: Iterable[Piece]) -> Iterator[pa.Table]:
    """Hits that fit in memory together, and lie before those that follow."""
    waiting: list[pa.Table] = []
    waiting_bytes, most_bytes = 0, RUN_BYTES
    for piece in pieces:
        waiting.append(piece.hits)
        waiting_bytes += piece.hits.nbytes
        if waiting_bytes >= most_bytes:
            # What is given is held here no longer, so that it is in memory once.
            ready, waiting = _parted(waiting, piece)
            waiting_bytes = sum(each.nbytes for each in waiting)
            most_bytes = RUN_BYTES + waiting_bytes
            yield ready.pop()
    if waiting:
        ready, waiting = [pa.concat_tables(waiting)], []
        yield ready.pop()


def _parted(waiting: Sequence[pa.Table], piece: Piece) -> tuple[list[pa.Table], list[pa.Table]]:
    """Hits that lie before all that are still to come after a piece, and those that may not."""
    hits = pa.concat_tables(waiting)
    later = piece.to_come(hits)
    if not later.any():
        return [hits], []
    return [hits.filter(pa.array(~later))], [hits.filter(pa.array(later))]


class _Run:
    """Some hits, sorted and put aside in batches.

    Args:
        shelf: Where they are put.
        of_hits: How many hits there are in all runs at most; a batch is the smaller the fewer of them this run has.
        hits: The hits of this run.

    Attributes:
        counts: How many there are of each signature, in the order of signatures.
    """

    def __init__(self, shelf: Shelf, of_hits: int, hits: pa.Table) -> None:
        hits = hits.combine_chunks()
        names, signatures = _in_order(hits["signature_id"])
        _, sources = _in_order(hits["source_uri"])
        _, columns = _in_order(hits["column"])
        indices, starts = hits["row_index"].to_numpy(), hits["start"].to_numpy()
        order = np.lexsort((starts, columns, indices, sources, signatures))
        counts = np.bincount(signatures, minlength=len(names)).tolist()
        self.counts: dict[str, int] = dict(zip(names, counts, strict=True))
        self._starts = dict(zip(names, itertools.accumulate(counts, initial=0), strict=False))
        record_numbers = _numbered(sources, indices)
        self._records = int(record_numbers.max(initial=-1)) + 1
        self._record_numbers = shelf.put_numbers(record_numbers[order])
        self._ranks = shelf.put_numbers(ranks_of(hits["hit_id"].combine_chunks())[order])
        least, most = BATCH_BYTES
        batch_bytes = min(max(_BATCHES_BYTES * len(hits) // max(of_hits, 1), least), most)
        rows = hits.to_batches()
        parts = np.split(order, [*full_ends(row_bytes(hits)[order], len(order), batch_bytes)])
        self._batches = [shelf.put_rows(rows[0].take(part)) for part in parts if len(part)]

    def ranks(self, signature: str) -> Ranks:
        """uint64[n], of the hits of a signature."""
        return self._ranks.read(self._starts.get(signature, 0), self.counts.get(signature, 0))

    def records(self, bounds: Bounds) -> int:
        """How many distinct records its hits have that are within bounds."""
        cut = bounds.keys() & self.counts.keys()
        if not cut:
            return self._records
        kept = np.ones(sum(self.counts.values()), np.bool_)
        for signature in cut:
            start, count = self._starts[signature], self.counts[signature]
            kept[start : start + count] = self.ranks(signature) <= bounds[signature]
        return len(np.unique(self._record_numbers.read(0, len(kept))[kept]))

    def rows(self) -> "_Reader":
        """Reads its hits from the first one on."""
        return _Reader(pa.Table.from_batches([each.read()]) for each in self._batches)


class _Reader:
    """Hands out rows, so many at a time as are asked for."""

    def __init__(self, tables: Iterator[pa.Table]) -> None:
        self._tables = tables
        self._left: pa.Table | None = None

    def take(self, count: int) -> Iterator[pa.Table]:
        """The next rows."""
        while count:
            table = next(self._tables) if self._left is None else self._left
            given = table.slice(0, count)
            self._left = table.slice(len(given)) if len(given) < len(table) else None
            count -= len(given)
            yield given


def _bounds(runs: Sequence[_Run], per_signature: int) -> dict[str, np.uint64]:
    counts: dict[str, int] = {}
    for run in runs:
        for signature, count in run.counts.items():
            counts[signature] = counts.get(signature, 0) + count
    bounds: dict[str, np.uint64] = {}
    for signature in (each for each, count in counts.items() if count > per_signature):
        lowest = Lowest(per_signature)
        for run in runs:
            lowest.add(run.ranks(signature))
        bound = lowest.bound()
        if bound is not None:
            bounds[signature] = bound
    return bounds


def _in_order(texts: "pa.ChunkedArray[Any]") -> tuple[list[str], Numbers]:
    """The distinct texts, sorted, and for each text its place among them."""
    encoded: Any = texts.combine_chunks().dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return encoded.dictionary.take(order).to_pylist(), places[encoded.indices.to_numpy()]


def _numbered(*columns: Numbers) -> "np.ndarray[Any, np.dtype[np.int32]]":
    """int32[n], the same number for equal rows and for no others, from 0."""
    order = np.lexsort(columns)
    differs = np.zeros(len(order), np.bool_)
    for column in columns:
        differs[1:] |= np.diff(column[order]) != 0
    numbers = np.empty(len(order), np.int32)
    numbers[order] = np.cumsum(differs)
    return numbers
