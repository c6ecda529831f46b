from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from scanner.archive import storage
from scanner.errors import HuntError, SourceError
from scanner.results import layout
from scanner.results.finish import finish
from scanner.results.limits import Limits
from scanner.results.reader import open_results
from scanner.results.runs import list_runs
from scanner.results.schemas import hits_schema
from tests.support.results import HUNT, RULESET, RUN_ID, commit_split, hit, record, sample_run, write_hits
from tests.support.signatures import literal, signature

LATER = "20261123T030000Z-ffffff"
UNFINISHED = "20261124T030000Z-000000"


def unfinished_run(output: Path, run_id: str = UNFINISHED) -> str:
    run = layout.run_uri(str(output), HUNT, run_id)
    commit_split(run, 0, [hit("fraud.a", 1, "ann")])
    write_hits(run, "in-flight.parquet", [hit("fraud.b", 2)])
    return run


def test_an_output_a_hunt_and_a_run_lead_to_the_same_results(tmp_path: Path) -> None:
    run = sample_run(tmp_path)
    for uri in (str(tmp_path), f"{tmp_path}/", f"{tmp_path}/hunt={HUNT}", run, f"file://{run}"):
        results = open_results(uri)
        assert results.hits.count_rows() == 4
        assert results.run is not None
        assert results.run["run_id"] == RUN_ID
    assert open_results(str(tmp_path), hunt=HUNT, run=RUN_ID).complete


def test_the_tables_have_their_columns(tmp_path: Path) -> None:
    results = open_results(sample_run(tmp_path))
    assert results.hits.schema.equals(hits_schema(pa.schema([])))
    assert results.coverage.to_table()["status"].to_pylist() == ["scanned", "scanned"]
    assert results.signatures.to_table()["hits"].to_pylist() == [3, 1, 0]
    assert results.coverage.to_table()["run_id"].to_pylist() == [RUN_ID] * 2
    assert isinstance(results.hits, ds.Dataset)


def test_the_latest_complete_run_is_opened_and_an_id_opens_any(tmp_path: Path) -> None:
    sample_run(tmp_path)
    sample_run(tmp_path, run_id=LATER, failed=True)
    unfinished_run(tmp_path)
    latest = open_results(str(tmp_path))
    assert latest.run is not None
    assert latest.run["run_id"] == LATER
    assert (latest.status, latest.complete) == ("complete with gaps", False)
    named = open_results(str(tmp_path), run=UNFINISHED)
    assert (named.status, named.complete, named.run) == ("unfinished", False, None)


def test_a_run_whose_id_tells_no_time_is_not_the_latest_for_ever(tmp_path: Path) -> None:
    for run_id in ("trial", "0trial", RUN_ID, LATER):
        sample_run(tmp_path, run_id=run_id)
    assert [run.run_id for run in list_runs(str(tmp_path))] == [LATER, RUN_ID, "trial", "0trial"]
    assert open_results(str(tmp_path)).names == [(HUNT, LATER)]


def test_of_an_unfinished_run_only_committed_hits_are_read(tmp_path: Path) -> None:
    results = open_results(unfinished_run(tmp_path))
    assert results.hits.to_table()["signature_id"].to_pylist() == ["fraud.a"]
    assert results.signatures.to_table()["signature_id"].to_pylist() == ["fraud.a"]
    assert results.totals["records"] == 1
    assert repr(results).startswith("UNFINISHED: 1 split is done\n")


def test_all_reads_every_run_and_of_unfinished_ones_what_is_committed(tmp_path: Path) -> None:
    abandoned = "20260101T030000Z-000000"
    unfinished_run(tmp_path, abandoned)
    assert open_results(str(tmp_path), run="all").status == "unfinished"
    sample_run(tmp_path)
    sample_run(tmp_path, run_id=LATER, failed=True)
    results = open_results(str(tmp_path), run="all")
    assert results.hits.count_rows() == 9
    assert (results.status, results.run) == ("complete with gaps", None), (
        "later runs make up for the first one"
    )
    assert results.totals["hits"] == 9
    counted = results.sql("select run_id, sum(hits) as hits from signatures group by 1 order by 1")
    assert counted.to_pydict() == {"run_id": [abandoned, RUN_ID, LATER], "hits": [1, 4, 4]}
    assert f"{HUNT}  3 runs" in repr(results)
    unfinished_run(tmp_path)
    assert open_results(str(tmp_path), run="all").status == "unfinished"


