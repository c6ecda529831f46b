"""Hunts as processes of their own, each only once on this machine, and all of them stopped together."""

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from jobs.hunt_file.spec import HuntSpec
from jobs.running.stopping import PATIENCE_S

STOP_S: Final = 2 * PATIENCE_S + 2
"""How long hunts that are asked to stop may take; after `PATIENCE_S` each leaves by itself."""


class Children:
    """Starts hunts, and ends those that are left.

    Args:
        words: The command that a hunt file follows.
    """

    def __init__(self, words: Sequence[str] = (sys.executable, "-P", "-m", "jobs.cli.main", "hunt")) -> None:
        self._words = tuple(words)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def hunt(self, file: str, held: IO[bytes]) -> int | None:
        """Runs one hunt to its end; its exit code, below zero where a signal ended it, None where all were stopped.

        Args:
            file: The hunt file.
            held: The open file that `claimed` gave. The hunt keeps it open, so that it stays claimed should this
                process be killed and the hunt go on.
        """
        with self._lock:
            if self._stopped:
                return None
            # A session of its own: Ctrl-C in a terminal reaches this process, which stops hunts one after another.
            child = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [*self._words, file, "--only-new", "--quiet"],
                stdin=subprocess.DEVNULL,
                pass_fds=(held.fileno(),),
                start_new_session=True,
            )
            self._running.add(child)
        try:
            return child.wait()
        finally:
            with self._lock:
                self._running.discard(child)

    @property
    def stopped(self) -> bool:
        """True once nothing is started any more."""
        return self._stopped

    def stop(self, patience_s: float = STOP_S) -> None:
        """Asks every hunt to stop, and ends those that do not; no other one is started any more."""
        with self._lock:
            self._stopped = True
            running = tuple(self._running)
        for child in running:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        for child in running:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()


@contextmanager
def claimed(spec: HuntSpec, folder: Path) -> Iterator[IO[bytes] | None]:
    """Claims a hunt for this process and those that it starts; None where somebody else has it.

    Args:
        spec: The hunt.
        folder: Where claims lie.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = hashlib.sha256(f"{spec.output}\0{spec.hunt}".encode()).hexdigest()[:32]
    with (folder / f"{name}.lock").open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield stream


def claims_folder() -> Path:
    """Where this user's schedulers claim hunts."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(base) / "hindcast/claims"
