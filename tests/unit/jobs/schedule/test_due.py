from datetime import UTC, datetime, timedelta

import pytest

from jobs.hunt_file.cron import Cron
from jobs.hunt_file.schedule_keys import Schedule
from jobs.schedule.due import due, missed, times
from jobs.schedule.standing import LastRun

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NIGHTLY = Schedule(Cron.parse("0 3 * * *"), "UTC", "0 3 * * *")
LAST_NIGHT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def ended(at: datetime, status: str = "complete") -> LastRun:
    return LastRun(status, "r", at - timedelta(minutes=9), at)


@pytest.mark.parametrize(
    ("last", "answered"),
    [
        (None, False),
        (ended(LAST_NIGHT + timedelta(minutes=5)), True),
        (ended(LAST_NIGHT + timedelta(minutes=5), "complete with gaps"), True),
        (ended(LAST_NIGHT, "nothing new"), True),
        (ended(LAST_NIGHT - timedelta(seconds=1)), False),
        (LastRun("running", "r", LAST_NIGHT - timedelta(days=3)), True),
        (LastRun("unfinished", "r", LAST_NIGHT + timedelta(minutes=1)), False),
    ],
)
def test_a_night_is_answered_by_a_run_that_ended_after_it_or_still_runs(
    last: LastRun | None, answered: bool
) -> None:
    assert missed(NIGHTLY, last, NOW) == (None if answered else LAST_NIGHT)


def test_many_missed_nights_are_one_run_and_whoever_could_not_be_asked_waits_for_the_next() -> None:
    weekly = Schedule(Cron.parse("0 3 * * mon"), "UTC", "0 3 * * mon")
    schedules = {
        "b.yaml": NIGHTLY,
        "a.yaml": NIGHTLY,
        "weekly.yaml": weekly,
        "well.yaml": NIGHTLY,
        "mute.yaml": NIGHTLY,
    }
    last_runs = {
        "a.yaml": ended(NOW - timedelta(days=30)),
        "b.yaml": None,
        "weekly.yaml": ended(NOW - timedelta(days=7)),
        "well.yaml": ended(NOW - timedelta(hours=8)),
    }
    assert list(due(schedules, last_runs, NOW)) == ["weekly.yaml", "a.yaml", "b.yaml"]


def test_a_run_is_overdue_once_it_should_have_shown() -> None:
    yesterday = ended(LAST_NIGHT - timedelta(days=1, minutes=-5))
    just_now = times(NIGHTLY, yesterday, LAST_NIGHT + timedelta(minutes=14))
    assert (just_now.missed, just_now.overdue) == (LAST_NIGHT, False)
    later = times(NIGHTLY, yesterday, LAST_NIGHT + timedelta(minutes=15))
    assert (later.missed, later.overdue) == (LAST_NIGHT, True)
    assert later.following == tuple(LAST_NIGHT + timedelta(days=day) for day in (1, 2, 3))
