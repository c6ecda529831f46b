"""Parquet: the footer is the head, and splits are runs of row groups."""

from collections.abc import Iterator, Sequence

from scanner.archive import read
from scanner.archive.formats import PARQUET
from scanner.archive.formats.heads import is_made_here
from scanner.archive.parquet.footers import read_footer
from scanner.archive.planning.splits import Split
from scanner.archive.planning.survey import Survey, Surveyor
from scanner.archive.read import Batch, Gap
from scanner.archive.storage import FileInfo
from scanner.archive.where import Predicate


class Parquet:
    """Parquet files."""

    name = PARQUET

    def head(self, info: FileInfo) -> bytes:
        """The footer."""
        return read_footer(info)

    def is_head(self, head: bytes) -> bool:
        """True for a footer."""
        return not is_made_here(head)

    def survey(self, surveyor: Surveyor, info: FileInfo, head: bytes) -> Survey:
        """What the footer says."""
        return surveyor.survey(info, head)

    def batches(
        self,
        split: Split,
        columns: Sequence[str],
        batch_rows: int,
        head: bytes | None,
        where: Predicate | None,
    ) -> Iterator[Batch | Gap]:
        """Row group by row group."""
        return read.read_split(split, columns, batch_rows, head, where)
