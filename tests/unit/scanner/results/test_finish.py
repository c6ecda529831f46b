import contextlib
import errno
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import storage
from scanner.archive.read import Gap
from scanner.errors import HuntError, OutputError, SourceError
from scanner.results import layout
from scanner.results.commit import publish
from scanner.results.finish import collect, finish
from scanner.results.reader import open_results
from scanner.results.record import coverage_uri, read_record
from scanner.results.schemas import COVERAGE, SIGNATURES, hits_schema
from scanner.results.signature_sets import NOTHING_RAN, keep_set
from tests.support.results import (
    HUNT,
    RULESET,
    RUN_ID,
    at,
    commit_split,
    committed,
    hit,
    record,
    report,
    sample_run,
    write_hits,
)
from tests.support.signatures import literal, signature


def signatures(run: str) -> dict[str, dict[str, Any]]:
    table = pq.read_table(layout.signatures_uri(run))
    assert table.schema.equals(SIGNATURES)
    return {row["signature_id"]: row for row in table.to_pylist()}


def test_a_run_is_folded_into_tables_and_one_record(tmp_path: Path) -> None:
    run = sample_run(tmp_path)
    coverage = pq.read_table(coverage_uri(run))
    assert coverage.schema.equals(COVERAGE)
    assert coverage["row_groups"].to_pylist() == [[0], [1]]
    rows = signatures(run)
    picked = ("ran", "hits", "records", "actors", "first_seen", "last_seen", "truncated")
    assert {name: tuple(row[key] for key in picked) for name, row in rows.items()} == {
        "fraud.a": (True, 3, 3, 2, at(1), at(5), False),
        "fraud.b": (True, 1, 1, 1, at(2), at(2), False),
        "idle.c": (True, 0, 0, 0, None, None, False),
    }
    written = read_record(run)
    assert written is not None
    assert written == json.loads(json.dumps(written))
    assert written["status"] == "complete"
    assert (written["elapsed_s"], written["started_at"]) == (41.0, "2026-11-22T03:00:00+00:00")
    assert written["ruleset"] == {"digest": RULESET.digest, "signatures": 3, "expired": []}
    assert written["engine"] == {"qualification": {"passed": True}}
    assert written["totals"] == {
        "splits": 2, "scanned": 2, "failed": 0, "files": 1, "rows": 200, "rows_filtered": 0,
        "files_pruned": 0, "row_groups_pruned": 0, "rows_pruned": 0,
        "cells": 180, "text_bytes": 10000,
        "hits": 4, "records": 3, "actors": 2, "match_errors": 0, "events": 0, "invalid_cells": 0,
        "unparsed_cells": 0, "files_missing_columns": 0, "files_read": 1, "files_unreadable": 0,
    }  # fmt: skip


def test_a_failed_split_is_a_gap_and_so_is_an_undecided_match(tmp_path: Path) -> None:
    failed = read_record(sample_run(tmp_path, failed=True))
    assert failed is not None
    assert failed["status"] == "complete with gaps"
    assert failed["gaps"] == [
        {"source_uri": "/archive/a.parquet", "row_groups": [2], "reason": "the page is damaged"}
    ]
    run = f"{tmp_path}/undecided"
    commit_split(run, 0, match_errors=2, error="match limit exceeded")
    undecided = finish(run, record())
    assert (undecided["status"], len(undecided["gaps"])) == ("complete with gaps", 1)


def test_cells_that_are_no_json_are_gaps_of_row_groups_that_were_read(tmp_path: Path) -> None:
    run = str(tmp_path)
    unparsed = (("a->$", 1200, (0, 2)), ("b->$", 1, (2,)))
    commit_split(run, 0, row_groups=(0, 1, 2), unparsed_cells=1201, unparsed=unparsed)
    commit_split(run, 1, status="failed", error="is not there", unparsed_cells=1, unparsed=unparsed[1:])
    written = finish(run, record())
    assert [(gap["row_groups"], gap["reason"]) for gap in written["gaps"]] == [
        ([0, 2], "1,200 cells of a->$ are no JSON and were not read"),
        ([2], "1 cell of b->$ is no JSON and was not read"),
        ([1], "is not there"),
    ]
    assert (written["status"], written["totals"]["failed"]) == ("complete with gaps", 1)
    first, second = pq.read_table(coverage_uri(run)).to_pylist()
    told = "1,200 cells of a->$ are no JSON and were not read; 1 cell of b->$ is no JSON and was not read"
    assert (first["status"], first["row_groups"], first["error"]) == ("scanned", [0, 1, 2], told)
    assert second["error"] == "is not there"
    assert committed(run)[0].unparsed == unparsed


