"""How many tasks a cluster can run at once, what each asks of it, and how many CPUs to ask for more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scanner.engine.program import Program

WORKER_BYTES: Final = 512 << 20
"""What a worker may hold beside the signatures. 424 MB were measured over a row group of 2 GB (benchmarks/README.md):
it holds one batch, whatever the row group's size."""

TASKS_AT_ONCE: Final = 2
"""How many tasks are sent for each that the cluster can run, so that none waits for the driver."""

GROWTH_S: Final = 600.0
"""How long a cluster that does not grow is asked to: what it cannot give now, tasks that wait ask for as well."""

MOST_CPUS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a cluster takes.

    Attributes:
        tasks: How many it can run at once.
        memory_bytes: What each is to ask for; None where its nodes tell of no memory.
    """

    tasks: int
    memory_bytes: int | None


def memory_needed(program: Program) -> int:
    """Bytes that a worker may hold: its databases too, once as they came and once as the engine has them."""
    return WORKER_BYTES + 2 * sum(map(len, (*program.databases, *program.folded_databases)))


def capacity(nodes: Iterable[Mapping[str, Any]], memory_bytes: int) -> Capacity:
    """What the nodes of a cluster take, as ``ray.nodes()`` tells of them.

    A task asks for no more memory than the largest node has, so that it waits for none that will never come.

    Args:
        nodes: Those that are dead and those without CPUs do not count.
        memory_bytes: What a task needs.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    sizes = [(int(each.get("CPU", 0)), int(each.get("memory", 0))) for each in alive]
    workers = [(cpus, memory) for cpus, memory in sizes if cpus]
    asked = min(memory_bytes, max((memory for _, memory in workers), default=0))
    if not asked:
        return Capacity(sum(cpus for cpus, _ in workers), None)
    return Capacity(sum(min(cpus, memory // asked) for cpus, memory in workers), asked)


class Growth:
    """Decides how many CPUs to ask an autoscaler for.

    What is asked for stays asked for when the process that asked is killed, and would keep machines that nobody uses.
    So it is taken back when the cluster has grown, or does not: tasks that run or wait keep what there is.
    """

    def __init__(self) -> None:
        self._tasks = -1
        self._since_s = 0.0
        self._asked = 0

    def ask(self, tasks_left: int, tasks_at_once: int, now_s: float) -> int:
        """How many CPUs to ask for from now on; 0 to ask for none. It does not change with every task that ends.

        Args:
            tasks_left: How many tasks are under way or to come.
            tasks_at_once: How many the cluster can run.
            now_s: Seconds that only grow.
        """
        if tasks_at_once != self._tasks:
            self._tasks, self._since_s = tasks_at_once, now_s
        wanted = min(tasks_left, MOST_CPUS)
        hopeful = now_s - self._since_s < GROWTH_S
        if not (wanted > tasks_at_once and hopeful):
            self._asked = 0
        elif not self._asked // 2 < wanted <= self._asked:
            self._asked = wanted
        return self._asked
