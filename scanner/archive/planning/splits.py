"""Splits, and many of them in little memory."""

import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, overload

import numpy as np

from scanner.archive.formats import PARQUET, Written
from scanner.archive.planning.listing import Listing
from scanner.archive.storage import FileInfo


@dataclass(frozen=True, slots=True)
class Split:
    """Row groups of one file: what is scheduled, retried, committed and covered as one.

    Attributes:
        split_id: 32 hex digits over file, version, row groups, columns and predicate.
        source_uri: The file.
        source_etag: Its version when the hunt was planned.
        source_size_bytes: Its size.
        row_groups: Ascending; what a predicate rules out leaves holes. Empty for a file that holds none.
        first_row: Index in the file of the first row, from 0.
        rows: Rows in all its row groups.
        text_bytes: Compressed bytes of its text columns.
        columns: Text columns that this file has; with named columns always all of them.
        partitions: Columns that stand in the file's path, with their values.
        format: How the file is written; see `scanner.archive.formats`.
        deletes: Files of an Iceberg table that say which of its rows are deleted.
        owed: Number of the set of signatures that it owes, in the order of its run; 0 for all.
    """

    split_id: str
    source_uri: str
    source_etag: str
    source_size_bytes: int
    row_groups: tuple[int, ...]
    first_row: int
    rows: int
    text_bytes: int
    columns: tuple[str, ...]
    partitions: tuple[tuple[str, str | None], ...] = ()
    format: str = PARQUET
    deletes: tuple[str, ...] = ()
    owed: int = 0

    @property
    def info(self) -> FileInfo:
        """The file and its version."""
        return FileInfo(self.source_uri, self.source_size_bytes, self.source_etag)


Numbers = np.ndarray[Any, np.dtype[np.int64]]

NOTHING: Final = -1
"""In place of the number of a set of signatures: none is owed. In place of a row group: the file holds none."""