def test_coverage_tells_row_groups_that_were_not_read_from_those_that_were(tmp_path: Path) -> None:
    run = str(tmp_path)
    gaps = (Gap(1, 40, "the page is damaged"), Gap(2, 9, "its checksum is wrong"))
    commit_split(run, 0, [hit("fraud.a", 1)], row_groups=(0, 1, 2, 3), status="failed", gaps=gaps)
    commit_split(run, 1, [hit("fraud.a", 9)], row_groups=(1,), status="failed", rows=0, gaps=gaps[:1])
    written = finish(run, record())
    rows = pq.read_table(coverage_uri(run)).to_pylist()
    assert [(row["row_groups"], row["status"], row["rows"], row["hits"], row["error"]) for row in rows] == [
        ([0, 3], "scanned", 100, 1, None),
        ([1], "failed", 0, 0, "the page is damaged"),
        ([2], "failed", 0, 0, "its checksum is wrong"),
        ([1], "failed", 0, 1, "the page is damaged"),
    ]
    assert written["totals"]["failed"] == 2
    assert [(gap["row_groups"], gap["reason"]) for gap in written["gaps"]] == [
        ([1], "the page is damaged"),
        ([2], "its checksum is wrong"),
        ([1], "the page is damaged"),
    ]
    assert committed(run)[0].gaps == gaps


def test_expired_signatures_are_named_and_did_not_run(tmp_path: Path) -> None:
    old = signature("old.d", literal("d"))
    run = f"{tmp_path}/run"
    commit_split(run, 0)
    written = finish(run, record(expired=(old,)))
    assert written["ruleset"]["expired"] == ["old.d"]
    row = signatures(run)["old.d"]
    assert (row["ran"], row["hits"], row["expires"]) == (False, 0, None)


def test_a_signature_that_nothing_owed_did_not_run(tmp_path: Path) -> None:
    first, second, _ = RULESET.signatures
    run = f"{tmp_path}/some"
    commit_split(run, 0, signature_set=keep_set(run, [first.digest]))
    unread: dict[str, Any] = {"signature_set": keep_set(run, [second.digest]), "status": "failed", "rows": 0}
    commit_split(run, 1, **unread, error="its checksum is wrong")
    finish(run, record(only_new={"against": ["r1"]}))
    assert {name: row["ran"] for name, row in signatures(run).items()} == {
        "fraud.a": True,
        "fraud.b": False,
        "idle.c": False,
    }


def test_no_signature_ran_where_nothing_was_read(tmp_path: Path) -> None:
    run = str(tmp_path)
    file: dict[str, Any] = {
        "row_groups": (),
        "source_uri": "/archive/b.parquet",
        "signature_set": NOTHING_RAN,
    }
    commit_split(run, 0, **file, status="failed", rows=0, error="no Parquet")
    totals = finish(run, record())["totals"]
    assert not any(row["ran"] for row in signatures(run).values())
    assert [totals[name] for name in ("files", "files_read", "files_unreadable", "failed")] == [1, 0, 1, 1]


def test_what_a_signature_is_stands_beside_its_counts(tmp_path: Path) -> None:
    rich = replace(signature("x", literal("x")), name="X", tags=("a", "b"), expires=date(2027, 1, 1))
    commit_split(str(tmp_path), 0)
    finish(str(tmp_path), record(rules=replace(RULESET, signatures=(rich,))))
    row = signatures(str(tmp_path))["x"]
    assert (row["name"], row["tags"], row["expires"]) == ("X", ["a", "b"], date(2027, 1, 1))


def test_counts_are_exact_where_fewer_hits_are_stored(tmp_path: Path) -> None:
    run = str(tmp_path)
    write_hits(run, "some.parquet", [hit("fraud.a", 5)])
    publish(run, report(0, hits=1000, hits_file="some.parquet", signature_hits=(("fraud.a", 1000),)))
    finish(run, record())
    row = signatures(run)["fraud.a"]
    assert (row["hits"], row["records"], row["truncated"]) == (1000, 1, True)


def test_without_actors_their_number_is_unknown_rather_than_none(tmp_path: Path) -> None:
    run = str(tmp_path)
    commit_split(run, 0, [hit("fraud.a", 1)])
    written = finish(run, record())
    assert written["totals"]["actors"] is None
    assert signatures(run)["fraud.a"]["actors"] is None


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_of_the_hits_the_files_that_the_record_names_are_left_and_no_others(tmp_path: Path) -> None:
    run = str(tmp_path)
    commit_split(run, 0, [hit("fraud.a", 1)])
    write_hits(run, "lost-the-race.parquet", [hit("fraud.a", 1)])
    (tmp_path / "hits").mkdir()
    (tmp_path / "hits" / "part-00000-of-another-plan.parquet").touch()
    written = finish(run, record())
    assert names_in(tmp_path / "hits") == written["hits_files"]
    assert len(pq.read_table(tmp_path / "hits")) == 1
    assert names_in(tmp_path / "split_hits") == []


def test_what_may_not_be_deleted_stays_and_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0, [hit("fraud.a", 1)])

    def denied(uri: str) -> None:
        raise storage.Denied(uri, "not allowed")

    monkeypatch.setattr(storage, "delete", denied)
    finish(run, record())
    assert len(names_in(Path(run) / "split_hits")) == 1
    assert len(open_results(run).hits.to_table()) == 1


