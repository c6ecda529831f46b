"""What workers log of their splits, which the log of the driver does not know."""

import logging
import os
import platform

from jobs.executors import Outcome, SplitDone
from jobs.watching import SplitEnded
from jobs.watching.log import RunLog, place
from scanner.archive.plan import Split


class WorkerLog:
    """Logs what one worker does in a run.

    Args:
        hunt: Name of the hunt.
        run_id: Id of the run.
    """

    def __init__(self, hunt: str, run_id: str) -> None:
        self._log = RunLog(hunt, run_id)

    def split_begun(self, split: Split) -> None:
        """Says that the worker has a split now."""
        self._log.tell("split_begun", **place(split), worker=_worker())

    def split_overdue(self, split_id: str, reason: str) -> None:
        """Says that the worker ends itself, because a split takes too long."""
        self._log.tell("split_overdue", logging.ERROR, split_id=split_id, error=reason, worker=_worker())

    def split_left(self, split: Split, outcome: Outcome) -> None:
        """Says what became of a split."""
        if isinstance(outcome, SplitDone):
            self._log(SplitEnded(outcome.report))
        else:
            self._log.tell(
                "split_lost", logging.WARNING, **place(split), error=outcome.reason, worker=_worker()
            )


def _worker() -> str:
    return f"{platform.node()}:{os.getpid()}"