@dataclass(frozen=True, slots=True)
class Places:
    """Everything of a plan that is covered by itself: row groups, and files that hold none; by file and row group.

    Attributes:
        files: int64[n], numbers of files.
        row_groups: int64[n], ascending in each file; `NOTHING` for a file that holds none.
        columns: int64[n], indices in ``column_sets``.
        splits: int64[n], numbers of the splits they are in, ascending.
        column_sets: Text columns that files have.
    """

    files: Numbers
    row_groups: Numbers
    columns: Numbers
    splits: Numbers
    column_sets: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A run of row groups of one file, before it is a split.

    Attributes:
        row_groups: Ascending.
        first_row: Index in the file of the first row.
        rows: Rows in all of them.
        text_bytes: Compressed bytes of their text columns.
    """

    row_groups: tuple[int, ...]
    first_row: int
    rows: int
    text_bytes: int


class Splits(Sequence[Split]):
    """The splits of a plan, in the order of files and row groups; a `Split` is made when it is asked for.

    Args:
        files: The files of the archive.
        where: Text of the predicate that rows are filtered by; empty for none.
        written: How the files are written.

    Attributes:
        files: The same.
        written: How the files are written.
        text_bytes: Compressed bytes of the text columns of each split.
        rows_each: Rows of each split.
        owed: Number of the set of signatures that each split owes.
    """

    def __init__(self, files: Listing, where: str = "", written: Written | None = None) -> None:
        self.files = files
        self.written = written or Written()
        self._where = where
        self._columns: list[tuple[str, ...]] = []
        self._number_of_columns: dict[tuple[str, ...], int] = {}
        self._file = array("q")
        self._columns_of = array("i")
        self._row_groups = array("i")
        self._ends = array("q", [0])
        self._first_row = array("q")
        self.rows_each = array("q")
        self.owed = array("i")
        self.text_bytes = array("q")

    def add(self, file: int, columns: tuple[str, ...], part: Part, owed: int = 0) -> None:
        """Adds a split of the file of this number, which has these text columns and owes the set of that number."""
        number = self._number_of_columns.setdefault(columns, len(self._columns))
        if number == len(self._columns):
            self._columns.append(columns)
        self._file.append(file)
        self._columns_of.append(number)
        self._row_groups.extend(part.row_groups)
        self._ends.append(len(self._row_groups))
        self._first_row.append(part.first_row)
        self.rows_each.append(part.rows)
        self.owed.append(owed)
        self.text_bytes.append(part.text_bytes)

    @property
    def rows(self) -> int:
        """Rows of all splits."""
        return sum(self.rows_each)

    @property
    def row_groups(self) -> int:
        """Row groups of all splits."""
        return len(self._row_groups)

    @property
    def deletes(self) -> Mapping[str, tuple[str, ...]]:
        """For each file of a table of which rows are deleted, the files that say which, by URI."""
        return self.written.deletes

    @property
    def files_read(self) -> int:
        """Files that any split is of."""
        return len(np.unique(np.array(self._file, np.int64)))

    def __len__(self) -> int:
        return len(self._file)

    def places(self) -> Places:
        """What of the plan is covered by itself."""
        counts = np.diff(np.array(self._ends, np.int64))
        splits = np.repeat(np.arange(len(self)), np.maximum(counts, 1))
        row_groups = np.full(len(splits), NOTHING, np.int64)
        row_groups[counts[splits] > 0] = np.array(self._row_groups, np.int64)
        return Places(
            files=np.array(self._file, np.int64)[splits],
            row_groups=row_groups,
            columns=np.array(self._columns_of, np.int64)[splits],
            splits=splits,
            column_sets=tuple(self._columns),
        )

    def owing(self, owed: Numbers) -> "Splits":
        """The same splits, cut so that every row group of a split owes the same signatures.

        Rows and bytes of what is cut are shared out by the number of row groups: they measure progress and no more.

        Args:
            owed: int64[n], for each of `places` the number of the set that it owes, `NOTHING` to leave it out.
        """
        places = self.places()
        kept = np.flatnonzero(owed != NOTHING)
        kept = kept[np.lexsort((kept, owed[kept], places.splits[kept]))]
        splits, sets = places.splits[kept], owed[kept]
        starts = np.flatnonzero(np.diff(splits, prepend=-1) | np.diff(sets, prepend=-1))
        ends = np.append(starts[1:], len(kept)) if len(starts) else starts
        counts = np.bincount(places.splits, minlength=len(self))
        cut = Splits(self.files, self._where, self.written)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            number, share = int(splits[start]), end - start
            groups = places.row_groups[kept[start:end]]
            part = Part(
                tuple(groups[groups != NOTHING].tolist()),
                self._first_row[number],
                self.rows_each[number] * share // int(counts[number]),
                self.text_bytes[number] * share // int(counts[number]),
            )
            cut.add(self._file[number], self._columns[self._columns_of[number]], part, int(sets[start]))
        return cut

    def halves(self, split: Split) -> tuple[Split, Split]:
        """A split of this plan, or a half of one, cut in two between row groups.

        Rows and bytes are shared out by the number of row groups: they measure progress and no more.

        Raises:
            ValueError: It has only one row group.
        """
        middle = len(split.row_groups) // 2
        if not middle:
            message = "one row group cannot be cut"
            raise ValueError(message)
        first = self._part_of(split, split.row_groups[:middle])
        second = self._part_of(split, split.row_groups[middle:])
        return first, replace(
            second,
            first_row=split.first_row + first.rows,
            rows=split.rows - first.rows,
            text_bytes=split.text_bytes - first.text_bytes,
        )

    def _part_of(self, split: Split, row_groups: tuple[int, ...]) -> Split:
        of_all = len(split.row_groups)
        return replace(
            split,
            split_id=split_id(split.info, row_groups, split.columns, self._where, split.deletes),
            row_groups=row_groups,
            rows=split.rows * len(row_groups) // of_all,
            text_bytes=split.text_bytes * len(row_groups) // of_all,
        )

    @overload
    def __getitem__(self, index: int) -> Split: ...

    @overload
    def __getitem__(self, index: slice) -> list[Split]: ...

    def __getitem__(self, index: int | slice) -> Split | list[Split]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        info = self.files[self._file[number]]
        columns = self._columns[self._columns_of[number]]
        row_groups = tuple(self._row_groups[self._ends[number] : self._ends[number + 1]])
        deletes = self.written.deletes.get(info.uri, ())
        return Split(
            split_id=split_id(info, row_groups, columns, self._where, deletes),
            source_uri=info.uri,
            source_etag=info.etag,
            source_size_bytes=info.size_bytes,
            row_groups=row_groups,
            first_row=self._first_row[number],
            rows=self.rows_each[number],
            text_bytes=self.text_bytes[number],
            columns=columns,
            partitions=tuple(self.written.partitions_of(info.uri).items()),
            format=self.written.format_of(info.uri),
            deletes=deletes,
            owed=self.owed[number],
        )

    def __iter__(self) -> Iterator[Split]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Splits) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def split_id(
    info: FileInfo,
    row_groups: Sequence[int],
    columns: Sequence[str],
    where: str = "",
    deletes: Sequence[str] = (),
) -> str:
    """32 hex digits that name the same rows and columns of the same file version in every run."""
    parts = [info.uri, info.etag, list(row_groups), list(columns), *([where] if where or deletes else [])]
    parts += [list(deletes)] if deletes else []
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
