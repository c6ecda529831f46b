import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli import render
from jobs.cli.main import main
from jobs.watching import Progress
from jobs.watching.progress_file import ProgressFile
from scanner.archive.read import Gap
from scanner.results import layout
from scanner.results.finish import finish
from scanner.results.limits import Limits
from scanner.results.signature_sets import keep_set
from tests.support.results import HUNT, RULESET, RUN_ID, at, commit_split, hit, record, sample_run
from tests.support.signatures import literal, signature

Show = Callable[..., str]


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Show:
    """Runs `hindcast results` and answers what it printed."""

    def run(*arguments: object, exit_code: int = 0) -> str:
        assert main(["results", *map(str, arguments)]) == exit_code
        printed = capsys.readouterr()
        return printed.err if exit_code else printed.out

    return run


def test_a_complete_run_says_so_in_its_first_line(tmp_path: Path, show: Show) -> None:
    run = sample_run(tmp_path)
    lines = [line.strip() for line in show("show", run).splitlines() if line.strip()]
    assert lines[:3] == [
        f"nightly  run {RUN_ID}  COMPLETE",
        "read 200 records in 1 file (10.0 kB of text); 0 splits failed; 41.0 s",
        "4 hits in 3 records by 2 actors",
    ]
    table = [line.split() for line in lines if line.startswith("fraud.")]
    assert table == [
        ["fraud.a", "medium", "3", "3", "2", "2026-01-01", "00:00", "2026-01-05", "00:00"],
        ["fraud.b", "medium", "1", "1", "1", "2026-01-02", "00:00", "2026-01-02", "00:00"],
    ]
    assert lines[-2:] == ["1 signature found nothing", f"hits: {run}/hits/*.parquet"]


def test_a_sample_is_called_one(tmp_path: Path, show: Show) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    a, b, _ = (each.digest for each in RULESET.signatures)
    noisy = [hit("fraud.a", row, signature_digest=a) for row in range(9)]
    commit_split(run, 0, [*noisy, hit("fraud.b", 30, signature_digest=b)])
    finish(run, record(limits=Limits(stored_hits_per_signature=4)))
    printed = show("show", run)
    assert "\n10 hits; a sample of 5 is stored, in 5 records\n" in printed
    assert "\n* stored as a sample, with exact numbers of hits: fraud.a\n" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith(" fraud.")]
    assert [row[:4] for row in rows] == [["fraud.a", "medium", "9", "4*"], ["fraud.b", "medium", "1", "1"]]
    together = show("show", tmp_path, "--all-runs")
    assert "(stored hits, of some signatures a sample, each once: " in together
    assert ["fraud.a", "medium", "4*", "4*"] in [line.split()[:4] for line in together.splitlines()]


def test_all_that_is_known_of_a_sample_alone_is_marked(tmp_path: Path, show: Show) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0, [hit("fraud.a", row, "ann", event_time=at(2)) for row in range(9)])
    finish(run, record(limits=Limits(stored_hits_per_signature=4)))
    day = ["2026-01-02", "00:00*"]
    row = next(line.split() for line in show("show", run).splitlines() if line.startswith(" fraud."))
    assert row == ["fraud.a", "medium", "9", "4*", "1*", *day, *day]


@pytest.mark.parametrize(("times", "told"), [((None, None), True), ((None, at(2)), False)])
def test_a_column_of_times_that_holds_none_is_told(
    tmp_path: Path, show: Show, times: tuple[datetime | None, ...], told: bool
) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0, [hit("fraud.a", row, event_time=time) for row, time in enumerate(times)])
    finish(run, replace(record(), spec={"archive": {"event_time": "posted"}}))
    assert ("\nno hit has a time: in their records, posted holds none such as " in show("show", run)) is told


def test_a_run_of_what_is_new_says_that_it_did_not_read_the_rest(tmp_path: Path, show: Show) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0, signature_set=keep_set(run, [RULESET.signatures[0].digest]))
    finish(run, record(only_new={"against": ["r1", "r2"], "files_not_read": 40}))
    told = "only what is new: what 2 earlier runs have covered was left out, 40 files as a whole\n"
    printed = show("show", run)
    assert f"{told}all runs together: hindcast results show {tmp_path}/hunt={HUNT} --all-runs\n" in printed
    did_not = "2 signatures did not run here: nothing that was read owed them\n"
    assert f"1 signature found nothing\n{did_not}" in printed


