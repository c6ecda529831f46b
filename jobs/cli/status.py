"""`hindcast status RUN`."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

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
from jobs.cluster.head import Submission
from scanner.errors import HindcastError

if TYPE_CHECKING:
    from jobs.watching.progress_file import Told

LOOK_TIMEOUT_S = 5.0
"""How long a store is asked for progress that may not be seen from here."""

SILENT_TIMES = 6
"""A run that has not told its progress for so many times as long as it should has gone silent."""


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
    told, unseen = _progress(submission)
    if as_json:
        known = None if told is None else asdict(told)
        render.print_json({**as_dict(cluster, submission), "progress": known})
        return
    now = datetime.now(UTC)
    facts = [
        ("state", submission.state),
        ("submitted", f"{submitted(submission)} UTC"),
        ("took", took(submission, now)),
        *(("progress", line) for line in _lines(submission, told, now)),
        *(("progress", line) for line in unseen),
        ("results", submission.run_uri),
        ("cluster", cluster.address),
    ]
    out = render.console()
    out.print(render.safe(f"run {submission.run_id} of {submission.hunt}"), soft_wrap=True)
    for name, value in facts:
        out.print(f"  {name:<11}{render.safe(value)}", soft_wrap=True)
    for line in reason(submission):
        out.print(f"  {line}", soft_wrap=True)


def _progress(submission: Submission) -> "tuple[Told | None, list[str]]":
    """How far a run has told that it is, or why that is not seen from here."""
    # They load pyarrow, which takes longer than to ask a cluster.
    from jobs.watching.progress_file import read_progress  # noqa: PLC0415
    from scanner.archive import storage  # noqa: PLC0415

    if submission.state == "waiting":
        return None, []
    patience = replace(storage.from_environment(), attempts=1, timeout_s=LOOK_TIMEOUT_S)
    storage.configure(patience)
    try:
        return read_progress(submission.run_uri), []
    except HindcastError as error:
        return None, [f"not seen from here ({error})"]


def _lines(submission: Submission, told: "Told | None", now: datetime) -> Iterator[str]:
    from jobs.cli.progress import line  # noqa: PLC0415 - it loads pyarrow, too

    if told is None:
        return
    yield line(told, told.elapsed_s)
    silent_s = (now - told.told_at).total_seconds()
    if not submission.ended and silent_s > SILENT_TIMES * told.told_every_s:
        yield f"no sign of life for {render.duration(silent_s)}; see: hindcast logs {submission.run_id}"
