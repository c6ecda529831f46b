"""What a worker does with a task, wherever the worker is."""

import platform
import sys
from collections.abc import Iterator

from jobs.executors import Compiled, Outcome, SplitDone, SplitLost, Task
from jobs.executors.timer import in_time, overdue
from jobs.executors.worker_log import WorkerLog
from jobs.watching import log
from scanner.archive import storage
from scanner.archive.plan import Split
from scanner.engine.flood import LearningMatcher
from scanner.engine.owed import Matchers
from scanner.engine.qualification.verdict import adopt
from scanner.errors import CommitUnknown, EngineError, OutputError, SourceError, why
from scanner.results.commit import standing
from scanner.scan.split import ScanSettings, run_split


def matchers_of(compiled: Compiled) -> Matchers:
    """The matchers of a hunt, on this machine.

    Raises:
        EngineError: This machine, which is named, cannot hunt.
    """
    program, parts, verdict = compiled
    try:
        adopt(verdict)
        return Matchers(LearningMatcher(program), parts)
    except EngineError as error:
        reason = f"{platform.node()} cannot hunt: {error.reason}"
        raise EngineError(reason) from error


def run_task(task: Task, matchers: Matchers, settings: ScanSettings) -> Iterator[Outcome]:
    """Hunts the splits of a task one after the other, and says of each how it ended.

    Of a task that was started before, those that are done or took too long are not hunted again.

    Args:
        task: The task.
        matchers: The signatures that its splits owe.
        settings: What every split of the run shares.
    """
    storage.configure(settings.storage)
    if task.logs:
        log.turn_on(sys.stderr)
    told = WorkerLog(settings.hunt, settings.run_id)
    for number, split in task.splits:
        told.split_begun(split)
        outcome = _outcome(number, split, task, matchers, settings)
        told.split_left(split, outcome)
        yield outcome


def _outcome(number: int, split: Split, task: Task, matchers: Matchers, settings: ScanSettings) -> Outcome:
    try:
        known = _known(number, split, settings) if task.again else None
        if known is not None:
            return known
        matcher = matchers[split.owed]
        with in_time(settings, split.split_id, lambda: matcher.judging):
            footer, attempt = task.footers.get(split.source_uri), task.attempts.get(number, 1)
            report = run_split(split, matcher, settings, footer, attempt=attempt)
        return SplitDone(number, report)
    except (OutputError, CommitUnknown) as error:
        return SplitLost(number, error.reason, unwritten=True)
    except storage.Unreachable as error:
        return SplitLost(number, error.reason, unreachable=True)
    except Exception as error:  # noqa: BLE001 - the split's edge: what escapes here is recorded as failed
        return SplitLost(number, why(error))


def _known(number: int, split: Split, settings: ScanSettings) -> Outcome | None:
    """How a split has ended in a worker that is dead now; None where it has not."""
    try:
        report = standing(settings.run_uri, split.split_id)
        late = overdue(settings, split.split_id) if report is None else None
    except SourceError as error:
        # The store of the results fails, which is no fault of the split.
        raise OutputError(error.uri, error.reason) from error
    if report is not None:
        return SplitDone(number, report)
    return None if late is None else SplitLost(number, late, fatal=True)
