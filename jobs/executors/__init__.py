"""Where splits run: in this process, or as tasks of a Ray cluster. Both keep one contract, `Executor`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from scanner.archive.plan import Split
from scanner.engine.owed import OwedPart
from scanner.engine.program import Program
from scanner.engine.qualification.verdict import Verdict
from scanner.results.report import SplitReport


@dataclass(frozen=True, slots=True)
class SplitDone:
    """A split ended by itself and has published its report, scanned or failed."""

    number: int
    report: SplitReport


@dataclass(frozen=True, slots=True)
class SplitLost:
    """A split has not reported, and its task will not try it again.

    Attributes:
        number: The split.
        reason: Why, without any content of the archive.
        attempts: How often it was tried.
        worker_died: True where another split of its task may be to blame.
        node_lost: True where the cluster lost the task with its node, or lost what became of it.
        fatal: True where it is known that this split ends its workers, or takes longer than it may.
        unwritten: True where the results could not be written, which is no fault of the split.
        unreachable: True where the store of its file failed, which may be over when all else is done.
        unfit: True where the machine that it was sent to cannot hunt, whatever the split.
    """

    number: int
    reason: str
    attempts: int = 1
    worker_died: bool = False
    node_lost: bool = False
    fatal: bool = False
    unwritten: bool = False
    unreachable: bool = False
    unfit: bool = False


Outcome = SplitDone | SplitLost


@dataclass(frozen=True, slots=True)
class SlotsChanged:
    """The executor can run this many tasks at once from now on."""

    slots: int


Compiled = tuple[Program, tuple[OwedPart, ...], Verdict]
"""The signatures, the parts of them that splits may owe, and the driver's verdict on its engine: a worker on a like
machine need not examine it again."""


@dataclass(frozen=True, slots=True)
class Task:
    """Splits that one worker runs one after the other; each of them commits by itself.

    Attributes:
        splits: The splits with their numbers.
        footers: Footers of their files, by URI; a file that is not in here is asked for its own.
        again: True where the splits were started before, so that some may be done.
        watched: True where it is to be found out which of them kills workers, and how.
        attempts: Which attempt this is at those of its splits that were lost before; at the others it is the first.
        logs: True where workers log, as `worker_log` does, to standard error, which Ray keeps.
    """

    splits: tuple[tuple[int, Split], ...]
    footers: Mapping[str, bytes]
    again: bool = False
    watched: bool = False
    attempts: Mapping[int, int] = field(default_factory=dict)
    logs: bool = False


class Executor(Protocol):
    """Runs tasks and says how each of their splits ended.

    Every split that was submitted comes out of `wait` exactly once.
    """

    @property
    def name(self) -> str:
        """What a user calls it: ``inline`` or ``ray``."""

    @property
    def slots(self) -> int:
        """How many tasks may be under way at once; may change while a hunt runs."""

    def expect(self, tasks: int) -> None:
        """Hears how many tasks are under way or still to come, so that it can see to machines for them."""

    def submit(self, task: Task) -> None:
        """Takes one more task."""

    def wait(self) -> Outcome | SlotsChanged:
        """Blocks until one of the submitted splits has ended, however it ended, or `slots` have become others.

        A split that raised, or whose worker died, is a `SplitLost`: it has published nothing.
        """

    def close(self) -> None:
        """Ends what is still under way and gives back what was started; does nothing the second time."""
