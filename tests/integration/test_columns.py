"""Hits deep in records: how they are named, in memory and by a hunt; and files that lack a column."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scanner
from scanner.scan.table import UnparsedWarning
from tests.support.cli import hindcast

COLUMNS = ["replies[].text", "attrs{}", "payload->$.items[*].text", "events[]{}->$", "tags[][]", "code"]
RULES = "signatures: [{id: t.one, regex: 'zebra\\d*'}]\n"

REPLY = pa.struct([("text", pa.large_string()), ("votes", pa.int32())])
TEXTS = pa.map_(pa.string(), pa.string())
TYPES: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "replies": pa.list_(REPLY),
    "attrs": TEXTS,
    "payload": pa.large_string(),
    "events": pa.large_list(TEXTS),
    "tags": pa.list_(pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    "code": pa.binary(6),
}
RECORDS: list[dict[str, Any]] = [
    {"id": 1, "replies": None, "attrs": None, "payload": None, "events": None, "tags": None, "code": b"zebra6"},
    {
        "id": 2,
        "replies": [{"text": "a"}, None, {"text": None}, {"text": "a zebra1", "votes": 1}],
        "attrs": [("name", "x"), ("bio", "zebra2"), ("odd.key", "zebra22"), ("bio", "zebra23")],
        "payload": '{"items": [{"text": "no"}, {"text": "é zebra3"}], "text": "zebra"}',
        "events": [[], [("k", '"zebra4"')]],
        "tags": [[], None, ["x", None, "zebra5"]],
        "code": b"\x00" * 6,
    },
    {"id": 3, "replies": [], "attrs": [], "payload": "{zebra", "events": [None], "tags": [[]], "code": None},
]  # fmt: skip
FOUND = {
    (0, "code", 0, 6),
    (1, "replies[3].text", 2, 8),
    (1, "attrs{bio}", 0, 6),
    (1, "attrs{`odd.key`}", 0, 7),
    (1, "attrs{bio#2}", 0, 7),
    (1, "payload->$.items[1].text", 3, 9),
    (1, "events[1]{k}->$", 0, 6),
    (1, "tags[2][2]", 0, 6),
}

HUNT = f"""\
hunt: deep
archive:
  uri: archive
  text_columns: {json.dumps(COLUMNS)}
  record_id: id
signatures: signatures.yaml
output: out
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    pq.write_table(pa.Table.from_pylist(RECORDS, pa.schema(TYPES)), tmp_path / "archive" / "a.parquet")
    (tmp_path / "signatures.yaml").write_text(RULES)
    (tmp_path / "hunt.yaml").write_text(HUNT)
    return tmp_path


