"""How far planning and a hunt have come: a bar on a terminal, a plain line now and then elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar

from jobs.cli.render import duration, number, plural, size, stacked
from jobs.watching import Progress, pace
from scanner.archive.plan import PlanProgress

SECONDS_BETWEEN_LINES = 5.0

P = TypeVar("P", Progress, PlanProgress)


def shown(console: Console, *, quiet: bool) -> "AbstractContextManager[Callable[[Progress], None]]":
    """Shows how far a hunt has come, as the answer is told, until the block ends.

    Args:
        console: Where to.
        quiet: True for nothing at all.
    """
    return _shown(console, _bar, line, quiet=quiet)


def planning_shown(
    console: Console, *, quiet: bool
) -> "AbstractContextManager[Callable[[PlanProgress], None]]":
    """The same of planning."""
    return _shown(console, _planning_bar, planning_line, quiet=quiet)


@contextlib.contextmanager
def _shown(
    console: Console,
    bar: "Callable[[Console], AbstractContextManager[Callable[[P], None]]]",
    told: Callable[[P, float], str],
    *,
    quiet: bool,
) -> Iterator[Callable[[P], None]]:
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with bar(console) as update:
            yield update
    else:
        yield Lines(console, told)


class Lines(Generic[P]):
    """Prints a line at most every few seconds.

    Args:
        console: Where to.
        told: The line, by what is known and the seconds since the first of it.
        clock: Seconds that only grow.
    """

    def __init__(
        self, console: Console, told: Callable[[P, float], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._told: Callable[[P, float], str] = told
        self._clock = clock
        self._begun: float | None = None
        self._printed = 0.0

    def __call__(self, progress: P) -> None:
        """Prints how far things are, unless that was said just now."""
        now = self._clock()
        if self._begun is None:
            self._begun = self._printed = now
        elif now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            self._console.print(self._told(progress, now - self._begun))


def line(progress: Progress, elapsed_s: float) -> str:
    """Splits, remaining time, stored bytes and records with their rates, hits, failures, as far as they are known."""
    return ", ".join(part for told in (_pace, _bytes, _counts) for part in told(progress, elapsed_s))


def planning_line(progress: PlanProgress, elapsed_s: float) -> str:
    """Files found, or files whose footers were read, with the time since the first was found."""
    if not progress.all_listed:
        return f"listing: {plural(progress.listed, 'file')}, {duration(elapsed_s)}"
    return f"planning: {number(progress.planned)} of {plural(progress.listed, 'file')}, {duration(elapsed_s)}"


def _pace(progress: Progress, elapsed_s: float) -> list[str]:
    parts = [f"{number(progress.splits)} of {plural(progress.splits_total, 'split')}"]
    if progress.splits == progress.splits_total:
        return [*parts, "finishing"]
    left_s = pace(progress, elapsed_s).remaining_s
    return parts if left_s is None else [*parts, f"{duration(left_s)} left"]


def _bytes(progress: Progress, elapsed_s: float) -> list[str]:
    if not progress.text_bytes_total:
        return []
    speed = pace(progress, elapsed_s).text_bytes_per_s
    rate = "" if speed is None else f" at {size(speed)}/s"
    return [f"{size(progress.text_bytes)} of {size(progress.text_bytes_total)}{rate}"]


def _counts(progress: Progress, elapsed_s: float) -> list[str]:
    speed = pace(progress, elapsed_s).rows_per_s
    rate = "" if speed is None else f" at {number(speed)}/s"
    # Commit records of a run that is gone on with may be a million, so that nobody has counted their hits yet.
    here = " since it was gone on with" if progress.rows_before or progress.text_bytes_before else ""
    parts = [f"{plural(progress.rows, 'record')}{rate}", f"{plural(progress.hits, 'hit')}{here}"]
    return [*parts, f"{number(progress.failed)} failed"] if progress.failed else parts


@contextlib.contextmanager
def _bar(console: Console) -> Iterator[Callable[[Progress], None]]:
    with _task(console) as update:
        begun: float | None = None

        def on_progress(progress: Progress) -> None:
            nonlocal begun
            begun = begun or time.monotonic()
            elapsed_s = time.monotonic() - begun
            update(stacked(line(progress, elapsed_s)), progress.splits, progress.splits_total)

        yield on_progress


@contextlib.contextmanager
def _planning_bar(console: Console) -> Iterator[Callable[[PlanProgress], None]]:
    with _task(console) as update:
        begun = time.monotonic()

        def on_progress(progress: PlanProgress) -> None:
            total = progress.listed if progress.all_listed else None
            update(planning_line(progress, time.monotonic() - begun), progress.planned, total)

        yield on_progress


@contextlib.contextmanager
def _task(console: Console) -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar that goes away at the end; the answer is told its text, and how much of all is done."""
    columns = (SpinnerColumn(), BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
    # Rich would take over standard output, which belongs to results.
    with Bar(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda text, done, total: bar.update(task, description=text, completed=done, total=total)
