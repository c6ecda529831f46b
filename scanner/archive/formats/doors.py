"""Which format a file is in, and the one way to read a split of any."""

from collections.abc import Iterator, Sequence
from typing import Final

from scanner.archive.formats import PARQUET
from scanner.archive.formats.delimited import Delimited
from scanner.archive.formats.format import Format
from scanner.archive.formats.ipc import Ipc
from scanner.archive.formats.json_lines import JsonLines
from scanner.archive.formats.json_types import widened
from scanner.archive.formats.orc import Orc
from scanner.archive.formats.parquet import Parquet
from scanner.archive.formats.streams import Streamed
from scanner.archive.planning.splits import Split
from scanner.archive.read import BATCH_ROWS, Batch, Gap
from scanner.archive.where import Predicate

_FORMATS: Final[dict[str, Format]] = {
    PARQUET: Parquet(),
    "csv": Streamed("csv", Delimited(","), named_in_line=True),
    "tsv": Streamed("tsv", Delimited("\t"), named_in_line=True),
    "tsv-unquoted": Streamed("tsv-unquoted", Delimited("\t", quoted=False), named_in_line=True),
    "jsonl": Streamed("jsonl", JsonLines(), widened),
    "orc": Streamed("orc", Orc()),
    "arrow": Streamed("arrow", Ipc()),
}


def format_called(name: str) -> Format:
    """The format of a name in `scanner.archive.formats.ENDINGS`."""
    return _FORMATS[name]


def read_split(
    split: Split,
    columns: Sequence[str],
    batch_rows: int = BATCH_ROWS,
    head: bytes | None = None,
    where: Predicate | None = None,
) -> Iterator[Batch | Gap]:
    """Reads some columns of a split, in the order of the file.

    Where a row group is broken, a gap follows the batches that could be read of it, and the next row group comes.

    Args:
        split: As planned.
        columns: Paths of every column that is needed, not only text.
        batch_rows: Rows that a batch holds at most.
        head: What is known of the file in advance; None to find it out.
        where: Which records are wanted, by columns that are among ``columns``; None for all.

    Raises:
        SourceError: The file is not the version that was planned, or cannot be read at all.
    """
    return format_called(split.format).batches(split, columns, batch_rows, head, where)
