"""Decides what happens next in a run: which split starts, which is recorded as failed, when all is done.

There is no I/O in here, so that every order in which splits can end, fail and vanish can be tested.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from scanner.results.report import SplitReport


@dataclass(frozen=True, slots=True)
class SplitDone:
    """A split ended by itself and has published its report, scanned or failed."""

    report: SplitReport

    @property
    def split_id(self) -> str:
        """The split that ended."""
        return self.report.split_id


@dataclass(frozen=True, slots=True)
class SplitLost:
    """A split will never report: its worker died too often, or it raised.

    Attributes:
        split_id: The split.
        reason: Why, without any content of the archive.
        attempts: How often it was tried.
    """

    split_id: str
    reason: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class SlotsChanged:
    """The executor can run this many splits at once from now on."""

    slots: int


Event = SplitDone | SplitLost | SlotsChanged


@dataclass(frozen=True, slots=True)
class Start:
    """Hand this split to the executor."""

    split_id: str


@dataclass(frozen=True, slots=True)
class RecordFailed:
    """Publish this split as failed: nobody else will."""

    split_id: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Every split has ended."""


Instruction = Start | RecordFailed | Finish


class Driver:
    """The state of one run. Each split is started once, ends once, and `Finish` comes once, last.

    Args:
        split_ids: What is to run, in this order.
        slots: How many splits may be under way at once.
    """

    def __init__(self, split_ids: Iterable[str], slots: int) -> None:
        self._waiting = deque(split_ids)
        self._under_way: set[str] = set()
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
            case SplitDone():
                self._end(event.split_id)
                return self._next()
            case SplitLost(split_id, reason, attempts):
                self._end(split_id)
                return (RecordFailed(split_id, reason, attempts), *self._next())

    def _end(self, split_id: str) -> None:
        if split_id not in self._under_way:
            raise ValueError(split_id)
        self._under_way.remove(split_id)

    def _next(self) -> tuple[Instruction, ...]:
        starts: list[Instruction] = []
        while self._waiting and len(self._under_way) < self._slots:
            split_id = self._waiting.popleft()
            self._under_way.add(split_id)
            starts.append(Start(split_id))
        if self._waiting or self._under_way or self._finished:
            return tuple(starts)
        self._finished = True
        return (Finish(),)
