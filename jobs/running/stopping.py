"""Stopping on request: at a point that leaves nothing half done, and in any case soon."""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Final

PATIENCE_S: Final = 4.0
"""How long a stop may take before the process leaves as it is, which loses only what is in flight."""

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Whether somebody wants this process to stop. An exception out of a signal could end in a library's callback."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Has the next `check` raise."""
        self._asked.set()

    def check(self) -> None:
        """Called where work can be left.

        Raises:
            KeyboardInterrupt: Somebody asked.
        """
        if self._asked.is_set():
            raise KeyboardInterrupt


@contextlib.contextmanager
def stopped_by_signals(stopping: Stopping, exit_code: int, last_words: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C, and the SIGTERM of schedulers and containers, ask; the second one leaves at once.

    Args:
        stopping: Whom they ask.
        exit_code: Of a process that leaves without coming to an end.
        last_words: Says what such a process leaves behind.
    """
    # Handlers run when the main thread is back from whatever library it is in; a thread hears of signals at once.
    heard, told = os.pipe()
    os.set_blocking(told, False)

    def watch() -> None:
        if not _next_signal(heard, None):
            return
        stopping.ask()
        if _next_signal(heard, PATIENCE_S) is not False:
            try:
                last_words()
            finally:
                os._exit(exit_code)

    before = {number: signal.signal(number, lambda _number, _frame: stopping.ask()) for number in _NUMBERS}
    fd_before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(fd_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(told)
        watcher.join()
        os.close(heard)


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does, where nothing has begun that could be left half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _next_signal(pipe: int, timeout_s: float | None) -> bool | None:
    """True when the next signal has come, False when no more will, None when none has come in time."""
    while select.select([pipe], [], [], timeout_s)[0]:
        number = os.read(pipe, 1)
        if not number or number[0] in _NUMBERS:
            return bool(number)
    return None
