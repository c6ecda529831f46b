from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import read
from scanner.archive.columns.cells import extract
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Plan, make_plan
from scanner.archive.read import Batch
from scanner.archive.where import Predicate
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matches, Wanted
from scanner.engine.oracle import OracleMatcher
from scanner.engine.program import compile_ruleset
from scanner.errors import EngineError
from scanner.results import layout
from scanner.results.limits import Limits
from scanner.results.mask import Evidence
from scanner.results.sample import ranks_of
from scanner.results.schemas import hits_schema
from scanner.results.split_hits import HitsFileInfo, read_pieces
from scanner.scan import finds, hits_file
from scanner.scan.split import ScanSettings, run_split
from scanner.views.raw import Column
from tests.support.results import committed
from tests.support.signatures import regex, regexes, ruleset, signature

RULES = ruleset(signature("x", regex("se.ret", "i")), signature("y", regex("zebra")))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    table = pa.table(
        {
            "id": pa.array([10, 11, 12, 13]),
            "who": ["ann", "bob", None, "ann"],
            "at": pa.array([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)]),
            "lang": ["en", "de", "en", None],
            "text": ["a secret", None, "", "SECRET zebra secret"],
            "replies": [[{"text": "no"}, {"text": "zebra"}], None, [], [{"text": None}]],
        }
    )
    pq.write_table(table, folder / "a.parquet", row_group_size=2)
    return folder


def plan(archive: Path) -> Plan:
    return make_plan([str(archive)], ["text", "replies[].text"], "id", "who", "at", ["lang"])


def settings(plan: Plan, folder: Path, evidence: Evidence = "masked") -> ScanSettings:
    uri = layout.run_uri(str(folder / "out"), "test", "r1")
    when = datetime(2026, 11, 22, tzinfo=UTC)
    return ScanSettings(
        "test", "r1", uri, plan.columns, "id", "who", "at", plan.carry, evidence, plan.match_key, when
    )


