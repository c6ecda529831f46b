"""Runs splits one after the other in this process: no Ray, no waiting for it to start."""

from collections import deque

from jobs.driver import SplitDone, SplitLost
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
        self._submitted: deque[Split] = deque()

    def submit(self, split: Split) -> None:
        """Takes one more split; it runs when it is waited for."""
        self._submitted.append(split)

    def wait(self) -> SplitDone | SplitLost:
        """Runs the next split to its end."""
        split = self._submitted.popleft()
        try:
            return SplitDone(run_split(split, self._matcher, self._settings))
        except Exception as error:  # noqa: BLE001 - the split's edge: what escapes here is recorded as failed
            return SplitLost(split.split_id, why(error))

    def close(self) -> None:
        """Forgets the splits that have not run."""
        self._submitted.clear()
