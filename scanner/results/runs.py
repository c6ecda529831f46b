"""Finds the runs that lie under a URI."""

import re
from dataclasses import dataclass
from typing import Any, Final

from scanner.archive import storage
from scanner.errors import HuntError, Problem
from scanner.results import layout
from scanner.results.begun import read_begun
from scanner.results.record import read_record

UNFINISHED: Final = "unfinished"

_BY_TIME: Final = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run lies.

    Attributes:
        uri: Its folder.
        hunt: Name of its hunt.
        run_id: Its id.
    """

    uri: str
    hunt: str
    run_id: str

    @property
    def finished(self) -> bool:
        """True where ``run.json`` stands."""
        return storage.exists(layout.record_uri(self.uri))


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line about a run.

    Attributes:
        hunt: Name of its hunt.
        run_id: Its id.
        uri: Its folder.
        status: ``complete``, ``complete with gaps`` or ``unfinished``.
        started_at: ISO 8601; None where an unfinished run does not tell.
        splits: Splits that are committed.
        failed: Splits, and files of which none could be made, that could not be read; None while it is unfinished.
        hits: Hits found; None while it is unfinished.
    """

    hunt: str
    run_id: str
    uri: str
    status: str
    started_at: str | None
    splits: int
    failed: int | None
    hits: int | None


def list_runs(uri: str) -> list[RunSummary]:
    """Every run under an output, a hunt's folder or a run's folder, by hunt, the latest first.

    Raises:
        HuntError: There is no such folder, or a run's record is damaged.
    """
    return [_summary(folder) for folder in run_folders(uri)]


def run_folders(uri: str) -> list[RunFolder]:
    """Every run under an output, a hunt's folder or a run's folder, by hunt, the latest first.

    Raises:
        HuntError: There is no such folder.
    """
    path = storage.canonical(uri)
    if not storage.is_folder(path):
        raise HuntError((Problem(uri, 0, "", "there is no such folder; name an output, a hunt or a run"),))
    names = layout.names_of(path)
    if names:
        return [RunFolder(path, *names)]
    name = path.rpartition("/")[2]
    if name.startswith(layout.HUNT):
        return _runs_of(path, name.removeprefix(layout.HUNT))
    hunts = [name for name in storage.list_names(path) if name.startswith(layout.HUNT)]
    return [run for hunt in hunts for run in _runs_of(f"{path}/{hunt}", hunt.removeprefix(layout.HUNT))]


def runs_of_hunt(output: str, hunt: str) -> list[RunFolder]:
    """Every run of one hunt under an output, the latest first; none where there is nothing yet."""
    return _runs_of(layout.hunt_uri(storage.canonical(output), hunt), hunt)


def _runs_of(hunt_uri: str, hunt: str) -> list[RunFolder]:
    names = [name for name in storage.list_names(hunt_uri) if name.startswith(layout.RUN)]
    ids = sorted((name.removeprefix(layout.RUN) for name in names), key=by_start, reverse=True)
    return [RunFolder(f"{hunt_uri}/{layout.RUN}{run_id}", hunt, run_id) for run_id in ids]


def by_start(run_id: str) -> tuple[bool, str]:
    """Sorts ids of runs by their start, with which they begin.

    Ids that do not come before all that do: by its name alone, a run ``trial`` would be the latest for ever.
    """
    return _BY_TIME.match(run_id) is not None, run_id


def _summary(folder: RunFolder) -> RunSummary:
    record = read_record(folder.uri)
    if record is None:
        splits = len(storage.list_names(layout.commits_uri(folder.uri)))
        begun = read_begun(folder.uri)
        started_at = begun.started_at.isoformat() if begun else None
        return RunSummary(folder.hunt, folder.run_id, folder.uri, UNFINISHED, started_at, splits, None, None)
    totals: dict[str, Any] = record["totals"]
    return RunSummary(
        folder.hunt,
        folder.run_id,
        folder.uri,
        record["status"],
        record["started_at"],
        totals.get("splits", 0) - totals.get("files_unreadable", 0),
        totals.get("failed", 0),
        totals.get("hits", 0),
    )
