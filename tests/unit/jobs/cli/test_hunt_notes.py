"""What a hunt says when it is stopped, also where it could not stop in time."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from jobs.cli.hunt_notes import Events, Notes, Words
from jobs.cli.main import main
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
    tell_all(Words(GO_ON, run, Console(file=out, width=200), quiet=False), run)
    nothing = ["stopped: 0 of 3 splits done, the run is unfinished", f"Go on with it: {GO_ON}"]
    at_least = ["stopped: at least 0 of 3 splits done, the run is unfinished", nothing[1]]
    two = [
        "stopped: at least 2 of 3 splits done, the run is unfinished",
        f"What is done lies in {run.uri}",
        nothing[1],
    ]
    assert out.getvalue().splitlines() == [*nothing, *at_least, *two]


def test_the_log_has_stopped_before_unfinished_in_any_case(run: Run, logged: io.StringIO) -> None:
    tell_all(Events(GO_ON, run, RunLog("small", "r1")), run)
    events = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [(each["event"], each.get("splits_done"), each.get("go_on_with")) for each in events] == [
        (event, done, command)
        for number in (0, 0, 2)
        for event, done, command in (("stopped", number, None), ("unfinished", None, GO_ON))
    ]


def test_files_that_are_ruled_out_are_not_hunted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lang in ("en", "de"):
        (here / "archive" / f"lang={lang}").mkdir(parents=True)
        (here / "archive" / f"lang={lang}" / "a.csv").write_text("text\none\n")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    archive = "{uri: archive, format: csv, text_columns: [text], where: lang = 'en'}"
    (here / "h.yaml").write_text(f"hunt: h\narchive: {archive}\nsignatures: s.yaml\noutput: out\n")
    assert main(["hunt", "h.yaml", "--executor", "inline"]) == 0
    told = capsys.readouterr()
    assert "hunting 9 B of stored text in 1 of 2 files with 1 signature, in this process" in told.err
