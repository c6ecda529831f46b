"""`hindcast hunt FILE`."""

import functools
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import click
from rich.console import Console

from jobs.alerts.alerting import Alerting
from jobs.cli import owed, render
from jobs.cli.hunt_notes import Events, Notes, Words, tell_unsent
from jobs.cli.main import STOPPED, WITH_GAPS
from jobs.cli.progress import planning_shown, shown
from jobs.cli.results import show_command
from jobs.preparing.only_new import OnlyNew, find_new
from jobs.preparing.prepare import ExecutorChoice, Prepared, check_output, prepare
from jobs.preparing.resume import Chosen, choose, joined
from jobs.running.hunt import Run, start_executor
from jobs.running.stopping import Stopping, stopped_by_signals, terminated_like_interrupted
from jobs.running.watchers import Watchers
from jobs.schedule.standing import note_nothing_new
from jobs.watching import Progress, log
from scanner.errors import CommitUnknown, OutputError, SourceError

EXECUTORS = click.Choice(["auto", "inline", "ray"])


@click.command("hunt")
@click.argument("file", type=click.Path())
@click.option(
    "--executor",
    type=EXECUTORS,
    default="auto",
    show_default=True,
    help="Where splits run: in this process, on Ray, or what suits the size of the archive.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Run splits on the Ray cluster that is there; `auto` on one of its machines. "
    "From elsewhere, use `hindcast submit`.",
)
@click.option(
    "--run-id",
    metavar="ID",
    help="Id of the run, in place of one made from the time of its start; it begins with such a time, as "
    "20260501T030000Z-trial does.",
)
@click.option("--resume", metavar="ID", help="Go on with this unfinished run, and with no other.")
@click.option(
    "--only-new",
    is_flag=True,
    help="Read each row group only for the signatures that no finished run of this hunt has covered; makes no run "
    "where there is nothing to do.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record of the run as JSON, and no progress.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress.")
@click.option(
    "--log",
    "log_as",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar=log.VARIABLE,
    show_envvar=True,
    help="What standard error gets: words for people, or all that happens as JSON, one event a line, and "
    "nothing on standard output.",
)
def command(  # noqa: PLR0913 - one for each option
    *,
    file: str,
    executor: ExecutorChoice,
    address: str | None,
    run_id: str | None,
    resume: str | None,
    only_new: bool,
    as_json: bool,
    quiet: bool,
    log_as: str,
) -> int:
    """Run the hunt that FILE describes and keep its hits.

    All is checked before anything starts. Where the latest run of the same hunt and signatures is unfinished, this
    goes on with it. Ctrl-C stops, and keeps what is done; a second Ctrl-C leaves at once. Exit codes: 0 complete,
    3 complete with gaps (a part of the archive could not be read, and the coverage says which), 2 the input is
    wrong, 130 stopped.

    \b
    Examples:
      hindcast hunt hunts/nightly-fraud.yaml
      hindcast hunt hunts/nightly-fraud.yaml --only-new
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    started_at = datetime.now(UTC)
    click.get_current_context().with_resource(terminated_like_interrupted())
    _check_one_of(run_id, resume)
    notes = render.console(stderr=True)
    alerting = Alerting(file, started_at, tell_unsent)
    click.get_current_context().with_resource(alerting)
    if log_as == "json":
        log.turn_on(sys.stderr)
    silent = quiet or as_json or log.is_on()
    with planning_shown(notes, quiet=silent) as on_planned:
        prepared = prepare(file, started_at.date(), _executor(executor, address), on_planned)
    check_output(prepared.spec)
    chosen = choose(prepared, started_at, run_id, resume, only_new=only_new)
    new = _what_is_new(prepared, chosen, _executor(executor, address))
    prepared = new.prepared
    if new.nothing and not chosen.resumed:
        note_nothing_new(prepared.spec, started_at)
        alerting.nothing_new(prepared.spec)
        return owed.tell_nothing(new, as_json=as_json)
    chosen = joined(prepared, chosen, named=run_id is not None)
    watchers = Watchers(prepared, chosen.begun, stopping := Stopping())
    start = functools.partial(start_executor, address=address, check=watchers.check)
    run = Run(prepared, chosen.begun, start)
    alerting.watch(prepared.spec, run.uri)
    tell = _notes(_go_on(file, run, executor, address), run, watchers, notes, quiet=silent)
    try:
        tell.announce(prepared)
        owed.tell(new, notes, quiet=silent)
        if chosen.resumed:
            tell.resuming(rehashed=chosen.rehashed)
        with (
            stopped_by_signals(stopping, STOPPED, tell.left),
            shown(notes, quiet=silent) as on_progress,
        ):
            record = _execute(run, watchers, on_progress)
    except KeyboardInterrupt:
        tell.stopped()
        return STOPPED
    except (OutputError, CommitUnknown, SourceError):
        tell.how_to_go_on()
        raise
    _report(run, record, alerting, as_json=as_json)
    return WITH_GAPS if record["status"] != "complete" else 0


def _check_one_of(run_id: str | None, resume: str | None) -> None:
    if run_id and resume:
        message = "`--run-id` names a new run, and `--resume` one that has begun; leave one out"
        raise click.UsageError(message)


def _notes(go_on: str, run: Run, watchers: Watchers, console: Console, *, quiet: bool) -> Notes:
    return Events(go_on, run, watchers.log) if log.is_on() else Words(go_on, run, console, quiet=quiet)


def _go_on(file: str, run: Run, executor: ExecutorChoice, address: str | None) -> str:
    """The command that goes on with a run where it ran."""
    parts = ["hindcast", "hunt", file, "--resume", run.run_id]
    if executor != "auto":
        parts += ["--executor", executor]
    if address is not None:
        parts += ["--address", address]
    return shlex.join(parts)


def _what_is_new(prepared: Prepared, chosen: Chosen, executor: ExecutorChoice) -> OnlyNew:
    against = chosen.begun.against
    return OnlyNew(prepared) if against is None else find_new(prepared, against, executor)


def _execute(run: Run, watchers: Watchers, on_progress: Callable[[Progress], None]) -> dict[str, object]:
    def progress(known: Progress) -> None:
        on_progress(known)
        watchers.progress(known)

    with watchers.watch():
        record = run.execute(progress, watcher=watchers)
        watchers.finished(record)
        return record


def _executor(chosen: ExecutorChoice, address: str | None) -> ExecutorChoice:
    if address is None:
        return chosen
    if chosen == "inline":
        message = "`--executor inline` runs in this process, and `--address` on a cluster; leave one out"
        raise click.UsageError(message)
    return "ray"


def _report(run: Run, record: dict[str, object], alerting: Alerting, *, as_json: bool) -> None:
    try:
        if as_json:
            render.print_json(record)
        elif not log.is_on():
            click.get_current_context().invoke(show_command, run=run.uri)
            click.echo(f"See this again: {render.safe(f'hindcast results show {shlex.quote(run.uri)}')}")
    finally:
        # Also where nobody reads what is printed.
        alerting.finished(record)
