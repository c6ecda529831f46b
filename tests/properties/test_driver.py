"""The driver's decisions in a world where workers die, nodes vanish, writes fail and the driver itself is killed.

The world is what outlasts them all: commit records, marks of divided splits, and row groups that kill whoever reads
them. What happens next is decided by chance.
"""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.executors import SlotsChanged, SplitDone, SplitLost
from jobs.running.driver import (
    Divide,
    Driver,
    Event,
    Finish,
    GiveUp,
    Instruction,
    RecordFailed,
    SplitDivided,
    Start,
)
from tests.support.results import report

ACCIDENTS: Final = 3
"""How often each accident happens: less often than any split is given up for."""

MOST_STARTS: Final = 20
MOST_STEPS: Final = 50_000

Groups = tuple[int, int, int]
"""A split: its file, its first row group, and the one after its last."""


@dataclass(eq=False)
class Task:
    """Splits that a worker has still before it, and how the others have ended."""

    start: Start
    left: deque[int]
    ends: deque[SplitDone | SplitLost] = field(default_factory=deque)


class World:
    """What executors, stores and clusters do.

    Args:
        files: How many row groups each file has.
        poison: Row groups that kill, by file and number.
        unreadable: Files that raise.
        chance: Decides.

    Attributes:
        commits: How each split has ended, as the store knows it; ``divided`` where its halves stand for it.
    """

    def __init__(
        self, files: list[int], poison: set[tuple[int, int]], unreadable: set[int], chance: random.Random
    ) -> None:
        self.files = files
        self.poison = poison
        self.unreadable = unreadable
        self.chance = chance
        self.commits: dict[Groups, str] = {}
        self.marks: set[Groups] = set()
        self.accidents: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """A driver comes, as to a new run or to one that another has left."""
        self.splits: list[Groups] = [(file, 0, groups) for file, groups in enumerate(self.files)]
        self.tasks: list[Task] = []
        self.starts: Counter[int] = Counter()
        self.finished = False
        self.slots = self.chance.randint(1, 6)
        numbers = range(len(self.splits))
        cut = [number for number in numbers if self.splits[number] in self.marks]
        todo = [number for number in numbers if self.splits[number] not in self.commits.keys() | self.marks]
        sizes = [self.chance.randint(0, 1 << 28) for _ in numbers]
        self.driver = Driver(sizes, self.slots, todo, cut, self.can_divide)
        self.obey(self.driver.begin())

    def can_divide(self, number: int) -> bool:
        _, first, end = self.splits[number]
        return end - first > 1

    def run(self) -> None:
        """To its end."""
        often = [self.work] * 6 + [self.tell] * 4
        seldom = [self.change_slots, self.kill_a_worker, self.lose_a_node, self.kill_the_driver]
        seldom.append(self.divide_as_another_driver)
        for _ in range(MOST_STEPS):
            if self.finished:
                assert self.driver.handle(SlotsChanged(self.slots + 1)) == (), "nothing comes after Finish"
                return
            self.chance.choice([*often, *seldom])()
        pytest.fail("the run does not come to its end")

    def obey(self, instructions: tuple[Instruction, ...]) -> None:
        """As `jobs.running.hunt.Run` does."""
        coming = deque(instructions)
        while coming:
            assert not self.finished, "nothing comes after Finish"
            match coming.popleft():
                case Start(numbers) as start:
                    self.start(start, numbers)
                case RecordFailed(number):
                    assert number not in self.under_way()
                    self.commits.setdefault(self.splits[number], "failed")
                case Divide(number):
                    assert number not in self.under_way()
                    coming += self.driver.handle(self.divide(number))
                case Finish():
                    assert not self.tasks
                    self.finished = True
                case GiveUp() as gave_up:
                    pytest.fail(f"{gave_up} after {self.accidents}")

    def start(self, start: Start, numbers: tuple[int, ...]) -> None:
        assert numbers
        assert not self.under_way() & set(numbers)
        assert len(self.tasks) < self.slots
        self.starts.update(numbers)
        assert max(self.starts.values()) <= MOST_STARTS
        self.tasks.append(Task(start, deque(numbers)))

    def under_way(self) -> set[int]:
        return {
            number for task in self.tasks for number in (*task.left, *(each.number for each in task.ends))
        }

    def divide(self, number: int) -> Event:
        split = self.splits[number]
        self.marks.add(split)
        if self.commits.setdefault(split, "divided") != "divided":
            return SplitDone(number, report(number))
        return SplitDivided(number, tuple(self.parts_left(split)))

    def parts_left(self, split: Groups) -> list[int]:
        file, first, end = split
        left: list[int] = []
        for half in ((file, first, (first + end) // 2), (file, (first + end) // 2, end)):
            if self.commits.get(half) == "divided":
                left += self.parts_left(half)
            elif half not in self.commits:
                left.append(len(self.splits))
                self.splits.append(half)
        return left

    def work(self) -> None:
        """One more split of a task ends, or ends its worker."""
        working = [task for task in self.tasks if task.left]
        if not working:
            return
        task = self.chance.choice(working)
        number = task.left[0]
        file, first, end = split = self.splits[number]
        if split in self.commits:
            task.ends.append(SplitDone(number, report(number)))
        elif any((file, group) in self.poison for group in range(first, end)):
            # Who watches cannot always tell, as where the worker goes with its child.
            if not task.start.watched or self.chance.random() < 0.3:
                self.lose(task, SplitLost(number, "died", worker_died=True))
                return
            task.ends.append(SplitLost(number, "killed", fatal=True))
        elif file in self.unreadable:
            task.ends.append(SplitLost(number, "raised"))
        elif self.happens("unwritten", 0.1):
            task.ends.append(SplitLost(number, "the disk is full", unwritten=True))
        elif self.happens("unreachable", 0.1):
            task.ends.append(SplitLost(number, "the store answered 503", unreachable=True))
        else:
            self.commits[split] = "scanned"
            task.ends.append(SplitDone(number, report(number)))
        task.left.popleft()

    def tell(self) -> None:
        """The driver hears how a split of a task that has ended has ended."""
        ended = [task for task in self.tasks if not task.left]
        if not ended:
            return
        task = self.chance.choice(ended)
        event = task.ends.popleft()
        if not task.ends:
            self.tasks.remove(task)
        self.obey(self.driver.handle(self.as_it_stands(event)))
        if event.number not in self.under_way():
            with pytest.raises(ValueError, match="not under way"):
                self.driver.handle(event)

    def as_it_stands(self, event: SplitDone | SplitLost) -> Event:
        """As `jobs.running.rivals` finds it."""
        split = self.splits[event.number]
        if isinstance(event, SplitLost) and (event.worker_died or event.node_lost or event.fatal):
            return event
        if self.commits.get(split) != "divided":
            return event
        return SplitDivided(event.number, tuple(self.parts_left(split)))

    def divide_as_another_driver(self) -> None:
        """One that takes a worker for dead which is not."""
        here = sorted(number for number in self.under_way() if self.can_divide(number))
        if here and self.happens("another driver divided it", 0.5):
            split = self.splits[self.chance.choice(here)]
            self.marks.add(split)
            self.commits.setdefault(split, "divided")

    def lose(self, task: Task, how: SplitLost) -> None:
        """Of a task that is lost only what is committed is known."""
        task.left.extendleft(reversed([each.number for each in task.ends]))
        task.ends.clear()
        while task.left:
            number = task.left.popleft()
            done = self.splits[number] in self.commits
            lost = SplitLost(number, how.reason, worker_died=how.worker_died, node_lost=how.node_lost)
            task.ends.append(SplitDone(number, report(number)) if done else lost)

    def kill_a_worker(self) -> None:
        if self.tasks and self.happens("a worker died of nothing", 0.5):
            self.lose(self.chance.choice(self.tasks), SplitLost(0, "died", worker_died=True))

    def lose_a_node(self) -> None:
        if self.tasks and self.happens("a node was lost", 0.5):
            self.lose(self.chance.choice(self.tasks), SplitLost(0, "its machine was lost", node_lost=True))

    def kill_the_driver(self) -> None:
        if self.happens("the driver died", 0.3):
            self.begin()

    def change_slots(self) -> None:
        # To nothing for a while, but not while nothing else can happen.
        self.slots = self.chance.randint(0 if self.tasks else 1, 6)
        self.obey(self.driver.handle(SlotsChanged(self.slots)))

    def happens(self, accident: str, probability: float) -> bool:
        if self.accidents[accident] == ACCIDENTS or self.chance.random() >= probability:
            return False
        self.accidents[accident] += 1
        return True


FILES = st.lists(st.integers(1, 6), min_size=1, max_size=30)
PLACES = st.tuples(st.integers(0, 29), st.integers(0, 5))


@given(
    files=FILES,
    poison=st.sets(PLACES, max_size=4),
    unreadable=st.sets(st.integers(0, 29), max_size=3),
    seed=st.integers(0, 1 << 32),
)
def test_each_row_group_ends_once_and_only_what_kills_or_raises_is_given_up(
    files: list[int], poison: set[tuple[int, int]], unreadable: set[int], seed: int
) -> None:
    poison = {(file % len(files), group % files[file % len(files)]) for file, group in poison}
    unreadable = {file % len(files) for file in unreadable} - {file for file, _ in poison}
    world = World(files, poison, unreadable, random.Random(seed))
    world.run()

    ends = Counter(
        (file, group, how)
        for (file, first, end), how in world.commits.items()
        if how != "divided"
        for group in range(first, end)
    )
    assert ends == {
        (file, group, "failed" if (file, group) in poison or file in unreadable else "scanned"): 1
        for file, groups in enumerate(files)
        for group in range(groups)
    }
