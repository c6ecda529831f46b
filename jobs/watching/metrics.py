"""Every metric that a run tells, by its name: what dashboards and alerts may ask for.

Ray exports them in Prometheus' form, each name with ``ray_`` before it. How many series a run has is bounded: what can
be without end, such as splits, files and signatures, is no label.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from jobs.watching import Happening, Progress, RunBegun, SplitCut, SplitEnded, SplitSetBack
from scanner.results.report import SplitReport
from scanner.signatures.model import Severity


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric; there is one of each, so that it is told from others by being itself, which is quick.

    Attributes:
        name: Without Ray's prefix; the unit stands in it.
        kind: What Prometheus calls its type.
        description: One sentence.
        labels: Names of its labels, beside those that Ray adds.
        boundaries: Of a histogram's buckets, ascending.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    description: str
    labels: tuple[str, ...] = ("hunt", "run_id")
    boundaries: tuple[float, ...] = ()


SPLITS: Final = Metric(
    "hindcast_splits_total",
    "counter",
    "Splits that have ended, by how they ended: scanned or failed; earlier, where another process had done them.",
    ("hunt", "run_id", "status"),
)
ROWS: Final = Metric("hindcast_rows_total", "counter", "Records that were hunted.")
TEXT_BYTES: Final = Metric("hindcast_text_bytes_total", "counter", "Bytes of text that were hunted.")
HITS: Final = Metric("hindcast_hits_total", "counter", "Hits, by severity.", ("hunt", "run_id", "severity"))
RETRIES: Final = Metric(
    "hindcast_split_retries_total", "counter", "Splits that were given to another worker because theirs died."
)
SPLIT_SECONDS: Final = Metric(
    "hindcast_split_seconds",
    "histogram",
    "Seconds that a split took, from its first byte to its commit.",
    boundaries=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900),
)
SPLITS_PLANNED: Final = Metric("hindcast_splits_planned", "gauge", "Splits of the run, ended or not.")
SPLITS_UNDER_WAY: Final = Metric("hindcast_splits_under_way", "gauge", "Splits that workers have now.")

METRICS: Final = (SPLITS, ROWS, TEXT_BYTES, HITS, RETRIES, SPLIT_SECONDS, SPLITS_PLANNED, SPLITS_UNDER_WAY)

TELL_S: Final = 1.0
"""Seconds between two tellings, at least: splits may end by the thousand."""

_BEFORE: Final = "earlier"
_STATUSES: Final = ("scanned", "failed")

Tell = Callable[[Metric, float, Mapping[str, str]], None]
"""Takes a metric, how much a counter grows or what a gauge or an observation is, and its labels."""


class Meter:
    """Counts what happens in one run and tells it as metrics.

    Counters begin at 0 with the run, so that their first growth is seen as one.

    Args:
        hunt: Name of the hunt.
        run_id: Id of the run.
        severities: Severity of each signature, by its id.
        tell: Whom it is told.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        hunt: str,
        run_id: str,
        severities: Mapping[str, str],
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = {"hunt": hunt, "run_id": run_id}
        self._severities = severities
        self._tell = tell
        self._clock = clock
        self._grown: Counter[tuple[Metric, str]] = Counter()
        self._progress: Progress | None = None
        self._unreadable: int | None = None
        self._told = 0.0

    def __call__(self, happening: Happening) -> None:
        """Counts what happens to splits."""
        match happening:
            case RunBegun(progress):
                self._begin(progress)
            case SplitEnded(report, lost):
                self._ended(report, lost=lost)
            case SplitSetBack(_, _, attempts, True, again):
                self._grown[RETRIES, ""] += attempts - 1 + again
            case SplitSetBack() | SplitCut():
                pass

    def progress(self, progress: Progress) -> None:
        """Takes note of how far the run is."""
        self._progress = progress
        # Nobody listens any more once the last split has ended.
        self.beat(at_once=progress.splits == progress.splits_total)

    def beat(self, *, at_once: bool = False) -> None:
        """Tells what is not told yet, unless that was done just now; in the thread that drives the run.

        Args:
            at_once: True to tell it in any case.
        """
        now_s = self._clock()
        if self._progress is None or self._unreadable is None:
            # Nobody listens yet, or ever: all splits were done before.
            return
        if not (at_once or now_s - self._told >= TELL_S):
            return
        self._told = now_s
        for (metric, value), grown in self._grown.items():
            if grown:
                self._tell(metric, grown, self._labels(metric, value))
        self._grown.clear()
        self._tell(SPLITS_PLANNED, self._progress.splits_total + self._unreadable, self._run)
        self._tell(SPLITS_UNDER_WAY, self._progress.under_way, self._run)

    def _begin(self, progress: Progress) -> None:
        # Files that could not be read are splits that have failed.
        self._unreadable = progress.failed
        for metric in (ROWS, TEXT_BYTES, RETRIES):
            self._tell(metric, 0, self._run)
        for status in _STATUSES:
            self._tell(SPLITS, 0, self._labels(SPLITS, status))
        for severity in get_args(Severity):
            self._tell(HITS, 0, self._labels(HITS, severity))
        self._grown[SPLITS, "failed"] += progress.failed
        self._grown[SPLITS, _BEFORE] += progress.splits

    def _ended(self, report: SplitReport, *, lost: bool) -> None:
        self._grown[SPLITS, "failed" if report.status == "failed" else "scanned"] += 1
        self._grown[ROWS, ""] += report.rows
        self._grown[TEXT_BYTES, ""] += report.text_bytes
        for signature_id, hits in report.signature_hits:
            self._grown[HITS, self._severities[signature_id]] += hits
        if not lost:
            self._tell(SPLIT_SECONDS, report.elapsed_s, self._run)

    def _labels(self, metric: Metric, value: str) -> dict[str, str]:
        """Those of the run, and the one that the metric has beside them, if any."""
        return {**self._run, **dict.fromkeys(metric.labels[2:], value)}
