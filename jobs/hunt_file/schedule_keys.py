"""The key ``schedule`` of a hunt file: when it comes again."""

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from jobs.hunt_file.cron import Cron, CronError
from scanner.signatures import source

_EXAMPLE: Final = 'cron: "0 3 * * *"'
_KEYS: Final = ("cron", "timezone")

Wrong = Callable[[source.Path, str], None]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a hunt comes again.

    Attributes:
        cron: At what local times.
        timezone: Name of the zone whose clocks count, as the IANA has it.
        written: The expression as it stands in the file.
    """

    cron: Cron
    timezone: str
    written: str

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The zone whose clocks count."""
        return zoneinfo.ZoneInfo(self.timezone)


def read_schedule(value: source.Value | None, wrong: Wrong) -> Schedule | None:
    """Reads the value of ``schedule``.

    Args:
        value: As it stands in the file; None where it does not.
        wrong: Is told what is wrong, and with which key.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        wrong(("schedule",), f"must be a map; write `{_EXAMPLE}` below it, indented")
        return None
    for key in value:
        if key not in _KEYS:
            wrong(("schedule", key), "there is no such key; the keys here are `cron`, `timezone`")
    timezone = _timezone(value.get("timezone", "UTC"), wrong)
    written = value.get("cron")
    if not isinstance(written, str):
        wrong(("schedule", "cron"), f"is missing, or no text; write `{_EXAMPLE}`")
        return None
    try:
        return Schedule(Cron.parse(written), timezone, written)
    except CronError as error:
        wrong(("schedule", "cron"), str(error))
        return None


def as_written(schedule: Schedule) -> dict[str, object]:
    """The same as keys of a hunt file."""
    return {"cron": schedule.written, "timezone": schedule.timezone}


def _timezone(value: source.Value, wrong: Wrong) -> str:
    if isinstance(value, str) and value in zoneinfo.available_timezones():
        return value
    wrong(("schedule", "timezone"), "is no name of a time zone; write one such as `UTC` or `Europe/Berlin`")
    return "UTC"
