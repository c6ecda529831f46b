"""``progress.json`` beside the results: how far a run has come, for whoever has lost its terminal or its cluster."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import AwareDatetime, TypeAdapter

from jobs.watching import Progress, pace
from scanner.archive import storage
from scanner.errors import HindcastError, SourceError
from scanner.results import layout
from scanner.results.record import encode

LOCAL_S: Final = 1.0
REMOTE_S: Final = 5.0
"""Seconds between two writes, at least: a request costs time and money."""

ALIVE_S: Final = 20.0
"""Seconds between two writes, at most: a reader takes a run that is silent for much longer for dead."""

LAST_WRITE_S: Final = 3.0
"""How long a run that ends waits for a slow store to take its last words."""


_MAX_BYTES: Final = 64 << 10

Status = Literal["running", "finishing", "complete", "complete with gaps", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Progress):
    """What ``progress.json`` holds.

    Attributes:
        status: How the run stood.
        elapsed_s: Seconds since this process took it up.
        told_at: When that was, in UTC.
        told_every_s: How often it is told again, at least, while the run goes on.
    """

    status: Status
    elapsed_s: float
    told_at: AwareDatetime
    told_every_s: float


_READER: Final = TypeAdapter(Told)


def read_progress(run_uri: str) -> Told | None:
    """How far a run is, or was when it was last told; None where nothing was.

    Raises:
        SourceError: It cannot be read.
    """
    uri = layout.progress_uri(run_uri)
    try:
        return _READER.validate_json(storage.read_range(uri, 0, _MAX_BYTES))
    except storage.Missing:
        return None
    except ValueError:
        raise SourceError(uri, "this is no progress of a run") from None


class ProgressFile:
    """Writes progress down now and then. Where that fails the run goes on: the results are what matters.

    Args:
        run_uri: Folder of the run.
        clock: Seconds that only grow.
        now: The time, in UTC.

    Attributes:
        ends_as: How the run has ended, in case it does so now.
    """

    def __init__(
        self,
        run_uri: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.ends_as: Status = "failed"
        self._uri = layout.progress_uri(run_uri)
        self._every_s = LOCAL_S if storage.is_local(run_uri) else REMOTE_S
        self._clock = clock
        self._now = now
        self._latest: Progress | None = None
        self._begun = 0.0
        self._written: tuple[Progress, str] | None = None
        self._written_at = 0.0

    def __call__(self, progress: Progress) -> None:
        """Takes note of it; nothing is written before the next `beat`."""
        if self._latest is None:
            self._begun = self._clock()
        self._latest = progress

    def beat(self, *, ended: bool = False) -> None:
        """Writes the latest down, unless that was done just now, or nothing is new and the last time is not long ago.

        Args:
            ended: True to write in any case that the run has ended as `ends_as` says.
        """
        progress, now_s = self._latest, self._clock()
        if progress is None:
            return
        on: Status = "finishing" if progress.splits == progress.splits_total else "running"
        fresh = (replace(progress, under_way=0), self.ends_as) if ended else (progress, on)
        least_s = ALIVE_S if self._written == fresh else self._every_s
        if self._written is not None and not ended and now_s - self._written_at < least_s:
            return
        self._written, self._written_at = fresh, now_s
        self._write(fresh[1], fresh[0], now_s - self._begun)

    def _write(self, status: str, progress: Progress, elapsed_s: float) -> None:
        told = {**asdict(progress), "elapsed_s": elapsed_s, **asdict(pace(progress, elapsed_s))}
        rounded = {
            name: round(value, 3) if isinstance(value, float) else value for name, value in told.items()
        }
        about = {"status": status, "told_at": self._now().isoformat(), "told_every_s": ALIVE_S}
        with contextlib.suppress(OSError, HindcastError), storage.open_output(self._uri) as sink:
            sink.write(encode({**rounded, **about}))


@contextlib.contextmanager
def beating(written: ProgressFile, also: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Has a thread write progress down until the block ends, so that neither a slow store nor a slow split matters.

    Args:
        written: What writes.
        also: Called by the thread about every second; must not raise.
    """
    ends = threading.Event()

    def beat() -> None:
        while not ends.wait(LOCAL_S):
            written.beat()
            also()
        written.beat(ended=True)

    thread = threading.Thread(target=beat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join(LAST_WRITE_S)
