"""Decides what happens next in a run: which splits start together, which are recorded as failed, when all is done.

There is no I/O in here, so that every order in which splits can end, fail and vanish can be tested. Splits have
numbers, from 0, so that a million of them take little memory.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from scanner.results.report import SplitReport

TASK_BYTES: Final = 128 << 20
"""Compressed bytes of text that the splits of one task hold together, unless one split holds more."""

TASK_SPLITS: Final = 256
"""Splits that one task has at most."""

WRITE_TRIES: Final = 5
"""How often a split is tried whose results cannot be written, each time with the patience of the store."""

_SHARES: Final = 2
"""A task takes at most one part in so many of what each slot has still before it, so that all end together."""


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
        overdue: True where the worker was ended because of this split, which took too long.
        unwritten: True where the results could not be written, which is no fault of the split.
    """

    number: int
    reason: str
    attempts: int = 1
    worker_died: bool = False
    overdue: bool = False
    unwritten: bool = False


@dataclass(frozen=True, slots=True)
class SplitDivided:
    """A split stands no longer for itself.

    Attributes:
        number: The split.
        parts: Numbers of those of its parts that are not done, which no split has had before.
    """

    number: int
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SlotsChanged:
    """The executor can run this many tasks at once from now on."""

    slots: int


Event = SplitDone | SplitLost | SplitDivided | SlotsChanged


@dataclass(frozen=True, slots=True)
class Start:
    """Hand these splits to the executor as one task."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RecordFailed:
    """Publish this split as failed: nobody else will."""

    number: int
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Divide:
    """Cut this split in two, as `SplitDivided` or, where it turns out to be done, `SplitDone` answers."""

    number: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stop the run: its results cannot be written. It can be gone on with."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Every split has ended."""


Instruction = Start | RecordFailed | Divide | GiveUp | Finish


class Driver:
    """The state of one run. Each split ends once, and `Finish` comes once, last.

    Each split is started once, in a task with its neighbours; where the worker of such a task died, those of its
    splits that had not ended start once more, each in a task of its own. A split whose worker died under it alone is
    cut in two until a single row group is left, and only that is recorded as failed.

    Args:
        text_bytes: Compressed bytes of text of each split, in the order in which they are to run.
        slots: How many tasks may be under way at once.
        todo: Numbers of the splits to run, ascending; None for all.
        divided: Numbers of splits that were cut in two before.
        can_divide: Whether a split has more than one row group; asked of parts, too.
    """

    def __init__(
        self,
        text_bytes: Sequence[int],
        slots: int,
        todo: Sequence[int] | None = None,
        divided: Sequence[int] = (),
        can_divide: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._can_divide = can_divide
        self._dividing = set(divided)
        self._text_bytes = text_bytes
        self._todo = range(len(text_bytes)) if todo is None else todo
        self._next = 0
        self._bytes_left = sum(text_bytes[number] for number in self._todo)
        self._alone: deque[int] = deque()
        self._attempts: dict[int, int] = {}
        self._unwritten: dict[int, int] = {}
        self._task_of: dict[int, tuple[int, ...]] = {}
        self._left_in: dict[tuple[int, ...], int] = {}
        self._slots = slots
        self._finished = False

    def begin(self) -> tuple[Instruction, ...]:
        """What to do first."""
        return (*map(Divide, sorted(self._dividing)), *self._instructions())

    def handle(self, event: Event) -> tuple[Instruction, ...]:
        """What to do now that this has happened, in order.

        Raises:
            ValueError: A split ended that is not under way.
        """
        match event:
            case SlotsChanged(slots):
                self._slots = slots
                return self._instructions()
            case SplitDone(number):
                if number in self._dividing:
                    self._dividing.remove(number)
                else:
                    self._end(number)
                    self._unwritten.pop(number, None)
                return self._instructions()
            case SplitDivided(number, parts):
                self._dividing.remove(number)
                self._alone += parts
                return self._instructions()
            case SplitLost():
                return (*self._after_loss(event), *self._instructions())

    def _after_loss(self, lost: SplitLost) -> tuple[Instruction, ...]:
        """Tries a split again by itself, in two parts, or gives it up."""
        number, task = lost.number, self._end(lost.number)
        attempts = lost.attempts + self._attempts.pop(number, 0)
        if lost.unwritten:
            self._unwritten[number] = self._unwritten.get(number, 0) + 1
            if self._unwritten[number] >= WRITE_TRIES:
                return (GiveUp(lost.reason),)
            self._alone.append(number)
            return ()
        if lost.worker_died and len(task) > 1:
            self._attempts[number] = attempts
            self._alone.append(number)
            return ()
        if (lost.worker_died or lost.overdue) and self._can_divide(number):
            self._dividing.add(number)
            return (Divide(number),)
        return (RecordFailed(number, lost.reason, attempts),)

    def _end(self, number: int) -> tuple[int, ...]:
        task = self._task_of.pop(number, None)
        if task is None:
            message = f"split {number} is not under way"
            raise ValueError(message)
        self._left_in[task] -= 1
        if not self._left_in[task]:
            del self._left_in[task]
        return task

    def _instructions(self) -> tuple[Instruction, ...]:
        starts: list[Instruction] = []
        while len(self._left_in) < self._slots and (task := self._task()):
            self._task_of.update(dict.fromkeys(task, task))
            self._left_in[task] = len(task)
            starts.append(Start(task))
        waiting = self._left_in or self._alone or self._dividing or self._next < len(self._todo)
        if waiting or self._finished:
            return tuple(starts)
        self._finished = True
        return (Finish(),)

    def _task(self) -> tuple[int, ...]:
        """The next splits that go together; empty where none is waiting."""
        if self._alone:
            return (self._alone.popleft(),)
        first, total = self._next, len(self._todo)
        shares = _SHARES * self._slots
        most_splits = min(TASK_SPLITS, max(1, (total - first) // shares))
        most_bytes = min(TASK_BYTES, self._bytes_left // shares)
        taken = 0
        while self._next < min(total, first + most_splits):
            size = self._text_bytes[self._todo[self._next]]
            if taken + size > most_bytes and self._next > first:
                break
            taken += size
            self._next += 1
        self._bytes_left -= taken
        return tuple(self._todo[first : self._next])
