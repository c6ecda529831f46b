"""`hindcast hunt FILE`."""

import functools
import shlex
from datetime import UTC, datetime

import click
from rich.console import Console

from jobs.cli import render
from jobs.cli.main import STOPPED, WITH_GAPS
from jobs.cli.progress import planning_shown, shown
from jobs.cli.results import show_command
from jobs.hunt import Progress, Run, start_executor
from jobs.prepare import ExecutorChoice, Prepared, check_output, prepare
from jobs.progress_file import ProgressFile
from jobs.resume import choose
from jobs.stopping import Stopping, stopped_by_signals
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
    "--run-id", metavar="ID", help="Id of the run, in place of one made from the time of its start."
)
@click.option("--resume", metavar="ID", help="Go on with this unfinished run, and with no other.")
@click.option("--json", "as_json", is_flag=True, help="Print the record of the run as JSON, and no progress.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress.")
def command(  # noqa: PLR0913 - one for each option
    *,
    file: str,
    executor: ExecutorChoice,
    address: str | None,
    run_id: str | None,
    resume: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run the hunt that FILE describes and keep its hits.

    All is checked before anything starts. Where the latest run of the same hunt and signatures is unfinished, this
    goes on with it. Ctrl-C stops, and keeps what is done; a second Ctrl-C leaves at once. Exit codes: 0 complete,
    3 complete with gaps (a part of the archive could not be read, and the coverage says which), 2 the input is
    wrong, 130 stopped.

    \b
    Example:
      hindcast hunt hunts/nightly-fraud.yaml
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    started_at = datetime.now(UTC)
    if run_id and resume:
        message = "`--run-id` names a new run, and `--resume` one that has begun; leave one out"
        raise click.UsageError(message)
    notes = render.console(stderr=True)
    silent = quiet or as_json
    with planning_shown(notes, quiet=silent) as on_planned:
        prepared = prepare(file, started_at.date(), _executor(executor, address), on_planned)
    check_output(prepared.spec)
    chosen = choose(prepared, started_at, run_id, resume)
    stopping = Stopping()
    start = functools.partial(start_executor, address=address, check=stopping.check)
    run = Run(prepared, chosen.begun, start)
    try:
        _announce(prepared, notes, quiet=silent)
        if chosen.resumed:
            _tell_of_resuming(run, notes)
        with (
            stopped_by_signals(stopping, STOPPED, lambda: _tell_how_to_go_on(file, run, notes)),
            shown(notes, quiet=silent) as on_progress,
        ):
            written = ProgressFile(run.uri)

            def tell(progress: Progress) -> None:
                on_progress(progress)
                written(progress)

            record = run.execute(tell)
    except KeyboardInterrupt:
        _tell_of_stop(file, run, notes)
        return STOPPED
    except (OutputError, CommitUnknown, SourceError):
        _tell_how_to_go_on(file, run, notes)
        raise
    if as_json:
        render.print_json(record)
    else:
        _report(run)
    return WITH_GAPS if record["status"] != "complete" else 0


def _executor(chosen: ExecutorChoice, address: str | None) -> ExecutorChoice:
    if address is None:
        return chosen
    if chosen == "inline":
        message = "`--executor inline` runs in this process, and `--address` on a cluster; leave one out"
        raise click.UsageError(message)
    return "ray"


def _announce(prepared: Prepared, notes: Console, *, quiet: bool) -> None:
    render.print_problems(prepared.warnings)
    for signature in prepared.signatures.expired:
        expired = f"{signature.id}: expired on {signature.expires} and does not run"
        notes.print(render.safe(expired), soft_wrap=True)
    if not quiet:
        plan = prepared.plan
        where = "on Ray" if prepared.executor == "ray" else "in this process"
        records = render.plural(plan.rows, "record") if plan.rows else "records"
        notes.print(
            f"hunting {records} ({render.size(plan.text_bytes)} of stored text) "
            f"in {render.plural(plan.files, 'file')} "
            f"with {render.plural(len(prepared.signatures.ruleset.signatures), 'signature')}, {where}",
            soft_wrap=True,
        )
        if plan.pruned:
            files = sum(removed.files for removed in plan.pruned)
            groups = sum(removed.row_groups or 0 for removed in plan.pruned)
            of_them = f"{render.plural(files, 'file')} and {render.plural(groups, 'known row group')}"
            notes.print(f"`where` rules out {of_them}, as `hindcast plan` shows", soft_wrap=True)


def _report(run: Run) -> None:
    click.get_current_context().invoke(show_command, run=run.uri)
    click.echo(f"See this again: {render.safe(f'hindcast results show {shlex.quote(run.uri)}')}")


def _tell_of_resuming(run: Run, notes: Console) -> None:
    done = f"{render.number(run.published())} of {render.plural(run.progress.splits_total, 'split')}"
    notes.print(render.safe(f"going on with run {run.run_id}: {done} done"), soft_wrap=True)


def _tell_of_stop(file: str, run: Run, notes: Console) -> None:
    done = run.published()
    of_all = f"{render.number(done)} of {render.plural(run.progress.splits_total, 'split')}"
    notes.print(f"stopped: {of_all} done, the run is unfinished")
    if done:
        notes.print(f"What is done lies in {render.safe(run.uri)}", soft_wrap=True)
    _tell_how_to_go_on(file, run, notes)


def _tell_how_to_go_on(file: str, run: Run, notes: Console) -> None:
    words = f"hindcast hunt {shlex.quote(file)} --resume {run.run_id}"
    notes.print(f"Go on with it: {render.safe(words)}", soft_wrap=True)
