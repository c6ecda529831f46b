"""Runs splits as tasks of a Ray cluster. The only place that imports Ray, beside `ray_metrics`.

Tables never pass through Ray's object store: workers read the archive and write the results themselves, and
send back the counters of a `SplitReport`. The compiled signatures go there once, and once into each worker.
"""

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from jobs.executors import Compiled, Outcome, SlotsChanged, SplitLost, Task
from jobs.executors.capacity import TASKS_AT_ONCE, Capacity, Growth, capacity, memory_needed
from jobs.executors.watched import run_watched
from jobs.executors.work import matchers_of, run_task
from jobs.hunt_file.cluster_keys import ANY_MACHINES, Machines
from jobs.watching import log
from scanner.engine.owed import Matchers, OwedPart
from scanner.engine.program import Program
from scanner.engine.qualification.verdict import require_qualified
from scanner.errors import HuntError, Problem, why
from scanner.scan.split import ScanSettings

CONNECT_TIMEOUT_S = 10.0
CAPACITY_S = 1.0
"""How long the size of the cluster is taken as known: asking costs a request, and splits may end by the thousand."""

LOOK_S = 0.5
"""How long a task is waited for before it is asked whether anyone still wants it."""

OBJECT_STORE_BYTES = 192 << 20

_ENVIRONMENT = {
    # Ray reads these when it is imported.
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # It takes SIGTERM too, and ends the process with a stack of C++.
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402 - after its environment
from ray.autoscaler.sdk import request_resources  # noqa: E402
from ray.exceptions import (  # noqa: E402
    NodeDiedError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)

_matchers: dict[str, Matchers] = {}
"""In a worker: the matchers of the hunt it works for, by the program's name in the object store."""


class RayExecutor:
    """Splits as Ray tasks; joins a cluster or starts a local Ray unless this process has one, and leaves it again.

    Ray is told to try nothing twice: only the driver knows what the death of a worker means for its splits.

    Args:
        program: The compiled signatures.
        settings: What every split of the run shares.
        address: The cluster to join, as ``ray.init`` takes it; None for a Ray of this machine alone.
        check: Called while this waits; what it raises ends the waiting.
        parts: What splits owe that do not owe all signatures.
        machines: Which machines of a cluster are wanted.

    Raises:
        HuntError: There is no cluster at the address.
    """

    name = "ray"

    def __init__(
        self,
        program: Program,
        settings: ScanSettings,
        address: str | None = None,
        check: Callable[[], None] = lambda: None,
        parts: Sequence[OwedPart] = (),
        machines: Machines = ANY_MACHINES,
    ) -> None:
        self._check = check
        self._cleanup = contextlib.ExitStack()
        if not ray.is_initialized():
            self._cleanup.enter_context(_nothing_on_standard_output())
            self._cleanup.enter_context(local_ray() if address is None else _cluster_at(address))
        self._program = ray.put((program, tuple(parts), require_qualified()))
        self._settings = ray.put(settings)
        self._under_way: dict[ray.ObjectRef[list[Outcome]], tuple[int, ...]] = {}
        self._ended: deque[Outcome] = deque()
        self._machines = machines
        self._memory_bytes = memory_needed(program)
        self._capacity = Capacity(0, None)
        self._capacity_until = 0.0
        self._remote: Any = _run
        self._growth = None if address is None else Growth()
        self._asked_cpus = 0
        self._told_slots: int | None = None

    @property
    def slots(self) -> int:
        """A few tasks for each that the cluster can run now, so that none waits for the driver."""
        slots = max(1, self._machines.at_most(TASKS_AT_ONCE * self._known_capacity().tasks))
        self._told_slots = slots
        return slots

    def _known_capacity(self) -> Capacity:
        now = time.monotonic()
        if now >= self._capacity_until:
            self._capacity_until = now + CAPACITY_S
            known = capacity(ray.nodes(), self._memory_bytes)  # type: ignore[no-untyped-call]
            self._capacity = known
            self._remote = _run.options(**self._machines.options(known.memory_bytes))
        return self._capacity

    def expect(self, tasks: int) -> None:
        """Asks the cluster to grow to what so many tasks can use, where it is one that may."""
        if self._growth is None:
            return
        can = self._known_capacity().tasks
        cpus = self._growth.ask(self._machines.at_most(tasks), can, time.monotonic())
        if cpus != self._asked_cpus:
            self._ask_for(cpus)

    def _ask_for(self, cpus: int) -> None:
        bundles, selectors = [{"CPU": 1}] * cpus, [self._machines.labels] * cpus
        # A cluster without an autoscaler takes no notice, and one that cannot be asked grows by the tasks that wait.
        with contextlib.suppress(RayError, RuntimeError, OSError):
            request_resources(bundles=bundles, bundle_label_selectors=selectors)
        self._asked_cpus = cpus

    def submit(self, task: Task) -> None:
        """Sends one more task to the cluster."""
        self._known_capacity()
        # In a list, the program stays a reference: a worker fetches it once, not once a task.
        running = self._remote.remote(replace(task, logs=log.is_on()), [self._program], self._settings)
        self._under_way[running] = tuple(number for number, _ in task.splits)

    def wait(self) -> Outcome | SlotsChanged:
        """Blocks until a task ends, unless one has of which splits are still to be told, or the cluster changes."""
        while not self._ended:
            self._check()
            told = self._told_slots
            if told is not None and self.slots != told:
                return SlotsChanged(self.slots)
            under_way = list(self._under_way)
            ended, _ = ray.wait(under_way, num_returns=1, timeout=LOOK_S)
            if ended:
                # Each look costs the more the more is under way, so that one has to do for all that has ended.
                ended, _ = ray.wait(under_way, num_returns=len(under_way), timeout=0)
            for task in ended:
                self._ended.extend(self._outcomes(task, self._under_way.pop(task)))
        return self._ended.popleft()

    def _outcomes(self, task: "ray.ObjectRef[list[Outcome]]", splits: tuple[int, ...]) -> Iterator[Outcome]:
        try:
            yield from ray.get(task)
        except RayTaskError as error:
            # What a split raises is an outcome of it, so that this is of the machine.
            for number in splits:
                yield SplitLost(number, why(error.cause), unfit=True)
        except RayError as error:
            # Some may be done. Their next worker finds that out; here it would hold all others up.
            for number in splits:
                yield _lost(number, error)

    def close(self) -> None:
        """Stops the tasks that are under way, and Ray where this started it."""
        if self._asked_cpus:
            self._ask_for(0)
        for task in self._under_way:
            ray.cancel(task, force=True)
        self._under_way.clear()
        self._ended.clear()
        self._cleanup.close()


@ray.remote(max_retries=0, retry_exceptions=False)
def _run(task: Task, program: "list[ray.ObjectRef[Compiled]]", settings: ScanSettings) -> list[Outcome]:
    # Ray pickles this function with all that it names, so that it only calls what can be imported.
    return _run_all(task, program[0], settings)


def _run_all(task: Task, program: "ray.ObjectRef[Compiled]", settings: ScanSettings) -> list[Outcome]:
    if task.watched:
        return list(run_watched(task, ray.get(program), settings))
    return list(run_task(task, _matchers_of(program), settings))


def _lost(number: int, error: RayError) -> SplitLost:
    """How a split has ended whose task Ray says this of."""
    if isinstance(error, OutOfMemoryError):
        reason = "its worker was ended because the memory of the machine ran out"
        return SplitLost(number, reason, worker_died=True)
    if isinstance(error, WorkerCrashedError):
        return SplitLost(number, "its worker died", worker_died=True)
    if isinstance(error, NodeDiedError):
        return SplitLost(number, "its machine was lost", node_lost=True)
    return SplitLost(number, f"the cluster lost it: {type(error).__name__}", node_lost=True)


def _matchers_of(program: "ray.ObjectRef[Compiled]") -> Matchers:
    name = program.hex()
    if name not in _matchers:
        _matchers.clear()
        _matchers[name] = matchers_of(ray.get(program))
    return _matchers[name]


@contextlib.contextmanager
def local_ray() -> Iterator[None]:
    """Ray on this machine alone; it is stopped at the end."""
    with contextlib.ExitStack() as stack:
        with _interrupts_later():
            stack.callback(ray.shutdown)
            ray.init(
                address="local",
                num_cpus=os.cpu_count(),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=OBJECT_STORE_BYTES,
            )
        yield


@contextlib.contextmanager
def _cluster_at(address: str) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        with _interrupts_later():
            stack.callback(ray.shutdown)
            try:
                _knock(address)
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
            except (OSError, ValueError) as error:
                message = "there is no Ray cluster here; write HOST:PORT, or `auto` on one of its machines"
                raise HuntError((Problem(address, 0, "", message),)) from error
        yield


def _knock(address: str) -> None:
    """Finds out at once that nobody listens, which Ray does after minutes."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S).close()


@contextlib.contextmanager
def _interrupts_later() -> Iterator[None]:
    """Holds Ctrl-C back for the seconds in which Ray starts: interrupted there, it leaves a mess behind.

    Handlers that raise nothing stay, and all come back: Ray sets its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is signal.default_int_handler:
        for number in before:
            signal.signal(number, lambda signum, _: held.append(signum))
    try:
        yield
    except SystemExit as ended:
        # The handler of SIGTERM that Ray sets while it starts.
        raise KeyboardInterrupt from ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


@contextlib.contextmanager
def _nothing_on_standard_output() -> Iterator[None]:
    """Keeps standard output for results: Ray prints there that workers died, whatever it is told about logs.

    A split that is lost by such a death is recorded with its reason.
    """
    with contextlib.ExitStack() as stack:
        sink: IO[str] = sys.stderr
        if not os.environ.get("HINDCAST_DEBUG"):
            sink = stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(contextlib.redirect_stdout(sink))
        yield
