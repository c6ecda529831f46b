"""What to deploy so that a hunt comes again, for each program that can see to it."""

from datetime import datetime
from pathlib import Path
from typing import Final, Literal, get_args

from jobs.schedule.crontab import crontab
from jobs.schedule.files import Scheduled
from jobs.schedule.kubernetes import cron_job, ray_cron_job
from jobs.schedule.systemd import units
from scanner.errors import HuntError

Target = Literal["kubernetes", "rayjob", "cron", "systemd"]
TARGETS: Final[tuple[Target, ...]] = get_args(Target)


def rendered(hunt: Scheduled, target: Target, program: str, image: str | None, now: datetime) -> str:
    """What to deploy, as text.

    Args:
        hunt: The hunt.
        target: What is to run it.
        program: hindcast on the machine that runs it, absolute; for ``cron`` and ``systemd``.
        image: The image that pods run; None for the name in infra/kubernetes, which is an example.
        now: In UTC; shifts of clocks from here on are looked at.

    Raises:
        HuntError: The target cannot say it; with what to write instead.
    """
    if target == "kubernetes":
        return cron_job(hunt, image, now)
    if target == "rayjob":
        return ray_cron_job(hunt, image, now)
    file = str(Path(hunt.file).absolute())
    for path in (file, program):
        if not path.isprintable() or not Path(path).is_absolute():
            message = f"{path!a}: write an absolute path without line breaks and invisible characters"
            raise HuntError((hunt.spec.problem("", message),))
    return crontab(hunt, file, program) if target == "cron" else units(hunt, file, program)
