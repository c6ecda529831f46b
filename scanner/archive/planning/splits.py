"""Splits, and many of them in little memory."""

import hashlib
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import overload

from scanner.archive.formats import PARQUET, Written
from scanner.archive.planning.listing import Listing
from scanner.archive.planning.partitions import partitions_of
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

    @property
    def info(self) -> FileInfo:
        """The file and its version."""
        return FileInfo(self.source_uri, self.source_size_bytes, self.source_etag)


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
        text_bytes: Compressed bytes of the text columns of each split.
    """

    def __init__(self, files: Listing, where: str = "", written: Written | None = None) -> None:
        self.files = files
        self._written = written or Written()
        self._where = where
        self._columns: list[tuple[str, ...]] = []
        self._number_of_columns: dict[tuple[str, ...], int] = {}
        self._file = array("q")
        self._columns_of = array("i")
        self._row_groups = array("i")
        self._ends = array("q", [0])
        self._first_row = array("q")
        self._rows = array("q")
        self.text_bytes = array("q")

    def add(self, file: int, columns: tuple[str, ...], part: Part) -> None:
        """Adds a split of the file of this number, which has these text columns."""
        number = self._number_of_columns.setdefault(columns, len(self._columns))
        if number == len(self._columns):
            self._columns.append(columns)
        self._file.append(file)
        self._columns_of.append(number)
        self._row_groups.extend(part.row_groups)
        self._ends.append(len(self._row_groups))
        self._first_row.append(part.first_row)
        self._rows.append(part.rows)
        self.text_bytes.append(part.text_bytes)

    @property
    def rows(self) -> int:
        """Rows of all splits."""
        return sum(self._rows)

    @property
    def row_groups(self) -> int:
        """Row groups of all splits."""
        return len(self._row_groups)

    def __len__(self) -> int:
        return len(self._file)

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
        deletes = self._written.deletes.get(info.uri, ())
        return Split(
            split_id=split_id(info, row_groups, columns, self._where, deletes),
            source_uri=info.uri,
            source_etag=info.etag,
            source_size_bytes=info.size_bytes,
            row_groups=row_groups,
            first_row=self._first_row[number],
            rows=self._rows[number],
            text_bytes=self.text_bytes[number],
            columns=columns,
            partitions=tuple(partitions_of(info.uri).items()),
            format=self._written.format_of(info.uri),
            deletes=deletes,
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
