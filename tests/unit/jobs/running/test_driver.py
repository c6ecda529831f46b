import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.executors import SlotsChanged, SplitDone, SplitLost
from jobs.running.driver import (
    DEATHS,
    NODE_LOSSES,
    READ_TRIES,
    TASK_BYTES,
    TASK_SPLITS,
    WRITE_TRIES,
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
        self.begun: set[int] = set()
        self.failed: list[RecordFailed] = []
        self.dividing: list[int] = []
        self.finished = False

    def obey(self, instructions: tuple[Instruction, ...]) -> None:
        for instruction in instructions:
            assert not self.finished, "nothing comes after Finish"
            match instruction:
                case Start(numbers, again, _):
                    assert numbers
                    assert not self.under_way.keys() & set(numbers)
                    assert again or not self.begun & set(numbers), "the worker has to look what is done"
                    self.begun.update(numbers)
                    self.tasks.append(numbers)
                    self.under_way.update(dict.fromkeys(numbers, numbers))
                    assert len(set(self.under_way.values())) <= self.slots
                case RecordFailed():
                    self.failed.append(instruction)
                case Divide(number):
                    assert number not in self.under_way
                    self.dividing.append(number)
                case GiveUp():
                    raise AssertionError(instruction)
                case Finish():
                    assert not self.under_way
                    assert not self.dividing
                    self.finished = True


class World:
    """Does by chance what executors, stores and clusters do."""

    def __init__(self, sizes: list[int], row_groups: list[int], slots: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.row_groups = dict(enumerate(row_groups))
        numbers = range(len(sizes))
        done_before = {number for number in numbers if self.chance.random() < 0.2}
        cut = {number for number in numbers if self.row_groups[number] > 1 and self.chance.random() < 0.1}
        self.ended: list[int] = sorted(done_before - cut)
        self.tried: dict[int, int] = {}
        self.gone: dict[int, int] = {}
        self.parts_of: dict[int, tuple[int, ...]] = {}
        todo = [number for number in numbers if number not in done_before | cut]
        self.seen = Observer(slots)
        self.driver = Driver(sizes, slots, todo, sorted(cut), lambda number: self.row_groups[number] > 1)
        self.seen.obey(self.driver.begin())

    def run(self) -> None:
        while not self.seen.finished:
            if self.seen.dividing and self.chance.random() < 0.5:
                self._divide()
            elif self.seen.under_way and self.chance.random() < 0.8:
                self._end(self.chance.choice(["done", "done", "raised", "died", "fatal", "gone", "gone"]))
            else:
                # A cluster may shrink to nothing for a while, but not while nothing else can happen.
                busy = self.seen.under_way or self.seen.dividing
                self.seen.slots = self.chance.randint(0 if busy else 1, 8)
                self.seen.obey(self.driver.handle(SlotsChanged(self.seen.slots)))

    def _divide(self) -> None:
        number = self.seen.dividing.pop(self.chance.randrange(len(self.seen.dividing)))
        if self.chance.random() < 0.2:
            self.ended.append(number)
            self.seen.obey(self.driver.handle(done(number)))
            return
        half = self.row_groups[number] // 2
        parts = []
        for groups in (half, self.row_groups[number] - half):
            part = len(self.row_groups)
            self.row_groups[part] = groups
            if self.chance.random() < 0.2:
                self.ended.append(part)
            else:
                parts.append(part)
            self.parts_of[number] = (*self.parts_of.get(number, ()), part)
        self.seen.obey(self.driver.handle(SplitDivided(number, tuple(parts))))

    def _end(self, kind: str) -> None:
        number = self.chance.choice(sorted(self.seen.under_way))
        task = self.seen.under_way.pop(number)
        event: Event = done(number)
        if kind != "done":
            flags = {"worker_died": kind == "died", "node_lost": kind == "gone", "fatal": kind == "fatal"}
            event = SplitLost(number, kind, attempts=2, **flags)
            self.tried[number] = self.tried.get(number, 0) + 2
            self.gone[number] = self.gone.get(number, 0) + (kind == "gone")
        before = len(self.seen.failed)
        dividing = number in self.seen.dividing
        self.seen.obey(self.driver.handle(event))
        recorded = self.seen.failed[before:]
        if kind == "done" or recorded:
            self.ended.append(number)
        for each in recorded:
            assert each == RecordFailed(number, kind, self.tried[number])
            assert kind == "raised" or (len(task) == 1 or kind == "fatal")
            assert kind != "gone" or self.gone[number] >= NODE_LOSSES
        assert kind in {"died", "fatal", "gone"} or dividing == (number in self.seen.dividing)


@given(
    splits=st.lists(
        st.tuples(st.integers(0, 200).map(lambda size: size * MB), st.integers(1, 5)), max_size=40
    ),
    slots=st.integers(1, 8),
    seed=st.integers(0, 1 << 32),
)
def test_in_any_order_each_row_group_ends_once_and_the_run_finishes(
    splits: list[tuple[int, int]], slots: int, seed: int
) -> None:
    sizes, row_groups = [size for size, _ in splits], [groups for _, groups in splits]
    world = World(sizes, row_groups, slots, seed)
    world.run()

    assert sorted([*world.ended, *world.parts_of]) == sorted(world.row_groups), (
        "each ends or is divided, once"
    )
    assert sum(world.row_groups[number] for number in world.ended) == sum(row_groups)
    died = [each.number for each in world.seen.failed if each.reason != "raised"]
    assert all(world.row_groups[number] == 1 for number in died), "only a single row group is given up"
    assert world.driver.handle(SlotsChanged(99)) == ()
    for task in world.seen.tasks:
        assert len(task) == 1 or sum(sizes[number] for number in task) <= TASK_BYTES


def test_small_splits_go_together_and_the_last_tasks_are_the_smallest() -> None:
    driver = Driver([MB // 4] * 10_000, slots=2)
    assert [len(numbers) for numbers in starts(driver.begin())] == [TASK_SPLITS] * 2
    last = Driver([1000] * 100, slots=4)
    assert [len(numbers) for numbers in starts(last.begin())] == [12, 11, 9, 8]
    many = Driver([1000] * 10_000, slots=2_000)
    assert {len(numbers) for numbers in starts(many.begin())} == {20}, (
        "a driver cannot start so many small ones"
    )
    large = Driver([30 * MB] * 4_000, slots=2_000)
    assert {len(numbers) for numbers in starts(large.begin())} == {1}


def test_large_splits_go_alone_and_those_between_fill_a_task() -> None:
    driver = Driver([200 * MB, 100 * MB, 20 * MB, 20 * MB, *[100 * MB] * 12], slots=1)
    tasks = starts(driver.begin())
    for number in range(4):
        tasks += starts(driver.handle(done(number)))
    assert tasks[:3] == [(0,), (1, 2), (3, 4)]


def test_what_a_dead_worker_left_goes_together_before_all_else_and_then_alone() -> None:
    driver = Driver([1] * 12, slots=1)
    assert driver.begin() == (Start((0, 1, 2, 3, 4, 5)),)
    for number in (0, 1, 2):
        assert driver.handle(done(number)) == ()
    for number in (3, 4):
        driver.handle(SplitLost(number, "died", worker_died=True))
    again = driver.handle(SplitLost(5, "raised"))
    assert again == (RecordFailed(5, "raised", 1), Start((3, 4), again=True, watched=True))
    assert driver.handle(SplitLost(3, "died", worker_died=True)) == ()
    assert driver.handle(SplitLost(4, "it", 2, fatal=True)) == (
        RecordFailed(4, "it", 3),
        Start((3,), again=True, watched=True),
    )
    assert driver.handle(done(3)) == (Start((6, 7, 8)),)


def test_a_split_of_which_workers_die_while_it_is_alone_is_divided_down_to_a_row_group() -> None:
    row_groups = {0: 2, 1: 1, 2: 1}
    driver = Driver([1], slots=1, can_divide=lambda number: row_groups[number] > 1)
    assert driver.begin() == (Start((0,)),)
    died = SplitLost(0, "died", worker_died=True)
    for _ in range(DEATHS - 1):
        assert driver.handle(died) == (Start((0,), again=True, watched=True),)
    assert driver.handle(died) == (Divide(0),)
    assert driver.handle(SplitDivided(0, (1, 2))) == (Start((1,), watched=True),)
    assert driver.handle(SplitLost(1, "SIGSEGV", 2, fatal=True)) == (
        RecordFailed(1, "SIGSEGV", 2),
        Start((2,), watched=True),
    )
    assert driver.handle(done(2)) == (Finish(),)


def test_what_is_lost_with_its_node_starts_again_as_it_was_and_counts_against_no_split() -> None:
    driver = Driver([1] * 6, slots=1)
    assert driver.begin() == (Start((0, 1, 2)),)
    again: tuple[Instruction, ...] = ()
    for _ in range(NODE_LOSSES - 1):
        for number in range(3):
            again = driver.handle(SplitLost(number, "gone", node_lost=True))
        assert again == (Start((0, 1, 2), again=True),)
    for number in range(3):
        again = driver.handle(SplitLost(number, "gone", node_lost=True))
    assert again == (Start((0,), again=True),), "one of them may end nodes"
    assert driver.handle(SplitLost(0, "gone", node_lost=True)) == (
        RecordFailed(0, "gone", NODE_LOSSES + 1),
        Start((1,), again=True),
    )


def test_tasks_that_are_left_are_those_under_way_and_the_fewest_that_can_come() -> None:
    driver = Driver([TASK_BYTES] * 4 + [1] * TASK_SPLITS * 3, slots=2)
    assert driver.tasks_left == 5
    driver.begin()
    assert driver.tasks_left == 2 + 4
    assert Driver([1, 1], slots=9).tasks_left == 1


def test_a_split_that_takes_too_long_is_divided_at_once_whoever_ran_beside_it() -> None:
    driver = Driver([1] * 4, slots=1, can_divide=lambda number: number == 0)
    assert driver.begin() == (Start((0, 1)),)
    assert driver.handle(SplitLost(0, "late", fatal=True)) == (Divide(0),)
    assert driver.handle(SplitLost(1, "late", fatal=True)) == (RecordFailed(1, "late", 1), Start((2,)))


def test_a_run_that_is_taken_up_starts_what_is_not_done_and_divides_what_was_divided() -> None:
    driver = Driver([1] * 5, slots=1, todo=[2, 4], divided=[1])
    assert driver.begin() == (Divide(1), Start((2,)))
    assert driver.handle(SplitDivided(1, (5,))) == ()
    assert driver.handle(done(2)) == (Start((5,), watched=True),)
    assert driver.handle(done(5)) == (Start((4,)),)
    assert driver.handle(done(4)) == (Finish(),)


def test_a_split_whose_results_cannot_be_written_is_tried_again_and_never_recorded_as_failed() -> None:
    driver = Driver([1, 1], slots=2)
    driver.begin()
    full = SplitLost(0, "the disk is full", unwritten=True)
    for _ in range(WRITE_TRIES - 1):
        assert driver.handle(full) == (Start((0,), again=True),)
    assert driver.handle(full) == (GiveUp("the disk is full"),)


def test_a_split_that_cannot_be_reached_is_tried_again_after_all_else_and_then_recorded_as_failed() -> None:
    driver = Driver([1] * 4, slots=1)
    assert driver.begin() == (Start((0, 1)),)
    away = SplitLost(0, "the store answered 503", unreachable=True)
    assert driver.handle(away) == ()
    assert driver.handle(done(1)) == (Start((2,)),)
    assert driver.handle(done(2)) == (Start((3,)),)
    assert driver.handle(done(3)) == (Start((0,), again=True),)
    for _ in range(READ_TRIES - 2):
        assert driver.handle(away) == (Start((0,), again=True),)
    assert driver.handle(away) == (RecordFailed(0, "the store answered 503", READ_TRIES), Finish())


def test_a_split_that_machines_refuse_is_tried_on_others_and_never_recorded_as_failed() -> None:
    driver = Driver([1], slots=1)
    driver.begin()
    refused = SplitLost(0, "vm3 cannot hunt", unfit=True)
    for _ in range(WRITE_TRIES - 1):
        assert driver.handle(refused) == (Start((0,), again=True),)
    assert driver.handle(refused) == (GiveUp("vm3 cannot hunt", unfit=True),)


def test_a_split_that_ends_twice_is_a_bug_and_not_counted() -> None:
    driver = Driver([1, 1], slots=2)
    driver.begin()
    driver.handle(done(0))
    with pytest.raises(ValueError, match="split 0 is not under way"):
        driver.handle(SplitLost(0, "late"))
    assert driver.handle(done(1)) == (Finish(),)


def test_a_split_under_way_that_another_driver_has_divided_goes_on_with_its_parts() -> None:
    driver = Driver([1] * 2, slots=1)
    assert driver.begin() == (Start((0,)),)
    assert driver.handle(SplitDivided(0, (2, 3))) == (Start((2,), watched=True),)
    assert driver.handle(done(2)) == (Start((3,), watched=True),)
    assert driver.handle(done(3)) == (Start((1,)),)
    assert driver.handle(SplitDivided(1, ())) == (Finish(),), "the other one has done all of it"
