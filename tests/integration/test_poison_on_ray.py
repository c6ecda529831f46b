"""A file that kills every worker which touches it, among good ones, on Ray."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.executors import Task
from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from tests.support.traps import Trap

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)


class Poisoned(Run):
    """Sends workers a footer that kills them."""

    def _task(self, numbers: Sequence[int]) -> Task:
        task = super()._task(numbers)
        fatal = next((uri for uri in task.footers if uri.endswith("b.parquet")), "")
        return replace(task, footers=Trap(dict(task.footers), fatal))


@pytest.mark.usefixtures("local_ray")
def test_each_of_its_row_groups_is_recorded_and_all_else_is_hunted(here: Path) -> None:
    (here / "archive").mkdir()
    for name in "abcd":
        table = pa.table({"text": [f"{name}{row} one" for row in range(20)]})
        pq.write_table(table, here / "archive" / f"{name}.parquet", row_group_size=10)
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text("hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n")
    prepared = prepare("hunt.yaml", date(2026, 5, 1), "ray")
    run = Poisoned(prepared, new_run(prepared, NOW))
    record = run.execute()
    rows = pq.read_table(f"{run.uri}/coverage").to_pylist()
    failed = sorted(
        (Path(row["source_uri"]).name, row["row_groups"]) for row in rows if row["status"] == "failed"
    )
    assert failed == [("b.parquet", [0]), ("b.parquet", [1])]
    errors = {row["error"].split(",")[0] for row in rows if row["status"] == "failed"}
    assert errors == {"SIGKILL ended its worker"}
    assert record["totals"]["hits"] == 60  # type: ignore[index]
    assert len(set(pq.read_table(f"{run.uri}/hits")["hit_id"].to_pylist())) == 60
