"""Hits on their way into the hits file: they wait until they are many, for a few rows cost as much as thousands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.archive.columns.cells import Cells
from scanner.archive.read import Batch
from scanner.engine.matches import Matches
from scanner.results.sample import Mask
from scanner.results.snippets import Places
from scanner.scan.hits import paths_of, places_of, rows_of
from scanner.views.raw import Int64s

MANY_HITS: Final = 1 << 18
"""Hits that wait no longer. Of a sample few are in it still when they are written, the more wait the fewer."""

MANY_SPANS: Final = 1 << 20
"""Spans of hits that wait no longer."""

MANY_BYTES: Final = 64 << 20
"""Bytes of the cells that are hit and of what is kept of their records, for which hits wait no longer."""

HITS_AT_ONCE: Final = 1 << 16
"""Hits that are made into rows together."""


@dataclass(frozen=True, slots=True)
class Finds:
    """The hits in one column of a batch, or of several, with all that is to be kept of their records.

    Attributes:
        matches: The hits; their cells are not those of any one batch.
        places: Where each one's first match stands.
        paths: string[n], the path of each one's cell.
        row_groups: int64[n], index in the file.
        rows: int64[n], index in the file.
        source: n rows, as `scanner.archive.provenance.provenance` gives them.
    """

    matches: Matches
    places: Places
    paths: "pa.Array[Any]"
    row_groups: Int64s
    rows: Int64s
    source: pa.Table

    @classmethod
    def of(cls, batch: Batch, cells: Cells, matches: Matches, source: pa.RecordBatch) -> "Finds":
        """The hits in one column of a batch."""
        return cls(
            matches=matches,
            places=places_of(cells, matches),
            paths=paths_of(cells, matches.cells),
            row_groups=np.full(len(matches), batch.row_group, np.int64),
            rows=batch.in_file(rows_of(cells, matches.cells)),
            source=pa.Table.from_batches([source]),
        )

    def where(self, mask: Mask) -> "Finds":
        """Some of them.

        Args:
            mask: bool[n], True for those to keep.
        """
        return Finds(
            matches=self.matches.where(mask),
            places=self.places.part(np.flatnonzero(mask)),
            paths=self.paths.filter(pa.array(mask)),
            row_groups=self.row_groups[mask],
            rows=self.rows[mask],
            source=self.source.filter(pa.array(mask)),
        )

    def parts(self) -> "Iterator[Finds]":
        """All of them, so many at a time as are made into rows together."""
        if len(self.matches) <= HITS_AT_ONCE:
            yield self
            return
        places = np.arange(len(self.matches))
        for first in range(0, len(places), HITS_AT_ONCE):
            yield self.where((places >= first) & (places < first + HITS_AT_ONCE))

    @classmethod
    def together(cls, pieces: "Sequence[Finds]") -> "Finds":
        """All of them, in their order; at least one."""
        if len(pieces) == 1:
            return pieces[0]
        return cls(
            matches=Matches.together([piece.matches for piece in pieces]),
            places=Places.together([piece.places for piece in pieces]),
            paths=pa.concat_arrays([piece.paths for piece in pieces]),
            row_groups=np.concatenate([piece.row_groups for piece in pieces]),
            rows=np.concatenate([piece.rows for piece in pieces]),
            source=pa.concat_tables([piece.source for piece in pieces]),
        )


class Waiting:
    """Finds that are not in the hits file yet."""

    def __init__(self) -> None:
        self._pieces: list[Finds] = []
        self._hits = self._spans = self._bytes = 0

    def add(self, finds: Finds) -> None:
        """Takes some more."""
        self._pieces.append(finds)
        self._hits += len(finds.matches)
        self._spans += len(finds.matches.span_starts)
        self._bytes += len(finds.places.data) + finds.source.nbytes

    @property
    def are_many(self) -> bool:
        """True where they should wait no longer."""
        return self._fill >= 1

    @property
    def are_few(self) -> bool:
        """True where there is room for as many more."""
        return 2 * self._fill <= 1

    @property
    def _fill(self) -> float:
        return max(self._hits / MANY_HITS, self._spans / MANY_SPANS, self._bytes / MANY_BYTES)

    def take(self) -> Finds | None:
        """All of them, which wait no longer; None where there are none."""
        pieces, self._pieces = self._pieces, []
        self._hits = self._spans = self._bytes = 0
        return Finds.together(pieces) if pieces else None
