"""How the files of an archive are written, as their names or the hunt tell.

Parquet is what archives are made of: its files are cut into splits by row groups. Any other file that Arrow can read
is one split, and stands as one row group of unknown rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from scanner.archive.planning.partitions import partitions_of

PARQUET: Final = "parquet"

ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    PARQUET: (".parquet",),
    "csv": (".csv",),
    "tsv": (".tsv",),
    "tsv-unquoted": (".tsv",),
    "jsonl": (".jsonl", ".ndjson"),
    "orc": (".orc",),
    "arrow": (".arrow", ".feather", ".ipc"),
}
"""The formats, and how the names of their files end; of two with the same ending, it tells the first."""

Compression = Literal["gzip", "zstd", "bz2"]

COMPRESSIONS: Final[dict[str, Compression]] = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
"""What may follow such an ending, and how Arrow calls it. ORC and Parquet are compressed inside."""

_COMPRESSED_INSIDE: Final = frozenset({PARQUET, "orc"})


@dataclass(frozen=True, slots=True)
class Written:
    """How the files of an archive are written.

    Attributes:
        format: One of `ENDINGS`; None where their names tell.
        deletes: For each file of a table of which rows are deleted, the files that say which, by URI.
        in_paths: False where folders called ``name=value`` say nothing: Iceberg's files hold all their columns, and
            what stands in their paths is spelled otherwise, or out of date.
    """

    format: str | None = None
    deletes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    in_paths: bool = True

    def format_of(self, uri: str) -> str:
        """The format of one file."""
        return self.format or name_of(uri)

    def partitions_of(self, uri: str) -> dict[str, str | None]:
        """The columns that stand in a file's path, with their values."""
        return partitions_of(uri) if self.in_paths else {}


def endings_of(name: str | None) -> tuple[str, ...]:
    """How the names of files in a folder end; Parquet's unless a format is named."""
    endings = ENDINGS[name or PARQUET]
    if name is None or name in _COMPRESSED_INSIDE:
        return endings
    return (*endings, *(ending + outer for ending in endings for outer in COMPRESSIONS))


def name_of(uri: str) -> str:
    """The format of a file as its name tells; Parquet where it tells nothing."""
    lower = uri.lower()
    for outer in COMPRESSIONS:
        lower = lower.removesuffix(outer)
    return next((name for name, endings in ENDINGS.items() if lower.endswith(endings)), PARQUET)


def compression_of(uri: str) -> Compression | None:
    """How the file as a whole is compressed, as its name tells."""
    return next((how for outer, how in COMPRESSIONS.items() if uri.lower().endswith(outer)), None)
