"""A run on an object store that was stopped, gone on with by the command."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scanner
from jobs.cli.main import main
from jobs.preparing.prepare import prepare
from jobs.preparing.resume import choose, new_run
from jobs.running.hunt import Run
from jobs.watching import Progress
from scanner.archive import storage

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("store", ["s3", "gcs"])
def test_a_run_goes_on_where_it_was_stopped_and_stores_no_more_than_it_may(
    store: str, here: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    output = f"{request.getfixturevalue(store)}/out"
    (here / "archive").mkdir()
    for name in "abc":
        texts = [f"{name}{row} one" for row in range(50)]
        pq.write_table(pa.table({"text": texts}), here / "archive" / f"{name}.parquet")
    (here / "signatures.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    (here / "hunt.yaml").write_text(
        "hunt: small\narchive: {uri: archive}\nsignatures: signatures.yaml\n"
        f"output: {output}\nlimits: {{stored_hits_per_signature: 20}}\n"
    )
    prepared = prepare("hunt.yaml", date(2026, 5, 1))
    stopped = Run(prepared, new_run(prepared, NOW))

    def stop(progress: Progress) -> None:
        if progress.splits == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.execute(stop)
    assert choose(prepared, NOW).resumed

    assert main(["hunt", "hunt.yaml", "--executor", "inline"]) == 0
    told = capsys.readouterr()
    assert f"going on with run {stopped.run_id}: 1 of 3 splits done" in told.err
    assert "stored as a sample, with exact numbers of hits: t.one" in told.out
    results = scanner.open_results(output, run="all")
    assert [run_id for _, run_id in results.names] == [stopped.run_id]
    assert results.totals["hits"] == 150
    assert len(results.hits.to_table()) == 20
    progress = json.loads(storage.read_bytes(f"{stopped.uri}/progress.json"))
    assert (progress["splits"], progress["splits_total"], progress["rows_before"]) == (3, 3, 50)
    assert not choose(prepare("hunt.yaml", date(2026, 5, 1)), NOW).resumed