def places(hits: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {(hit["row_index"], hit["column"], hit["start"], hit["end"]) for hit in hits}


def hits_of(folder: Path) -> list[dict[str, Any]]:
    (run,) = (folder / "out").glob("hunt=*/run=*")
    return pq.read_table(run / "hits", partitioning=None).to_pylist()


def coverage_of(folder: Path) -> list[dict[str, Any]]:
    (run,) = (folder / "out").glob("hunt=*/run=*")
    return sorted(
        pq.read_table(run / "coverage", partitioning=None).to_pylist(), key=lambda row: row["source_uri"]
    )


def test_a_hit_is_named_by_its_indices_and_keys_in_memory_and_by_a_hunt(folder: Path) -> None:
    table = pa.Table.from_pylist(RECORDS, pa.schema(TYPES))
    signatures = scanner.load_signatures(str(folder / "signatures.yaml"))
    with pytest.warns(UnparsedWarning, match=r"1 cells of payload->.* are no JSON"):
        in_memory = scanner.scan(table, signatures, columns=COLUMNS).to_pylist()
    assert (places(in_memory), len(in_memory)) == (FOUND, len(FOUND))

    done = hindcast(folder, "hunt", "hunt.yaml")
    assert done.returncode == 3, done.stderr
    assert "1 cell not JSON and not read" in done.stdout
    hits = hits_of(folder)
    assert (places(hits), len({hit["hit_id"] for hit in hits})) == (FOUND, len(FOUND))
    (row,) = coverage_of(folder)
    assert (row["columns"], row["unparsed_cells"], row["missing_columns"]) == (COLUMNS, 1, [])


def test_cells_that_are_no_json_are_a_gap_that_is_told_first_and_not_owed_again(folder: Path) -> None:
    done = hindcast(folder, "hunt", "hunt.yaml", "--only-new")
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines()[0] == "COMPLETE WITH GAPS: 1 cell is no JSON and was not read"
    (run,) = (folder / "out").glob("hunt=*/run=*")
    record = json.loads((run / "run.json").read_text())
    told = "1 cell of payload->$.items[*].text is no JSON and was not read"
    (gap,) = record["gaps"]
    assert (Path(gap["source_uri"]).name, gap["row_groups"], gap["reason"]) == ("a.parquet", [0], told)
    assert (record["status"], record["totals"]["failed"]) == ("complete with gaps", 0)
    shown = hindcast(folder, "results", "coverage", str(run)).stdout.splitlines()
    assert shown[0].startswith("COMPLETE WITH GAPS")
    assert shown[1].endswith(f"a.parquet row group 0: {told}")
    again = hindcast(folder, "hunt", "hunt.yaml", "--only-new")
    assert (again.returncode, again.stdout[:11]) == (0, "nothing new"), again.stderr


def test_auto_takes_texts_in_lists_of_structs_and_in_maps_and_says_which(folder: Path) -> None:
    (folder / "hunt.yaml").write_text(HUNT.replace(json.dumps(COLUMNS), "auto"))
    planned = hindcast(folder, "plan", "hunt.yaml", "--json")
    auto = ["replies[].text", "attrs{}", "payload", "events[]{}", "tags[][]"]
    assert json.loads(planned.stdout)["columns"] == auto, planned.stderr
    assert hindcast(folder, "hunt", "hunt.yaml").returncode == 0
    assert {hit["column"] for hit in hits_of(folder)} == {
        "replies[3].text", "attrs{bio}", "attrs{bio#2}", "attrs{`odd.key`}", "payload", "events[1]{k}", "tags[2][2]"
    }  # fmt: skip


def test_a_file_without_an_optional_column_is_hunted_without_it_and_that_is_recorded(folder: Path) -> None:
    pq.write_table(pa.table({"id": [4], "code": ["zebra7"]}), folder / "archive" / "b.parquet")
    pq.write_table(pa.table({"id": [5], "code": [7]}), folder / "archive" / "c.parquet")
    pq.write_table(pa.table({"id": [6]}), folder / "archive" / "d.parquet")
    wanted = json.dumps(["code", "attrs{}"])
    hunt = HUNT.replace(json.dumps(COLUMNS), f"{wanted}\n  optional: ['attrs{{}}']")
    (folder / "hunt.yaml").write_text(hunt)
    done = hindcast(folder, "hunt", "hunt.yaml")
    assert done.returncode == 3, done.stderr
    assert "1 file without all optional columns" in done.stdout
    rows = coverage_of(folder)
    assert [row["status"] for row in rows] == ["scanned", "scanned", "failed", "failed"]
    assert [row["missing_columns"] for row in rows] == [[], ["attrs{}"], [], []]
    assert [row["columns"] for row in rows[:2]] == [["code", "attrs{}"], ["code"]]
    assert "code: holds int64, not text" in rows[2]["error"]
    assert rows[3]["error"].startswith(
        "lacks the column code; where that is meant, a hunt names it in `archive.opt"
    )
    assert {(hit["record_id"], hit["column"]) for hit in hits_of(folder)} == {
        ("1", "code"), ("2", "attrs{bio}"), ("2", "attrs{bio#2}"), ("2", "attrs{`odd.key`}"), ("4", "code")
    }  # fmt: skip


def test_files_that_lack_what_they_may_lack_are_no_gap(folder: Path) -> None:
    pq.write_table(pa.table({"id": [4, 5]}), folder / "archive" / "b.parquet")
    columns = json.dumps([*COLUMNS, "absent"])
    (folder / "hunt.yaml").write_text(HUNT.replace(json.dumps(COLUMNS), f"{columns}\n  optional: true"))
    done = hindcast(folder, "hunt", "hunt.yaml", "--json")
    assert "hunt.yaml:5: warning: archive.optional: no file that is read has a column `absent`" in done.stderr
    record = json.loads(done.stdout)
    assert ["no JSON" in gap["reason"] for gap in record["gaps"]] == [True], "the only gap is the broken JSON"
    totals = record["totals"]
    assert (totals["rows"], totals["files_missing_columns"], totals["hits"]) == (5, 2, len(FOUND))
    assert [row["missing_columns"] for row in coverage_of(folder)] == [["absent"], [*COLUMNS, "absent"]]


def test_an_archive_without_any_of_the_columns_is_refused(folder: Path) -> None:
    (folder / "hunt.yaml").write_text(
        HUNT.replace(json.dumps(COLUMNS), "[txet, 'attrs{}.bio']\n  optional: true")
    )
    done = hindcast(folder, "hunt", "hunt.yaml")
    assert done.returncode == 2
    assert "archive.text_columns: no file that is read has any of these columns" in done.stderr
    assert not (folder / "out").exists()


def test_a_scan_without_a_hunt_tells_what_is_no_json(folder: Path) -> None:
    done = hindcast(
        folder, "scan", "archive", "-s", "signatures.yaml", "--columns", "payload->$.items[*].text"
    )
    assert done.returncode == 3
    assert "not all was scanned: 1 cell of payload->$.items[*].text is no JSON" in done.stderr
    assert "payload->$.items[1].text" in done.stdout
