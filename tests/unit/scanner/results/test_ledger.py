from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scanner.archive.planning.listing import Listing
from scanner.archive.planning.splits import NOTHING, Part, Splits
from scanner.archive.storage import FileInfo
from scanner.results import layout, ledger
from scanner.results.begun import Begun, begin
from scanner.results.commit import publish
from scanner.results.finish import finish
from scanner.results.ledger import COVERED, Ledger, Owed, owed_after, runs_that_count
from scanner.results.schemas import COVERAGE
from scanner.results.signature_sets import keep_set
from scanner.signatures.model import Signature
from tests.support.results import HUNT, RULESET, STARTED, record, report
from tests.support.signatures import literal, signature

A, B, C = RULESET.signatures
SETS = {"a": (A.digest,), "ab": (A.digest, B.digest), "all": (A.digest, B.digest, C.digest, "gone"), "": ()}


def plan() -> Splits:
    """Three files: of three row groups in two splits, of one, and of none."""
    splits = Splits(Listing(FileInfo(f"/archive/{name}.parquet", 9, f"{name}1") for name in "abc"))
    splits.add(0, ("text",), Part((0, 1), 0, 20, 200))
    splits.add(0, ("text",), Part((2,), 20, 10, 100))
    splits.add(1, ("text", "title"), Part((0,), 0, 10, 70))
    splits.add(2, ("text",), Part((), 0, 0, 0))
    return splits


def row(name: str, row_groups: Sequence[int], **changes: Any) -> dict[str, Any]:
    return {
        "source_uri": f"/archive/{name}.parquet",
        "source_etag": f"{name}1",
        "row_groups": row_groups,
        "columns": ["text", "title"] if name == "b" else ["text"],
        "signature_set": "all",
        "status": "scanned",
        "match_errors": 0,
        **changes,
    }


def owed(
    *runs: Sequence[dict[str, Any]], signatures: Sequence[Signature] = RULESET.signatures
) -> list[set[int] | None]:
    """Indices of the signatures that each place owes after some runs."""
    ledger = Ledger(plan(), signatures)
    schema = pa.schema([COVERAGE.field(name) for name in COVERED])
    for rows in runs:
        ledger.add(pa.Table.from_pylist(list(rows), schema).to_batches(2), SETS.__getitem__)
    return told(ledger.owed())


def told(found: Owed) -> list[set[int] | None]:
    return [None if number == NOTHING else set(found.sets[number]) for number in found.numbers.tolist()]


ALL = {0, 1, 2}


def test_what_no_run_has_covered_owes_everything() -> None:
    assert owed() == owed([]) == [ALL] * 5


def test_each_row_group_owes_what_no_run_has_covered() -> None:
    assert owed([row("a", [0, 2]), row("c", [])]) == [None, ALL, None, ALL, None]
    assert owed([row("a", [0, 1], signature_set="a")], [row("a", [1, 2], signature_set="ab")]) == [
        {1, 2},
        {2},
        {2},
        ALL,
        ALL,
    ]


def test_another_version_or_other_columns_or_files_that_are_gone_cover_nothing() -> None:
    others = [
        row("a", [0], source_etag="a2"),
        row("b", [0], columns=["text"]),
        row("z", [0]),
        row("c", [0]),
        row("a", [7]),
    ]
    assert owed(others) == [ALL] * 5


def test_what_a_run_could_not_read_or_decide_it_has_not_covered_but_another_may_have() -> None:
    spoilt = [
        row("a", [0, 1, 2]),
        row("a", [1], status="failed", signature_set=""),
        row("b", [0], match_errors=1),
    ]
    assert owed(spoilt) == [None, ALL, None, ALL, ALL]
    assert owed(spoilt[::-1]) == owed(spoilt), "in any order"
    assert owed(spoilt, [row("a", [1])]) == owed([row("a", [1])], spoilt) == [None, None, None, ALL, ALL]


def test_signatures_are_the_same_where_their_logic_is() -> None:
    twin = replace(A, id="another.name", severity="low")
    new = signature("new.d", literal("new"))
    whole = [row("a", [0, 1, 2]), row("b", [0]), row("c", [])]
    assert owed(whole, signatures=(twin, A, new)) == [{2}] * 5
    assert owed([row("a", [0], signature_set="a")], signatures=(twin, B, A))[0] == {1}