def test_runs_that_carry_different_columns_are_read_together(tmp_path: Path) -> None:
    wider: dict[str, pa.DataType] = {"n": pa.int64(), "lang": pa.string()}
    for run_id, carry, more in (
        (RUN_ID, pa.schema([("n", pa.int32())]), {"n": 1}),
        (LATER, pa.schema(wider), {"n": 2, "lang": "en"}),
        (UNFINISHED, pa.schema([]), None),
    ):
        run = layout.run_uri(str(tmp_path), HUNT, run_id)
        commit_split(run, 0, [] if more is None else [hit("fraud.a", 1, **more)], carry=carry)
        finish(run, record(run_id=run_id, carry=carry))
    rows = open_results(str(tmp_path), run="all").hits.to_table(columns=["n", "lang"]).to_pylist()
    assert sorted(rows, key=lambda row: row["n"]) == [{"n": 1, "lang": None}, {"n": 2, "lang": "en"}]


def test_runs_that_cannot_be_read_together_are_told_apart(tmp_path: Path) -> None:
    for run_id, type_, value in ((RUN_ID, pa.int32(), 1), (LATER, pa.string(), "en")):
        run, carry = layout.run_uri(str(tmp_path), HUNT, run_id), pa.schema([("n", type_)])
        commit_split(run, 0, [hit("fraud.a", 1, n=value)], carry=carry)
        finish(run, record(run_id=run_id, carry=carry))
    with pytest.raises(HuntError, match="open them one by one"):
        _ = open_results(str(tmp_path), run="all").hits


