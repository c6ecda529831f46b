"""`hindcast list`."""

from datetime import UTC, datetime

import click

from jobs.cli import render
from jobs.cli.cluster import as_dict, as_json_option, cluster_options, named_cluster, submitted, took


@click.command("list")
@cluster_options
@as_json_option
def command(address: str | None, context: str | None, as_json: bool) -> None:
    """List the hunts that a cluster was given since it was started, the latest first.

    \b
    Example:
      hindcast list --address https://head:8265
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    cluster, head = named_cluster(address, context)
    submissions = head.submissions()
    if as_json:
        render.print_json([as_dict(cluster, submission) for submission in submissions])
        return
    if not submissions:
        click.echo("no hunts here")
        return
    now = datetime.now(UTC)
    table = render.table(("run", "hunt", "state", "submitted", "took"), whole=("run", "hunt"))
    for each in submissions:
        cells = (each.run_id, each.hunt, each.state, submitted(each), took(each, now))
        table.add_row(*map(render.safe, cells))
    render.print_table(table)
