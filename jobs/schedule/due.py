"""Which hunts should have come and did not: pure decisions about what is written and what has run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from jobs.hunt_file.schedule_keys import Schedule
from jobs.schedule.standing import LastRun

GRACE: Final = timedelta(minutes=15)
"""How late a run may show in the results before it is called overdue: clusters take minutes to come up."""


@dataclass(frozen=True, slots=True)
class Times:
    """A schedule against the clock.

    Attributes:
        following: The next times, in UTC.
        missed: The latest time that no run has answered; None where all is well.
        overdue: True where that time is so long ago that somebody should look.
    """

    following: tuple[datetime, ...]
    missed: datetime | None
    overdue: bool


def times(schedule: Schedule, last: LastRun | None, now: datetime, count: int = 3) -> Times:
    """How a hunt stands.

    Args:
        schedule: When it comes.
        last: Its latest run.
        now: In UTC.
        count: How many of the next times to name.
    """
    following, after = [], now
    for _ in range(count):
        after = schedule.cron.next_after(after, schedule.zone)
        following.append(after)
    return Times(
        tuple(following), missed(schedule, last, now), missed(schedule, last, now - GRACE) is not None
    )


def missed(schedule: Schedule, last: LastRun | None, now: datetime) -> datetime | None:
    """The latest time up to now that no run has answered; those before it are not caught up."""
    at = schedule.cron.last_until(now, schedule.zone)
    return None if last is not None and last.answers(at) else at


def due(
    schedules: Mapping[str, Schedule], last_runs: Mapping[str, LastRun | None], now: datetime
) -> Sequence[str]:
    """The hunts that are to be run at once, those that have waited longest first.

    Args:
        schedules: Hunt file → when it comes.
        last_runs: Hunt file → its latest run; a hunt that is missing here could not be asked, and does not come
            before its next time.
        now: In UTC.
    """
    waiting = {
        file: at
        for file, schedule in schedules.items()
        if file in last_runs and (at := missed(schedule, last_runs[file], now)) is not None
    }
    return sorted(waiting, key=lambda file: (waiting[file], file))
