"""What a hunt says when it is stopped, also where it could not stop in time."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from jobs.cli.hunt_notes import Events, Notes, Words
from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from jobs.watching import log
from jobs.watching.log import RunLog

HUNT = "hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n"
GO_ON = "hindcast hunt hunt.yaml --resume r1"


@pytest.fixture
def run(here: Path) -> Run:
    """A run of three splits, none of them done."""
    (here / "archive").mkdir()
    for name in "abc":
        pq.write_table(pa.table({"text": ["one", "x"]}), here / "archive" / f"{name}.parquet")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text(HUNT)
    prepared = prepare("hunt.yaml", date(2026, 5, 1))
    return Run(prepared, new_run(prepared, datetime(2026, 5, 1, tzinfo=UTC), "r1"))


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    out = io.StringIO()
    log.turn_on(out)
    yield out
    log.turn_off()


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
