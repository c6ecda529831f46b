"""Ends a worker whose split takes too long, and leaves word of what it was at."""

import contextlib
import faulthandler
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from jobs.executors.worker_log import WorkerLog
from scanner.archive import storage
from scanner.results import layout
from scanner.scan.split import ScanSettings

LOCKED_S: Final = 30.0
"""How much longer a worker may take that cannot even leave a mark."""

_LOOKS: Final = 50
"""How often it is looked what a split is at, before its time is over."""

_MOST_REASON: Final = 500


@contextlib.contextmanager
def in_time(settings: ScanSettings, split_id: str, judging: Callable[[], str | None]) -> Iterator[None]:
    """Ends this process if the block takes longer than a split may; the mark left then tells the next one why.

    Args:
        settings: Of the run.
        split_id: The split that the block hunts.
        judging: Says which signature it is at; called by another thread.
    """
    timeout_s = settings.limits.split_timeout_s
    if timeout_s is None:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        seen = Counter[str | None]()
        for _ in range(_LOOKS):
            if ended.wait(timeout_s / _LOOKS):
                return
            seen[judging()] += 1
        try:
            reason = _reason(timeout_s, seen)
            WorkerLog(settings.hunt, settings.run_id).split_overdue(split_id, reason)
            mark = layout.overdue_uri(settings.run_uri, split_id)
            storage.delete(mark)  # one of another limit
            storage.create(mark, reason.encode())
        finally:
            os._exit(1)

    threading.Thread(target=watch, name="timer", daemon=True).start()
    # Code that keeps Python's lock would keep that thread waiting; this one takes no lock.
    faulthandler.dump_traceback_later(timeout_s + LOCKED_S, exit=True, file=2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        ended.set()


def late(timeout_s: float) -> str:
    """Why a split was given up that took longer than this."""
    return f"it took longer than {timeout_s:g} s"


def overdue(settings: ScanSettings, split_id: str) -> str | None:
    """Why a worker ended itself over a split; None where none did, or where it had another limit.

    Raises:
        SourceError: The mark cannot be read.
    """
    try:
        mark = storage.read_bytes(layout.overdue_uri(settings.run_uri, split_id))
    except storage.Missing:
        return None
    reason = mark[:_MOST_REASON].decode(errors="replace")
    timeout_s = settings.limits.split_timeout_s
    return reason if timeout_s is not None and reason.startswith(late(timeout_s)) else None


def _reason(timeout_s: float, seen: Counter[str | None]) -> str:
    signature, looks = seen.most_common(1)[0]
    if signature is None or 2 * looks <= seen.total():
        return late(timeout_s)
    return f"{late(timeout_s)}, most of it on matches of signature {signature}"
