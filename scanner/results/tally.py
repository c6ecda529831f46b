"""What the hits of a run add up to, counted as they come by, sorted, without keeping any."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scanner.results.sample import Mask
from scanner.results.schemas import hits_schema
from scanner.results.sorted_hits import SORTED_BY
from scanner.results.sums import COSTS, Sums

_COMPACT_ROWS: Final = 1_000_000
_GROUPED: Final = ("signature_id", "first_count", "first_sum", "event_time_min", "event_time_max")
_PAIR: Final = ("signature_id", "actor_id")

COUNTED: Final = pa.schema(
    [
        hits_schema(pa.schema([])).field(name)
        for name in dict.fromkeys((*SORTED_BY, "hit_id", "actor_id", "event_time"))
    ]
)
"""The columns of hits that it takes to sort and to count them."""

_NO_ACTORS: Final = COUNTED.empty_table()


@dataclass(frozen=True, slots=True)
class SignatureTally:
    """What one signature found.

    Attributes:
        hits: Exact number of hits.
        stored: Hits that stand in the files.
        records: Distinct records among those stored.
        actors: Distinct actors among them; None where no hit names its actor.
        first_seen: Earliest event time; None where no hit has one.
        last_seen: Latest event time.
        candidates: Cells in which pass one saw any of its patterns.
        judged: Cells that the judge was asked about.
        confirm_s: Seconds the judge took, in all workers together.
    """

    hits: int = 0
    stored: int = 0
    records: int = 0
    actors: int | None = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    candidates: int = 0
    judged: int = 0
    confirm_s: float = 0.0


class HitCounts:
    """Counts of all hits that were added.

    The memory it takes grows with the distinct actors only.
    """

    def __init__(self) -> None:
        self._found: dict[str, SignatureTally] = {}
        self._last: tuple[Any, ...] | None = None
        self._actors = _Distinct(["actor_id"])
        self._open = ""
        self._actors_of_open = _Distinct(_PAIR)
        self._actors_of: dict[str, int] = {}

    def add(self, hits: pa.Table) -> None:
        """Takes in some hits, with the columns `COUNTED` at least; all come in the order of `SORTED_BY`."""
        if not len(hits):
            return
        firsts = pa.array(self._first_of_record(hits).astype(np.int64))
        grouped = (
            hits.select(["signature_id", "event_time"])
            .append_column("first", firsts)
            .group_by("signature_id")
            .aggregate([("first", "count"), ("first", "sum"), ("event_time", "min"), ("event_time", "max")])
        )
        for row in grouped.to_pylist():
            self._add(*(row[name] for name in _GROUPED))
        self._add_actors(hits.filter(pc.is_valid(hits["actor_id"])), str(hits["signature_id"][-1]))

    def _first_of_record(self, hits: pa.Table) -> Mask:
        """bool[n], which hits are a signature's first in their record."""
        firsts = np.zeros(len(hits), np.bool_)
        keys = [hits[name].combine_chunks() for name in ("signature_id", "source_uri", "row_index")]
        for key in keys:
            firsts[1:] |= pc.not_equal(key[1:], key[:-1]).to_numpy(zero_copy_only=False)
        firsts[0] = self._last != tuple(key[0].as_py() for key in keys)
        self._last = tuple(key[-1].as_py() for key in keys)
        return firsts

    def _add(self, signature_id: str, stored: int, records: int, first: Any, last: Any) -> None:
        before = self._found.get(signature_id, SignatureTally())
        self._found[signature_id] = replace(
            before,
            stored=before.stored + stored,
            records=before.records + records,
            first_seen=min((each for each in (before.first_seen, first) if each is not None), default=None),
            last_seen=max((each for each in (before.last_seen, last) if each is not None), default=None),
        )

    def _add_actors(self, hits: pa.Table, last: str) -> None:
        """Only of the last signature there may be more to come."""
        self._actors.add(hits)
        self._actors_of_open.add(hits)
        if last != self._open:
            pairs, self._open = self._actors_of_open.table(), last
            closed = pc.not_equal(pairs["signature_id"], pa.scalar(last))
            self._actors_of |= _numbers_of_actors(pairs.filter(closed))
            self._actors_of_open = _Distinct(_PAIR)
            self._actors_of_open.add(pairs.filter(pc.invert(closed)))

    def by_signature(self, sums: Sums) -> dict[str, SignatureTally]:
        """By signature id, those that found something or had candidates.

        Args:
            sums: Exact counts, and costs.
        """
        actors = self._actors_of | _numbers_of_actors(self._actors_of_open.table())
        none = SignatureTally()
        tallies: dict[str, SignatureTally] = {}
        for name in sorted(sums.signature_hits.keys() | sums.signature_costs.keys()):
            found = self._found.get(name)
            tallies[name] = replace(
                none if found is None else replace(found, actors=actors.get(name)),
                hits=sums.signature_hits.get(name, 0),
                **dict(zip(COSTS, sums.signature_costs.get(name, ()), strict=False)),
            )
        return tallies

    @property
    def actors(self) -> int | None:
        """Distinct actors of all hits; None where there are hits and none names its actor."""
        return len(self._actors.table()) or (None if self._found else 0)


class _Distinct:
    """Distinct rows of tables that come one by one."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._tables: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        self._tables.append(self._distinct(table))
        # As many rows again as are known to be distinct, so that this costs little for each row.
        if sum(map(len, self._tables[1:])) > max(_COMPACT_ROWS, len(self._tables[0])):
            self._tables = [self.table()]

    def table(self) -> pa.Table:
        if len(self._tables) != 1:
            self._tables = [
                self._distinct(pa.concat_tables([_NO_ACTORS.select(self._columns), *self._tables]))
            ]
        return self._tables[0]

    def _distinct(self, table: pa.Table) -> pa.Table:
        return table.select(self._columns).group_by(self._columns).aggregate([])


def _numbers_of_actors(pairs: pa.Table) -> dict[str, int]:
    counted = pairs.group_by("signature_id").aggregate([("actor_id", "count")])
    return dict(zip(*(counted[name].to_pylist() for name in ("signature_id", "actor_id_count")), strict=True))
