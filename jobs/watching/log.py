"""What a run does as JSON, one event a line: for collectors of logs. Nothing of any cell is in it, and no secret.

Lines are ASCII, whatever the names of files hold, so that none of them can break a line or reach a terminal as more
than text.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

from jobs.watching import Happening, Progress, RunBegun, SplitCut, SplitEnded, SplitSetBack, pace
from scanner.archive.plan import Split
from scanner.results.report import SplitReport

PROGRESS_S: Final = 30.0
"""Seconds between two lines that tell how far a run is."""

VARIABLE: Final = "HINDCAST_LOG"
"""Of the environment; ``json`` in it is as ``--log json``."""

_LOGGER: Final = logging.getLogger("hindcast")
_LOGGER.addHandler(logging.NullHandler())


class JsonLines(logging.Formatter):
    """A record as one JSON object: time in UTC, level, event, then its facts."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        told_at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts: Mapping[str, object] = getattr(record, "facts", {})
        told = {"time": told_at, "level": record.levelname.lower(), "event": record.getMessage(), **facts}
        return json.dumps(told, default=str)


def turn_on(stream: IO[str]) -> None:
    """Has this process log to a stream from now on, and to no other one."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def turn_off() -> None:
    """Has this process log nothing."""
    _LOGGER.handlers = [logging.NullHandler()]
    _LOGGER.setLevel(logging.NOTSET)
    _LOGGER.propagate = True


def is_on() -> bool:
    """True where `turn_on` was called in this process."""
    return not _LOGGER.propagate


def tell_error(message: str) -> None:
    """Logs what a user is told when a command fails, whatever it was about."""
    _LOGGER.error("error", extra={"facts": {"message": message}})


def tell_unsent(message: str) -> None:
    """Logs that an alert could not be sent, and why."""
    _LOGGER.warning("alert_unsent", extra={"facts": {"message": message}})


class RunLog:
    """Logs one run; each line names it.

    Args:
        hunt: Name of the hunt.
        run_id: Id of the run.
        clock: Seconds that only grow.
    """

    def __init__(self, hunt: str, run_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = {"hunt": hunt, "run_id": run_id}
        self._clock = clock
        self._latest: Progress | None = None
        self._begun = 0.0
        self._told = 0.0

    def tell(self, event: str, level: int = logging.INFO, **facts: object) -> None:
        """Logs one event; facts that are None are left out."""
        if _LOGGER.isEnabledFor(level):
            known = {name: value for name, value in facts.items() if value is not None}
            _LOGGER.log(level, event, extra={"facts": {**self._run, **known}})

    def __call__(self, happening: Happening) -> None:
        """Logs what happens to splits."""
        match happening:
            case RunBegun(progress, slots):
                self._begun = self._told = self._clock()
                left = progress.splits_total - progress.splits
                self.tell("begun", splits=left, splits_done=progress.splits, slots=slots)
            case SplitEnded(report):
                self._ended(report)
            case SplitSetBack(split, reason, attempts, _, again):
                event = "split_retried" if again else "split_lost"
                self.tell(event, logging.WARNING, **place(split), error=reason, attempts=attempts)
            case SplitCut(split):
                self.tell("split_divided", logging.WARNING, **place(split))

    def progress(self, progress: Progress) -> None:
        """Takes note of how far the run is."""
        self._latest = progress

    def beat(self) -> None:
        """Says how far the run is, unless that was done not long ago."""
        latest, now_s = self._latest, self._clock()
        if latest is None or now_s - self._told < PROGRESS_S:
            return
        self._told = now_s
        elapsed_s = now_s - self._begun
        speed = pace(latest, elapsed_s)
        self.tell(
            "progress",
            splits=latest.splits,
            splits_total=latest.splits_total,
            under_way=latest.under_way,
            failed=latest.failed,
            rows=latest.rows,
            rows_total=latest.rows_total,
            stored_bytes=latest.text_bytes,
            stored_bytes_total=latest.text_bytes_total,
            hits=latest.hits,
            rows_per_s=_rounded(speed.rows_per_s),
            remaining_s=_rounded(speed.remaining_s),
            elapsed_s=_rounded(elapsed_s),
        )

    def _ended(self, report: SplitReport) -> None:
        failed = report.status == "failed"
        level = logging.WARNING if failed else logging.INFO
        if not _LOGGER.isEnabledFor(level):
            return
        self.tell(
            "split_failed" if failed else "split_done",
            level,
            split_id=report.split_id,
            source_uri=report.source_uri,
            row_groups=_range(report.row_groups),
            rows=report.rows,
            text_bytes=report.text_bytes,
            hits=report.hits,
            elapsed_s=_rounded(report.elapsed_s),
            attempts=report.attempts,
            gaps=len(report.gaps) or None,
            match_errors=report.match_errors or None,
            unparsed_cells=report.unparsed_cells or None,
            error=report.error or (report.gaps[0].reason if report.gaps else None),
            worker=report.worker or None,
        )


def place(split: Split) -> dict[str, Any]:
    """Facts that tell which split it is."""
    return {
        "split_id": split.split_id,
        "source_uri": split.source_uri,
        "row_groups": _range(split.row_groups),
    }


def _range(row_groups: tuple[int, ...]) -> str | None:
    """From a split's first row group to its last: ``0-15``."""
    if not row_groups:
        return None
    return f"{row_groups[0]}-{row_groups[-1]}" if len(row_groups) > 1 else str(row_groups[0])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