def test_a_run_without_hits_has_an_empty_table_with_its_carried_columns(tmp_path: Path) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    assert commit_split(run, 0).hits_file is None
    assert open_results(run).hits.to_table().schema.equals(hits_schema(pa.schema([])))
    carry = pa.schema([("lang", pa.string())])
    finish(run, record(carry=carry))
    table = open_results(run).hits.to_table()
    assert table.schema.equals(hits_schema(carry))
    assert open_results(run).sql("select count(*) as n from hits")["n"].to_pylist() == [0]


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("", {}, "several hunts here; name one of nightly, weekly"),
        ("", {"hunt": "daily"}, "no hunt 'daily' here; there is nightly, weekly"),
        ("", {"hunt": "nightly", "run": "x"}, f"no run 'x' here; the latest is {RUN_ID}"),
        ("", {"hunt": "weekly"}, "no run is complete yet; to look at an unfinished one name it"),
        ("empty", {}, "there are no runs here"),
        ("missing", {}, "there is no such folder"),
        ("hunt=none", {}, "there is no such folder"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, path: str, options: dict[str, str], words: str) -> None:
    sample_run(tmp_path)
    commit_split(layout.run_uri(str(tmp_path), "weekly", RUN_ID), 0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(HuntError, match=words):
        open_results(str(tmp_path / path), **options)


def test_missing_hits_are_an_error_and_not_an_empty_table(tmp_path: Path) -> None:
    run = sample_run(tmp_path)
    for file in (Path(run) / "hits").iterdir():
        file.unlink()
    with pytest.raises(SourceError, match="is not there"):
        _ = open_results(run).hits


def test_sql_sees_the_three_tables_and_nothing_else(tmp_path: Path) -> None:
    results = open_results(sample_run(tmp_path))
    assert results.sql("select actor_id, count(*) as n from hits group by 1 order by 1").to_pydict() == {
        "actor_id": ["ann", "bob"],
        "n": [3, 1],
    }
    assert results.sql("select rows from coverage where hits > 1")["rows"].to_pylist() == [100]
    assert len(results.sql("create table t (a int)")) == 0
    secret = pa.table({"a": [1]})
    for query in (
        "select * from read_csv('/etc/hostname')",
        "copy hits to 'stolen.csv'",
        "attach 'other.db'",
        "set enable_external_access = true",
        "install httpfs",
        "select * from secret",
    ):
        with pytest.raises(duckdb.Error):
            results.sql(query)
    assert len(secret) == 1


def test_notebook_frames_hold_the_hits(tmp_path: Path) -> None:
    results = open_results(sample_run(tmp_path))
    assert sorted(results.to_pandas()["row_index"]) == [1, 1, 7, 101]
    assert results.to_polars().filter(pl.col("actor_id") == "bob").height == 1


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output with two hunts, one of which found nothing."""
    sample_run(tmp_path)
    quiet = layout.run_uri(str(tmp_path), "quiet", LATER)
    commit_split(quiet, 0)
    finish(quiet, record(hunt="quiet", run_id=LATER))
    return tmp_path


def test_duckdb_reads_a_plain_glob(output: Path) -> None:
    query = """
        select hunt, run, count(*) as n from read_parquet($files, hive_partitioning = true) group by all
    """
    with duckdb.connect() as connection:
        answer = connection.execute(query, {"files": f"{output}/*/*/hits/*.parquet"}).fetchall()
    assert answer == [(HUNT, RUN_ID, 4)]


def test_pandas_reads_the_folder_of_a_hunt(output: Path) -> None:
    frame = pd.read_parquet(output / f"hunt={HUNT}" / f"run={RUN_ID}" / "hits")
    assert len(frame) == 4
    assert set(frame["run_id"]) == {RUN_ID}


def test_polars_reads_a_plain_glob(output: Path) -> None:
    frame: Any = pl.read_parquet(f"{output}/*/*/hits/*.parquet", hive_partitioning=True)
    assert frame.height == 4
    assert set(frame["run"]) == {RUN_ID}


def test_pyarrow_reads_hive_partitions(output: Path) -> None:
    files = sorted(str(path) for path in output.glob("*/*/hits/*.parquet"))
    dataset = ds.dataset(files, partitioning="hive", partition_base_dir=str(output))
    assert dataset.to_table(filter=ds.field("run") == RUN_ID).num_rows == 4


def test_runs_are_listed_by_hunt_the_latest_first(tmp_path: Path) -> None:
    sample_run(tmp_path)
    sample_run(tmp_path, run_id=LATER, failed=True)
    sample_run(tmp_path, hunt="alpha")
    unfinished_run(tmp_path)
    (tmp_path / "notes.txt").touch()
    listed = [(run.hunt, run.run_id, run.status, run.splits, run.hits) for run in list_runs(str(tmp_path))]
    assert listed == [
        ("alpha", RUN_ID, "complete", 2, 4),
        (HUNT, UNFINISHED, "unfinished", 1, None),
        (HUNT, LATER, "complete with gaps", 3, 4),
        (HUNT, RUN_ID, "complete", 2, 4),
    ]


def test_a_run_that_is_finished_while_it_is_opened_is_read_where_its_hits_lie_then(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = unfinished_run(output, "20261125T030000Z-111111")
    read_bytes = storage.read_bytes

    def finished_meanwhile(uri: str) -> bytes:
        if "/split_hits/" in uri:
            monkeypatch.undo()
            finish(run, record(run_id="20261125T030000Z-111111"))
        return read_bytes(uri)

    monkeypatch.setattr(storage, "read_bytes", finished_meanwhile)
    results = open_results(run)
    assert results.complete
    assert results.hits.to_table()["signature_id"].to_pylist() == ["fraud.a"]


def test_several_runs_introduce_themselves_run_by_run_and_add_nothing_up(tmp_path: Path) -> None:
    sample_run(tmp_path)
    sample_run(tmp_path, run_id=LATER, failed=True)
    results = open_results(str(tmp_path), run="all")
    found = "4 hits in 3 records by 2 actors"
    gaps = "COMPLETE WITH GAPS: 1 of 3 splits was not read in full"
    assert repr(results).splitlines() == [
        "COMPLETE WITH GAPS: 1 of 2 runs have gaps",
        f"{HUNT}  2 runs",
        f"  run {LATER}  {gaps}; {found}",
        f"  run {RUN_ID}  COMPLETE; {found}",
        "a hit that several runs found counts in each; current_hits() has it once",
    ]
    card = results._repr_html_()
    assert card.startswith("<div><b>COMPLETE WITH GAPS: 1 of 2 runs have gaps</b><br>")
    assert card.count(found) == 2
    assert "8 hits" not in card


def test_of_very_many_runs_the_latest_are_named(tmp_path: Path) -> None:
    for second in range(12):
        sample_run(tmp_path, run_id=f"20261122T0300{second:02d}Z-a1b2c3")
    lines = repr(open_results(str(tmp_path), run="all")).splitlines()
    assert (lines[0], len(lines), lines[-2]) == ("COMPLETE", 14, "  and 2 earlier runs")


def test_a_sample_is_called_one(tmp_path: Path) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    hits = [hit("fraud.a", row, f"actor {row}") for row in range(9)]
    commit_split(run, 0, [*hits, hit("fraud.b", 30, "ann")])
    assert repr(open_results(run)).endswith("\n10 hits in 10 records by 10 actors")
    finish(run, record(limits=Limits(stored_hits_per_signature=4)))
    results, line = open_results(run), "10 hits; a sample of 5 is stored, in 5 records by 5 actors"
    assert repr(results).splitlines()[-1] == line
    card = results._repr_html_()
    assert line in card
    assert "10 hits in" not in card
    assert "<td>fraud.a (hits exact, the rest of a sample)</td>" in card
    assert "<td>fraud.b</td>" in card
    for file in (Path(run) / "hits").iterdir():
        file.unlink()
    assert open_results(run).found == "10 hits; a sample is stored, in 5 records by 5 actors"


def changed_runs(output: Path) -> str:
    """Runs between which the logic of a signature, a file, and the carried columns changed; gives the hunt's folder."""
    new = signature("fraud.b", literal("other"))
    a, b, c = RULESET.signatures
    first = layout.run_uri(str(output), HUNT, RUN_ID)
    former = {"source_etag": "old", "source_uri": "/archive/b.parquet"}
    both = hit("fraud.a", 1, signature_digest=a.digest)
    lost = hit("fraud.b", 1, signature_digest=b.digest)
    commit_split(first, 0, [both, lost, hit("fraud.a", 9, signature_digest="x", hit_id="e" * 32)])
    commit_split(
        first, 1, [hit("fraud.a", 2, signature_digest=a.digest, hit_id="d" * 32, **former)], **former
    )
    finish(first, record())
    later = layout.run_uri(str(output), HUNT, LATER)
    again = {**both, "run_id": LATER}
    found = hit("fraud.b", 1, signature_digest=new.digest, hit_id="f" * 32, run_id=LATER)
    commit_split(later, 0, [again, found])
    commit_split(later, 1, source_uri="/archive/b.parquet", source_etag="new")
    finish(later, record(run_id=LATER, rules=replace(RULESET, signatures=(a, new, c))))
    return f"{output}/hunt={HUNT}"


CURRENT = [("fraud.a", 1, LATER), ("fraud.b", 1, LATER)]


def test_current_hits_are_those_of_todays_logic_and_files_each_once(tmp_path: Path) -> None:
    results = open_results(changed_runs(tmp_path), run="all")
    assert results.hits.count_rows() == 6
    hits = results.current_hits()
    assert hits.schema.equals(results.hits.schema)
    found = hits.select(["signature_id", "row_index", "run_id"]).to_pylist()
    assert sorted(tuple(row.values()) for row in found) == CURRENT
    assert results.current_hits(["evidence"]).column_names == ["evidence"]
    assert len(open_results(unfinished_run(tmp_path / "other")).current_hits()) == 1


def test_the_query_of_the_readme_finds_the_current_hits(tmp_path: Path) -> None:
    hunt = changed_runs(tmp_path)
    readme = (Path(__file__).parents[4] / "jobs" / "README.md").read_text(encoding="utf-8")
    query = readme.split("```sql\n")[1].split("```")[0].replace("s3://hunts/hunt=nightly-fraud", hunt)
    with duckdb.connect() as connection:
        found = connection.sql(query).select("signature_id", "row_index", "run_id").fetchall()
    assert {row[:2] for row in found} == {row[:2] for row in CURRENT}
    assert len(found) == 2
