"""``progress.json`` beside the results: how far a run has come, for whoever has lost its terminal or its cluster."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from jobs.hunt import Progress
from scanner.archive import storage
from scanner.errors import SourceError
from scanner.results import layout
from scanner.results.record import encode

LOCAL_S: Final = 1.0
REMOTE_S: Final = 5.0
"""Seconds between two writes, at least: a request costs time and money."""


class ProgressFile:
    """Writes progress down now and then. Where that fails the run goes on: the results are what matters.

    Args:
        run_uri: Folder of the run.
        clock: Seconds that only grow.
        now: The time, in UTC.
    """

    def __init__(
        self,
        run_uri: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._uri = layout.progress_uri(run_uri)
        self._every_s = LOCAL_S if storage.is_local(run_uri) else REMOTE_S
        self._clock = clock
        self._now = now
        self._begun: float | None = None
        self._written = 0.0

    def __call__(self, progress: Progress) -> None:
        """Writes it down, unless that was done just now; the last of all splits always is."""
        at = self._clock()
        if self._begun is None:
            self._begun = at
        elif progress.splits < progress.splits_total and at - self._written < self._every_s:
            return
        self._written = at
        self._write({**asdict(progress), "elapsed_s": round(at - self._begun, 3)})

    def _write(self, told: dict[str, object]) -> None:
        document = encode({**told, "told_at": self._now().isoformat()})
        try:
            with storage.open_output(self._uri) as sink:
                sink.write(document)
        except (OSError, SourceError):
            return
