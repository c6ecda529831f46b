"""``python -m benchmarks.micro.simulate``: where a run on a thousand workers saturates.

The driver's own state machine decides; what happens around it is made up, event by event: workers that take a task for
as long as its bytes take at the measured rate, and one driver that takes its measured time for each task and split.
What it leaves out: the network, the store's limits, nodes that go and come, Ray's scheduler beyond its cost.
"""

import argparse
import heapq
import random
import sys
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.macro.record import RESULTS, surroundings, write_record
from jobs.cluster import sizing
from jobs.executors import SplitDone
from jobs.executors.capacity import TASKS_AT_ONCE
from jobs.running.driver import Driver, Finish, Instruction, Start
from scanner.results.report import SplitReport

SEED: Final = 7
WORKERS: Final = (10, 100, 1_000, 4_000)
SIZES: Final = (40_000, 1_000_000, 16_000_000, 128_000_000)

REPORT: Final = SplitReport("", "", "", 0, (), (), "", "", "scanned")


@dataclass(frozen=True, slots=True)
class Costs:
    """What takes how long, by the rates of `jobs.cluster.sizing`.

    Attributes:
        worker_bytes_per_s: Compressed bytes of text that a worker hunts in a second.
        split_s: Of a worker, for each split beside its bytes: requests to the store, and the commit.
        driver_task_s: Of the driver, for each task.
        driver_split_s: Of the driver, for each split.
        spread: Standard deviation of the logarithm of how long a task takes.
    """

    worker_bytes_per_s: float = (
        sizing.TEXT_BYTES_PER_S[0][1] / sizing.TEXT_PER_STORED_BYTE * sizing.EFFICIENCY
    )
    split_s: float = (sizing.SPLIT_GETS + sizing.SPLIT_PUTS) * sizing.LATENCY_S
    driver_task_s: float = 1 / sizing.TASKS_PER_S
    driver_split_s: float = 1 / sizing.SPLITS_PER_S
    spread: float = 0.3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulated run took.

    Attributes:
        workers: How many there were.
        split_bytes: Compressed text of a split.
        splits: How many ended.
        tasks: How many were sent.
        hours: From the first task to the last.
        utilisation: The part of the workers' time in which they worked.
        driver_busy: The part of the time in which the driver did.
        all_ended_once: Whether the state machine kept its promise.
    """

    workers: int
    split_bytes: int
    splits: int
    tasks: int
    hours: float
    utilisation: float
    driver_busy: float
    all_ended_once: bool


class Cluster:
    """One driver and its workers, in a time of their own.

    Args:
        workers: How many workers.
        splits: How many splits.
        split_bytes: Compressed text of each.
        costs: What takes how long.
    """

    def __init__(self, workers: int, splits: int, split_bytes: int, costs: Costs) -> None:
        self._costs = costs
        self._bytes = split_bytes
        self._workers = workers
        self._chance = random.Random(SEED)
        self._driver = Driver([split_bytes] * splits, TASKS_AT_ONCE * workers)
        self._driver_free_s = 0.0
        self._driver_worked_s = 0.0
        self._worked_s = 0.0
        self._ends_s = 0.0
        self._idle = workers
        self._waiting: deque[tuple[float, tuple[int, ...]]] = deque()
        self._running: list[tuple[float, tuple[int, ...]]] = []
        self._ended = bytearray(splits)
        self._finished = False
        self.tasks = 0

    def run(self) -> Outcome:
        """Runs it to its end."""
        self._obey(self._driver.begin())
        while self._running:
            ended_s, numbers = heapq.heappop(self._running)
            self._free(ended_s)
            self._driver_free_s = max(self._driver_free_s, ended_s)
            self._spend(self._costs.driver_task_s / 2)
            for number in numbers:
                self._spend(self._costs.driver_split_s)
                self._ended[number] += 1
                self._obey(self._driver.handle(SplitDone(number, REPORT)))
        ends_s = max(self._driver_free_s, self._ends_s)
        return Outcome(
            workers=self._workers,
            split_bytes=self._bytes,
            splits=len(self._ended),
            tasks=self.tasks,
            hours=ends_s / 3600,
            utilisation=self._worked_s / (self._workers * ends_s),
            driver_busy=self._driver_worked_s / ends_s,
            all_ended_once=self._finished and self._ended == b"\x01" * len(self._ended),
        )

    def _obey(self, instructions: Iterable[Instruction]) -> None:
        for instruction in instructions:
            match instruction:
                case Start(numbers):
                    self._spend(self._costs.driver_task_s / 2)
                    self.tasks += 1
                    self._waiting.append((self._driver_free_s, numbers))
                    if self._idle:
                        self._idle -= 1
                        self._begin(self._driver_free_s)
                case Finish():
                    self._finished = True
                case _:
                    raise AssertionError(instruction)

    def _free(self, at_s: float) -> None:
        """A worker has ended its task, and takes the next."""
        if self._waiting:
            self._begin(at_s)
        else:
            self._idle += 1

    def _begin(self, at_s: float) -> None:
        sent_s, numbers = self._waiting.popleft()
        costs = self._costs
        takes_s = len(numbers) * (costs.split_s + self._bytes / costs.worker_bytes_per_s)
        takes_s *= self._chance.lognormvariate(0.0, costs.spread)
        ends_s = max(at_s, sent_s) + takes_s
        self._worked_s += takes_s
        self._ends_s = max(self._ends_s, ends_s)
        heapq.heappush(self._running, (ends_s, numbers))

    def _spend(self, seconds: float) -> None:
        self._driver_free_s += seconds
        self._driver_worked_s += seconds


def main() -> int:
    """Simulates, prints and records; 1 where a split did not end once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro.simulate", description=__doc__)
    parser.add_argument("--splits", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the record")
    asked = parser.parse_args()
    started_at, costs = datetime.now(UTC), Costs()
    rows: list[dict[str, Any]] = []
    print(
        f"{'workers':>8}{'split MB':>10}{'tasks':>11}{'hours':>8}{'workers busy':>14}{'driver busy':>13}{'took s':>8}"
    )
    for split_bytes in SIZES:
        for workers in WORKERS:
            begun = time.monotonic()
            out = Cluster(workers, asked.splits, split_bytes, costs).run()
            rows.append({name: getattr(out, name) for name in Outcome.__slots__})
            print(
                f"{workers:>8,}{split_bytes / 1e6:>10g}{out.tasks:>11,}{out.hours:>8.2f}{out.utilisation:>14.1%}"
                f"{out.driver_busy:>13.1%}{time.monotonic() - begun:>8.1f}"
            )
    record = {
        "benchmark": "simulate",
        "command": f"python -m benchmarks.micro.simulate --splits {asked.splits}",
        **surroundings(started_at),
        "costs": {name: getattr(costs, name) for name in Costs.__slots__},
        "results": rows,
    }
    print(f"recorded in {write_record(record, started_at, asked.out)}")
    return 0 if all(row["all_ended_once"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
