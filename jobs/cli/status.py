"""`hindcast status RUN`."""

from datetime import UTC, datetime

import click

from jobs.cli import render
from jobs.cli.cluster import (
    as_dict,
    as_json_option,
    cluster_options,
    named_cluster,
    reason,
    run_argument,
    submitted,
    took,
)


@click.command("status")
@run_argument
@cluster_options
@as_json_option
def command(run: str, address: str | None, context: str | None, as_json: bool) -> None:
    """Say how RUN stands on a cluster.

    \b
    Example:
      hindcast status 20261122T030000Z-5e1f08 --address https://head:8265
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    cluster, head = named_cluster(address, context)
    submission = head.find(run)
    if as_json:
        render.print_json(as_dict(cluster, submission))
        return
    facts = [
        ("state", submission.state),
        ("submitted", f"{submitted(submission)} UTC"),
        ("took", took(submission, datetime.now(UTC))),
        ("results", submission.run_uri),
        ("cluster", cluster.address),
    ]
    out = render.console()
    out.print(render.safe(f"run {submission.run_id} of {submission.hunt}"), soft_wrap=True)
    for name, value in facts:
        out.print(f"  {name:<11}{render.safe(value)}", soft_wrap=True)
    for line in reason(submission):
        out.print(f"  {line}", soft_wrap=True)
