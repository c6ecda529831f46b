"""How far a hunt has come: a bar on a terminal, a plain line now and then elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
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
    """Splits, records, hits, rate and remaining time, as far as they are known."""
    parts = [
        f"{number(progress.splits)} of {plural(progress.splits_total, 'split')}",
        plural(progress.rows, "record"),
        plural(progress.hits, "hit"),
    ]
    if progress.failed:
        parts.append(f"{number(progress.failed)} failed")
    if progress.rows and elapsed_s:
        rate = progress.rows / elapsed_s
        parts.append(f"{number(rate)} records/s")
        parts.append(f"{duration((progress.rows_total - progress.rows) / rate)} left")
    return ", ".join(parts)


@contextlib.contextmanager
def _bar(console: Console) -> Iterator[OnProgress]:
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    # Rich would take over standard output, which belongs to results.
    with Bar(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("starting", total=None)
        begun: float | None = None

        def on_progress(progress: Progress) -> None:
            nonlocal begun
            begun = begun or time.monotonic()
            text = line(progress, time.monotonic() - begun)
            bar.update(task, description=text, total=progress.splits_total, completed=progress.splits)

        yield on_progress
