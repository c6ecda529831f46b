"""What ends a worker in the middle of a task."""

import os
import signal
import threading
from typing import Final

FOR_EVER: Final = 0
"""In place of a signal: it is waited for without end."""


class Trap(dict[str, bytes]):
    """Footers by URI, of which one is fatal to ask for."""

    def __init__(self, footers: dict[str, bytes], fatal: str, signum: int = signal.SIGKILL) -> None:
        super().__init__(footers)
        self.fatal = fatal
        self.signum = signum

    def get(self, uri: str) -> bytes:  # type: ignore[override]
        if uri == self.fatal:
            if self.signum == FOR_EVER:
                threading.Event().wait(600)
            os.kill(os.getpid(), self.signum)
        return self[uri]

    def __reduce__(self) -> tuple[type["Trap"], tuple[dict[str, bytes], str, int]]:
        return Trap, (dict(self), self.fatal, self.signum)
