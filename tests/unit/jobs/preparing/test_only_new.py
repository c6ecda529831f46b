import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.preparing.only_new import find_new
from jobs.preparing.resume import choose, content_digest, joined, new_run
from jobs.running.hunt import Run
from scanner.errors import HuntError
from scanner.results import layout
from scanner.results.reader import open_results
from tests.support.growing import NOW, Step, World, covered, hits_of

FIRST = Step({"a": [["one", "two"], ["six", "one six"]], "b": [["one", "x"]]}, {"t.y": "six"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two files of three row groups, hunted with three signatures."""
    made = World(tmp_path)
    made.change(FIRST)
    assert made.run()
    return made


def test_old_files_owe_what_is_new_and_new_ones_owe_everything(world: World) -> None:
    world.change(Step({"b": [["six", "x"]], "c": [["one two", "x"]]}, {"t.z": "x"}))
    chosen, new = world.chosen()
    ids = ("t.x", "t.old", "t.y", "t.z")
    assert [
        (each.signatures, each.files, each.splits, each.row_groups, each.rows) for each in new.shares
    ] == [
        (ids, 2, 2, 2, 4),
        (("t.z",), 1, 1, 2, 4),
    ]
    assert chosen.begun.against == (Path(world.runs()[0]).name.removeprefix("run="),)
    assert world.run()
    latest = world.runs()[-1]
    record = json.loads(Path(layout.record_uri(latest)).read_text())
    assert record["totals"]["splits"] == 3
    assert record["only_new"] == {
        "against": list(chosen.begun.against),
        "files_not_read": 0,
        "row_groups_not_read": 0,
        "rows_not_read": 0,
        "text_bytes_not_read": 0,
    }
    assert len(list(covered(latest))) == 2 * 4 + 2
    signatures = pq.read_table(layout.signatures_uri(latest)).to_pylist()
    assert {row["signature_id"]: row["hits"] for row in signatures if row["ran"]} == {
        "t.x": 1,
        "t.old": 1,
        "t.y": 1,
        "t.z": 5,
    }
    assert all(row["ran"] for row in signatures), "each was owed somewhere"
    _, after = world.chosen()
    assert after.nothing
    assert after.prepared.only_new is not None
    assert after.prepared.only_new["files_not_read"] == 3


def test_row_groups_of_one_split_may_owe_different_signatures(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.change(FIRST)
    world.run(Step(trap="two"))
    _, new = world.chosen()
    assert [(each.signatures, each.row_groups, each.rows) for each in new.shares] == [
        (("t.x", "t.old", "t.y"), 1, 2),
        ((), 2, 4),
    ]
    world.change(Step(signatures={"t.z": "x"}))
    _, new = world.chosen()
    assert [(split.row_groups, split.owed) for split in new.prepared.plan.splits] == [
        ((0,), 0),
        ((1,), 1),
        ((0,), 1),
    ]
    assert world.run()
    assert not world.run()
    assert sum(len(hits_of(run)) for run in world.runs()) == 3 + 1 + 2 + 3


def test_signatures_that_nothing_owed_did_not_run(world: World) -> None:
    world.change(Step(signatures={"t.z": "nowhere"}))
    assert world.run()
    rows = pq.read_table(layout.signatures_uri(world.runs()[-1])).to_pylist()
    assert {row["signature_id"]: (row["ran"], row["hits"]) for row in rows} == {
        "t.x": (False, 0),
        "t.old": (False, 0),
        "t.y": (False, 0),
        "t.z": (True, 0),
    }


def test_what_an_abandoned_run_has_done_is_owed_again_so_that_a_run_that_ends_tells_its_hits(
    world: World,
) -> None:
    world.change(Step({"c": [["one", "x"]], "d": [["z", "x"]]}))
    world.run(Step(stopped_after=1))
    abandoned = world.runs()[-1]
    assert not Path(layout.record_uri(abandoned)).exists()
    assert hits_of(abandoned)
    world.change(Step(signatures={"t.w": "z"}))
    chosen, new = world.chosen()
    assert not chosen.resumed
    assert {each.signatures: each.files for each in new.shares} == {
        ("t.x", "t.old", "t.y", "t.w"): 2,
        ("t.w",): 2,
    }
    assert world.run()
    assert hits_of(abandoned) < hits_of(world.runs()[-1])
    results = open_results(str(world.folder / "out"), run="all")
    ids = results.hits.to_table()["hit_id"].to_pylist()
    assert len(results.current_hits()) == len(set(ids)) == len(ids) - len(hits_of(abandoned))
    assert not world.run()


def test_a_run_that_is_gone_on_with_is_decided_as_it_was(world: World) -> None:
    world.change(Step({"c": [["one", "x"]], "d": [["two", "x"]]}))
    world.run(Step(stopped_after=1))
    first = world.chosen()
    assert first[0].resumed
    assert [split.source_uri[-9:] for split in first[1].prepared.plan.splits] == ["c.parquet", "d.parquet"]
    assert world.run()
    assert len(world.runs()) == 2
    assert not world.run()


def test_runs_of_everything_and_of_what_is_new_are_not_mixed(world: World) -> None:
    world.change(Step({"c": [["one", "x"]], "d": [["two", "x"]]}))
    world.run(Step(stopped_after=1))
    unfinished = Path(world.runs()[-1]).name.removeprefix("run=")
    everything = world.prepared()
    assert not choose(everything, NOW).resumed
    assert choose(everything, NOW, resume=unfinished).begun.against, "`--resume` takes a run as it is"
    name = "20260501T235959Z-whole"
    whole = new_run(everything, NOW, name)
    run = Run(everything, whole)
    with pytest.raises(KeyboardInterrupt):
        run.execute(_stop)
    with pytest.raises(HuntError, match="it hunts everything; start a new run"):
        choose(everything, NOW, resume=name, only_new=True)
    with pytest.raises(HuntError, match="it hunts only what is new; start a new run"):
        choose(everything, NOW, run_id=unfinished)
    assert name not in (choose(everything, NOW, only_new=True).begun.against or ())
    run.execute()
    assert name in (choose(everything, NOW, only_new=True).begun.against or ())


def _stop(_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ("archive: {uri: archive, text_columns: [text]}", True),
        ("archive: {uri: [archive, archive/a.parquet], text_columns: [text]}", True),
        ("archive: {uri: archive, text_columns: [text]}\nlimits: {stored_hits_per_split: 9}", True),
        ("archive: {uri: archive, text_columns: [text], format: parquet}", False),
        ("archive: {uri: archive, text_columns: auto}", False),
        ("archive: {uri: archive, text_columns: [text], carry: [text]}", False),
        ("archive: {uri: archive, text_columns: [text], where: text > 'a'}", False),
        ("archive: {uri: archive, text_columns: [text]}\nevidence: clear", False),
    ],
)
def test_runs_count_where_the_hunt_finds_the_same_in_a_file(world: World, change: str, same: bool) -> None:
    before = content_digest(world.prepared())
    text = f"hunt: small\n{change}\nsignatures: s.yaml\noutput: out"
    (world.folder / "out.yaml").write_text(text)
    prepared = world.prepared()
    assert (content_digest(prepared) == before) == same
    against = choose(prepared, NOW, only_new=True).begun.against
    assert against is not None
    assert find_new(prepared, against).nothing == same


def test_runs_that_start_together_become_one_so_that_nothing_is_read_twice(world: World) -> None:
    world.change(Step({"c": [["one", "x"]]}))
    (chosen, new), (later, new_to_it) = world.chosen(), world.chosen()
    assert chosen.begun.run_id != later.begun.run_id, "neither sees the other"
    first = joined(new.prepared, chosen)
    assert first == chosen
    second = joined(new_to_it.prepared, later)
    assert (second.resumed, second.begun.run_id) == (False, first.begun.run_id)
    run = Run(new.prepared, first.begun)
    record = run.execute()
    assert joined(new_to_it.prepared, later) == replace(first, resumed=True), (
        "it has begun, or ended, meanwhile"
    )
    assert Run(new_to_it.prepared, second.begun).execute() == record
    assert world.runs()[1:] == [run.uri]
    rows = open_results(str(world.folder / "out"), run="all").hits.to_table()
    assert len(set(rows["hit_id"].to_pylist())) == len(rows)


def test_only_runs_of_the_same_that_need_not_have_their_own_id_join(world: World) -> None:
    world.change(Step({"c": [["one", "x"]]}))
    chosen, new = world.chosen()
    joined(new.prepared, chosen)
    other = replace(chosen, begun=replace(chosen.begun, run_id="20260501T235959Z-other"))
    assert joined(new.prepared, other).begun.run_id == chosen.begun.run_id
    assert joined(new.prepared, other, named=True) == other
    for change in (
        {"against": None},
        {"against": ("20260430T000000Z-000000",)},
        {"content_digest": "0" * 64},
        {"signatures_digest": "0" * 64},
        {"started_at": NOW + timedelta(days=2)},
    ):
        unlike = replace(other, begun=replace(other.begun, **change))
        assert joined(new.prepared, unlike) == unlike
    for mark in world.folder.glob("out/hunt=small/first/*.json"):
        mark.write_text("[]")
    with pytest.raises(HuntError, match="which run was the first to start, or is damaged; delete it"):
        joined(new.prepared, other)


def test_files_that_cannot_be_read_are_owed_every_time(world: World) -> None:
    (world.folder / "archive" / "z.parquet").write_bytes(b"nothing")
    assert world.run()
    assert world.run(), "a gap is told again until somebody has mended the file"
    (world.folder / "archive" / "z.parquet").unlink()
    assert not world.run()


def test_a_file_without_rows_is_covered_too(world: World) -> None:
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), world.folder / "archive" / "e.parquet")
    assert world.run()
    assert not world.run()


def test_only_the_latest_run_is_gone_on_with_since_later_ones_have_covered_some_of_it(world: World) -> None:
    world.change(Step({"c": [["one", "x"]], "d": [["two", "x"]]}, {"t.z": "x"}))
    world.run(Step(stopped_after=1))
    world.change(Step(signatures={"t.z": "two x"}))
    assert world.run()
    world.change(Step(signatures={"t.z": "x"}))
    assert not world.chosen()[0].resumed
    assert world.run()
    counts = Counter(each for run in world.finished() for each in covered(run))
    assert max(counts.values()) == 1
