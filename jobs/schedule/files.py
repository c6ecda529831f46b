"""The hunt files that a schedule is made of: found, read, and read again when they change."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.hunt_file.schedule_keys import Schedule
from jobs.hunt_file.spec import HuntSpec, load_hunt
from scanner.errors import HuntError, Problem

_SUFFIXES: Final = (".yaml", ".yml")
_IS_HUNT: Final = re.compile(rb"(?m)^(\xef\xbb\xbf)?['\"]?hunt['\"]?\s*:")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A hunt with a schedule.

    Attributes:
        file: The hunt file.
        spec: What stands in it.
        schedule: When it comes.
    """

    file: str
    spec: HuntSpec
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Reading:
    """What hunt files say.

    Attributes:
        scheduled: The hunts that have a schedule.
        problems: What is wrong with the others.
        unreadable: Files that are no hunts as they stand.
    """

    scheduled: tuple[Scheduled, ...]
    problems: tuple[Problem, ...]
    unreadable: frozenset[str]


def find_hunts(paths: Sequence[str]) -> list[str]:
    """The files named, and of each folder named the hunts that lie directly in it, in order.

    Raises:
        HuntError: There is no such file or folder, or a folder without hunts.
    """
    problems: list[Problem] = []
    files: dict[str, None] = {}
    for named in paths:
        path = Path(named)
        try:
            found = list(_hunts_in(path)) if path.is_dir() else [named] * path.is_file()
        except OSError as error:
            problems.append(
                Problem(named, 0, "", f"cannot be read: {(error.strerror or str(error)).lower()}")
            )
            continue
        if not found:
            missing = "hunt in this folder" if path.is_dir() else "such file or folder"
            message = f"there is no {missing}; name hunt files, or a folder of them"
            problems.append(Problem(named, 0, "", message))
        files |= dict.fromkeys(found)
    if problems:
        raise HuntError(tuple(problems))
    return list(files)


def read_schedules(files: Sequence[str]) -> Reading:
    """Reads every file, whatever is wrong with others."""
    good: dict[tuple[str, str], Scheduled] = {}
    problems: list[Problem] = []
    unreadable: set[str] = set()
    for file in files:
        try:
            spec = load_hunt(file)
        except HuntError as error:
            problems += error.problems
            unreadable.add(file)
            continue
        same = good.get((spec.output, spec.hunt))
        if spec.schedule is None:
            message = 'has no schedule; write `schedule: {cron: "0 3 * * *"}`, or leave this file out'
            problems.append(Problem(file, 0, "", message))
        elif same is not None:
            problems.append(
                spec.problem("hunt", f"is the same hunt as {same.file}; give it another name or output")
            )
        else:
            good[spec.output, spec.hunt] = Scheduled(file, spec, spec.schedule)
    return Reading(tuple(good.values()), tuple(problems), frozenset(unreadable))


class Watched:
    """Hunt files whose changes are noticed.

    Args:
        paths: Files and folders.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._known: dict[str, tuple[int, ...]] = {}

    def changed(self) -> list[str] | None:
        """All files as they are named now, where any has changed since the last call; None where none has."""
        try:
            files = find_hunts(self._paths)
        except HuntError:
            # An editor or a deployment that moves files aside for a moment.
            files = [path for path in self._paths if Path(path).is_file()]
        now = {file: _state(Path(file)) for file in files}
        if now == self._known:
            return None
        self._known = now
        return files


def _hunts_in(folder: Path) -> Iterator[str]:
    """Other YAML may lie beside hunts, and is not theirs."""
    for path in sorted(folder.iterdir()):
        if path.suffix in _SUFFIXES and path.is_file() and _may_be_hunt(path):
            yield str(path)


def _may_be_hunt(path: Path) -> bool:
    try:
        return _IS_HUNT.search(path.read_bytes()) is not None
    except FileNotFoundError:
        return False
    except OSError:
        # Whoever reads it says why it cannot be read.
        return True


def _state(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino
