"""What a worker does with a task, in this process."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.executors import SplitDone, SplitLost, Task
from jobs.executors.timer import late
from jobs.executors.work import run_task
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.owed import Matchers
from scanner.results import layout
from scanner.results.limits import Limits

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)


def prepared_hunt(here: Path) -> Prepared:
    """Two files of one record each."""
    (here / "archive").mkdir()
    for name in "ab":
        pq.write_table(pa.table({"text": ["one"]}), here / "archive" / f"{name}.parquet")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text("hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n")
    return prepare("hunt.yaml", date(2026, 5, 1))


def test_where_it_cannot_be_read_what_became_of_a_split_that_is_no_fault_of_the_split(here: Path) -> None:
    prepared = prepared_hunt(here)
    settings = Run(prepared, new_run(prepared, NOW))._settings()
    splits = tuple(enumerate(prepared.plan.splits))
    # A folder where a record should be cannot be read, as a store that fails cannot.
    Path(layout.commit_uri(settings.run_uri, splits[0][1].split_id)).mkdir(parents=True)
    matchers = Matchers(HyperscanMatcher(prepared.signatures.program), ())

    first, second = run_task(Task(splits, {}, again=True), matchers, settings)

    assert first == SplitLost(0, "is a directory", unwritten=True)
    assert isinstance(second, SplitDone)


def test_a_split_that_was_late_is_tried_again_under_another_limit(here: Path) -> None:
    # The mark of the old limit outlived it, and a run that was resumed with more time gave the split up unread.
    prepared = prepared_hunt(here)
    settings = Run(prepared, new_run(prepared, NOW))._settings()
    splits = tuple(enumerate(prepared.plan.splits))
    for _, split in splits:
        mark = Path(layout.overdue_uri(settings.run_uri, split.split_id))
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(late(6))
    matchers = Matchers(HyperscanMatcher(prepared.signatures.program), ())
    task = Task(splits, {}, again=True)

    under_the_same = replace(settings, limits=Limits(split_timeout_s=6))
    assert list(run_task(task, matchers, under_the_same)) == [
        SplitLost(number, "it took longer than 6 s", fatal=True) for number, _ in splits
    ]
    for limit in (None, 60, 600):
        longer = replace(settings, limits=Limits(split_timeout_s=limit))
        assert all(isinstance(each, SplitDone) for each in run_task(task, matchers, longer))