def test_files_that_cannot_be_read_are_no_splits_and_count_as_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "archive").mkdir()
    pq.write_table(pa.table({"text": ["a kumquat", "none"]}), tmp_path / "archive" / "a.parquet")
    for name in ("b", "c", "d"):
        (tmp_path / "archive" / f"{name}.parquet").write_bytes(b"nothing")
    (tmp_path / "s.yaml").write_text("signatures: [{id: t.kumquat, literal: kumquat}]")
    archive = "{uri: archive, text_columns: [text]}"
    (tmp_path / "h.yaml").write_text(f"hunt: small\narchive: {archive}\nsignatures: s.yaml\noutput: out")
    assert main(["plan", str(tmp_path / "h.yaml"), "--json"]) in {0, 3}
    assert json.loads(capsys.readouterr().out)["splits"] == 1
    assert main(["hunt", str(tmp_path / "h.yaml"), "--executor", "inline"]) == 3
    printed = capsys.readouterr()
    assert "in 1 of 4 files with 1 signature" in printed.err
    assert printed.out.startswith("COMPLETE WITH GAPS: 3 of 4 files could not be read at all\n")
    assert "read 2 records in 1 of 4 files" in printed.out
    assert "; 0 splits failed" in printed.out
    assert main(["hunt", str(tmp_path / "h.yaml"), "--executor", "inline", "--only-new"]) == 3
    printed = capsys.readouterr()
    assert "read 0 records in 0 of 3 files" in printed.out
    assert "1 signature did not run here: nothing was read\n" in printed.out
    assert "found nothing" not in printed.out


def two_runs(output: Path) -> None:
    """A run that found, and a later one of what is new: `fraud.b` has other logic since."""
    new = signature("fraud.b", literal("other"))
    a, b, c = RULESET.signatures
    first = layout.run_uri(str(output), HUNT, RUN_ID)
    before = [hit("fraud.a", 1, "ann", signature_digest=a.digest)]
    commit_split(first, 0, [*before, *(hit("fraud.b", row, signature_digest=b.digest) for row in (1, 2))])
    finish(first, record())
    later = layout.run_uri(str(output), HUNT, f"{RUN_ID}2")
    after = [hit("fraud.b", 2, "bob", signature_digest=new.digest, hit_id="f" * 32, run_id=f"{RUN_ID}2")]
    commit_split(later, 0, after, signature_set=keep_set(later, [new.digest]))
    commit_split(later, 1, status="failed", rows=0, error="the page is damaged")
    rules = replace(RULESET, signatures=(a, new, c))
    finish(
        later, record(run_id=f"{RUN_ID}2", rules=rules, only_new={"against": [RUN_ID], "files_not_read": 0})
    )


def test_all_runs_are_shown_together_each_hit_once_and_none_of_former_logic(
    tmp_path: Path, show: Show
) -> None:
    two_runs(tmp_path)
    printed = show("show", tmp_path, "--all-runs")
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    assert lines[:2] == ["COMPLETE WITH GAPS: 1 of 2 runs have gaps", f"{HUNT}  2 runs together"]
    assert lines[2].startswith("2 hits in 2 records by 2 actors (stored hits, each once")
    assert [line.split()[:5] for line in lines if line.startswith("fraud.")] == [
        ["fraud.a", "medium", "1", "1", "1"],
        ["fraud.b", "medium", "1", "1", "1"],
    ]
    assert lines[-1] == "1 signature found nothing"
    facts = json.loads(show("show", tmp_path / f"hunt={HUNT}", "--all-runs", "--json"))
    assert (facts["runs"], facts["complete"]) == ([f"{RUN_ID}2", RUN_ID], False)
    assert facts["totals"] == {"hits": 2, "records": 2, "actors": 2}


def test_all_runs_may_be_unfinished(tmp_path: Path, show: Show) -> None:
    commit_split(layout.run_uri(str(tmp_path), HUNT, RUN_ID), 0, [hit("fraud.a", 1), hit("fraud.a", 2)])
    printed = show("show", tmp_path, "--all-runs")
    assert printed.startswith("UNFINISHED: 1 of 1 run unfinished\n")
    assert ["fraud.a", "2", "2"] in [line.split()[:3] for line in printed.splitlines()]


def test_all_runs_are_those_of_a_hunt_and_not_of_a_run(tmp_path: Path, show: Show) -> None:
    run = sample_run(tmp_path)
    assert "name the folder of the hunt" in show("show", run, "--all-runs", exit_code=2)


@pytest.mark.parametrize("below", ["", f"hunt={HUNT}", f"hunt={HUNT}/run={RUN_ID}"])
def test_an_output_a_hunt_and_a_run_can_be_shown(tmp_path: Path, show: Show, below: str) -> None:
    sample_run(tmp_path)
    assert show("show", tmp_path / below).startswith(f"nightly  run {RUN_ID}  COMPLETE\n")


