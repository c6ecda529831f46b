"""How far a hunt has come: a bar on a terminal, a plain line now and then elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar

from jobs.cli.render import duration, number, plural
from jobs.hunt import Progress

SECONDS_BETWEEN_LINES = 5.0

OnProgress = Callable[[Progress], None]


@contextlib.contextmanager
def shown(console: Console, *, quiet: bool) -> Iterator[OnProgress]:
    """Shows what the answer is called with, until the block ends.

    Args:
        console: Where to.
        quiet: True for nothing at all.
    """
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with _bar(console) as on_progress:
            yield on_progress
    else:
        yield Lines(console)


class Lines:
    """Prints a line at most every few seconds.

    Args:
        console: Where to.
        clock: Seconds that only grow.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._begun: float | None = None
        self._printed = 0.0

    def __call__(self, progress: Progress) -> None:
        """Prints how far things are, unless that was said just now."""
        now = self._clock()
        if self._begun is None:
            self._begun = self._printed = now
        elif now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            self._console.print(line(progress, now - self._begun))


def line(progress: Progress, elapsed_s: float) -> str:
    """Splits, remaining time, records with their rate, and hits, as far as they are known."""
    return ", ".join((*_pace(progress, elapsed_s), *_counts(progress, elapsed_s)))


def _pace(progress: Progress, elapsed_s: float) -> list[str]:
    parts = [f"{number(progress.splits)} of {plural(progress.splits_total, 'split')}"]
    if progress.rows and elapsed_s:
        left_s = (progress.rows_total - progress.rows) * elapsed_s / progress.rows
        parts.append(f"{duration(left_s)} left")
    return parts


def _counts(progress: Progress, elapsed_s: float) -> list[str]:
    rate = f" at {number(progress.rows / elapsed_s)}/s" if progress.rows and elapsed_s else ""
    parts = [f"{plural(progress.rows, 'record')}{rate}", plural(progress.hits, "hit")]
    return [*parts, f"{number(progress.failed)} failed"] if progress.failed else parts


@contextlib.contextmanager
def _bar(console: Console) -> Iterator[OnProgress]:
    columns = (SpinnerColumn(), BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
    # Rich would take over standard output, which belongs to results.
    with Bar(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("starting", total=None)
        begun: float | None = None

        def on_progress(progress: Progress) -> None:
            nonlocal begun
            begun = begun or time.monotonic()
            elapsed_s = time.monotonic() - begun
            # Two lines, so that a narrow terminal cuts neither them nor the bar.
            text = "\n".join(", ".join(told(progress, elapsed_s)) for told in (_pace, _counts))
            bar.update(task, description=text, total=progress.splits_total, completed=progress.splits)

        yield on_progress
