import contextlib
import hashlib
import os
import pickle
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive.parquet.footer_cache import FooterCache
from scanner.archive.parquet.footers import read_footer
from scanner.archive.plan import Plan, PlanProgress, make_plan
from scanner.archive.where import Predicate
from scanner.errors import HuntError

REPLIES = [[{"text": "yes " * 50, "n": 1}], [], None, [{"text": None, "n": 2}, None]]


def write(path: Path, rows: int = 12, row_group_size: int = 4, **columns: Any) -> Path:
    table = pa.table(
        {
            "id": pa.array(range(rows)),
            "text": pa.array([f"text {number} " * 20 for number in range(rows)]),
            "author": pa.array([{"bio": f"bio {number}", "age": 3} for number in range(rows)]),
            "replies": pa.array([REPLIES[number % 4] for number in range(rows)]),
            **{name: pa.array(values) for name, values in columns.items()},
        }
    )
    pq.write_table(table, path, row_group_size=row_group_size, compression="zstd")
    return path


def plan(path: Path, *text: str, **options: Any) -> Plan:
    return make_plan([str(path)], text or "auto", **options)


def problems(path: Path, *text: str, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(HuntError) as caught:
        plan(path, *text, **options)
    return [(problem.subject, problem.message) for problem in caught.value.problems]


def test_row_groups_are_packed_up_to_the_target(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", rows=20, row_group_size=4)
    one = plan(file, "text", target_split_bytes=1)
    sizes = [split.text_bytes for split in one.splits]
    assert [split.row_groups for split in one.splits] == [(0,), (1,), (2,), (3,), (4,)]
    two = plan(file, "text", target_split_bytes=2 * max(sizes))
    assert [split.row_groups for split in two.splits] == [(0, 1), (2, 3), (4,)]
    assert [split.first_row for split in two.splits] == [0, 8, 16]
    assert [split.rows for split in two.splits] == [8, 8, 4]
    assert sum(split.text_bytes for split in two.splits) == two.text_bytes == sum(sizes)
    assert (two.files, two.rows, two.row_groups) == (1, 20, 5)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (("text",), ["text"]),
        (("author.bio",), ["author.bio"]),
        (("replies[].text",), ["replies.list.element.text"]),
        (("text", "replies[].text", "text"), ["text", "replies.list.element.text"]),
    ],
)
def test_sizes_are_those_of_the_leaves_that_hold_the_text(
    tmp_path: Path, text: tuple[str, ...], stored: list[str]
) -> None:
    file = write(tmp_path / "a.parquet")
    metadata = pq.ParquetFile(file).metadata
    columns = [
        metadata.row_group(group).column(number)
        for group in range(metadata.num_row_groups)
        for number in range(metadata.num_columns)
    ]
    expected = sum(column.total_compressed_size for column in columns if column.path_in_schema in stored)
    assert plan(file, *text).text_bytes == expected > 0


def test_lists_stored_under_old_names_are_found(tmp_path: Path) -> None:
    table = pa.table({"tags": pa.array([["a"], None]), "t.list.x": pa.array(["b", "c"])})
    pq.write_table(table, tmp_path / "a.parquet", use_compliant_nested_type=False)
    assert plan(tmp_path / "a.parquet").columns == ("tags[]", "t.list.x")


