"""Tasks that do nothing, in this process, for `benchmarks.micro.driver`."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from benchmarks.micro.planning import blank_report
from jobs.executors import SplitDone, SplitLost, Task

SLOTS: Final = 128


class Nothing:
    """An executor whose tasks have ended when they begin."""

    name = "nothing"
    slots = SLOTS

    def __init__(self) -> None:
        self.tasks = 0
        self._ended: deque[SplitDone] = deque()

    def expect(self, tasks: int) -> None:
        """Needs nothing."""

    def submit(self, task: Task) -> None:
        """Ends its splits."""
        self.tasks += 1
        self._ended.extend(ended(task))

    def wait(self) -> SplitDone | SplitLost:
        """The next of them."""
        return self._ended.popleft()

    def close(self) -> None:
        """Nothing is left."""


def ended(task: Task) -> Iterator[SplitDone]:
    """What comes back of a task."""
    for number, split in task.splits:
        yield SplitDone(number, blank_report(split, hits=1))
