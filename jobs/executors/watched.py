"""Runs the splits of a task in a child of the worker, so that it can be told which of them kills, and how.

Ray says no more of a dead worker than that it is dead. Only a parent learns the signal that ended its child.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Final

from jobs.executors import Compiled, Outcome, SplitLost, Task
from jobs.executors.timer import LOCKED_S, late
from scanner.errors import EngineError
from scanner.scan.split import ScanSettings

TRIES: Final = 2
"""How often a split may end its process before it is given up: the first time may have been an accident."""

_CODE: Final = (
    "import sys; sys.path[:] = sys.argv[2:];"
    "from jobs.executors.watched_child import serve; serve(int(sys.argv[1]))"
)


def run_watched(task: Task, compiled: Compiled, settings: ScanSettings) -> Iterator[Outcome]:
    """Hunts the splits of a task as `jobs.executors.work.run_task` does, and outlives those that kill.

    Args:
        task: The task.
        compiled: The signatures.
        settings: What every split of the run shares.

    Raises:
        EngineError: This machine cannot hunt.
        OSError: No child can be started.
    """
    left, tries = list(task.splits), 0
    timeout_s = settings.limits.split_timeout_s
    while left:
        began = time.monotonic()
        child = _Child(replace(task, splits=tuple(left), again=True), compiled, settings)
        try:
            for outcome in child.outcomes():
                yield outcome
                left.pop(0)
                tries, began = 0, time.monotonic()
        finally:
            cause = child.end()
        tries += 1
        if timeout_s is not None and time.monotonic() - began > timeout_s + LOCKED_S:
            cause = late(timeout_s)
        if left and tries == TRIES:
            yield SplitLost(left.pop(0)[0], cause, TRIES, fatal=True)
            tries = 0


class _Child:
    """A process that hunts, and ends with this one."""

    def __init__(self, task: Task, compiled: Compiled, settings: ScanSettings) -> None:
        self._pipe, theirs = Pipe()
        root = str(Path(__file__).resolve().parents[2])
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, with code that stands above
                [sys.executable, "-c", _CODE, str(theirs.fileno()), root, *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._work = task, compiled, settings

    def outcomes(self) -> Iterator[Outcome]:
        """How its splits ended, in order, up to the one that ended it."""
        try:
            self._pipe.send(self._work)
            while True:
                told: Outcome | EngineError = self._pipe.recv()
                if isinstance(told, EngineError):
                    raise told
                yield told
        except (EOFError, ConnectionError):
            return

    def end(self) -> str:
        """Ends it where it has not, and tells by what it has ended."""
        self._pipe.close()
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return _cause(self._process.returncode, used.ru_maxrss << 10)


def _cause(exit_code: int, held_bytes: int) -> str:
    held = f"it held up to {held_bytes >> 20} MB of memory"
    if exit_code == -signal.SIGKILL:
        return f"SIGKILL ended its worker, as happens where memory is short; {held}"
    if exit_code < 0:
        return f"{signal.Signals(-exit_code).name} ended its worker; {held}"
    return f"its worker ended itself with exit code {exit_code}; {held}"