def test_sets_are_numbered_by_how_much_owes_them() -> None:
    ledger = Ledger(plan(), RULESET.signatures)
    table = pa.Table.from_pylist(
        [row("a", [0], signature_set="a"), row("a", [1, 2], signature_set="ab")],
        pa.schema([COVERAGE.field(name) for name in COVERED]),
    )
    ledger.add(table.to_batches(), SETS.__getitem__)
    assert ledger.owed().sets == ((0, 1, 2), (2,), (1, 2))


def test_splits_are_cut_where_their_row_groups_owe_different_sets() -> None:
    splits = plan()
    cut = splits.owing(np.array([1, NOTHING, 0, 2, NOTHING]))
    assert [(each.source_uri[-9:], each.row_groups, each.owed, each.text_bytes) for each in cut] == [
        ("a.parquet", (0,), 1, 100),
        ("a.parquet", (2,), 0, 100),
        ("b.parquet", (0,), 2, 70),
    ]
    assert [split.split_id for split in splits.owing(np.zeros(5, np.int64))] == [s.split_id for s in splits]
    mixed = plan().owing(np.array([2, 1, 1, 0, 0]))
    assert [(each.row_groups, each.owed) for each in mixed] == [
        ((1,), 1),
        ((0,), 2),
        ((2,), 1),
        ((0,), 0),
        ((), 0),
    ]
    assert [half.owed for half in splits.halves(replace(splits[0], owed=3))] == [3, 3]
    assert not list(splits.owing(np.full(5, NOTHING)))


def test_what_only_an_unfinished_run_has_read_is_owed(tmp_path: Path) -> None:
    splits, output = plan(), str(tmp_path)
    for run_id, row_group in (("r1", 0), ("r2", 2)):
        uri = layout.run_uri(output, HUNT, run_id)
        done = report(
            row_group,
            row_groups=(row_group,),
            source_etag="a1",
            signature_set=keep_set(uri, [A.digest, B.digest]),
        )
        publish(uri, done)
        if run_id == "r1":
            finish(uri, record(run_id=run_id))
    signatures = RULESET.signatures
    assert told(owed_after(splits, signatures, output, HUNT, ["r1", "r2", "gone"])) == [
        {2},
        ALL,
        ALL,
        ALL,
        ALL,
    ]
    finish(layout.run_uri(output, HUNT, "r2"), record(run_id="r2"))
    assert told(owed_after(splits, signatures, output, HUNT, ["r2"])) == [ALL, ALL, {2}, ALL, ALL]


def test_finished_runs_that_look_for_the_same_count(tmp_path: Path) -> None:
    for run_id, content in (("r1", "x"), ("r2", "y"), ("r3", "x"), ("r4", "x")):
        begun = Begun(HUNT, run_id, "", "", "", STARTED, {}, content)
        uri = layout.run_uri(str(tmp_path), HUNT, run_id)
        begin(uri, begun)
        if run_id != "r4":
            finish(uri, record(run_id=run_id))
    (tmp_path / f"hunt={HUNT}" / "run=r5").mkdir()
    assert runs_that_count(str(tmp_path), HUNT, "x") == ("r3", "r1")
    assert runs_that_count(str(tmp_path), "other", "x") == ()


def test_many_small_runs_and_large_ones_are_all_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, ids = str(tmp_path), [f"r{number:02}" for number in range(40)]
    for number, run_id in enumerate(ids):
        uri = layout.run_uri(output, HUNT, run_id)
        ran = keep_set(uri, [RULESET.signatures[number % 3].digest])
        publish(uri, report(0, row_groups=(number % 2,), source_etag="a1", signature_set=ran))
        finish(uri, record(run_id=run_id))
    args = (plan(), RULESET.signatures, output, HUNT, ids)
    assert told(owed_after(*args)) == [None, None, ALL, ALL, ALL]
    monkeypatch.setattr(ledger, "_SMALL_BYTES", 0)
    assert told(owed_after(*args)) == [None, None, ALL, ALL, ALL]
