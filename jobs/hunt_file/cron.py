"""Cron expressions as crontab, systemd and Kubernetes all read them, and the times they stand for.

Programs that read cron agree on five fields of numbers, names, ranges, lists and steps, and differ beyond. What they
would read differently is refused here, so that a hunt comes at the same times wherever it is deployed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice, pairwise
from typing import Final

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SUNDAY: Final = 7
_DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SHORTHANDS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PART: Final = re.compile(
    r"(?P<first>\*|[a-z]{3}|[0-9]{1,2})(-(?P<last>[a-z]{3}|[0-9]{1,2}))?(/(?P<step>[0-9]{1,2}))?"
)

_LONGEST_DAYS: Final = 366 * 17
"""Two leap days may lie sixteen years ahead: those around 1900 and 2100 are eight years apart."""

_FIRES_COMPARED: Final = 400
"""Enough for the shortest way between two times, whatever day, month and shift of clocks it falls on."""


class CronError(ValueError):
    """This is no expression that all programs read alike; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class _Field:
    """Values a field may take.

    Attributes:
        name: For messages.
        lowest: The smallest value.
        highest: The largest value.
        names: Words for values, from ``first_named`` on.
        first_named: Value of the first word.
    """

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    first_named: int = 0


_MINUTE: Final = _Field("minute", 0, 59)
_HOUR: Final = _Field("hour", 0, 23)
_DAY: Final = _Field("day of the month", 1, 31)
_MONTH: Final = _Field("month", 1, 12, _MONTHS, 1)
_WEEKDAY: Final = _Field("day of the week", 0, _SUNDAY, _WEEKDAYS)
_FIELDS: Final = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression.

    Attributes:
        minutes: Minutes of the hour, in order.
        hours: Hours of the day, in order.
        days: Days of the month, in order; None for every day.
        months: Months, from 1, in order.
        weekdays: Days of the week, 0 for Sunday, in order; None for every day. Beside ``days``, a date that is in
            one of the two counts.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...] | None

    @classmethod
    def parse(cls, text: str) -> "Cron":
        """Reads five fields, or one of the shorthands such as ``@daily``.

        Raises:
            CronError: With what to write instead.
        """
        words = _words(text)
        for word, field in zip(words, _FIELDS, strict=True):
            if word.startswith("*/") and field in (_DAY, _WEEKDAY) and "*" not in (words[2], words[4]):
                message = (
                    f"programs read `{word}` beside a day of the {'week' if field is _DAY else 'month'} differently; "
                    f"write the {field.name} as numbers"
                )
                raise CronError(message)
        minutes, hours, days, months, weekdays = (
            _values(word, field) for word, field in zip(words, _FIELDS, strict=True)
        )
        if words[4] == "*" and not any(days[0] <= _DAYS_IN_MONTH[month - 1] for month in months):
            message = f"no month of these has a day {days[0]}; it would never run"
            raise CronError(message)
        return cls(
            minutes,
            hours,
            None if words[2] == "*" else days,
            months,
            None if words[4] == "*" else tuple(sorted({value % _SUNDAY for value in weekdays})),
        )

    @property
    def every_hour(self) -> bool:
        """True where it comes in all hours of a day, so that a shift of the clocks changes nothing."""
        return len(self.hours) == _HOUR.highest + 1

    def text(self) -> str:
        """The same in numbers that every program reads, Sunday as 0."""
        fields = (self.minutes, self.hours, self.days, self.months, self.weekdays)
        return " ".join(_written(values, field) for values, field in zip(fields, _FIELDS, strict=True))

    def on(self, day: date) -> bool:
        """Whether it comes on a day."""
        if day.month not in self.months:
            return False
        in_month = self.days is not None and day.day in self.days
        in_week = self.weekdays is not None and day.isoweekday() % _SUNDAY in self.weekdays
        return in_month or in_week or (self.days is None and self.weekdays is None)

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime:
        """The first time after a moment, in UTC."""
        return next(self._times(moment, zone, 1))

    def last_until(self, moment: datetime, zone: tzinfo) -> datetime:
        """The last time that is not after a moment, in UTC."""
        return next(self._times(moment, zone, -1))

    def shortest_gap(self, moment: datetime, zone: tzinfo) -> timedelta:
        """The shortest way from one time to the next, among those after a moment."""
        times = islice(self._times(moment, zone, 1), _FIRES_COMPARED)
        return min(after - before for before, after in pairwise(times))

    def _times(self, moment: datetime, zone: tzinfo, direction: int) -> Iterator[datetime]:
        """Times after a moment, in order, or those that are not after it, the latest first.

        A local time that a shift of the clocks leaves out comes as much later as they were put forward, and of one
        that is there twice the first counts. Where every hour counts, hours are what they are.
        """
        start = moment.astimezone(zone).date()
        for number in range(-1, _LONGEST_DAYS):
            day = start + timedelta(days=direction * number)
            if not self.on(day):
                continue
            for at in self._of_day(day, zone)[::direction]:
                if (at > moment) == (direction > 0):
                    yield at

    def _of_day(self, day: date, zone: tzinfo) -> list[datetime]:
        """Times of a day, in order."""
        midnight = datetime.combine(day, time(), zone)
        following = datetime.combine(day + timedelta(days=1), time(), zone)
        if midnight.utcoffset() != following.utcoffset():
            return sorted(self._of_shifted_day(day, zone))
        start = midnight.astimezone(UTC)
        return [
            start + timedelta(hours=hour, minutes=minute) for hour in self.hours for minute in self.minutes
        ]

    def _of_shifted_day(self, day: date, zone: tzinfo) -> set[datetime]:
        times = set()
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime.combine(day, time(hour, minute), zone)
                at = local.astimezone(UTC)
                left_out = at.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)
                if self.every_hour:
                    if left_out:
                        continue
                    times.add(local.replace(fold=1).astimezone(UTC))
                times.add(at)
        return times


