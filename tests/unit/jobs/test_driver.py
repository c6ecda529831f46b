import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.driver import (
    TASK_BYTES,
    TASK_SPLITS,
    Driver,
    Event,
    Finish,
    Instruction,
    RecordFailed,
    SlotsChanged,
    SplitDone,
    SplitLost,
    Start,
)
from tests.support.results import report

MB = 1 << 20


def done(number: int) -> SplitDone:
    return SplitDone(number, report(number))


def starts(instructions: tuple[Instruction, ...]) -> list[tuple[int, ...]]:
    return [each.numbers for each in instructions if isinstance(each, Start)]


class Observer:
    """Obeys a driver and notes what it was told, checking what may never happen."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.tasks: list[tuple[int, ...]] = []
        self.under_way: dict[int, tuple[int, ...]] = {}
        self.failed: list[RecordFailed] = []
        self.finished = False

    def obey(self, instructions: tuple[Instruction, ...]) -> None:
        for instruction in instructions:
            assert not self.finished, "nothing comes after Finish"
            match instruction:
                case Start(numbers):
                    assert numbers
                    assert not self.under_way.keys() & set(numbers)
                    self.tasks.append(numbers)
                    self.under_way.update(dict.fromkeys(numbers, numbers))
                    assert len(set(self.under_way.values())) <= self.slots
                case RecordFailed():
                    self.failed.append(instruction)
                case Finish():
                    self.finished = True


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 200).map(lambda size: size * MB), max_size=40),
    slots=st.integers(1, 8),
    seed=st.integers(0, 1 << 32),
)
def test_in_any_order_each_split_ends_once_and_the_run_finishes(
    sizes: list[int], slots: int, seed: int
) -> None:
    chance = random.Random(seed)
    driver, seen = Driver(sizes, slots), Observer(slots)
    ended: list[int] = []
    tried: dict[int, int] = {}
    lost: list[RecordFailed] = []
    seen.obey(driver.begin())
    while not seen.finished:
        kinds = ["slots", "done", "raised", "died"] if seen.under_way else ["slots"]
        kind = chance.choice(kinds)
        if kind == "slots":
            # A cluster may shrink to nothing for a while, but not while nothing else can happen.
            seen.slots = chance.randint(0 if seen.under_way else 1, 8)
            seen.obey(driver.handle(SlotsChanged(seen.slots)))
            continue
        number = chance.choice(sorted(seen.under_way))
        task = seen.under_way.pop(number)
        event: Event = done(number)
        if kind != "done":
            event = SplitLost(number, kind, attempts=4, worker_died=kind == "died")
            tried[number] = tried.get(number, 0) + 4
        if kind == "died" and len(task) > 1:
            seen.obey(driver.handle(event))
            continue
        ended.append(number)
        if kind != "done":
            lost.append(RecordFailed(number, kind, tried[number]))
        seen.obey(driver.handle(event))

    assert sorted(ended) == list(range(len(sizes)))
    assert seen.failed == lost
    assert driver.handle(SlotsChanged(99)) == ()
    for task in seen.tasks:
        assert len(task) == 1 or sum(sizes[number] for number in task) <= TASK_BYTES
        assert task == tuple(range(task[0], task[-1] + 1)), "neighbours stay together"


def test_small_splits_go_together_and_the_last_tasks_are_the_smallest() -> None:
    driver = Driver([MB // 4] * 10_000, slots=2)
    assert [len(numbers) for numbers in starts(driver.begin())] == [TASK_SPLITS] * 2
    last = Driver([1000] * 100, slots=4)
    assert [len(numbers) for numbers in starts(last.begin())] == [12, 11, 9, 8]


def test_large_splits_go_alone_and_those_between_fill_a_task() -> None:
    driver = Driver([200 * MB, 100 * MB, 20 * MB, 20 * MB, *[100 * MB] * 12], slots=1)
    tasks = starts(driver.begin())
    for number in range(4):
        tasks += starts(driver.handle(done(number)))
    assert tasks[:3] == [(0,), (1, 2), (3, 4)]


def test_what_a_dead_worker_left_goes_alone_before_all_else_and_its_tries_add_up() -> None:
    driver = Driver([1] * 12, slots=1)
    assert driver.begin() == (Start((0, 1, 2, 3, 4, 5)),)
    for number in (0, 1, 2):
        assert driver.handle(done(number)) == ()
    for number in (3, 4):
        driver.handle(SplitLost(number, "died", 4, worker_died=True))
    assert driver.handle(SplitLost(5, "raised")) == (RecordFailed(5, "raised", 1), Start((3,)))
    assert driver.handle(done(3)) == (Start((4,)),)
    lost = driver.handle(SplitLost(4, "died again", 4, worker_died=True))
    assert lost == (RecordFailed(4, "died again", 8), Start((6, 7, 8)))


def test_a_split_that_ends_twice_is_a_bug_and_not_counted() -> None:
    driver = Driver([1, 1], slots=2)
    driver.begin()
    driver.handle(done(0))
    with pytest.raises(ValueError, match="split 0 is not under way"):
        driver.handle(SplitLost(0, "late"))
    assert driver.handle(done(1)) == (Finish(),)
