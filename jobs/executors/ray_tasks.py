"""Runs splits as tasks of a Ray cluster, one task a split. The only place that imports Ray.

Tables never pass through Ray's object store: workers read the archive and write the results themselves, and
send back the counters of a `SplitReport`. The compiled signatures go there once, and once into each worker.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from jobs.driver import SplitDone, SplitLost
from scanner.archive.plan import Split
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matcher
from scanner.engine.program import Program
from scanner.engine.qualification.verdict import Verdict, adopt, require_qualified
from scanner.errors import why
from scanner.results.report import SplitReport
from scanner.scan.split import ScanSettings, run_split

RETRIES = 3
"""How often a split whose worker died is given to another one."""

OBJECT_STORE_BYTES = 192 << 20
SPLITS_PER_CPU = 2

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
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError, WorkerCrashedError  # noqa: E402

_Compiled = tuple[Program, Verdict]
"""The signatures, and the driver's verdict on its engine: a worker on a like machine need not examine it again."""

_matchers: dict[str, Matcher] = {}
"""In a worker: the matcher of the hunt it works for, by the program's name in the object store."""


class RayExecutor:
    """Splits as Ray tasks; starts a local Ray unless one is there, and then stops it again.

    Args:
        program: The compiled signatures.
        settings: What every split of the run shares.
    """

    name = "ray"

    def __init__(self, program: Program, settings: ScanSettings) -> None:
        self._cleanup = contextlib.ExitStack()
        if not ray.is_initialized():
            self._cleanup.enter_context(_nothing_on_standard_output())
            self._cleanup.enter_context(local_ray())
        self._program = ray.put((program, require_qualified()))
        self._settings = ray.put(settings)
        self._under_way: dict[ray.ObjectRef[SplitReport], str] = {}

    @property
    def slots(self) -> int:
        """A few splits for each CPU that the cluster has now, so that none waits for the driver."""
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return max(1, int(SPLITS_PER_CPU * resources.get("CPU", 0)))

    def submit(self, split: Split) -> None:
        """Sends one more split to the cluster."""
        # In a list, the program stays a reference: a worker fetches it once, not once a task.
        task = _run.remote(split, [self._program], self._settings)
        self._under_way[task] = split.split_id

    def wait(self) -> SplitDone | SplitLost:
        """Blocks until one task has ended."""
        ended, _ = ray.wait(list(self._under_way), num_returns=1)
        split_id = self._under_way.pop(ended[0])
        try:
            report: SplitReport = ray.get(ended[0])
        except RayTaskError as error:
            return SplitLost(split_id, why(error.cause))
        except OutOfMemoryError:
            reason = "its workers were killed because the machine ran out of memory"
            return SplitLost(split_id, reason, attempts=RETRIES + 1)
        except WorkerCrashedError:
            return SplitLost(split_id, f"its worker died {RETRIES + 1} times", attempts=RETRIES + 1)
        except RayError as error:
            return SplitLost(split_id, f"Ray lost it: {type(error).__name__}")
        return SplitDone(report)

    def close(self) -> None:
        """Stops the tasks that are under way, and Ray where this started it."""
        for task in self._under_way:
            ray.cancel(task, force=True)
        self._under_way.clear()
        self._cleanup.close()


@ray.remote(max_retries=RETRIES, retry_exceptions=False)
def _run(split: Split, program: "list[ray.ObjectRef[_Compiled]]", settings: ScanSettings) -> SplitReport:
    return run_split(split, _matcher(program[0]), settings)


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
def _interrupts_later() -> Iterator[None]:
    """Holds Ctrl-C back for the seconds in which Ray starts: interrupted there, it leaves a mess behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda signum, _: held.append(signum)) for number in numbers}
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
