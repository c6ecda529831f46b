"""What a predicate removes before anything is read: whole files by their paths, files and row groups by statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from scanner.archive.planning.partitions import Partitions
from scanner.archive.where import ColumnStats, Predicate, WhereError
from scanner.errors import HuntError, Problem

Step = Literal["partitions", "file statistics", "row-group statistics"]
STEPS: Final[tuple[Step, ...]] = ("partitions", "file statistics", "row-group statistics")


@dataclass(frozen=True, slots=True)
class Removed:
    """What one part of a predicate removed at one step.

    Attributes:
        step: When: by values in the paths of files, by the statistics of files, by those of row groups.
        term: The part of the predicate that is true of no record in there.
        files: Files of which nothing is left.
        row_groups: Row groups; None where no footer was read.
        rows: Records; None where no footer was read.
        size_bytes: Size of the files; for row groups, compressed bytes of their text columns.
    """

    step: Step
    term: str
    files: int = 0
    row_groups: int | None = 0
    rows: int | None = 0
    size_bytes: int = 0


class Pruning:
    """Sums up what is removed, by step and term."""

    def __init__(self) -> None:
        self._removed: dict[tuple[Step, str], Removed] = {}

    def add(self, new: Removed) -> None:
        """Counts something."""
        old = self._removed.get((new.step, new.term))
        self._removed[new.step, new.term] = new if old is None else _sum(old, new)

    def removed(self) -> tuple[Removed, ...]:
        """The sums, in the order of the steps, and of a step the largest first."""
        return tuple(
            sorted(
                self._removed.values(), key=lambda each: (STEPS.index(each.step), -each.size_bytes, each.term)
            )
        )


def removed_by_path(predicate: Predicate, uri: str, partitions: Partitions) -> str | None:
    """The part of a predicate that no record of a file can meet, going by its path; None where there is none.

    Raises:
        HuntError: A value in the path cannot be read as what the predicate compares it with.
    """
    named = {name: value for name, value in partitions.items() if name in predicate.columns}
    if not named:
        return None
    try:
        return predicate.why_not(constants=named)
    except WhereError as error:
        raise HuntError((Problem(uri, 0, "where", str(error)),)) from error


def of_all(stats: Sequence[Mapping[str, ColumnStats]]) -> dict[str, ColumnStats]:
    """The statistics of a file, from those of its row groups; empty where there are no row groups."""
    return {path: _folded([each[path] for each in stats]) for path in (stats[0] if stats else ())}


def _folded(stats: Sequence[ColumnStats]) -> ColumnStats:
    lows, highs, nulls = ([getattr(each, name) for each in stats] for name in ("min", "max", "null_count"))
    return ColumnStats(
        stats[0].type,
        None if None in lows else min(lows),
        None if None in highs else max(highs),
        None if None in nulls else sum(nulls),
    )


def _sum(old: Removed, new: Removed) -> Removed:
    def added(one: int | None, other: int | None) -> int | None:
        return None if one is None or other is None else one + other

    return Removed(
        old.step,
        old.term,
        old.files + new.files,
        added(old.row_groups, new.row_groups),
        added(old.rows, new.rows),
        old.size_bytes + new.size_bytes,
    )