def hits_of(uri: str) -> list[dict[str, object]]:
    files = [layout.split_hits_uri(uri, report.hits_file) for report in committed(uri) if report.hits_file]
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def test_hits_in_pieces_of_a_batch_are_those_in_the_whole(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher, found = HyperscanMatcher(compile_ruleset(RULES)), []
    pq.write_table(pq.read_table(archive / "a.parquet"), archive / "a.parquet")
    planned = make_plan([str(archive)], ["text"], "id", "who", "at", ["lang"])
    for piece_rows in (1 << 14, 1):
        monkeypatch.setattr(read, "PIECE_ROWS", piece_rows)
        common = settings(planned, tmp_path / str(piece_rows))
        run_split(planned.splits[0], matcher, common)
        found.append(hits_of(common.run_uri))
    assert found[0] == found[1]
    assert [row["record_id"] for row in found[1]] == ["10", "13", "13"]


def test_hits_wait_for_others_to_fill_a_row_group(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, matcher = plan(archive), HyperscanMatcher(compile_ruleset(RULES))
    for many, most, row_groups in ((1, 2, 2), (1, 3, 1), (9, 2, 1)):
        monkeypatch.setattr(finds, "MANY_SPANS", many)
        monkeypatch.setattr(hits_file, "ROW_GROUP_HITS", most)
        common = settings(planned, tmp_path / f"{many}-{most}")
        report = run_split(planned.splits[0], matcher, common)
        file = layout.split_hits_uri(common.run_uri, report.hits_file or "")
        metadata = pq.read_metadata(file)
        assert (metadata.num_rows, metadata.num_row_groups) == (4, row_groups)


def test_hits_that_carry_much_wait_less(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, matcher = plan(archive), HyperscanMatcher(compile_ruleset(RULES))
    for wait_bytes, row_group_bytes, row_groups in ((1 << 20, 1, 1), (1, 1 << 20, 1), (1, 1, 2)):
        monkeypatch.setattr(finds, "MANY_BYTES", wait_bytes)
        monkeypatch.setattr(hits_file, "ROW_GROUP_BYTES", row_group_bytes)
        common = settings(planned, tmp_path / f"{wait_bytes}-{row_group_bytes}")
        report = run_split(planned.splits[0], matcher, common)
        file = layout.split_hits_uri(common.run_uri, report.hits_file or "")
        assert pq.read_metadata(file).num_row_groups == row_groups
    # One cell of eight bytes is hit; what its hit carries is told of its record.
    waiting, carried = finds.Waiting(), pa.table({"body": ["x" * 1000]})
    monkeypatch.setattr(finds, "MANY_BYTES", 1000)
    batch = next(read_split(planned.splits[0], ["text"]))
    assert isinstance(batch, Batch)
    cells = extract(batch.data, "text")
    found = finds.Finds.of(batch, cells, matcher.match(cells.values, "text"), carried.to_batches()[0])
    waiting.add(found)
    assert waiting.are_many
    waiting.take()
    assert not waiting.are_many


def test_of_a_sample_only_what_is_in_it_is_written(archive: Path, tmp_path: Path) -> None:
    planned, matcher = plan(archive), HyperscanMatcher(compile_ruleset(RULES))
    common = settings(planned, tmp_path)
    run_split(planned.splits[0], matcher, common)
    every = {str(hit["hit_id"]): hit for hit in hits_of(common.run_uri)}
    bounded = replace(settings(planned, tmp_path / "bounded"), limits=Limits(stored_hits_per_signature=1))
    report = run_split(planned.splits[0], matcher, bounded)
    stored = hits_of(bounded.run_uri)
    assert sorted(str(hit["signature_id"]) for hit in stored) == ["x", "y"]
    assert [hit == every[str(hit["hit_id"])] for hit in stored] == [True, True]
    assert report.signature_hits == (("x", 2), ("y", 2))


@pytest.mark.parametrize("many", [1, 60, 1 << 18])
def test_with_both_limits_the_sample_is_the_same_whenever_hits_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    (tmp_path / "archive").mkdir()
    texts = ["secret zebra" if row % 3 else "zebra" for row in range(600)]
    table = pa.table(
        {
            "text": texts,
            "id": list(range(600)),
            "who": ["ann"] * 600,
            "at": ["2026-01-04"] * 600,
            "lang": ["en"] * 600,
        }
    )
    pq.write_table(table, tmp_path / "archive" / "a.parquet", row_group_size=50)
    planned = make_plan([str(tmp_path / "archive")], ["text"], "id", "who", "at", ["lang"])
    limits = Limits(stored_hits_per_signature=30, stored_hits_per_split=40)
    common = replace(settings(planned, tmp_path / "out"), limits=limits)
    whole = settings(planned, tmp_path / "whole")
    matcher = HyperscanMatcher(compile_ruleset(RULES))
    run_split(planned.splits[0], matcher, whole)
    every = hits_of(whole.run_uri)
    ranks = ranks_of(pa.array([str(hit["hit_id"]) for hit in every])).tolist()
    lowest = sorted(zip(ranks, every, strict=True), key=lambda each: each[0])[:40]
    expected = [
        hit["hit_id"]
        for name in ("x", "y")
        for _, hit in [each for each in lowest if each[1]["signature_id"] == name][:30]
    ]
    monkeypatch.setattr(finds, "MANY_HITS", many)
    report = run_split(planned.splits[0], matcher, common)
    assert report.hits == len(every) == 1_000
    files = [HitsFileInfo(report.source_uri, 0, report.hits_file or "", report.hits)]
    schema = hits_schema(planned.carry)
    pieces = read_pieces(common.run_uri, files, schema, limits.stored_hits_per_split)
    read = pa.concat_tables([piece.hits for piece in pieces]).to_pylist()
    assert len(read) >= len(expected)
    found = {str(hit["hit_id"]) for hit in read}
    assert found <= {str(hit["hit_id"]) for _, hit in lowest}
    assert set(map(str, expected)) <= found


def test_hits_of_a_batch_that_is_given_up_take_no_places_in_the_sample(tmp_path: Path) -> None:
    class Failing(HyperscanMatcher):
        def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
            if column == "body" and "broken" in cells.to_pylist():
                message = "broken"
                raise EngineError(message)
            return super().match(cells, column, wanted)

    (tmp_path / "archive").mkdir()
    body = ["fine"] * 100 + ["broken"] * 100
    pq.write_table(
        pa.table({"text": ["secret"] * 200, "body": body}),
        tmp_path / "archive" / "a.parquet",
        row_group_size=100,
    )
    planned = make_plan([str(tmp_path / "archive")], ["text", "body"])
    common = settings(planned, tmp_path / "out")
    common = replace(common, record_id=None, actor_id=None, event_time=None)
    common = replace(common, limits=Limits(stored_hits_per_signature=10))
    report = run_split(planned.splits[0], Failing(compile_ruleset(RULES)), common)
    assert (report.hits, [gap.row_group for gap in report.gaps]) == (100, [1])
    assert len(hits_of(common.run_uri)) == 10


def test_hits_say_what_where_whose_and_when(archive: Path, tmp_path: Path) -> None:
    planned = plan(archive)
    common = settings(planned, tmp_path)
    report = run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(RULES)), common)
    assert (report.status, report.rows, report.cells, report.hits) == ("scanned", 4, 5, 4)
    assert report.signature_hits == (("x", 2), ("y", 2))
    assert report.text_bytes == len("a secretSECRET zebra secretnozebra")
    rows = {(row["row_index"], row["column"], row["signature_id"]): row for row in hits_of(common.run_uri)}
    assert list(rows) == [(0, "text", "x"), (0, "replies[1].text", "y"), (3, "text", "x"), (3, "text", "y")]
    twice = rows[3, "text", "x"]
    assert twice["spans"] == [{"start": 0, "end": 6}, {"start": 13, "end": 19}]
    assert (twice["start"], twice["end"], twice["match_count"], twice["row_group"]) == (0, 6, 2, 1)
    assert (twice["record_id"], twice["actor_id"], twice["lang"]) == ("13", "ann", None)
    assert twice["event_time"] == datetime(2026, 1, 4, tzinfo=UTC)
    assert twice["signature_digest"] == RULES.signatures[0].digest
    assert len({row["hit_id"] for row in rows.values()}) == 4


def test_evidence_at_rest_is_masked_unless_asked_for(archive: Path, tmp_path: Path) -> None:
    planned = plan(archive)
    wanted: dict[Evidence, str | None] = {"masked": "* ⟦******⟧", "hashed": None, "clear": "a ⟦secret⟧"}
    for evidence, expected in wanted.items():
        common = settings(planned, tmp_path / evidence, evidence)
        run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(RULES)), common)
        first = hits_of(common.run_uri)[0]
        assert first["evidence"] == expected
        assert len(str(first["match_hash"])) == 32
        stored = b"".join(path.read_bytes() for path in Path(common.run_uri).rglob("*") if path.is_file())
        assert (b"secret" in stored) is (evidence == "clear")


