"""Runs splits as tasks of a Ray cluster. The only place that imports Ray.

Tables never pass through Ray's object store: workers read the archive and write the results themselves, and
send back the counters of a `SplitReport`. The compiled signatures go there once, and once into each worker.
"""

import contextlib
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from jobs.driver import SplitDone, SplitLost
from jobs.executors import Task
from scanner.archive import storage
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matcher
from scanner.engine.program import Program
from scanner.engine.qualification.verdict import Verdict, adopt, require_qualified
from scanner.errors import CommitUnknown, HindcastError, HuntError, OutputError, Problem, why
from scanner.results import layout
from scanner.results.commit import standing
from scanner.results.report import SplitReport
from scanner.scan.split import ScanSettings, run_split

RETRIES = 3
"""How often a task whose worker died is given to another one."""

LOCKED_S = 30.0
"""How much longer a worker may take that cannot even leave a mark."""

CONNECT_TIMEOUT_S = 10.0
SLOTS_S = 1.0
"""How long the size of the cluster is taken as known: asking costs a request, and splits may end by the thousand."""

LOOK_S = 0.5
"""How long a task is waited for before it is asked whether anyone still wants it."""

OBJECT_STORE_BYTES = 192 << 20
TASKS_PER_CPU = 2

_ENVIRONMENT = {
    # Ray reads these when it is imported.
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Workers killed for want of memory would be retried without end.
    "RAY_task_oom_retries": str(RETRIES),
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402 - after its environment
from ray._private.worker import global_worker  # noqa: E402 - Ray tells nowhere else that a task runs again
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError, WorkerCrashedError  # noqa: E402

_Compiled = tuple[Program, Verdict]
"""The signatures, and the driver's verdict on its engine: a worker on a like machine need not examine it again."""

Outcome = SplitDone | SplitLost

_matchers: dict[str, Matcher] = {}
"""In a worker: the matcher of the hunt it works for, by the program's name in the object store."""


class RayExecutor:
    """Splits as Ray tasks; joins a cluster or starts a local Ray unless this process has one, and leaves it again.

    Args:
        program: The compiled signatures.
        settings: What every split of the run shares.
        address: The cluster to join, as ``ray.init`` takes it; None for a Ray of this machine alone.
        check: Called while this waits; what it raises ends the waiting.

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
    ) -> None:
        self._check = check
        self._cleanup = contextlib.ExitStack()
        if not ray.is_initialized():
            self._cleanup.enter_context(_nothing_on_standard_output())
            self._cleanup.enter_context(local_ray() if address is None else _cluster_at(address))
        self._program = ray.put((program, require_qualified()))
        self._settings = ray.put(settings)
        self._run_uri = settings.run_uri
        self._under_way: dict[ray.ObjectRef[list[Outcome]], tuple[tuple[int, str], ...]] = {}
        self._ended: deque[Outcome] = deque()
        self._slots = 1
        self._slots_until = 0.0

    @property
    def slots(self) -> int:
        """A few tasks for each CPU that the cluster has now, so that none waits for the driver."""
        now = time.monotonic()
        if now >= self._slots_until:
            resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            self._slots = max(1, int(TASKS_PER_CPU * resources.get("CPU", 0)))
            self._slots_until = now + SLOTS_S
        return self._slots

    def submit(self, task: Task) -> None:
        """Sends one more task to the cluster."""
        # In a list, the program stays a reference: a worker fetches it once, not once a task.
        running = _run.remote(task, [self._program], self._settings)
        self._under_way[running] = tuple((number, split.split_id) for number, split in task.splits)

    def wait(self) -> Outcome:
        """Blocks until a task has ended, unless one has of which splits are still to be told."""
        while not self._ended:
            self._check()
            ended, _ = ray.wait(list(self._under_way), num_returns=1, timeout=LOOK_S)
            if not ended:
                continue
            splits = self._under_way.pop(ended[0])
            self._ended.extend(self._outcomes(ended[0], splits))
        return self._ended.popleft()

    def _outcomes(
        self, task: "ray.ObjectRef[list[Outcome]]", splits: tuple[tuple[int, str], ...]
    ) -> Iterator[Outcome]:
        try:
            yield from ray.get(task)
        except RayTaskError as error:
            for number, _ in splits:
                yield SplitLost(number, why(error.cause))
        except RayError as error:
            reason, attempts = _why_lost(error)
            for number, split_id in splits:
                report = self._standing(split_id)
                if report is None:
                    yield SplitLost(number, reason, attempts, worker_died=True)
                else:
                    yield SplitDone(number, report)

    def _standing(self, split_id: str) -> SplitReport | None:
        """What the dead worker published of a split; None too where that cannot be told, so that it is tried again."""
        try:
            return standing(self._run_uri, split_id)
        except HindcastError:
            return None

    def close(self) -> None:
        """Stops the tasks that are under way, and Ray where this started it."""
        for task in self._under_way:
            ray.cancel(task, force=True)
        self._under_way.clear()
        self._ended.clear()
        self._cleanup.close()


@ray.remote(max_retries=RETRIES, retry_exceptions=False)
def _run(task: Task, program: "list[ray.ObjectRef[_Compiled]]", settings: ScanSettings) -> list[Outcome]:
    # Ray pickles this function with all that it names, so that it only calls what can be imported.
    return _run_all(task, _matcher(program[0]), settings)


def _run_all(task: Task, matcher: Matcher, settings: ScanSettings) -> list[Outcome]:
    storage.configure(settings.storage)
    again = _tried_before()
    outcomes: list[Outcome] = []
    for number, split in task.splits:
        try:
            report = standing(settings.run_uri, split.split_id) if again else None
            if (
                report is None
                and again
                and storage.exists(layout.overdue_uri(settings.run_uri, split.split_id))
            ):
                reason = f"it took longer than {settings.limits.split_timeout_s:g} s"
                outcomes.append(SplitLost(number, reason, overdue=True))
                continue
            if report is None:
                with _in_time(settings, split.split_id):
                    report = run_split(split, matcher, settings, task.footers.get(split.source_uri))
            outcomes.append(SplitDone(number, report))
        except (OutputError, CommitUnknown) as error:
            outcomes.append(SplitLost(number, error.reason, unwritten=True))
        except Exception as error:  # noqa: BLE001 - the split's edge: what escapes here is recorded as failed
            outcomes.append(SplitLost(number, why(error)))
    return outcomes


@contextlib.contextmanager
def _in_time(settings: ScanSettings, split_id: str) -> Iterator[None]:
    """Ends this worker if the block takes too long; the mark left then tells the next one why."""
    timeout_s = settings.limits.split_timeout_s
    if timeout_s is None:
        yield
        return

    def end() -> None:
        try:
            storage.create(layout.overdue_uri(settings.run_uri, split_id), b"")
        finally:
            os._exit(1)

    timer = threading.Timer(timeout_s, end)
    timer.daemon = True
    timer.start()
    # Code that keeps Python's lock would keep the timer waiting; this one takes no lock.
    faulthandler.dump_traceback_later(timeout_s + LOCKED_S, exit=True, file=2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        timer.cancel()


def _tried_before() -> bool:
    """In a worker: True where the task runs again, because a worker died of it or under it."""
    attempt: int = global_worker.core_worker.get_current_task_attempt_number()  # type: ignore[attr-defined]
    return attempt > 0


def _why_lost(error: RayError) -> tuple[str, int]:
    """The reason, and how often the task was tried."""
    if isinstance(error, OutOfMemoryError):
        return "its workers were killed because the machine ran out of memory", RETRIES + 1
    if isinstance(error, WorkerCrashedError):
        return f"its worker died {RETRIES + 1} times", RETRIES + 1
    return f"Ray lost it: {type(error).__name__}", 1


def _matcher(program: "ray.ObjectRef[_Compiled]") -> Matcher:
    name = program.hex()
    if name not in _matchers:
        _matchers.clear()
        compiled, verdict = ray.get(program)
        adopt(verdict)
        _matchers[name] = HyperscanMatcher(compiled)
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
