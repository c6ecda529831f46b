"""What is new, told from coverage on an object store."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scanner
from jobs.cli.main import main
from scanner.archive import storage


@pytest.mark.parametrize("store", ["s3", "gcs"])
def test_archive_and_runs_on_a_store_are_compared(
    store: str, here: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    root = request.getfixturevalue(store)

    def upload(*names: str, text: str) -> None:
        for name in names:
            with storage.open_output(f"{root}/archive/{name}.parquet") as sink:
                pq.write_table(pa.table({"text": [f"{name} {text} one", "two"]}), sink)

    def hunt(*words: str) -> dict[str, object]:
        signatures = ", ".join(f"{{id: t.{word}, literal: {word}}}" for word in words)
        (here / "s.yaml").write_text(f"signatures: [{signatures}]\n")
        assert main(["hunt", "hunt.yaml", "--executor", "inline", "--only-new", "--json"]) == 0
        record: dict[str, object] = json.loads(capsys.readouterr().out)
        return record

    (here / "hunt.yaml").write_text(
        f"hunt: small\narchive: {{uri: {root}/archive}}\nsignatures: s.yaml\noutput: {root}/out\n"
    )
    upload("a", "b", text="old")
    hunt("one")
    assert hunt("one")["status"] == "nothing new"
    upload("b", "c", text="new")
    rows = [record["totals"]["rows"] for record in (hunt("one"), hunt("one", "two"))]  # type: ignore[index]
    assert rows == [4, 6]
    results = scanner.open_results(f"{root}/out", run="all")
    assert len(results.names) == 3
    found = results.sql("select signature_id, count(*) as n from hits group by 1 order by 1")
    assert found.to_pydict() == {"signature_id": ["t.one", "t.two"], "n": [4, 3]}
