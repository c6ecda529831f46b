"""Decides what happens next in a run: which splits start together, which are recorded as failed, when all is done.

There is no I/O in here, so that every order in which splits can end, fail and vanish can be tested. Splits have
numbers, from 0, so that a million of them take little memory.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from jobs.executors import SlotsChanged, SplitDone, SplitLost

TASK_BYTES: Final = 128 << 20
"""Compressed bytes of text that the splits of one task hold together, unless one split holds more."""

TASK_SPLITS: Final = 256
"""Splits that one task has at most."""

WRITE_TRIES: Final = 5
"""How often a split is tried whose results cannot be written, each time with the patience of the store; and how many
machines may refuse it."""

DEATHS: Final = 4
"""How often a split may have its worker die while it is alone in its task."""

NODE_LOSSES: Final = 10
"""How often a split may lose the node that it is on. Spot nodes go by the dozen and that is nobody's fault, but what
takes all memory may end a whole node."""

READ_TRIES: Final = 5
"""How often a split is tried whose file cannot be reached, each time with the patience of the store."""

_SHARES: Final = 2
"""A task takes at most one part in so many of what each slot has still before it, so that all end together."""

_SLOTS_A_SPLIT: Final = 100
"""For each so many slots a task may have one split more, or 1 MB, however little is left: Ray starts some hundred tasks
a second, and thousands of slots would wait for small ones. A task of that size still takes but seconds."""


@dataclass(frozen=True, slots=True)
class SplitDivided:
    """A split stands no longer for itself, as was asked for, or because another driver of the run has divided it.

    Attributes:
        number: The split.
        parts: Numbers of those of its parts that are not done, which no split has had before.
    """

    number: int
    parts: tuple[int, ...]


Event = SplitDone | SplitLost | SplitDivided | SlotsChanged


@dataclass(frozen=True, slots=True)
class Start:
    """Hand these splits to the executor as one task.

    Attributes:
        numbers: The splits.
        again: True where they were started before, so that some may be done.
        watched: True where it is to be found out which of them kills workers, and how.
    """

    numbers: tuple[int, ...]
    again: bool = False
    watched: bool = False


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
    """Stop the run, which can be gone on with.

    Attributes:
        reason: Why.
        unfit: True where machines cannot hunt; False where results cannot be written.
    """

    reason: str
    unfit: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """Every split has ended."""


Instruction = Start | RecordFailed | Divide | GiveUp | Finish


@dataclass(slots=True)
class _UnderWay:
    """A task that has not ended.

    Attributes:
        start: What was started.
        left: How many of its splits have not ended.
        again: Its splits that are to start together once more.
        died: True where its worker died.
    """

    start: Start
    left: int
    again: list[int]
    died: bool = False


class Driver:
    """The state of one run. Each split ends once, and `Finish` comes once, last.

    Each split is started once, in a task with its neighbours. Where the worker of a task dies, those of its splits
    that have not ended start together once more, watched; where that worker dies as well, each in a task of its own.
    A split that is known to kill, or of whose task the workers keep dying while it is alone in it, is cut in two until
    a single row group is left, and only that is recorded as failed. What was lost with its node starts again and
    counts against no split, up to `NODE_LOSSES` times. What could not be reached is tried again after all else.

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
        self._waiting: deque[Start] = deque()
        self._last: deque[int] = deque()
        self._tries: dict[int, int] = {}
        self._deaths: dict[int, int] = {}
        self._node_losses: dict[int, int] = {}
        self._refused: dict[int, int] = {}
        self._unreachable: dict[int, int] = {}
        self._task_of: dict[int, _UnderWay] = {}
        self._under_way = 0
        self._slots = slots
        self._finished = False

    def begin(self) -> tuple[Instruction, ...]:
        """What to do first."""
        return (*map(Divide, sorted(self._dividing)), *self._instructions())

    @property
    def tasks_left(self) -> int:
        """How many tasks are under way or still to come, if those to come are as large as they may be."""
        splits = len(self._todo) - self._next
        full = max(-(-self._bytes_left // TASK_BYTES), -(-splits // TASK_SPLITS))
        waiting = len(self._waiting) + len(self._last) + len(self._dividing)
        return self._under_way + waiting + min(splits, full)

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
                self._settle(number)
                return self._instructions()
            case SplitDivided(number, parts):
                self._settle(number)
                self._waiting += (Start((part,), watched=True) for part in parts)
                return self._instructions()
            case SplitLost():
                return (*self._after_loss(event), *self._instructions())

    def _after_loss(self, lost: SplitLost) -> tuple[Instruction, ...]:
        """Tries a split again, in two parts, or gives it up."""
        number, task = lost.number, self._task_with(lost.number)
        attempts = self._tries[number] = self._tries.get(number, 0) + lost.attempts
        again = self._next_try(lost, task)
        if again == "together":
            task.again.append(number)
        elif again == "alone":
            self._waiting.append(Start((number,), again=True, watched=task.died or task.start.watched))
        elif again == "last":
            self._last.append(number)
        self._end(number)
        if again != "none":
            return ()
        self._forget(number)
        if lost.unwritten or lost.unfit:
            self._finished = True
            return (GiveUp(lost.reason, lost.unfit),)
        if (lost.worker_died or lost.node_lost or lost.fatal) and self._can_divide(number):
            self._dividing.add(number)
            return (Divide(number),)
        return (RecordFailed(number, lost.reason, attempts),)

    def _next_try(self, lost: SplitLost, task: _UnderWay) -> Literal["together", "alone", "last", "none"]:
        """With what company of its task a split starts again, if it does."""
        number, is_alone = lost.number, len(task.start.numbers) == 1
        if lost.unwritten or lost.unfit:
            return "alone" if _counted(self._refused, number) < WRITE_TRIES else "none"
        if lost.unreachable:
            return "last" if _counted(self._unreachable, number) < READ_TRIES else "none"
        if lost.node_lost and _counted(self._node_losses, number) < NODE_LOSSES:
            return "together"
        if lost.worker_died:
            task.died = True
            if not is_alone and not task.start.watched:
                return "together"
            is_alone = is_alone and _counted(self._deaths, number) >= DEATHS
        elif not lost.node_lost:
            return "none"
        return "none" if is_alone else "alone"

    def _settle(self, number: int) -> None:
        """Has done with a split, which was to be divided or under way."""
        if number in self._dividing:
            self._dividing.remove(number)
        else:
            self._end(number)
            self._forget(number)

    def _forget(self, number: int) -> None:
        for counts in (self._tries, self._deaths, self._node_losses, self._refused, self._unreachable):
            counts.pop(number, None)

    def _task_with(self, number: int) -> _UnderWay:
        task = self._task_of.get(number)
        if task is None:
            message = f"split {number} is not under way"
            raise ValueError(message)
        return task

    def _end(self, number: int) -> None:
        task = self._task_with(number)
        del self._task_of[number]
        task.left -= 1
        if task.left:
            return
        self._under_way -= 1
        if task.again:
            watched = task.died or task.start.watched
            self._waiting.append(Start(tuple(task.again), again=True, watched=watched))

    def _instructions(self) -> tuple[Instruction, ...]:
        starts: list[Instruction] = []
        while self._under_way < self._slots and (start := self._task()).numbers:
            task = _UnderWay(start, len(start.numbers), [])
            self._task_of.update(dict.fromkeys(start.numbers, task))
            self._under_way += 1
            starts.append(start)
        if self.tasks_left or self._finished:
            return tuple(starts)
        self._finished = True
        return (Finish(),)

    def _task(self) -> Start:
        """The next splits that go together; none where none is waiting."""
        if self._waiting:
            return self._waiting.popleft()
        if self._next == len(self._todo) and self._last:
            return Start((self._last.popleft(),), again=True)
        first, total = self._next, len(self._todo)
        shares = _SHARES * self._slots
        least = self._slots // _SLOTS_A_SPLIT
        most_splits = min(TASK_SPLITS, max(1, least, (total - first) // shares))
        most_bytes = min(TASK_BYTES, max(least << 20, self._bytes_left // shares))
        taken = 0
        while self._next < min(total, first + most_splits):
            size = self._text_bytes[self._todo[self._next]]
            if taken + size > most_bytes and self._next > first:
                break
            taken += size
            self._next += 1
        self._bytes_left -= taken
        return Start(tuple(self._todo[first : self._next]))


def _counted(counts: dict[int, int], number: int) -> int:
    counts[number] = counts.get(number, 0) + 1
    return counts[number]
