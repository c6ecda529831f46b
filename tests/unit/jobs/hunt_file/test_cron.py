from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.hunt_file.cron import Cron, CronError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)  # a Sunday


def following(text: str, count: int = 3, zone: ZoneInfo = BERLIN, after: datetime = NOW) -> list[str]:
    cron, times = Cron.parse(text), []
    for _ in range(count):
        after = cron.next_after(after, zone)
        times.append(after.astimezone(zone).strftime("%m-%d %H:%M"))
    return times


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0 3 * * *", ["11-23 03:00", "11-24 03:00", "11-25 03:00"]),
        ("*/20 13 * * *", ["11-22 13:40", "11-23 13:00", "11-23 13:20"]),
        ("@weekly", ["11-29 00:00", "12-06 00:00", "12-13 00:00"]),
        ("0 0 * * 5-7", ["11-27 00:00", "11-28 00:00", "11-29 00:00"]),
        ("30 13 * * SUN,mon", ["11-23 13:30", "11-29 13:30", "11-30 13:30"]),
        ("0 0 13 * fri", ["11-27 00:00", "12-04 00:00", "12-11 00:00"]),  # one of the two is enough
        ("0 0 31 * *", ["12-31 00:00", "01-31 00:00", "03-31 00:00"]),
        ("0 0 29 2 *", ["02-29 00:00", "02-29 00:00", "02-29 00:00"]),
    ],
)
def test_times(text: str, times: list[str]) -> None:
    assert following(text) == times


def test_shifts_of_the_clocks_neither_lose_nor_double_a_night() -> None:
    spring = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert following("30 2 * * *", after=spring) == ["03-28 03:30", "03-29 02:30", "03-30 02:30"]
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert following("30 2 * * *", after=autumn) == ["10-25 02:30", "10-26 02:30", "10-27 02:30"]
    assert Cron.parse("0 * * * *").shortest_gap(autumn, BERLIN) == timedelta(hours=1)
    hours = following("0 * * * *", 26, after=autumn.replace(hour=20))
    assert hours.count("10-25 02:00") == 2


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "*/7", "5-50/5", "1,2,59"]),
    st.sampled_from(["*", "0", "2", "23", "*/6", "1-3"]),
    st.sampled_from(["*", "1", "29", "31", "10-20"]),
    st.sampled_from(["*", "jan", "2,3", "*/5"]),
    st.sampled_from(["*", "0", "mon-fri", "6,7"]),
)
MOMENTS = st.integers(0, 20 * 366 * 86_400).map(
    lambda s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata"])


@given(FIELDS, MOMENTS, ZONES)
def test_last_and_next_are_neighbours_and_what_is_written_says_the_same(
    fields: tuple[str, ...], moment: datetime, zone_name: str
) -> None:
    try:
        cron = Cron.parse(" ".join(fields))
    except CronError:
        return
    zone = ZoneInfo(zone_name)
    after = cron.next_after(moment, zone)
    before = cron.last_until(moment, zone)
    assert before <= moment < after
    assert cron.next_after(before, zone) == after
    assert cron.last_until(after, zone) == after
    assert Cron.parse(cron.text()).next_after(moment, zone) == after


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 3 * *", "(minute, hour, day of the month, month, day of the week) and has 4;"),
        ("0 0 3 * * *", "and has 6; write"),
        ("", "and has 0; write"),
        ("@reboot", "is no time that comes again"),
        ("60 3 * * *", "`60` is no minute; it is from 0 to 59"),
        ("0 3 * foo *", "`foo` is no month"),
        ("0 3 L * *", "`l` is no day of the month; write numbers"),
        ("0 3 * * 1#2", "`1#2` is no day of the week"),
        ("H 3 * * *", "`h` is no minute"),
        ("5/15 * * * *", "write `5-59/15`"),
        ("0 22-2 * * *", "runs backwards"),
        ("0 3 * * fri-sun", "runs backwards"),
        ("*/0 * * * *", "the step of `*/0` must be"),
        ("*,5 * * * *", "says every minute already"),
        ("*-5 * * * *", "says every minute already"),
        ("0 3 30 2 *", "no month of these has a day 30"),
        ("0 3 */2 * mon", "programs read `*/2` beside a day of the week differently"),
        ("٣ 3 * * *", "is no minute"),
    ],
)
def test_what_programs_read_differently_is_refused(text: str, message: str) -> None:
    with pytest.raises(CronError) as caught:
        Cron.parse(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "zone_name", ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia"]
)
def test_days_without_a_shift_of_the_clocks_are_counted_as_those_with_one(zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    for text in ("*/30 * * * *", "15 0,1,2,3,23 * * *"):
        cron = Cron.parse(text)
        for number in range(366):
            day = date(2027, 1, 1) + timedelta(days=number)
            assert cron._of_day(day, zone) == sorted(cron._of_shifted_day(day, zone))
