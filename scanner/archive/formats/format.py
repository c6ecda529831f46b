"""The seam between what an archive is written in and everything else."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from scanner.archive.planning.splits import Split
from scanner.archive.planning.survey import Survey, Surveyor
from scanner.archive.read import Batch, Gap
from scanner.archive.storage import FileInfo
from scanner.archive.where import Predicate


class Format(Protocol):
    """How to read files of one format.

    Attributes:
        name: As a hunt calls it.
    """

    name: str

    def head(self, info: FileInfo) -> bytes:
        """What has to be known of a file before its rows are read: planned with, kept, and handed to the tasks.

        Raises:
            SourceError: It cannot be read.
        """

    def is_head(self, head: bytes) -> bool:
        """True for what `head` answers, false for what another format does."""

    def survey(self, surveyor: Surveyor, info: FileInfo, head: bytes) -> Survey:
        """Which columns a file has, and how large it is.

        Raises:
            SourceError: It cannot be read.
        """

    def batches(
        self,
        split: Split,
        columns: Sequence[str],
        batch_rows: int,
        head: bytes | None,
        where: Predicate | None,
    ) -> Iterator[Batch | Gap]:
        """Reads some columns of a split, in the order of the file; see `scanner.archive.formats.doors.read_split`."""
