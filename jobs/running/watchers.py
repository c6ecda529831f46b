"""All that watches a run beside its terminal: the log, ``progress.json`` and, where it runs on Ray, metrics."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any, Final

from jobs.preparing.prepare import Prepared
from jobs.running.stopping import Stopping
from jobs.watching import Happening, Progress
from jobs.watching.log import RunLog
from jobs.watching.metrics import Meter
from jobs.watching.progress_file import ProgressFile, beating
from scanner.errors import why
from scanner.results import layout
from scanner.results.begun import Begun

SIGNATURES_TOLD: Final = 100
"""How many signatures one line of the log names."""


class Watchers:
    """Watches one run.

    Args:
        prepared: The hunt.
        begun: The run.
        stopping: Whether somebody wants it to stop.

    Attributes:
        log: Its log, which is silent unless `jobs.watching.log.turn_on` was called.
    """

    def __init__(self, prepared: Prepared, begun: Begun, stopping: Stopping) -> None:
        hunt, run_id = prepared.spec.hunt, begun.run_id
        self.log = RunLog(hunt, run_id)
        self._stopping = stopping
        self._run_uri = layout.run_uri(prepared.spec.output, hunt, run_id)
        self._file = ProgressFile(self._run_uri)
        self._meter: Meter | None = None
        if prepared.executor == "ray":
            # Importing Ray takes a second, and it is an extra that need not be installed.
            from jobs.executors.ray_metrics import RayMetrics  # noqa: PLC0415

            severities = {each.id: each.severity for each in prepared.signatures.ruleset.signatures}
            self._meter = Meter(hunt, run_id, severities, RayMetrics())

    def __call__(self, happening: Happening) -> None:
        """Tells all of them what happens."""
        self.log(happening)
        if self._meter is not None:
            self._meter(happening)

    def progress(self, progress: Progress) -> None:
        """Tells all of them how far the run is."""
        self.log.progress(progress)
        self._file(progress)
        if self._meter is not None:
            self._meter.progress(progress)

    def check(self) -> None:
        """Called where work can be left, which is often.

        Raises:
            KeyboardInterrupt: Somebody asked the run to stop.
        """
        if self._meter is not None:
            self._meter.beat()
        try:
            self._stopping.check()
        except KeyboardInterrupt:
            self.log.tell("stopping")
            raise

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Watches until the block ends, and says so where it ends badly."""
        with beating(self._file, self.log.beat):
            try:
                yield
            except KeyboardInterrupt:
                self._file.ends_as = "stopped"
                raise
            except Exception as error:
                self.log.tell("failed", logging.ERROR, error=why(error))
                raise

    def finished(self, record: dict[str, Any]) -> None:
        """Takes note that the run is finished, with this record."""
        self._file.ends_as = record["status"]
        truncated = record.get("truncated", [])
        if truncated:
            first = truncated[:SIGNATURES_TOLD]
            self.log.tell("stored_truncated", logging.WARNING, count=len(truncated), signatures=first)
        self.log.tell("finished", status=record["status"], totals=record["totals"], results=self._run_uri)
