"""A hunt's lines for a crontab."""

import shlex
from typing import Final

from jobs.schedule.files import Scheduled
from scanner.errors import HuntError

_LONGEST: Final = 998
"""Source: MAX_COMMAND in cronie and in Vixie's cron is 1000, with the end of the line and of the text."""


def crontab(hunt: Scheduled, file: str, program: str) -> str:
    """Lines to add to a crontab.

    Args:
        hunt: The hunt.
        file: Its file, absolute.
        program: hindcast, absolute.

    Raises:
        HuntError: A crontab cannot say it.
    """
    schedule = hunt.schedule
    command = shlex.join([program, "hunt", file, "--only-new", "--quiet"])
    if "\\" in command or len(command) > _LONGEST:
        message = (
            "has a backslash in its path, or a path too long for a crontab; move it, or use `--for systemd`"
        )
        raise HuntError((hunt.spec.problem("", message),))
    # To cron, before any shell, a percent sign ends the command, quoted or not.
    escaped = command.replace("%", "\\%")
    return (
        f"# hindcast: the hunt {hunt.spec.hunt}, by the clocks of {schedule.timezone}. Add it with `crontab -e`.\n"
        "# CRON_TZ counts for every line below it. cronie knows it; Debian's cron does not and goes by the machine's\n"
        "# clocks: there use `--for systemd`. Times that the machine was off are not caught up.\n"
        f"CRON_TZ={schedule.timezone}\n"
        f"{schedule.cron.text()} {escaped}\n"
    )
