"""What the verbs about clusters share: how a cluster is named, how a run is told of, and how one is followed."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from jobs.cli import render
from jobs.cli.main import INTERNAL_ERROR, STOPPED
from jobs.cluster.contexts import Cluster, find_cluster
from jobs.cluster.follow import Ended, Line, Lost, Pace, follow
from jobs.cluster.head import Head, Submission
from jobs.cluster.http import ClusterError, Http

REASON_LINES = 20

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
run_argument = click.argument("run", metavar="RUN")


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that name a cluster."""
    address = click.option(
        "--address", metavar="URL", help="Of the dashboard of the cluster's head: https://head:8265."
    )
    context = click.option(
        "--context",
        metavar="NAME",
        help="One of ~/.config/hindcast/contexts.yaml, in place of its current one.",
    )
    return address(context(command))


def named_cluster(address: str | None, context: str | None) -> tuple[Cluster, Head]:
    """The cluster that is meant, and its head.

    Raises:
        HuntError: None is named, or what is named is wrong.
    """
    cluster = find_cluster(address, context, os.environ)
    if cluster.tells_secrets:
        click.echo(
            f"warning: the token or headers for {render.safe(cluster.address)} are not encrypted on their way; "
            "use https://",
            err=True,
        )
    return cluster, Head(Http(cluster))


def as_dict(cluster: Cluster, submission: Submission) -> dict[str, object]:
    """A run for machines."""
    return {
        "run_id": submission.run_id,
        "hunt": submission.hunt,
        "state": submission.state,
        "exit_code": submission.exit_code,
        "submitted_at": _time(submission.start_ms),
        "ended_at": _time(submission.end_ms),
        "reason": submission.message if submission.state == "failed" else None,
        "results": submission.run_uri,
        "address": cluster.address,
        "submission_id": submission.submission_id,
    }


def took(submission: Submission, now: datetime) -> str:
    """How long a run took, or has taken until now."""
    if submission.start_ms is None:
        return ""
    end_ms = submission.end_ms or now.timestamp() * 1000
    return render.duration(max(0.0, end_ms - submission.start_ms) / 1000)


def submitted(submission: Submission) -> str:
    """When a run was submitted, in UTC."""
    time = _time(submission.start_ms)
    return f"{time:%Y-%m-%d %H:%M}" if time else ""


def reason(submission: Submission) -> list[str]:
    """Why a run failed, as Ray tells it."""
    if submission.state != "failed":
        return []
    return [render.safe_line(line) for line in submission.message.splitlines()[-REASON_LINES:]]


def followed(head: Head, submission: Submission, *, quiet: bool = False) -> Submission:
    """Shows what a run prints and how far it is, until it ends; answers how it ended.

    Args:
        head: Of the cluster that it runs on.
        submission: The run.
        quiet: True to show nothing.

    Raises:
        ClusterError: The connection is lost for good.
    """
    with _screen(render.console(stderr=True)) as show:
        for event in follow(head, submission.submission_id):
            if isinstance(event, Ended):
                return event.submission
            if not quiet:
                show(event)
    raise AssertionError


def lost(cluster: Cluster, submission: Submission, error: ClusterError) -> int:
    """Says that a run can be followed no longer, and goes on. Answers the exit code."""
    render.print_problems(error.problems)
    click.echo(f"The hunt goes on without us. Come back: {_return(cluster, submission)}", err=True)
    return INTERNAL_ERROR


def let_go(cluster: Cluster, submission: Submission | None) -> int:
    """Says what Ctrl-C means for a run on a cluster: nothing. Answers the exit code.

    Args:
        cluster: Where it runs.
        submission: The run; None where Ctrl-C came while it was started.
    """
    if submission is None:
        told = ["let go; the hunt may have been started", f"See:       hindcast list {cluster.option}"]
    else:
        told = [
            "let go; the hunt goes on",
            f"Come back: {_return(cluster, submission)}",
            f"End it:    hindcast stop {submission.run_id} {cluster.option}",
        ]
    for line in told:
        click.echo(render.safe(line), err=True)
    return STOPPED


def tell_of_end(submission: Submission) -> None:
    """Says on standard error how a run ended."""
    for line in reason(submission):
        click.echo(line, err=True)
    click.echo(f"{render.safe(submission.run_id)}: {submission.state}", err=True)


@contextlib.contextmanager
def _screen(notes: Console) -> Iterator[Callable[[Line | Pace | Lost], None]]:
    """Shows events: lines on standard output, and how far things are as a bar where that is a terminal."""
    with contextlib.ExitStack() as stack:
        bar: Progress | None = None

        def show(event: Line | Pace | Lost) -> None:
            nonlocal bar
            match event:
                case Lost(why):
                    notes.print(f"connection lost ({render.safe(why)}); trying again", soft_wrap=True)
                case Pace(done, total, text) if notes.is_terminal:
                    bar = bar or stack.enter_context(_bar(notes))
                    bar.update(
                        bar.task_ids[0],
                        description=render.stacked(render.safe_line(text)),
                        total=total,
                        completed=done,
                    )
                case Pace(text=text) | Line(text):
                    click.echo(render.safe_line(text))

        yield show


def _bar(notes: Console) -> Progress:
    columns = (SpinnerColumn(), BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
    # Lines go through the bar where both are on one terminal; elsewhere standard output is a result's.
    bar = Progress(
        *columns, console=notes, transient=True, redirect_stdout=sys.stdout.isatty(), redirect_stderr=False
    )
    bar.add_task("", total=None)
    return bar


def _return(cluster: Cluster, submission: Submission) -> str:
    return render.safe(f"hindcast logs -f {submission.run_id} {cluster.option}")


def _time(value_ms: int | None) -> datetime | None:
    return None if value_ms is None else datetime.fromtimestamp(value_ms / 1000, UTC)
