"""`hindcast stop RUN`."""

import contextlib
import time

import click

from jobs.cli import render
from jobs.cli.cluster import as_dict, as_json_option, cluster_options, named_cluster, run_argument
from jobs.cluster.head import STOP_WAIT_S, Head, Submission

PATIENCE_S = STOP_WAIT_S + 30


@click.command("stop")
@run_argument
@cluster_options
@as_json_option
def command(run: str, address: str | None, context: str | None, as_json: bool) -> int:
    """Stop RUN on a cluster. What is done stays.

    \b
    Example:
      hindcast stop 20261122T030000Z-5e1f08 --address https://head:8265
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    cluster, head = named_cluster(address, context)
    submission = head.find(run)
    before = submission.ended
    if not before:
        head.stop(submission.submission_id)
        submission = _ended(head, submission)
    if as_json:
        render.print_json(as_dict(cluster, submission))
    else:
        click.echo(render.safe(_outcome(submission, before)))
    return 0 if submission.ended else 1


def _ended(head: Head, submission: Submission) -> Submission:
    patient_until = time.monotonic() + PATIENCE_S
    # Ctrl-C ends the waiting, and not what was asked for.
    with contextlib.suppress(KeyboardInterrupt):
        while not submission.ended and time.monotonic() < patient_until:
            time.sleep(0.5)
            submission = head.submission(submission.submission_id) or submission
    return submission


def _outcome(submission: Submission, before: bool) -> str:
    name = f"run {submission.run_id} of {submission.hunt}"
    if before:
        return f"{name} has ended before: {submission.state}"
    if not submission.ended:
        return f"{name} was asked to stop and goes on; look at it with `hindcast status`"
    return f"{name}: {submission.state}; what is done lies in {submission.run_uri}"