def test_the_oracle_writes_the_same_file(archive: Path, tmp_path: Path) -> None:
    planned = plan(archive)
    written = []
    for name, matcher in (("a", HyperscanMatcher(compile_ruleset(RULES))), ("b", OracleMatcher(RULES))):
        common = settings(planned, tmp_path / name)
        run_split(planned.splits[0], matcher, common)
        written.append(hits_of(common.run_uri))
    assert written[0] == written[1]


def test_a_second_attempt_changes_nothing(archive: Path, tmp_path: Path) -> None:
    planned = plan(archive)
    common = settings(planned, tmp_path)
    matcher = HyperscanMatcher(compile_ruleset(RULES))
    run_split(planned.splits[0], matcher, common)
    before = committed(common.run_uri)
    run_split(planned.splits[0], matcher, common)
    assert committed(common.run_uri) == before
    assert len(hits_of(common.run_uri)) == 4


def test_no_hits_no_file(archive: Path, tmp_path: Path) -> None:
    planned = plan(archive)
    common = settings(planned, tmp_path)
    report = run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(regexes("nothing"))), common)
    assert (report.status, report.hits_file, report.hits) == ("scanned", None, 0)
    assert pq.read_schema(archive / "a.parquet").names  # the archive is untouched
    assert not (Path(common.run_uri) / "hits").exists()


def test_a_file_that_changed_is_failed_coverage(archive: Path, tmp_path: Path) -> None:
    planned = plan(archive)
    with (archive / "a.parquet").open("ab") as file:
        file.write(b"x")
    common = settings(planned, tmp_path)
    report = run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(RULES)), common)
    assert report.status == "failed"
    assert "changed since the hunt was planned" in str(report.error)
    assert committed(common.run_uri) == [report]


def test_a_damaged_row_group_is_a_gap_and_the_others_are_hunted(archive: Path, tmp_path: Path) -> None:
    file = archive / "a.parquet"
    pq.write_table(pa.concat_tables([pq.read_table(file)] * 2), file, row_group_size=2)
    group = pq.ParquetFile(file).metadata.row_group(1)
    data = bytearray(file.read_bytes())
    column = group.column(group.num_columns - 2)
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(data)
    planned = plan(archive)
    common = settings(planned, tmp_path)
    report = run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(RULES)), common)
    assert (report.status, report.error, report.rows, report.cells, report.hits) == ("failed", None, 6, 8, 6)
    assert [(gap.row_group, gap.rows) for gap in report.gaps] == [(1, 2)]
    assert committed(common.run_uri) == [report]
    assert {row["row_index"] for row in hits_of(common.run_uri)} == {0, 4, 7}


