"""The ledger: what finished runs of a hunt have covered together, and so which signatures each row group still owes.

A row group is covered by a signature where some run has read it whole, in the very version and columns that are
there now, with that signature's logic, and could decide every cell.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.archive.planning.splits import NOTHING, Numbers, Splits
from scanner.results.begun import read_begun
from scanner.results.record import coverage_uri, read_record
from scanner.results.runs import RunFolder, runs_of_hunt
from scanner.results.signature_sets import signature_set
from scanner.signatures.model import Signature

COVERED: Final = (
    "source_uri",
    "source_etag",
    "row_groups",
    "columns",
    "signature_set",
    "status",
    "match_errors",
)
"""Columns of coverage that the ledger asks for."""

_BATCH_ROWS: Final = 1 << 20
"""Of coverage, at once: the names of all files are looked up anew for every batch."""

_SMALL_BYTES: Final = 256 << 10
"""Of coverage: so much is held of many runs at once."""

_READ_AT_ONCE: Final = 16
_ROW_GROUP_BITS: Final = 32
_BETWEEN: Final = "\0"
_NONE: Final[Numbers] = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Owed:
    """What every place of a plan owes.

    Attributes:
        numbers: int64[n], for each of the plan's places the number of the set of signatures that it owes, or
            `NOTHING`.
        sets: Of each number the indices of the signatures, ascending. Number 0 are all; of the others those that
            most places owe come first.
    """

    numbers: Numbers
    sets: tuple[tuple[int, ...], ...]


class Ledger:
    """What runs have covered of a plan; none at first.

    Sets of signatures are numbers, and a place of the plan is a row in arrays, so that a million row groups and ten
    million rows of coverage take seconds.

    Args:
        splits: Of the plan.
        signatures: Those that are to have run everywhere.
    """

    def __init__(self, splits: Splits, signatures: Sequence[Signature]) -> None:
        self._files = splits.files
        self._places = splits.places()
        self._column_set = {_joined(each): number for number, each in enumerate(self._places.column_sets)}
        self._keys = _keys(self._places.files, self._places.row_groups)
        self._bits = {
            digest: number for number, digest in enumerate(dict.fromkeys(each.digest for each in signatures))
        }
        self._signatures = [self._bits[each.digest] for each in signatures]
        # Masks of signatures that have run somewhere; each place has the number of one. None have run is number 0.
        self._masks = [0]
        self._number_of_mask = {0: 0}
        self._covered = np.zeros(len(self._keys), np.int64)
        self._mask_of_set: dict[str, int] = {}

    def add(self, coverage: Iterable[pa.RecordBatch], ran: Callable[[str], Collection[str]]) -> None:
        """Takes in all coverage of one more run.

        What the run has failed to read, or to decide, it has not covered, whatever else it says of it.

        Args:
            coverage: With the columns `COVERED`, in any order.
            ran: For the id of a set of signatures their logic digests.
        """
        sets: dict[str, int] = {}
        by = np.full(len(self._keys), NOTHING, np.int64)
        spoilt = np.zeros(len(self._keys), np.bool_)
        for batch in coverage:
            rows, places = self._found(batch)
            whole = _read_whole(batch)[rows]
            by[places[whole]] = _numbered(batch["signature_set"], sets)[rows][whole]
            spoilt[places[~whole]] = True
        by[spoilt] = NOTHING
        for set_id in sets.keys() - self._mask_of_set.keys():
            self._mask_of_set[set_id] = self._mask(ran(set_id))
        self._cover(by, [self._mask_of_set[set_id] for set_id in sets])

    def _found(self, batch: pa.RecordBatch) -> tuple[Numbers, Numbers]:
        """Rows of a batch, and the place of the plan that each covers; a row stands here once for each of them."""
        files = self._files.find(batch["source_uri"], batch["source_etag"])
        columns = self._columns(batch["columns"])
        if not len(self._keys):
            return _NONE, _NONE
        rows, row_groups = _flat(batch["row_groups"])
        known = files[rows] >= 0
        rows, row_groups = rows[known], row_groups[known]
        keys = _keys(files[rows], row_groups)
        places = np.searchsorted(self._keys, keys) % len(self._keys)
        there = (self._keys[places] == keys) & (self._places.columns[places] == columns[rows])
        return rows[there], places[there]

    def _columns(self, columns: Any) -> Numbers:
        """Number of each row's columns in the plan, -1 for columns that no file there has."""
        joined: Any = pc.binary_join(columns, _BETWEEN)
        encoded = joined.dictionary_encode()
        numbers = [self._column_set.get(text, -1) for text in encoded.dictionary.to_pylist()]
        return _taken(numbers, encoded.indices)

    def _mask(self, digests: Iterable[str]) -> int:
        bits = np.zeros(len(self._bits), np.bool_)
        bits[[self._bits[digest] for digest in digests if digest in self._bits]] = True
        return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")

    def _cover(self, by: Numbers, masks: Sequence[int]) -> None:
        """Adds a run to what was covered before: a mask for each place, by its number."""
        places = np.flatnonzero(by != NOTHING)
        pairs, which = np.unique(self._covered[places] * len(masks) + by[places], return_inverse=True)
        numbers = [
            self._numbered_mask(self._masks[before] | masks[now])
            for before, now in (divmod(pair, len(masks)) for pair in pairs.tolist())
        ]
        self._covered[places] = np.array(numbers, np.int64)[which]

    def _numbered_mask(self, mask: int) -> int:
        number = self._number_of_mask.setdefault(mask, len(self._masks))
        if number == len(self._masks):
            self._masks.append(mask)
        return number

    def owed(self) -> Owed:
        """What is owed after all that was taken in."""
        everything = (1 << len(self._bits)) - 1
        counts = np.bincount(self._covered, minlength=len(self._masks)).tolist()
        places = Counter[int]()
        for mask, count in zip(self._masks, counts, strict=True):
            places[everything & ~mask] += count
        partly = [mask for mask, count in places.most_common() if count and mask not in {0, everything}]
        number_of = {0: NOTHING, **{mask: number for number, mask in enumerate((everything, *partly))}}
        numbers = np.array([number_of.get(everything & ~mask, NOTHING) for mask in self._masks], np.int64)
        return Owed(numbers[self._covered], tuple(map(self._of, (everything, *partly))))

    def _of(self, mask: int) -> tuple[int, ...]:
        """Indices of the signatures of a mask."""
        data = np.frombuffer(mask.to_bytes(len(self._bits) // 8 + 1, "little"), np.uint8)
        bits = np.unpackbits(data, bitorder="little")
        return tuple(np.flatnonzero(bits[self._signatures]).tolist())


def runs_that_count(output: str, hunt: str, content_digest: str) -> tuple[str, ...]:
    """Ids of the finished runs of a hunt that look for the same in a file, the latest first.

    Hits of a run that nobody finishes are in no `latest` and no alert, so that what it has read is owed again.

    Raises:
        HuntError: What stands in a run's place is none.
        SourceError: It cannot be read.
    """
    folders = runs_of_hunt(output, hunt)
    with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="runs") as pool:
        begun = pool.map(lambda folder: read_begun(folder.uri) if folder.finished else None, folders)
        return tuple(
            folder.run_id
            for folder, each in zip(folders, begun, strict=True)
            if each is not None and each.content_digest == content_digest
        )


def owed_after(
    splits: Splits, signatures: Sequence[Signature], output: str, hunt: str, runs: Collection[str]
) -> Owed:
    """What a plan owes after some runs of a hunt.

    Args:
        splits: Of the plan.
        signatures: Those that are to have run everywhere.
        output: Where the runs lie.
        hunt: Name of their hunt.
        runs: Their ids; one that is gone, or was never finished, has covered nothing.

    Raises:
        HuntError: A record of a run is damaged.
        SourceError: Coverage cannot be read.
    """
    ledger = Ledger(splits, signatures)
    chosen = [folder for folder in runs_of_hunt(output, hunt) if folder.run_id in runs]
    for folder, coverage in _read_ahead(chosen):
        ledger.add(coverage, partial(signature_set, folder.uri))
    return ledger.owed()


def _read_ahead(folders: Iterable[RunFolder]) -> Iterator[tuple[RunFolder, Iterable[pa.RecordBatch]]]:
    """The coverage of runs in their order; that of small ones is read meanwhile, many at once."""
    waiting: deque[tuple[RunFolder, Future[list[pa.RecordBatch] | None]]] = deque()
    with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="coverage") as pool:
        for folder in folders:
            waiting.append((folder, pool.submit(_small_coverage, folder)))
            if len(waiting) > _READ_AT_ONCE:
                yield _taken_up(*waiting.popleft())
        while waiting:
            yield _taken_up(*waiting.popleft())