def test_auto_takes_every_string_column_that_each_file_has(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet", caption=["x"] * 12)
    found = plan(tmp_path)
    assert found.columns == ("text", "author.bio", "replies[].text", "caption")
    assert [split.columns for split in found.splits] == [found.columns[:3], found.columns]


def test_split_ids_are_stable_and_name_version_and_columns(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet")
    first = [split.split_id for split in plan(file, "text", target_split_bytes=1).splits]
    assert first == [split.split_id for split in plan(file, "text", target_split_bytes=1).splits]
    assert len({*first}) == len(first) == 3
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in first)
    other = [split.split_id for split in plan(file, "author.bio", target_split_bytes=1).splits]
    write(file, rows=13)
    changed = [split.split_id for split in plan(file, "text", target_split_bytes=1).splits]
    assert not {*first} & {*other} and not {*first} & {*changed}  # noqa: PT018 - one claim


def test_a_truncated_file_among_good_ones_is_set_aside_with_its_reason(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet")
    broken = write(tmp_path / "b.parquet")
    broken.write_bytes(broken.read_bytes()[:-100])
    (tmp_path / "c.parquet").touch()
    found = plan(tmp_path, "text")
    assert [Path(each.uri).name for each in found.unreadable] == ["b.parquet", "c.parquet"]
    assert found.unreadable[0].reason.startswith("Parquet magic bytes not found in footer")
    assert found.unreadable[1].reason == "Parquet file size is 0 bytes"
    assert found.unreadable[0].etag and found.unreadable[0].size_bytes == broken.stat().st_size  # noqa: PT018
    assert len({each.split_id for each in found.unreadable}) == 2
    assert (found.files, len(found.splits)) == (3, 1)


def test_a_file_that_lacks_a_column_is_set_aside(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", caption=["x"] * 12)
    write(tmp_path / "b.parquet")
    write(tmp_path / "c.parquet", caption=[1] * 12)
    reasons = [each.reason for each in plan(tmp_path, "text", "caption").unreadable]
    assert len(reasons) == 2
    assert (
        reasons[0] == "lacks the column caption; where that is meant, a hunt names it in `archive.optional`"
    )
    assert reasons[1] == "column caption: holds int64, not text"


def test_with_auto_a_column_that_is_carried_is_not_called_optional(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["x"], "a": ["y"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "b.parquet")
    found = make_plan([str(tmp_path)], "auto", carry=["a"])
    assert [each.reason for each in found.unreadable] == ["lacks the column a"]


def test_a_column_that_no_file_has_is_the_users_mistake_and_all_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet")
    found = problems(
        tmp_path, "txet", "id", record_id="idd", event_time="author.age", carry=["replies[].n", "author"]
    )
    assert found == [
        ("txet", "there is no such column; did you mean `text`?"),
        ("id", "holds int64, not text"),
        ("idd", "there is no such column; did you mean `id`?"),
        ("author.age", "holds int64; a time is a timestamp, a date or an ISO 8601 text"),
        ("replies[].n", "lies in a list, so that a record has many of it; name another column"),
        ("author", "is not a column of values; write `author.bio`, `author.age`"),
    ]


def test_an_archive_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"not Parquet at all")
    [(subject, message)] = problems(tmp_path, "text")
    assert subject == ""
    assert "Parquet magic bytes not found" in message


def test_auto_takes_texts_in_maps_too_and_refuses_an_archive_without_any_text(tmp_path: Path) -> None:
    maps = pa.table({"text": ["a"], "attrs": pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string()))})
    pq.write_table(maps, tmp_path / "a.parquet")
    assert plan(tmp_path).columns == ("text", "attrs{}")
    assert plan(tmp_path, "text").columns == ("text",)
    pq.write_table(pa.table({"id": [1]}), tmp_path / "a.parquet")
    assert "no column holds strings" in problems(tmp_path)[0][1]


def test_a_file_without_rows_is_covered_by_one_split(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", rows=0)
    pq.ParquetWriter(tmp_path / "b.parquet", pa.schema([("text", pa.string())])).close()
    found = plan(tmp_path, "text")
    assert [(split.rows, split.row_groups) for split in found.splits] in (
        [(0, (0,)), (0, ())],
        [(0, ()), (0, ())],
    )
    assert found.unreadable == ()


def test_carried_columns_get_one_type_for_all_files(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", rows=2, lang=pa.array(["en", "de"]).dictionary_encode(), n=[1, 2])
    write(tmp_path / "b.parquet", rows=2, lang=pa.array(["en", "de"], pa.large_string()), n=[1.5, 2.5])
    write(tmp_path / "c.parquet", rows=2, lang=pa.nulls(2), n=pa.nulls(2))
    write(tmp_path / "d.parquet", rows=2, lang=[1, 2], n=[1, 2])
    found = plan(tmp_path, "text", carry=["lang", "n", "author.age"])
    types: dict[str, pa.DataType] = {"lang": pa.string(), "n": pa.float64(), "author.age": pa.int64()}
    assert found.carry == pa.schema(types)
    [aside] = found.unreadable
    assert Path(aside.uri).name == "d.parquet"
    assert "carried columns have other types than before: `lang` int64" in aside.reason


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet")
    found = make_plan([str(file), str(tmp_path), f"{tmp_path}/*.parquet"], ["text"])
    assert (found.files, len(found.splits)) == (1, 1)


def test_the_match_key_is_made_of_the_first_readable_footer(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"broken")
    data = write(tmp_path / "b.parquet").read_bytes()
    write(tmp_path / "c.parquet", rows=3)
    length = int.from_bytes(data[-8:-4], "little")
    footer = data[-8 - length : -8]
    assert plan(tmp_path, "text").match_key == hashlib.sha256(b"hindcast match key" + footer).digest()


def test_a_schema_that_does_not_fit_the_columns_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet")
    data = file.read_bytes()
    renamed = data.replace(b"\x18\x04text", b"\x18\x04tixt")
    assert renamed != data
    file.write_bytes(renamed)
    assert problems(tmp_path, "text")


def test_plans_cross_processes(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").touch()
    found = plan(tmp_path, "text", carry=["id"])
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own bytes


def write_days(folder: Path) -> None:
    """Two days in two languages, of each a file of three row groups with ascending numbers."""
    for day in ("2026-11-01", "2026-11-02"):
        for lang in ("en", "__HIVE_DEFAULT_PARTITION__"):
            below = folder / f"day={day}" / f"lang={lang}"
            below.mkdir(parents=True)
            write(below / "a.parquet", n=range(12))


def pruned(found: Plan) -> list[tuple[str, str, int, int | None, int | None]]:
    return [(each.step, each.term, each.files, each.row_groups, each.rows) for each in found.pruned]


def test_a_predicate_prunes_partitions_files_and_row_groups_and_says_which_part_did_what(
    tmp_path: Path,
) -> None:
    write_days(tmp_path)
    write(tmp_path / "day=2026-11-02" / "b.parquet", n=range(100, 112))
    where = Predicate.parse("day >= '2026-11-02' AND (n < 3 OR n BETWEEN 9 AND 20)")
    found = plan(tmp_path, "text", where=where)
    assert pruned(found) == [
        ("partitions", "day >= '2026-11-02'", 2, None, None),
        ("file statistics", "n < 3 OR (n >= 9 AND n <= 20)", 1, 3, 12),
        ("row-group statistics", "n < 3 OR (n >= 9 AND n <= 20)", 0, 2, 8),
    ]
    assert [Path(split.source_uri).parent.name for split in found.splits] == [
        "lang=__HIVE_DEFAULT_PARTITION__",
        "lang=en",
    ]
    assert [(split.row_groups, split.first_row, split.rows) for split in found.splits] == [((0, 2), 0, 8)] * 2
    assert [dict(split.partitions) for split in found.splits] == [
        {"day": "2026-11-02", "lang": None},
        {"day": "2026-11-02", "lang": "en"},
    ]
    assert (found.files, found.rows, found.row_groups, found.unreadable) == (5, 16, 4, ())
    sizes = {each.step: each.size_bytes for each in found.pruned}
    assert (
        sizes["row-group statistics"] + found.text_bytes
        == plan(
            tmp_path / "day=2026-11-02", "text", where=Predicate.parse("lang IS NULL OR lang = 'en'")
        ).text_bytes
    )


def test_row_groups_after_a_hole_keep_their_place_and_the_same_rows_under_another_predicate_are_another_split(
    tmp_path: Path,
) -> None:
    file = write(tmp_path / "a.parquet", n=range(12))
    [split] = plan(file, "text", where=Predicate.parse("n >= 5")).splits
    assert (split.row_groups, split.first_row) == ((1, 2), 4)
    [other] = plan(file, "text", where=Predicate.parse("n > 5")).splits
    [whole] = plan(file, "text").splits
    [all_kept] = plan(file, "text", where=Predicate.parse("n >= 0")).splits
    assert len({each.split_id for each in (split, other, whole, all_kept)}) == 4
    one = plan(file, "text", where=Predicate.parse("n >= 5"), target_split_bytes=1).splits
    assert [(each.row_groups, each.first_row) for each in one] == [((1,), 4), ((2,), 8)]


def test_the_match_key_and_the_columns_do_not_depend_on_the_predicate(tmp_path: Path) -> None:
    write_days(tmp_path)
    whole = plan(tmp_path, carry=["lang", "day"])
    assert whole.carry == pa.schema({"lang": pa.string(), "day": pa.string()})
    for text, splits in (("day > '2026-11-01'", 2), ("day > '2027'", 0), ("n > 50", 0)):
        found = plan(tmp_path, carry=["lang", "day"], where=Predicate.parse(text))
        assert (found.match_key, found.columns, found.carry) == (whole.match_key, whole.columns, whole.carry)
        assert (len(found.splits), found.files) == (splits, 4)


def test_a_column_of_the_path_stands_before_one_of_the_file_and_is_no_text_column(
    tmp_path: Path,
) -> None:
    (tmp_path / "lang=en").mkdir()
    write(tmp_path / "lang=en" / "a.parquet", lang=["de"] * 12)
    assert len(plan(tmp_path, where=Predicate.parse("lang = 'de'")).splits) == 0
    assert "lang" in plan(tmp_path).columns
    assert problems(tmp_path, "day", record_id="lang")[0][0] == "day"


def test_a_predicate_that_no_file_can_answer_is_the_users_mistake(tmp_path: Path) -> None:
    write_days(tmp_path)
    [(subject, message)] = problems(tmp_path, "text", where=Predicate.parse("lng = 'en'"))
    assert (subject, "there is no such column" in message) == ("lng", True)
    [(subject, message)] = problems(tmp_path, "text", where=Predicate.parse("lang > 5"))
    assert subject == "where"
    assert "is not a number" in message


def test_a_plan_leaves_its_cache_of_footers_to_others(tmp_path: Path) -> None:
    # The first file is looked at although its path rules it out; its footer was left uncommitted, so that every
    # other hunt on the machine waited for as long as this one ran.
    write_days(tmp_path / "archive")
    with contextlib.closing(FooterCache(tmp_path / "footers")) as known:
        plan(tmp_path / "archive", "text", where=Predicate.parse("day = '2026-11-02'"), footers=known)
        with contextlib.closing(sqlite3.connect(tmp_path / "footers", timeout=0)) as other:
            assert other.execute("SELECT count(*) FROM footers").fetchone() == (3,)
            other.execute("DELETE FROM footers")


def test_footers_are_read_once_and_progress_is_told(tmp_path: Path) -> None:
    for number in range(70):
        write(tmp_path / f"{number:03}.parquet")
    with contextlib.closing(FooterCache()) as known:
        told: list[PlanProgress] = []
        first = plan(tmp_path, "text", footers=known, on_progress=told.append)
        assert all(known.get(split.info) == read_footer(split.info) for split in first.splits)
        for file in tmp_path.iterdir():
            status = file.stat()
            file.write_bytes(bytes(status.st_size))
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        again = plan(tmp_path, "text", footers=known)
    assert again == first
    assert told[:2] == [PlanProgress(70), PlanProgress(70, all_listed=True)]
    assert [each.planned for each in told[1:]] == [*range(71)]
    assert [Path(split.source_uri).name for split in first.splits] == [f"{n:03}.parquet" for n in range(70)]
