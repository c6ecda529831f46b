"""What a hunt says when it is stopped, also where it could not stop in time."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from jobs.cli.hunt_notes import Events, Notes, Words
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from jobs.watching.log import RunLog
from tests.support.small import three_files

GO_ON = "hindcast hunt hunt.yaml --resume r1"


@pytest.fixture
def run(here: Path) -> Run:
    """A run of three splits, none of them done."""
    prepared = three_files(here)
    return Run(prepared, new_run(prepared, datetime(2026, 5, 1, tzinfo=UTC), "r1"))


def tell_all(notes: Notes, run: Run) -> None:
    notes.stopped()
    notes.left()
    run.progress = replace(run.progress, splits=2)
    notes.left()


def test_a_run_that_is_stopped_says_what_is_done_even_where_that_is_nothing(run: Run) -> None:
    out = io.StringIO()
    tell_all(Words("hunt.yaml", run, Console(file=out, width=200), quiet=False), run)
    nothing = ["stopped: 0 of 3 splits done, the run is unfinished", f"Go on with it: {GO_ON}"]
    two = [
        "stopped: 2 of 3 splits done, the run is unfinished",
        f"What is done lies in {run.uri}",
        nothing[1],
    ]
    assert out.getvalue().splitlines() == [*nothing, *nothing, *two]


def test_the_log_has_stopped_before_unfinished_in_any_case(run: Run, logged: io.StringIO) -> None:
    tell_all(Events("hunt.yaml", run, RunLog("small", "r1")), run)
    events = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [(each["event"], each.get("splits_done"), each.get("go_on_with")) for each in events] == [
        (event, done, command)
        for number in (0, 0, 2)
        for event, done, command in (("stopped", number, None), ("unfinished", None, GO_ON))
    ]
