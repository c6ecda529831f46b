"""`hindcast schedule`: hunts that come again, listed, run on this machine, or deployed elsewhere."""

import importlib.util
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import click

from jobs.cli import render
from jobs.cli.main import STOPPED
from jobs.schedule.children import Children, claims_folder
from jobs.schedule.deploy import TARGETS, Target, rendered
from jobs.schedule.due import Times, times
from jobs.schedule.files import Scheduled, find_hunts, read_schedules
from jobs.schedule.standing import LastRun, last_run
from scanner.archive import storage
from scanner.errors import HindcastError, HuntError, Problem

_WITHOUT_APSCHEDULER = (
    "needs APScheduler; run `pip install 'hindcast[schedule]'`, or deploy it: `hindcast schedule render`"
)


@click.group("schedule")
def command() -> None:
    """List hunts that come again, run them on this machine, or print what to deploy.

    When a hunt comes stands in its file: `schedule: {cron: "0 3 * * *", timezone: Europe/Berlin}`. A scheduled run
    hunts only what is new (`--only-new`).

    \b
    Example:
      hindcast schedule list hunts/
      hindcast schedule run hunts/
      hindcast schedule render hunts/nightly-fraud.yaml --for systemd
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines


@command.command("list")
@click.argument("paths", nargs=-1, required=True, metavar="HUNT.yaml... | FOLDER")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(paths: Sequence[str], as_json: bool) -> None:
    """Show when hunts come next, how their last run ended, and which are overdue.

    A hunt is overdue where no run has answered its last time for a quarter of an hour, whoever was to run it.

    \b
    Example:
      hindcast schedule list hunts/
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    reading = read_schedules(find_hunts(paths))
    now = datetime.now(UTC)
    standing = [_stands(each, now) for each in reading.scheduled]
    if reading.problems and not standing:
        raise HuntError(reading.problems)
    render.print_problems(reading.problems)
    for each in standing:
        if each.unknown:
            click.echo(render.safe(f"{each.hunt.spec.hunt}: {each.unknown}"), err=True)
    if as_json:
        render.print_json([_as_dict(each) for each in standing])
        return
    table = render.table(("hunt", "schedule", "next", "last run", "outcome", ""))
    for each in standing:
        schedule, zone = each.hunt.schedule, each.hunt.schedule.zone
        last = _clock(each.last.started_at, zone) if each.last else ""
        outcome = "not known" if each.unknown else each.last.status if each.last else "never ran"
        state = "OVERDUE" if each.overdue else ""
        written = f"{schedule.written} {schedule.timezone}"
        cells = (each.hunt.spec.hunt, written, _clock(each.times.following[0], zone), last, outcome, state)
        table.add_row(*map(render.safe, cells))
    render.console().print(table)


@command.command("run")
@click.argument("paths", nargs=-1, required=True, metavar="HUNT.yaml... | FOLDER")
@click.option(
    "--at-once",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Hunts that may run at the same time; others wait.",
)
def run_command(paths: Sequence[str], at_once: int) -> int:
    """Run hunts on this machine whenever they are due, until stopped.

    Each run is a process of its own, and of each hunt there is one at a time. A time that was missed while this did
    not run is caught up once. Hunt files that change are read again. Ctrl-C and SIGTERM stop the hunts under way,
    which are gone on with the next time, and end this with exit code 130.

    \b
    Example:
      hindcast schedule run hunts/
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    if importlib.util.find_spec("apscheduler") is None:
        raise HuntError((Problem("hindcast schedule run", 0, "", _WITHOUT_APSCHEDULER),))
    # An extra that need not be installed.
    from jobs.schedule.resident import Resident  # noqa: PLC0415

    reading = read_schedules(find_hunts(paths))
    if not reading.scheduled:
        raise HuntError(reading.problems)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    Resident(paths, claims_folder(), _tell, at_once, Children()).run(stop)
    return STOPPED


@command.command("render")
@click.argument("file", type=click.Path(), metavar="HUNT.yaml")
@click.option("--for", "target", type=click.Choice(TARGETS), required=True, help="What is to run it.")
@click.option(
    "--program",
    metavar="PATH",
    help="hindcast on the machine that is to run it; for cron and systemd.  [default: this one]",
)
@click.option(
    "--image", metavar="NAME", help="The image that pods run, where it is not that of infra/kubernetes."
)
def render_command(file: str, target: Target, program: str | None, image: str | None) -> None:
    """Print what to deploy so that a hunt comes as its file says.

    `kubernetes` prints a CronJob that starts a RayJob, and `rayjob` KubeRay's own RayCronJob, both for the namespace
    that infra/kubernetes sets up. `cron` prints lines for a crontab, `systemd` a service and its timer.

    \b
    Example:
      hindcast schedule render hunts/nightly-fraud.yaml --for kubernetes | kubectl apply --filename -
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    reading = read_schedules(find_hunts([file]))
    if reading.problems:
        raise HuntError(reading.problems)
    (hunt,) = reading.scheduled
    click.echo(rendered(hunt, target, program or _this_program(), image, datetime.now(UTC)), nl=False)


@dataclass(frozen=True, slots=True)
class _Standing:
    hunt: Scheduled
    last: LastRun | None
    times: Times
    unknown: str | None = None

    @property
    def overdue(self) -> bool | None:
        return None if self.unknown else self.times.overdue


def _stands(hunt: Scheduled, now: datetime) -> _Standing:
    storage.configure(hunt.spec.storage)
    try:
        last = last_run(hunt.spec, now)
    except HindcastError as error:
        return _Standing(hunt, None, times(hunt.schedule, None, now), str(error))
    return _Standing(hunt, last, times(hunt.schedule, last, now))


def _as_dict(each: _Standing) -> dict[str, object]:
    last = each.last
    return {
        "hunt": each.hunt.spec.hunt,
        "file": each.hunt.file,
        "cron": each.hunt.schedule.written,
        "timezone": each.hunt.schedule.timezone,
        "next": list(each.times.following),
        "last_run": None
        if last is None
        else {
            "run_id": last.run_id,
            "status": last.status,
            "started_at": last.started_at,
            "ended_at": last.ended_at,
        },
        "missed_since": None if each.unknown else each.times.missed,
        "overdue": each.overdue,
        "unknown": each.unknown,
    }


def _clock(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%a %Y-%m-%d %H:%M")


def _tell(text: str) -> None:
    click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z {render.safe(text)}")
    sys.stdout.flush()


def _this_program() -> str:
    """The console script beside this interpreter."""
    return str(Path(sys.executable).absolute().with_name("hindcast"))
