"""Tasks of Ray that do nothing, for `benchmarks.micro.driver`."""

import ray

from benchmarks.micro.nothing import ended
from jobs.executors import Compiled, Outcome, Task
from jobs.executors.ray_tasks import RayExecutor
from scanner.engine.program import Program
from scanner.scan.split import ScanSettings


class NothingOnRay(RayExecutor):
    """Sends and awaits tasks as hunts do.

    Args:
        program: The compiled signatures.
        settings: What every split of the run shares.
        slots: How many tasks may be under way; None for as many as suit the machine.
    """

    def __init__(self, program: Program, settings: ScanSettings, slots: int | None = None) -> None:
        super().__init__(program, settings)
        self._slots = slots
        self.tasks = 0

    @property
    def slots(self) -> int:
        """How many tasks may be under way."""
        return super().slots if self._slots is None else self._slots

    def submit(self, task: Task) -> None:
        """Sends one more task."""
        self.tasks += 1
        running = _end.options(memory=1 << 20).remote(task, [self._program], self._settings)
        self._under_way[running] = tuple(number for number, _ in task.splits)


@ray.remote(max_retries=0)
def _end(task: Task, program: "list[ray.ObjectRef[Compiled]]", settings: ScanSettings) -> list[Outcome]:  # noqa: ARG001
    return list(ended(task))
