"""`hindcast logs RUN`."""

import click

from jobs.cli import render
from jobs.cli.cluster import (
    as_json_option,
    cluster_options,
    followed,
    let_go,
    lost,
    named_cluster,
    run_argument,
    tell_of_end,
)
from jobs.cluster.http import ClusterError


@click.command("logs")
@run_argument
@cluster_options
@click.option("-f", "--follow", "goes_on", is_flag=True, help="Go on until the run ends, with its progress.")
@as_json_option
def command(run: str, address: str | None, context: str | None, goes_on: bool, as_json: bool) -> int:
    """Show what RUN has printed on a cluster.

    With `--follow`, Ctrl-C lets go of the run, which goes on, and the exit code is that of the hunt.

    \b
    Example:
      hindcast logs -f 20261122T030000Z-5e1f08 --address https://head:8265
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    if goes_on and as_json:
        message = "`--json` shows what is there, and `--follow` what comes; leave one out"
        raise click.UsageError(message)
    cluster, head = named_cluster(address, context)
    submission = head.find(run)
    if goes_on:
        try:
            submission = followed(head, submission)
        except ClusterError as error:
            return lost(cluster, submission, error)
        except KeyboardInterrupt:
            return let_go(cluster, submission)
        tell_of_end(submission)
        return submission.exit_code or 0
    lines = head.logs(submission.submission_id).splitlines()
    if as_json:
        render.print_json({"run_id": submission.run_id, "lines": lines})
    else:
        for line in lines:
            click.echo(render.safe_line(line))
    return 0