def test_whoever_comes_second_gives_what_the_first_has_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    for split in range(3):
        commit_split(run, split, [hit("fraud.a", split)])
    expected: list[dict[str, Any]] = []
    open_output = storage.open_output

    def interrupted(uri: str) -> contextlib.AbstractContextManager[pa.NativeFile]:
        if not expected:
            expected.append({})
            expected[0] = finish(run, record())
        return open_output(uri)

    monkeypatch.setattr(storage, "open_output", interrupted)
    assert finish(run, record(run_id="too-late")) == expected[0]
    assert expected[0]["run_id"] == RUN_ID
    assert len(open_results(run).hits.to_table()) == 3


def test_who_comes_second_with_another_plan_changes_nothing_of_what_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    for split in range(2):
        commit_split(run, split, [hit("fraud.a", split)])
    first, second = record(splits={f"{0:032x}"}), record(splits={f"{0:032x}", f"{1:032x}"})
    expected: list[dict[str, Any]] = []
    open_output = storage.open_output

    def interrupted(uri: str) -> contextlib.AbstractContextManager[pa.NativeFile]:
        if not expected:
            expected.append({})
            expected[0] = finish(run, first)
        return open_output(uri)

    monkeypatch.setattr(storage, "open_output", interrupted)
    assert finish(run, second) == expected[0]
    results = open_results(run)
    assert results.coverage.to_table()["split_id"].to_pylist() == [f"{0:032x}"]
    assert names_in(Path(run) / "coverage") == [expected[0]["coverage_file"]]
    assert names_in(Path(run) / "signatures") == [expected[0]["signatures_file"]]
    assert (len(results.hits.to_table()), signatures(run)["fraud.a"]["hits"]) == (1, 1)


def test_signatures_of_a_run_that_was_killed_once_it_stood_are_shown_by_whoever_collects_it(
    tmp_path: Path,
) -> None:
    run = sample_run(tmp_path)
    shown = Path(layout.signatures_uri(run))
    before = shown.read_bytes()
    shown.unlink()
    collect(run)
    assert shown.read_bytes() == before


def test_a_run_of_which_a_split_has_not_ended_is_not_complete(tmp_path: Path) -> None:
    run = str(tmp_path)
    commit_split(run, 0)
    with pytest.raises(OutputError, match="have not ended"):
        finish(run, record(splits={f"{0:032x}", f"{1:032x}"}))
    assert read_record(run) is None


def test_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = str(tmp_path)
    commit_split(run, 0, [hit("fraud.a", 1)])

    def full(_: str) -> contextlib.AbstractContextManager[pa.NativeFile]:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "open_output", full)
        with pytest.raises(OutputError, match="no space left on device"):
            finish(run, record())
    assert finish(run, record())["status"] == "complete"


def test_a_run_without_hits_leaves_one_empty_file_of_the_right_columns(tmp_path: Path) -> None:
    run = str(tmp_path)
    commit_split(run, 0)
    carry = pa.schema([("lang", pa.string())])
    finish(run, record(carry=carry))
    (file,) = (tmp_path / "hits").iterdir()
    table = pq.read_table(file)
    assert table.schema.equals(hits_schema(carry))
    assert len(table) == 0


def test_finishing_twice_keeps_what_stands(tmp_path: Path) -> None:
    run = sample_run(tmp_path)
    before = {path: path.read_bytes() for path in Path(run).rglob("*") if path.is_file()}
    again = finish(run, record(run_id="another"))
    assert again == read_record(run)
    assert {path: path.read_bytes() for path in Path(run).rglob("*") if path.is_file()} == before


def test_hits_that_are_gone_are_named_and_the_run_is_not_complete(tmp_path: Path) -> None:
    run = str(tmp_path)
    publish(run, report(0, hits=1, hits_file="gone.parquet", signature_hits=(("fraud.a", 1),)))
    with pytest.raises(SourceError, match=r"gone\.parquet"):
        finish(run, record())
    assert read_record(run) is None


def test_a_commit_that_points_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    run = str(tmp_path)
    publish(run, report(0, hits_file="../../other.parquet"))
    with pytest.raises(HuntError, match="no name of a file of hits"):
        finish(run, record())


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"status": "fine"}', b"\xff", b"[" * 100_000])
def test_a_damaged_record_is_named(tmp_path: Path, data: bytes) -> None:
    run = sample_run(tmp_path)
    Path(layout.record_uri(run)).write_bytes(data)
    with pytest.raises(HuntError, match=r"run\.json: this is no record of a run"):
        read_record(run)


def test_the_record_is_written_for_people_too(tmp_path: Path) -> None:
    text = Path(layout.record_uri(sample_run(tmp_path))).read_text()
    assert '{\n  "coverage_file": "part-0-' in text
    assert '\n  "elapsed_s": 41.0,\n' in text
    assert list(json.loads(text)) == sorted(json.loads(text))
