"""How a scheduled hunt stands: its latest run, read from its results, so that it counts whoever ran it."""

import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jobs.hunt_file.spec import HuntSpec
from jobs.watching.progress_file import ALIVE_S
from scanner.archive import storage
from scanner.errors import HindcastError
from scanner.results import layout
from scanner.results.begun import read_begun
from scanner.results.record import encode, read_record
from scanner.results.runs import UNFINISHED, RunFolder, runs_of_hunt

RUNNING: Final = "running"
NOTHING_NEW: Final = "nothing new"

_ALIVE: Final = timedelta(seconds=3 * ALIVE_S)
_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LastRun:
    """The latest run of a hunt, or the latest time that it owed nothing.

    Attributes:
        status: ``complete``, ``complete with gaps``, ``running``, ``unfinished`` or ``nothing new``.
        run_id: The run; None where nothing was owed.
        started_at: In UTC.
        ended_at: In UTC; None where it has not.
    """

    status: str
    run_id: str | None
    started_at: datetime
    ended_at: datetime | None = None

    def answers(self, at: datetime) -> bool:
        """True where nothing has to be started for a time at which the hunt was to come."""
        if self.status == RUNNING:
            return True
        return self.ended_at is not None and self.ended_at >= at


def last_run(spec: HuntSpec, now: datetime) -> LastRun | None:
    """The latest run of a hunt; None where there was none.

    Raises:
        HindcastError: The results cannot be read.
    """
    runs = (_run(folder, now) for folder in runs_of_hunt(spec.output, spec.hunt))
    latest = next((run for run in runs if run is not None), None)
    checked_at = _time(_read(_checked_uri(spec)), "checked_at")
    if checked_at is None or (latest is not None and (latest.ended_at or latest.started_at) > checked_at):
        return latest
    if latest is not None and latest.status == RUNNING:
        return latest
    return LastRun(NOTHING_NEW, None, checked_at, checked_at)


def note_nothing_new(spec: HuntSpec, now: datetime) -> None:
    """Writes down that the hunt owes nothing now. Where that fails, it only looks as if it had not been run."""
    with contextlib.suppress(OSError, HindcastError), storage.open_output(_checked_uri(spec)) as sink:
        sink.write(encode({"checked_at": now.isoformat()}))


def _checked_uri(spec: HuntSpec) -> str:
    return layout.checked_uri(layout.hunt_uri(spec.output, spec.hunt))


def _run(folder: RunFolder, now: datetime) -> LastRun | None:
    record = read_record(folder.uri)
    if record is not None:
        started_at, ended_at = _time(record, "started_at"), _time(record, "finished_at")
        return (
            LastRun(record["status"], folder.run_id, started_at, ended_at or started_at)
            if started_at
            else None
        )
    begun = read_begun(folder.uri)
    if begun is None:
        return None
    progress = _read(layout.progress_uri(folder.uri))
    told_at = _time(progress, "told_at")
    alive = (
        told_at is not None and now - told_at < _ALIVE and progress.get("status") in {RUNNING, "finishing"}
    )
    return LastRun(RUNNING if alive else UNFINISHED, folder.run_id, begun.started_at)


def _read(uri: str) -> dict[str, Any]:
    """A small document; empty where there is none, or a damaged one, which was being written."""
    try:
        document = json.loads(storage.read_range(uri, 0, _MAX_BYTES))
    except (storage.Missing, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _time(document: dict[str, Any], key: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(document[key])
    except (KeyError, TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
