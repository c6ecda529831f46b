"""`hindcast submit FILE`."""

from datetime import UTC, datetime

import click

from jobs.cli import render
from jobs.cli.cluster import (
    as_dict,
    as_json_option,
    cluster_options,
    followed,
    let_go,
    lost,
    named_cluster,
    submitted,
    tell_of_end,
)
from jobs.cluster.contexts import Cluster
from jobs.cluster.head import Submission
from jobs.cluster.http import ClusterError
from jobs.cluster.submit import Checked, Submitted, check, submit


@click.command("submit")
@click.argument("file", type=click.Path())
@cluster_options
@click.option("--again", is_flag=True, help="Start another run where one of the same hunt has ended.")
@click.option("--only-new", is_flag=True, help="As for `hindcast hunt`.")
@click.option("-d", "--detach", is_flag=True, help="Do not follow the run.")
@as_json_option
def command(  # noqa: PLR0913 - one for each option
    *,
    file: str,
    address: str | None,
    context: str | None,
    again: bool,
    only_new: bool,
    detach: bool,
    as_json: bool,
) -> int:
    """Run the hunt that FILE describes on a cluster, and follow it.

    All that can be checked here is checked first. Then the hunt and the files of its signatures are sent, and
    nothing else. A second submit of the same files starts no second run: it follows the first one, or says how
    that ended; where it failed or was stopped, it is gone on with. Ctrl-C lets go of the run, which goes on.
    Exit codes: those of `hindcast hunt`.

    \b
    Example:
      hindcast submit hunts/nightly-fraud.yaml --address https://head:8265
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    cluster, head = named_cluster(address, context)
    now = datetime.now(UTC)
    checked = check(file, now.date(), only_new=only_new)
    render.print_problems(checked.warnings)
    run: Submitted | None = None
    try:
        run = submit(head, checked, now, again=again)
        if not as_json:
            _announce(cluster, checked, run)
        submission = run.submission
        if not (detach or submission.ended):
            submission = followed(head, submission, quiet=as_json)
    except ClusterError as error:
        if run is None:
            raise
        return lost(cluster, run.submission, error)
    except KeyboardInterrupt:
        return let_go(cluster, run.submission if run else None)
    if as_json:
        render.print_json({**as_dict(cluster, submission), "new": run.new})
    elif submission.ended:
        _tell_of_end(submission, resumed=run.resumed)
    return submission.exit_code or 0


def _tell_of_end(submission: Submission, *, resumed: bool) -> None:
    tell_of_end(submission)
    if resumed and submission.state == "refused":
        click.echo("`--again` starts a new run in its place", err=True)


def _announce(cluster: Cluster, checked: Checked, run: Submitted) -> None:
    notes, submission = render.console(stderr=True), run.submission
    name, where = f"run {submission.run_id} of {submission.hunt}", cluster.address
    if run.new:
        sent = f"{render.plural(checked.package.files, 'file')}, {render.size(len(checked.package.data))}"
        what = f"with {render.plural(checked.signatures, 'signature')} ({sent} sent)"
        text = f"{'going on with' if run.resumed else 'started'} {name} on {where}, {what}"
    elif submission.ended:
        text = (
            f"{name} on {where} has ended before; `--again` starts another one. Results: {submission.run_uri}"
        )
    else:
        text = f"{name} on {where} goes on since {submitted(submission)}"
    notes.print(render.safe(text), soft_wrap=True)