def test_a_record_that_does_not_fit_costs_its_row_group_only(archive: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1, 2, 1 << 40, 3], "text": ["secret"] * 4}), archive / "a.parquet", 1)
    planned = make_plan([str(archive)], ["text"], carry=["n"])
    common = replace(settings(planned, tmp_path), record_id=None, actor_id=None, event_time=None)
    common = replace(common, carry=pa.schema([("n", pa.int32())]))
    report = run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(RULES)), common)
    assert (report.status, report.rows, report.hits) == ("failed", 3, 3)
    [gap] = report.gaps
    assert (gap.row_group, gap.rows) == (2, 1)
    assert "ArrowInvalid" in gap.reason
    assert str(1 << 40) not in gap.reason
    assert [row["n"] for row in hits_of(common.run_uri)] == [1, 2, 3]


def test_an_undecided_cell_is_counted_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    pq.write_table(pa.table({"text": ["a" * 40 + "b"]}), folder / "a.parquet")
    planned = make_plan([str(folder)], ["text"])
    common = settings(planned, tmp_path)
    common = replace(common, record_id=None, actor_id=None, event_time=None)
    matcher = HyperscanMatcher(compile_ruleset(regexes("^(?:(a+)+c|a*b)")))
    report = run_split(planned.splits[0], matcher, common)
    assert (report.status, report.match_errors) == ("scanned", 1)
    assert "s0 on row 0" in str(report.error)
    assert "match limit" in str(report.error)


def test_cells_that_are_no_json_are_counted_by_column_and_row_group(tmp_path: Path) -> None:
    texts = ['{"a": "zebra"}', "{zebra", "[", None, '{"b": 1}', "}"]
    (tmp_path / "archive").mkdir()
    pq.write_table(pa.table({"p": texts}), tmp_path / "archive" / "a.parquet", row_group_size=2)
    planned = make_plan([str(tmp_path / "archive")], ["p->$.a", "p"])
    common = replace(settings(planned, tmp_path), record_id=None, actor_id=None, event_time=None)
    report = run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(RULES)), common)
    assert report.unparsed == (("p->$.a", 3, (0, 1, 2)),)
    assert (report.status, report.unparsed_cells, report.hits) == ("scanned", 3, 3)


def test_the_schema_is_the_documented_one(archive: Path, tmp_path: Path) -> None:
    planned = plan(archive)
    common = settings(planned, tmp_path)
    report = run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(RULES)), common)
    assert report.hits_file is not None
    written = pq.read_schema(layout.split_hits_uri(common.run_uri, report.hits_file))
    assert written.equals(hits_schema(planned.carry))


def test_the_report_says_where_the_time_went(archive: Path, tmp_path: Path) -> None:
    planned = plan(archive)
    common = settings(planned, tmp_path)
    report = run_split(planned.splits[0], HyperscanMatcher(compile_ruleset(RULES)), common)
    assert [stage for stage, _ in report.stages] == ["read", "join", "pass_one", "confirm", "build", "write"]
    assert all(seconds > 0 for _, seconds in report.stages)
    assert sum(seconds for _, seconds in report.stages) <= report.elapsed_s
    assert [(name, candidates, judged) for name, candidates, judged, _ in report.signature_costs] == [
        ("x", 2, 2),
        ("y", 2, 2),
    ]
    assert report.events >= 4


def test_a_predicate_leaves_records_out_and_counts_them_and_hits_keep_their_place(
    archive: Path, tmp_path: Path
) -> None:
    part = archive / "lang=th" / "day=2026-01-05"
    part.mkdir(parents=True)
    (archive / "a.parquet").rename(part / "a.parquet")
    predicate = Predicate.parse("id > 10 AND lang = 'th' AND who IS NOT NULL")
    planned = make_plan(
        [str(archive)], ["text", "replies[].text"], "id", "who", "day", ["lang"], where=predicate
    )
    common = replace(settings(planned, tmp_path), event_time="day", where=predicate)
    [split] = planned.splits
    report = run_split(split, HyperscanMatcher(compile_ruleset(RULES)), common)
    assert (report.status, report.rows, report.rows_filtered, report.hits) == ("scanned", 2, 2, 2)
    rows = hits_of(common.run_uri)
    assert {(row["row_index"], row["row_group"], row["record_id"]) for row in rows} == {(3, 1, "13")}
    assert {(row["lang"], row["event_time"]) for row in rows} == {("th", datetime(2026, 1, 5, tzinfo=UTC))}