def _words(text: str) -> tuple[str, ...]:
    lowered = text.strip().lower()
    if lowered.startswith("@"):
        if lowered not in _SHORTHANDS:
            message = (
                f"`{text}` is no time that comes again; write five fields such as `0 3 * * *`, or `@daily`"
            )
            raise CronError(message)
        lowered = _SHORTHANDS[lowered]
    words = tuple(lowered.split())
    if len(words) != len(_FIELDS):
        message = (
            f"must have five fields (minute, hour, day of the month, month, day of the week) and has {len(words)}; "
            "write `0 3 * * *` for every night at three"
        )
        raise CronError(message)
    return words


def _values(word: str, field: _Field) -> tuple[int, ...]:
    """The values of a field, in order."""
    values: set[int] = set()
    for part in word.split(","):
        values.update(_range(part, word, field))
    return tuple(sorted(values))


def _range(part: str, word: str, field: _Field) -> range:
    found = _PART.fullmatch(part)
    if found is None:
        message = f"`{part}` is no {field.name}; write numbers, `*`, `1-5`, `1,15` or `*/15`"
        raise CronError(message)
    first, last, step = found["first"], found["last"], found["step"]
    if first == "*":
        if last or part != word:
            message = f"`*` in `{word}` says every {field.name} already; write `*` alone, or the numbers"
            raise CronError(message)
        lowest, highest = field.lowest, min(field.highest, 6) if field is _WEEKDAY else field.highest
    else:
        lowest = _number(first, field)
        highest = _number(last, field) if last else lowest
    if step and not last and first != "*":
        message = f"programs read `{part}` differently; write `{first}-{field.highest}/{step}`"
        raise CronError(message)
    if lowest > highest:
        message = f"`{part}` runs backwards; write it as a list of two, such as `5-6,0-1`"
        raise CronError(message)
    if step and not 1 <= int(step) <= field.highest:
        message = f"the step of `{part}` must be from 1 to {field.highest}"
        raise CronError(message)
    return range(lowest, highest + 1, int(step or 1))


def _number(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names.index(text) + field.first_named
    if not text.isdigit() or not field.lowest <= int(text) <= field.highest:
        message = f"`{text}` is no {field.name}; it is from {field.lowest} to {field.highest}"
        raise CronError(message)
    return int(text)


def _written(values: tuple[int, ...] | None, field: _Field) -> str:
    lowest, highest = field.lowest, 6 if field is _WEEKDAY else field.highest
    if values is None or (len(values) == highest - lowest + 1 and field not in (_DAY, _WEEKDAY)):
        return "*"
    return ",".join(map(str, values))
