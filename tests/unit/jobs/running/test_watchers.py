"""How a run ends, as those who watch it hear it."""

import functools
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.preparing.prepare import Prepared
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run, start_executor
from jobs.running.stopping import Stopping
from jobs.running.watchers import Watchers
from jobs.watching import Progress
from tests.support.small import three_files

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
CONTENT = "seven-purple-horses"


@pytest.fixture
def prepared(here: Path) -> Prepared:
    """Three files with a hit each."""
    return three_files(here)


class Watched:
    """A run over which something happens when its first split has ended."""

    def __init__(self, prepared: Prepared) -> None:
        begun = new_run(prepared, NOW)
        self.stopping = Stopping()
        self.watchers = Watchers(prepared, begun, self.stopping)
        start = functools.partial(start_executor, check=self.watchers.check)
        self.run = Run(prepared, begun, start)

    def progress(self, progress: Progress) -> None:
        self.watchers.progress(progress)
        if progress.splits == 1:
            self.happens()

    def happens(self) -> None:
        """Nothing."""

    def go(self) -> None:
        with self.watchers.watch():
            self.watchers.finished(self.run.execute(self.progress, watcher=self.watchers))

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(Path(self.run.uri, "progress.json").read_text())
        return told


class Stopped(Watched):
    def happens(self) -> None:
        self.stopping.ask()


class Broken(Watched):
    def happens(self) -> None:
        raise ValueError(CONTENT)


def events(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_run_that_ends_well(prepared: Prepared, logged: io.StringIO) -> None:
    watched = Watched(prepared)
    watched.go()
    told = watched.told()
    assert (told["status"], told["splits"], told["under_way"], told["remaining_s"]) == ("complete", 3, 0, 0)
    assert [event["event"] for event in events(logged)] == ["begun", *["split_done"] * 3, "finished"]
    assert events(logged)[-1]["results"] == watched.run.uri


def test_a_run_that_is_stopped(prepared: Prepared, logged: io.StringIO) -> None:
    watched = Stopped(prepared)
    with pytest.raises(KeyboardInterrupt):
        watched.go()
    assert (watched.told()["status"], watched.told()["splits"]) == ("stopped", 1)
    assert [event["event"] for event in events(logged)] == ["begun", "split_done", "stopping"]


def test_a_run_that_breaks_says_where_and_not_in_whose_words(prepared: Prepared, logged: io.StringIO) -> None:
    watched = Broken(prepared)
    with pytest.raises(ValueError, match=CONTENT):
        watched.go()
    assert watched.told()["status"] == "failed"
    last = events(logged)[-1]
    assert (last["event"], last["level"]) == ("failed", "error")
    assert "ValueError at happens" in last["error"]
    assert CONTENT not in logged.getvalue()


def test_a_run_that_was_done_before_it_was_taken_up_still_ends(prepared: Prepared) -> None:
    def leave(progress: Progress) -> None:
        if progress.splits == 3:
            raise KeyboardInterrupt

    watched = Watched(prepared)
    with pytest.raises(KeyboardInterrupt):
        watched.run.execute(leave)
    watched.go()
    assert (watched.told()["status"], watched.told()["splits"]) == ("complete", 3)
