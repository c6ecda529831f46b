"""What a child of a worker does: hunt the splits that it is sent, and say of each how it ended.

It is started by `jobs.executors.watched`.
"""

import contextlib
import os
import signal
import threading
from multiprocessing.connection import Connection

from jobs.executors import Compiled, Task
from jobs.executors.work import matchers_of, run_task
from scanner.errors import EngineError
from scanner.scan.split import ScanSettings


def serve(channel: int) -> None:
    """Hunts one task.

    Args:
        channel: File descriptor of a pipe, through which a task, the signatures and the settings of the run come, and
            the outcomes go.
    """
    # What a terminal sends to all of its processes is for the one that started this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(channel) as parent:
        work: tuple[Task, Compiled, ScanSettings] = parent.recv()
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        task, compiled, settings = work
        try:
            matchers = matchers_of(compiled)
        except EngineError as error:
            parent.send(error)
            return
        for outcome in run_task(task, matchers, settings):
            parent.send(outcome)


def _end_with(parent: Connection) -> None:
    """Ends this process when the other one is gone: nobody would hear what it finds."""
    with contextlib.suppress(EOFError, OSError):
        parent.recv()
    os._exit(1)