def _taken_up(
    folder: RunFolder, small: "Future[list[pa.RecordBatch] | None]"
) -> tuple[RunFolder, Iterable[pa.RecordBatch]]:
    read = small.result()
    return folder, _coverage(coverage_uri(folder.uri)) if read is None else read


def _small_coverage(folder: RunFolder) -> list[pa.RecordBatch] | None:
    """All coverage of a run, unless it is large; none of one that is not finished."""
    record = read_record(folder.uri)
    if record is None:
        return []
    uri = coverage_uri(folder.uri, record)
    if storage.stat(uri).size_bytes <= _SMALL_BYTES:
        return list(_coverage(uri))
    return None


def _coverage(uri: str) -> Iterator[pa.RecordBatch]:
    with storage.open_input(uri) as source, arrow_errors(uri), pq.ParquetFile(source) as file:
        yield from file.iter_batches(_BATCH_ROWS, columns=list(COVERED))


def _keys(files: Numbers, row_groups: Numbers) -> Numbers:
    """One number for a file and a row group, in their order; a file without row groups comes first."""
    return (files << _ROW_GROUP_BITS) + row_groups - NOTHING


def _read_whole(batch: pa.RecordBatch) -> Any:
    """bool[n], which rows say that all was read and decided."""
    scanned, decided = (
        pc.equal(batch["status"], pa.scalar("scanned")),
        pc.equal(batch["match_errors"], pa.scalar(0, pa.int64())),
    )
    whole: Any = pc.and_(scanned, decided)
    return whole.fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003 - Arrow's signature


def _numbered(texts: Any, known: dict[str, int]) -> Numbers:
    """A number for each text, from 0 in the order of coming; new ones join those that are known."""
    encoded = texts.dictionary_encode()
    numbers = [known.setdefault(text, len(known)) for text in encoded.dictionary.to_pylist()]
    return _taken(numbers, encoded.indices)


def _taken(numbers: Sequence[int], indices: Any) -> Numbers:
    taken: Numbers = np.array(numbers, np.int64)[indices.to_numpy()]
    return taken


def _flat(row_groups: Any) -> tuple[Numbers, Numbers]:
    """Every row group with its row; `NOTHING` for a row without any."""
    counts = pc.list_value_length(row_groups).to_numpy().astype(np.int64)
    rows = np.repeat(np.arange(len(counts)), np.maximum(counts, 1))
    flat = np.full(len(rows), NOTHING, np.int64)
    flat[counts[rows] > 0] = row_groups.flatten().to_numpy()
    return rows, flat


def _joined(columns: Iterable[str]) -> str:
    return _BETWEEN.join(columns)
