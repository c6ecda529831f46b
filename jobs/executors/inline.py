"""Runs splits one after the other in this process: no Ray, no waiting for it to start."""

from collections import deque
from collections.abc import Callable, Sequence

from jobs.executors import SplitDone, SplitLost, Task
from scanner.archive.plan import Split
from scanner.archive.storage import Unreachable
from scanner.engine.matches import Matcher
from scanner.engine.owed import Matchers, OwedPart
from scanner.errors import CommitUnknown, OutputError, why
from scanner.scan.split import ScanSettings, run_split


class InlineExecutor:
    """One split at a time, in the order submitted.

    Args:
        matcher: The signatures.
        settings: What every split of the run shares.
        check: Called before each batch; what it raises ends a split, of which nothing is kept.
        parts: What splits owe that do not owe all signatures.
    """

    name = "inline"
    slots = 1

    def __init__(
        self,
        matcher: Matcher,
        settings: ScanSettings,
        check: Callable[[], None] = lambda: None,
        parts: Sequence[OwedPart] = (),
    ) -> None:
        self._matchers = Matchers(matcher, parts)
        self._settings = settings
        self._check = check
        self._submitted: deque[tuple[int, Split, bytes | None, int]] = deque()

    def expect(self, tasks: int) -> None:
        """Needs nothing."""

    def submit(self, task: Task) -> None:
        """Takes one more task; its splits run when they are waited for."""
        for number, split in task.splits:
            footer, attempt = task.footers.get(split.source_uri), task.attempts.get(number, 1)
            self._submitted.append((number, split, footer, attempt))

    def wait(self) -> SplitDone | SplitLost:
        """Runs the next split to its end."""
        number, split, footer, attempt = self._submitted.popleft()
        self._check()
        try:
            matcher = self._matchers[split.owed]
            report = run_split(split, matcher, self._settings, footer, self._check, attempt)
            return SplitDone(number, report)
        except (OutputError, CommitUnknown) as error:
            return SplitLost(number, error.reason, unwritten=True)
        except Unreachable as error:
            return SplitLost(number, error.reason, unreachable=True)
        except Exception as error:  # noqa: BLE001 - the split's edge: what escapes here is recorded as failed
            return SplitLost(number, why(error))

    def close(self) -> None:
        """Forgets the splits that have not run."""
        self._submitted.clear()
