"""A hunt as a service of systemd and the timer that starts it."""

from collections.abc import Iterator, Sequence
from typing import Final

from jobs.hunt_file.cron import Cron
from jobs.schedule.files import Scheduled
from scanner.errors import HuntError

_WEEKDAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_STOP_S: Final = 15
"""More than a hunt takes to leave."""


def units(hunt: Scheduled, file: str, program: str) -> str:
    """Both units, each below its name.

    Args:
        hunt: The hunt.
        file: Its file, absolute.
        program: hindcast, absolute.

    Raises:
        HuntError: A unit cannot say it.
    """
    if "$" in program:
        message = (
            f"`{program}` has a `$` in its path, which systemd takes for a variable; name another `--program`"
        )
        raise HuntError((hunt.spec.problem("", message),))
    name = f"hindcast-{hunt.spec.hunt}"
    calendar = "".join(
        f"OnCalendar={each} {hunt.schedule.timezone}\n" for each in calendars(hunt.schedule.cron)
    )
    return f"""\
# Two files for /etc/systemd/system, or for ~/.config/systemd/user. Then: systemctl enable --now {name}.timer

# ---- {name}.service
[Unit]
Description=hindcast: the hunt {hunt.spec.hunt}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={_quoted(program)} hunt {_quoted(file)} --only-new --quiet
# Complete with gaps: it has ended, and its coverage and alerts tell of the gaps.
SuccessExitStatus=3
TimeoutStopSec={_STOP_S}

# ---- {name}.timer
[Unit]
Description=hindcast: when the hunt {hunt.spec.hunt} comes

[Timer]
{calendar}# A time at which the machine was off is caught up once.
Persistent=true

[Install]
WantedBy=timers.target
"""


def calendars(cron: Cron) -> Iterator[str]:
    """Expressions that together are the times of cron, without their zone.

    In an expression of systemd a date must be in both, days of the month and of the week; in cron one is enough.
    """
    time = f"{_listed(cron.hours, 24)}:{_listed(cron.minutes, 60)}:00"
    months = _listed(cron.months, 12)
    if cron.days is not None or cron.weekdays is None:
        yield f"*-{months}-{_listed(cron.days or (), 0)} {time}"
    if cron.weekdays is not None:
        weekdays = ",".join(_WEEKDAYS[day] for day in cron.weekdays)
        yield f"{weekdays} *-{months}-* {time}"


def _listed(values: Sequence[int], of_all: int) -> str:
    if len(values) == of_all:
        return "*"
    return ",".join(f"{value:02}" for value in values)


def _quoted(text: str) -> str:
    """A word of a command line in a unit: neither specifier nor variable nor end of quotes."""
    for sign, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        text = text.replace(sign, escaped)
    return f'"{text}"'
