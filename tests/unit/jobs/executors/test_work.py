"""What a worker does with a task, in this process."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.executors import SplitDone, SplitLost, Task
from jobs.executors.work import run_task
from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.owed import Matchers
from scanner.results import layout

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)


def test_where_it_cannot_be_read_what_became_of_a_split_that_is_no_fault_of_the_split(here: Path) -> None:
    (here / "archive").mkdir()
    for name in "ab":
        pq.write_table(pa.table({"text": ["one"]}), here / "archive" / f"{name}.parquet")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text("hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n")
    prepared = prepare("hunt.yaml", date(2026, 5, 1))
    settings = Run(prepared, new_run(prepared, NOW))._settings()
    splits = tuple(enumerate(prepared.plan.splits))
    # A folder where a record should be cannot be read, as a store that fails cannot.
    Path(layout.commit_uri(settings.run_uri, splits[0][1].split_id)).mkdir(parents=True)
    matchers = Matchers(HyperscanMatcher(prepared.signatures.program), ())

    first, second = run_task(Task(splits, {}, again=True), matchers, settings)

    assert first == SplitLost(0, "is a directory", unwritten=True)
    assert isinstance(second, SplitDone)