def test_gaps_come_first_with_their_reasons_grouped(tmp_path: Path, show: Show) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0, [hit("fraud.a", 1)])
    for split, error in ((1, "the page is damaged"), (2, "is not there"), (3, "the page is damaged")):
        file = f"/archive/{split}.parquet"
        commit_split(run, split, status="failed", error=error, source_uri=file)
    finish(run, record())
    assert show("show", run).splitlines()[:4] == [
        "COMPLETE WITH GAPS: 3 of 4 splits were not read in full",
        "  2 gaps: the page is damaged (such as /archive/1.parquet)",
        "  1 gap: is not there (such as /archive/2.parquet)",
        f"nightly  run {RUN_ID}",
    ]


def test_cells_that_are_no_json_are_one_reason_whatever_their_number(tmp_path: Path, show: Show) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    for split, cells in ((0, 1), (1, 5000)):
        commit_split(run, split, unparsed_cells=cells, unparsed=(("a->$", cells, (split,)),))
    finish(run, record())
    assert show("show", run).splitlines()[:3] == [
        "COMPLETE WITH GAPS: 5,001 cells are no JSON and were not read",
        "  2 gaps: cells of a->$ are no JSON and were not read (such as /archive/a.parquet)",
        f"nightly  run {RUN_ID}",
    ]
    assert "all was read" not in show("coverage", run)


def test_coverage_names_what_was_not_read_by_row_group(tmp_path: Path, show: Show) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    gaps = (Gap(1, 40, "the page is damaged"),)
    commit_split(run, 0, row_groups=(0, 1, 2), status="failed", gaps=gaps)
    finish(run, record())
    lines = show("coverage", run).splitlines()
    assert lines[:2] == [
        "COMPLETE WITH GAPS: 1 of 1 splits was not read in full",
        "/archive/a.parquet row group 1: the page is damaged",
    ]
    assert "row groups 0, 2: scanned, 100 records" in show("coverage", run, "--all")
    rows = [json.loads(line) for line in show("coverage", run, "--json").splitlines()]
    assert [(row["row_groups"], row["status"]) for row in rows] == [([0, 2], "scanned"), ([1], "failed")]
    assert show("coverage", sample_run(tmp_path, run_id=f"{RUN_ID}2")).endswith("\nall was read\n")


def test_an_unfinished_run_is_shown_as_far_as_it_is(tmp_path: Path, show: Show) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0, [hit("fraud.a", 1, "ann")])
    printed = show("show", run)
    assert printed.startswith(f"UNFINISHED: 1 split is done\nnightly  run {RUN_ID}\n")
    assert "1 hit in 1 record by 1 actor" in printed
    assert json.loads(show("show", run, "--json"))["status"] == "unfinished"


def stopped_run(output: Path, splits: int, of: int) -> str:
    """An unfinished run that has told how many splits it has, and of which a file could not be read besides."""
    run = layout.run_uri(str(output), HUNT, RUN_ID)
    for split in range(splits):
        commit_split(run, split)
    unread: dict[str, Any] = {
        "status": "failed",
        "rows": 0,
        "cells": 0,
        "text_bytes": 0,
        "error": "is no Parquet",
    }
    commit_split(run, splits, row_groups=(), source_uri="/archive/b.parquet", **unread)
    told = ProgressFile(run)
    told(Progress(splits, of, 100 * splits, 100 * of))
    told.ends_as = "stopped"
    told.beat(ended=True)
    return run


def test_an_unfinished_run_says_how_many_splits_of_how_many_are_done(tmp_path: Path, show: Show) -> None:
    run = stopped_run(tmp_path, 3, of=8)
    first = "UNFINISHED: 3 of 8 splits are done; 1 of 2 files could not be read at all"
    assert show("show", run).splitlines()[0] == first
    assert show("coverage", run).splitlines() == [first, "/archive/b.parquet: is no Parquet"]
    listed = next(line.split() for line in show("list", tmp_path).splitlines() if RUN_ID in line)
    assert listed == [HUNT, RUN_ID, "unfinished", "3", "of", "8"]


@pytest.mark.parametrize("told", [None, "{}", "2 of 1"])
def test_only_what_is_known_is_said_of_an_unfinished_run(
    tmp_path: Path, show: Show, told: str | None
) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    if told == "2 of 1":
        stopped_run(tmp_path, 1, of=1)
    commit_split(run, 7)
    if told == "{}":
        Path(layout.progress_uri(run)).write_text(told)
    done = "2 splits are done" if told == "2 of 1" else "1 split is done"
    assert re.fullmatch(f"UNFINISHED: {done}(; 1 of 2 files .*)?", show("show", run).splitlines()[0])


