"""Decides what happens next in a run: which splits start together, which are recorded as failed, when all is done.

There is no I/O in here, so that every order in which splits can end, fail and vanish can be tested. Splits have
numbers, from 0, so that a million of them take little memory.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scanner.results.report import SplitReport

TASK_BYTES: Final = 128 << 20
"""Compressed bytes of text that the splits of one task hold together, unless one split holds more."""

TASK_SPLITS: Final = 256
"""Splits that one task has at most."""

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
    """

    number: int
    reason: str
    attempts: int = 1
    worker_died: bool = False


@dataclass(frozen=True, slots=True)
class SlotsChanged:
    """The executor can run this many tasks at once from now on."""

    slots: int


Event = SplitDone | SplitLost | SlotsChanged


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
class Finish:
    """Every split has ended."""


Instruction = Start | RecordFailed | Finish


class Driver:
    """The state of one run. Each split ends once, and `Finish` comes once, last.

    Each split is started once, in a task with its neighbours; where the worker of such a task died, those of its
    splits that had not ended start once more, each in a task of its own.

    Args:
        text_bytes: Compressed bytes of text of each split, in the order in which they are to run.
        slots: How many tasks may be under way at once.
    """

    def __init__(self, text_bytes: Sequence[int], slots: int) -> None:
        self._text_bytes = text_bytes
        self._next_number = 0
        self._bytes_left = sum(text_bytes)
        self._alone: deque[int] = deque()
        self._attempts: dict[int, int] = {}
        self._task_of: dict[int, tuple[int, ...]] = {}
        self._left_in: dict[tuple[int, ...], int] = {}
        self._slots = slots
        self._finished = False

    def begin(self) -> tuple[Instruction, ...]:
        """What to do first."""
        return self._next()

    def handle(self, event: Event) -> tuple[Instruction, ...]:
        """What to do now that this has happened, in order.

        Raises:
            ValueError: A split ended that is not under way.
        """
        match event:
            case SlotsChanged(slots):
                self._slots = slots
                return self._next()
            case SplitDone(number):
                self._end(number)
                return self._next()
            case SplitLost(number, reason, attempts, worker_died):
                task = self._end(number)
                attempts += self._attempts.pop(number, 0)
                if worker_died and len(task) > 1:
                    self._attempts[number] = attempts
                    self._alone.append(number)
                    return self._next()
                return (RecordFailed(number, reason, attempts), *self._next())

    def _end(self, number: int) -> tuple[int, ...]:
        task = self._task_of.pop(number, None)
        if task is None:
            message = f"split {number} is not under way"
            raise ValueError(message)
        self._left_in[task] -= 1
        if not self._left_in[task]:
            del self._left_in[task]
        return task

    def _next(self) -> tuple[Instruction, ...]:
        starts: list[Instruction] = []
        while len(self._left_in) < self._slots and (task := self._task()):
            self._task_of.update(dict.fromkeys(task, task))
            self._left_in[task] = len(task)
            starts.append(Start(task))
        if self._left_in or self._alone or self._next_number < len(self._text_bytes) or self._finished:
            return tuple(starts)
        self._finished = True
        return (Finish(),)

    def _task(self) -> tuple[int, ...]:
        """The next splits that go together; empty where none is waiting."""
        if self._alone:
            return (self._alone.popleft(),)
        first, total = self._next_number, len(self._text_bytes)
        shares = _SHARES * self._slots
        most_splits = min(TASK_SPLITS, max(1, (total - first) // shares))
        most_bytes = min(TASK_BYTES, self._bytes_left // shares)
        taken = 0
        while self._next_number < min(total, first + most_splits):
            size = self._text_bytes[self._next_number]
            if taken + size > most_bytes and self._next_number > first:
                break
            taken += size
            self._next_number += 1
        self._bytes_left -= taken
        return tuple(range(first, self._next_number))
