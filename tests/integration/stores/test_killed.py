"""A driver that is killed in the middle of a split, with its results on an object store; the command then goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scanner
from jobs.cli.main import main
from scanner.archive import storage
from tests.support.cli import ROOT

HUNT = "hunt: small\narchive: {{uri: archive}}\nsignatures: s.yaml\noutput: {output}\n"

# The sixth time that work could be left is between two batches of the second file.
KILLED = """
import os, signal
from datetime import UTC, date, datetime
from jobs.running.hunt import Run, start_executor
from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run

left = iter(range(5))

def check():
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)

prepared = prepare("hunt.yaml", date(2026, 5, 1), "inline")
begun = new_run(prepared, datetime(2026, 5, 1, tzinfo=UTC), "killed")
Run(prepared, begun, lambda prepared, settings: start_executor(prepared, settings, check=check)).execute()
"""


def hits_in(output: str) -> pa.Table:
    hits = scanner.open_results(output, run="all").hits.to_table()
    return hits.drop_columns(["run_id", "scanned_at"]).sort_by("hit_id")


@pytest.mark.parametrize("store", ["s3", "gcs"])
def test_a_driver_that_is_killed_goes_on_to_the_hits_of_one_that_is_not(
    store: str, here: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    output = f"{request.getfixturevalue(store)}/out"
    (here / "archive").mkdir()
    for name in "abcd":
        table = pa.table({"text": [f"{name}{row} one" for row in range(60)]})
        pq.write_table(table, here / "archive" / f"{name}.parquet", row_group_size=20)
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text(HUNT.format(output=output))
    (here / "undisturbed.yaml").write_text(HUNT.format(output=here / "out"))

    killed = subprocess.run(
        [sys.executable, "-c", KILLED], check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert killed.returncode == -signal.SIGKILL
    run_uri = f"{output}/hunt=small/run=killed"
    done = storage.list_names(f"{run_uri}/commits")
    assert len(done) == 1

    assert main(["hunt", "hunt.yaml", "--executor", "inline"]) == 0
    assert "going on with run killed: 1 of 4 splits done" in capsys.readouterr().err
    assert main(["hunt", "undisturbed.yaml", "--executor", "inline"]) == 0
    assert hits_in(output).equals(hits_in(str(here / "out")))
    assert hits_in(output).num_rows == 240