def test_of_an_unfinished_run_never_all_was_read(tmp_path: Path, show: Show) -> None:
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0)
    so_far = "no gaps so far; what is not done was not read"
    assert show("coverage", run).splitlines() == ["UNFINISHED: 1 split is done", so_far]


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_ids_are_not_broken_on_a_narrow_terminal(
    tmp_path: Path, show: Show, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr(render, "PIPE_COLUMNS", columns)
    long_id = f"{RUN_ID}-{'x' * 90}"
    sample_run(tmp_path, hunt="nightly-fraud", failed=True)
    assert ["nightly-fraud", RUN_ID] in [line.split()[:2] for line in show("list", tmp_path).splitlines()]
    assert max(map(len, show("list", tmp_path).splitlines())) <= max(80, columns)
    sample_run(tmp_path, hunt="nightly-fraud", run_id=long_id)
    assert long_id in show("list", tmp_path)
    assert long_id in show("show", tmp_path, "--all-runs")


def test_expired_signatures_are_named(tmp_path: Path, show: Show) -> None:
    old = replace(signature("old.d", literal("d")), expires=date(2026, 1, 31))
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0)
    finish(run, record(expired=(old,)))
    assert "3 signatures found nothing\nexpired and not run: old.d (2026-01-31)\n" in show("show", run)


def test_machines_get_the_same_facts(tmp_path: Path, show: Show) -> None:
    facts = json.loads(show("show", sample_run(tmp_path, failed=True), "--json"))
    assert (facts["hunt"], facts["run_id"]) == (HUNT, RUN_ID)
    assert (facts["status"], facts["complete"]) == ("complete with gaps", False)
    assert facts["totals"]["hits"] == 4
    assert facts["gaps"] == [{"gaps": 1, "reason": "the page is damaged", "such_as": "/archive/a.parquet"}]
    assert [(row["signature_id"], row["hits"]) for row in facts["signatures"]] == [
        ("fraud.a", 3),
        ("fraud.b", 1),
        ("idle.c", 0),
    ]
    assert facts["run"]["elapsed_s"] == 41.0


def test_what_comes_from_data_cannot_play_with_the_terminal(tmp_path: Path, show: Show) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07[bold red]\u202e"
    hostile = replace(signature("x", literal("x")), id=f"id{evil}")
    run = layout.run_uri(str(tmp_path), HUNT, RUN_ID)
    commit_split(run, 0, [hit(hostile.id, 1)])
    commit_split(run, 1, status="failed", error=f"why{evil}", source_uri=f"/archive/{evil}.parquet")
    finish(run, record(rules=replace(RULESET, signatures=(hostile,)), expired=(hostile,)))
    printed = show("show", run)
    told = r"␛[2J␛]0;owned␇[bold red]\u202e"
    assert f"id{told}" in printed
    assert f"why{told}" in printed
    # A name that is shown leads to the file.
    assert f"/archive/{told}.parquet" in printed
    assert {unicodedata.category(character) for character in printed if character != "\n"} & {
        "Cc",
        "Cf",
    } == set()
    for arguments in (["show", run, "--json"], ["list", tmp_path, "--json"]):
        assert not {"\x1b", "\u202e"} & set(show(*arguments))


def test_runs_are_listed(tmp_path: Path, show: Show) -> None:
    sample_run(tmp_path, failed=True)
    commit_split(layout.run_uri(str(tmp_path), "weekly", RUN_ID), 0)
    rows = [line.split() for line in show("list", tmp_path).splitlines() if RUN_ID in line]
    assert rows == [
        ["nightly", RUN_ID, "complete", "with", "gaps", "2026-11-22", "03:00", "3", "4"],
        ["weekly", RUN_ID, "unfinished", "1"],
    ]
    listed = json.loads(show("list", tmp_path, "--json"))
    assert [(run["hunt"], run["status"], run["hits"]) for run in listed] == [
        ("nightly", "complete with gaps", 4),
        ("weekly", "unfinished", None),
    ]


def test_the_current_folder_is_listed_by_default(here: Path, show: Show) -> None:
    assert show("list") == "no runs here\n"
    assert json.loads(show("list", "--json")) == []
    sample_run(here)
    assert RUN_ID in show("list")


def test_what_is_not_there_is_the_users_mistake(tmp_path: Path, show: Show) -> None:
    assert "there is no such folder" in show("show", tmp_path / "missing", exit_code=2)
    assert "there is no such folder" in show("list", tmp_path / "missing", exit_code=2)
    assert "there are no runs here" in show("show", tmp_path, exit_code=2)
    run = sample_run(tmp_path)
    Path(layout.record_uri(run)).write_text("{}")
    assert "this is no record of a run" in show("show", run, exit_code=2)


@pytest.mark.parametrize("verb", [(), ("list",), ("show",)])
def test_help_has_an_example(show: Show, verb: tuple[str, ...]) -> None:
    assert re.search("Examples?:", show(*verb, "--help"))
