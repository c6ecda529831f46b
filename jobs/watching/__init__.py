"""What happens in a run, as it is told to those who watch it: terminal, log, metrics and ``progress.json``."""

from collections.abc import Callable
from dataclasses import dataclass

from scanner.archive.plan import Split
from scanner.results.report import SplitReport


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        splits: Splits that have ended.
        splits_total: Splits of the run.
        rows: Records of the splits that have ended.
        rows_total: Records of the run, as far as that is known before they are read.
        hits: Hits found since this process drives the run; those that stand in the commits of others are not counted.
        failed: Splits that failed since then, and files that could not be read.
        text_bytes: Stored bytes of text of the splits that have ended.
        text_bytes_total: Stored bytes of text of the run.
        rows_before: Of the records, those that were done when this process took the run up.
        text_bytes_before: Of the stored bytes of text, those that were done then.
        under_way: Splits that were given to workers and have not come back; a task holds several, which a worker reads
            one after the other.
    """

    splits: int
    splits_total: int
    rows: int
    rows_total: int
    hits: int = 0
    failed: int = 0
    text_bytes: int = 0
    text_bytes_total: int = 0
    rows_before: int = 0
    text_bytes_before: int = 0
    under_way: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run goes, from when this process took it up; None where that cannot be told yet.

    Attributes:
        rows_per_s: Records.
        text_bytes_per_s: Stored bytes of text.
        remaining_s: Until all splits have ended, if it goes on like this.
    """

    rows_per_s: float | None = None
    text_bytes_per_s: float | None = None
    remaining_s: float | None = None


def pace(progress: Progress, elapsed_s: float) -> Pace:
    """How fast that was, in so many seconds of this process."""
    rows = progress.rows - progress.rows_before
    text_bytes = progress.text_bytes - progress.text_bytes_before
    done, total, here = progress.rows, progress.rows_total, rows
    if done > total:
        # Files of lines tell their records only when they are read.
        done, total, here = progress.text_bytes, progress.text_bytes_total, text_bytes
    if elapsed_s <= 0:
        return Pace()
    return Pace(
        rows_per_s=rows / elapsed_s if rows > 0 else None,
        text_bytes_per_s=text_bytes / elapsed_s if text_bytes > 0 else None,
        remaining_s=max(0, total - done) * elapsed_s / here if here > 0 else None,
    )


@dataclass(frozen=True, slots=True)
class RunBegun:
    """Splits are handed out from now on.

    Attributes:
        progress: Of the run; what another process did before is in it.
        slots: How many tasks may be under way at once.
    """

    progress: Progress
    slots: int


@dataclass(frozen=True, slots=True)
class SplitEnded:
    """A split is done for good.

    Attributes:
        report: What became of it.
        lost: True where no worker said so: the driver has given it up.
    """

    report: SplitReport
    lost: bool = False


@dataclass(frozen=True, slots=True)
class SplitSetBack:
    """A split has come back undone.

    Attributes:
        split: The split.
        reason: Why, without any content of the archive.
        attempts: How often it was tried since it was started.
        worker_died: True where its worker or its machine died under it.
        again: True where it is started again; else it is cut in two or given up, which is told next.
    """

    split: Split
    reason: str
    attempts: int
    worker_died: bool
    again: bool


@dataclass(frozen=True, slots=True)
class SplitCut:
    """Two halves stand for a split from now on."""

    split: Split


Happening = RunBegun | SplitEnded | SplitSetBack | SplitCut

Watcher = Callable[[Happening], None]
"""Is told in the order in which things happen, in the thread that drives the run; must neither raise nor take long."""


def unwatched(_: Happening) -> None:
    """The watcher that does nothing."""
