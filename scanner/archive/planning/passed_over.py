"""Files that lie in an archive's folders and are not read, because their names are not those of data."""

from collections import Counter
from typing import Final

from scanner.archive.formats import COMPRESSIONS
from scanner.archive.planning.listing import Listing
from scanner.archive.storage.globs import is_hidden

MOST_NAMES: Final = 10_000
"""Names that are kept; those of an archive of millions would fill the memory."""

_MOST_KINDS: Final = 5


class PassedOver:
    """Takes the names of such files as they come up."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def add(self, uri: str) -> None:
        """One more, while there are not too many."""
        if len(self._names) < MOST_NAMES:
            self._names.append(uri)

    def summary(self, files: Listing) -> str:
        """How many there are of which kind, such as ``3 files (2 *.csv, 1 _*.parquet)``; empty where there is none.

        Args:
            files: Those that are read, be it that they are named elsewhere.
        """
        kinds = Counter(_kind(name) for name in dict.fromkeys(self._names) if not files.has(name))
        if not kinds:
            return ""
        count = f"{kinds.total():,}" + (" or more" if len(self._names) == MOST_NAMES else "")
        named = [f"{number:,} {kind}" for kind, number in kinds.most_common(_MOST_KINDS)]
        more = ["others"] if len(kinds) > _MOST_KINDS else []
        return f"{count} {'file' if count == '1' else 'files'} ({', '.join(named + more)})"


def _kind(uri: str) -> str:
    """A pattern that names like this one fit."""
    name = uri.rpartition("/")[2]
    hidden = name[:1] if is_hidden(name) else ""
    stem, dot, ending = name.rpartition(".")
    inner = stem.rpartition(".") if f".{ending.lower()}" in COMPRESSIONS else ("", "", "")
    if not (stem and dot):
        return "without an ending"
    return f"{hidden}*{inner[1]}{inner[2] if inner[1] else ''}.{ending}".lower()
