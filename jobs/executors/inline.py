"""Runs splits one after the other in this process: no Ray, no waiting for it to start."""

from collections import deque

from jobs.driver import SplitDone, SplitLost
from jobs.executors import Task
from scanner.archive.plan import Split
from scanner.engine.matches import Matcher
from scanner.errors import why
from scanner.scan.split import ScanSettings, run_split


class InlineExecutor:
    """One split at a time, in the order submitted."""

    name = "inline"
    slots = 1

    def __init__(self, matcher: Matcher, settings: ScanSettings) -> None:
        self._matcher = matcher
        self._settings = settings
        self._submitted: deque[tuple[int, Split, bytes | None]] = deque()

    def submit(self, task: Task) -> None:
        """Takes one more task; its splits run when they are waited for."""
        for number, split in task.splits:
            self._submitted.append((number, split, task.footers.get(split.source_uri)))

    def wait(self) -> SplitDone | SplitLost:
        """Runs the next split to its end."""
        number, split, footer = self._submitted.popleft()
        try:
            return SplitDone(number, run_split(split, self._matcher, self._settings, footer))
        except Exception as error:  # noqa: BLE001 - the split's edge: what escapes here is recorded as failed
            return SplitLost(number, why(error))

    def close(self) -> None:
        """Forgets the splits that have not run."""
        self._submitted.clear()
