import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import read
from scanner.archive.columns.cells import extract
from scanner.archive.parquet import sizing
from scanner.archive.parquet.footers import read_footer
from scanner.archive.plan import Split, make_plan
from scanner.archive.read import Batch, Gap, read_split
from scanner.archive.where import Predicate
from scanner.errors import SourceError


def splits(path: Path, *text: str, target: int = 1 << 27) -> tuple[Split, ...]:
    return tuple(make_plan([str(path)], text, target_split_bytes=target).splits)


def whole(split: Split, *columns: str, **options: Any) -> list[Batch]:
    """The batches of a split that has no gaps."""
    pieces = list(read_split(split, columns, **options))
    batches = [piece for piece in pieces if isinstance(piece, Batch)]
    assert batches == pieces
    return batches


def batches(path: Path, *text: str, **options: Any) -> list[Batch]:
    return [batch for split in splits(path, *text) for batch in whole(split, *text, **options)]


def write(path: Path, values: Any, row_group_size: int = 3, **options: Any) -> Path:
    pq.write_table(
        pa.table({"n": pa.array(range(len(values))), "t": values}), path, row_group_size, **options
    )
    return path


STRINGS = ["a", None, "", "ü" * 20, "e", "a", None, "h"]
NESTED: dict[str, tuple[pa.DataType, list[Any], str]] = {
    "struct": (pa.struct([("x", pa.string()), ("y", pa.int8())]), [{"x": "a"}, None, {"x": None}], "t.x"),
    "list": (pa.list_(pa.string()), [["a", None], None, [], ["b"]], "t[]"),
    "large_list": (pa.large_list(pa.string()), [["a", None], None, [], ["b"]], "t[]"),
    "fixed_size_list": (pa.list_(pa.string(), 2), [["a", None], None, ["b", "c"]], "t[]"),
    "list_of_structs": (
        pa.list_(pa.struct([("y", pa.int8()), ("x", pa.large_string())])),
        [[{"x": "a", "y": 1}, None, {"x": None}], None, [], [{"x": "b"}]],
        "t[].x",
    ),
    "deep": (
        pa.struct([("l", pa.list_(pa.list_(pa.struct([("x", pa.binary())]))))]),
        [{"l": [[{"x": b"a"}], None, []]}, None, {"l": None}, {"l": [[{"x": None}, None, {"x": b"b"}]]}],
        "t.l[][].x",
    ),
}
FLAT = [
    pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view(),
    pa.dictionary(pa.int16(), pa.string()), pa.json_(),
]  # fmt: skip


@pytest.mark.parametrize("type_", FLAT, ids=str)
@pytest.mark.parametrize("stored_schema", [True, False])
def test_flat_text_of_every_type_is_read_as_written(
    tmp_path: Path, type_: pa.DataType, *, stored_schema: bool
) -> None:
    values: Any = pa.array(STRINGS, pa.string())
    encoded = values.dictionary_encode() if pa.types.is_dictionary(type_) else values
    write(tmp_path / "a.parquet", encoded.cast(type_), store_schema=stored_schema)
    found = batches(tmp_path, "t", batch_rows=2)
    assert [(batch.row_group, batch.first_row, batch.data.num_rows) for batch in found] == [
        (0, 0, 2), (0, 2, 1), (1, 3, 2), (1, 5, 1), (2, 6, 2)
    ]  # fmt: skip
    cells = [cell for batch in found for cell in extract(batch.data, "t").values.to_pylist()]
    assert [cell.decode() if isinstance(cell, bytes) else cell for cell in cells] == STRINGS


@pytest.mark.parametrize("type_", FLAT, ids=str)
def test_what_is_decoded_in_pieces_is_read_as_written(
    tmp_path: Path, type_: pa.DataType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "PIECE_ROWS", 2)
    values: Any = pa.array(STRINGS, pa.string())
    encoded = values.dictionary_encode() if pa.types.is_dictionary(type_) else values
    folder = tmp_path / "day=1"
    folder.mkdir()
    write(folder / "a.parquet", encoded.cast(type_), 7)
    [split] = splits(tmp_path, "t")
    found = whole(split, "t", "n", "day", batch_rows=5)
    assert [(batch.row_group, batch.first_row, batch.data.num_rows) for batch in found] == [
        (0, 0, 4), (0, 4, 3), (1, 7, 1)
    ]  # fmt: skip
    assert [isinstance(batch.data, pa.Table) for batch in found] == [True, True, False]
    cells = [cell for batch in found for cell in extract(batch.data, "t").values.to_pylist()]
    assert [cell.decode() if isinstance(cell, bytes) else cell for cell in cells] == STRINGS
    assert [day for batch in found for day in batch.data.column("day").to_pylist()] == ["1"] * len(STRINGS)


def test_where_rows_are_left_out_a_batch_has_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "PIECE_ROWS", 2)
    write(tmp_path / "a.parquet", pa.array(STRINGS), 8)
    [split] = splits(tmp_path, "t")
    [batch] = whole(split, "t", "n", where=Predicate.parse("n >= 3"))
    assert isinstance(batch.data, pa.RecordBatch)
    assert extract(batch.data, "t").values.to_pylist() == STRINGS[3:]


def test_fixed_size_binary_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.array([b"abc", None, b"def"], pa.binary(3)))
    [batch] = batches(tmp_path, "t")
    assert extract(batch.data, "t").values.to_pylist() == [b"abc", None, b"def"]


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("stored_schema", [True, False])
def test_nested_text_is_extracted_from_a_batch_as_from_the_whole(
    tmp_path: Path, kind: str, *, stored_schema: bool
) -> None:
    type_, values, path = NESTED[kind]
    whole = pa.record_batch({"t": pa.array(values * 3, type_)})
    write(tmp_path / "a.parquet", pa.array(values * 3, type_), 5, store_schema=stored_schema)
    expected = extract(whole, path)
    found = batches(tmp_path, path, batch_rows=2)
    cells = [(batch.first_row, extract(batch.data, path)) for batch in found]
    assert [cell for _, each in cells for cell in each.values.to_pylist()] == expected.values.to_pylist()
    assert [first + row for first, each in cells for row in each.rows] == expected.rows.tolist()
    assert all(batch.data.num_columns == 1 for batch in found)


def test_only_the_leaves_asked_for_are_read(tmp_path: Path) -> None:
    rows = [{"bio": "b", "huge": "h" * 1000, "name": "n"}]
    write(tmp_path / "a.parquet", pa.array(rows))
    [split] = splits(tmp_path, "t.bio")
    [batch] = whole(split, "t.name", "n", "t.bio")
    assert batch.data.to_pylist() == [{"n": 0, "t": {"bio": "b", "name": "n"}}]


def test_names_that_look_like_other_paths_are_kept_apart(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([{"b": "nested", "c": "x"}]), "a.b": pa.array(["flat"])})
    pq.write_table(table, tmp_path / "a.parquet")
    for path, expected in (("a.b", "nested"), ("`a.b`", "flat")):
        [batch] = batches(tmp_path, path)
        assert extract(batch.data, path).values.to_pylist() == [expected]


def test_splits_of_one_file_give_each_row_once(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.array([str(n) for n in range(11)]), 4)
    parts = splits(tmp_path, "t", target=1)
    assert len(parts) == 3
    rows = [
        (batch.row_group, batch.first_row + row, cell)
        for part in parts
        for batch in whole(part, "t")
        for row, cell in enumerate(batch.data["t"].to_pylist())
    ]
    assert rows == [(n // 4, n, str(n)) for n in range(11)]


def test_files_and_row_groups_without_rows_give_nothing(tmp_path: Path) -> None:
    empty = pa.table({"t": pa.array([], pa.string())})
    with pq.ParquetWriter(tmp_path / "a.parquet", empty.schema) as writer:
        for part in (empty, pa.table({"t": ["x"]}), empty):
            writer.write_table(part)
    with pq.ParquetWriter(tmp_path / "b.parquet", empty.schema):
        pass
    found = batches(tmp_path, "t")
    assert [(batch.first_row, batch.data["t"].to_pylist()) for batch in found] == [(0, ["x"])]


def test_large_cells_make_small_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "BATCH_BYTES", 100_000)
    values = [f"{n}" * 20_000 for n in range(1, 10)]
    write(tmp_path / "a.parquet", pa.array(values), 9, use_dictionary=False)
    found = batches(tmp_path, "t")
    assert [cell for batch in found for cell in batch.data["t"].to_pylist()] == values
    assert max(batch.data.nbytes for batch in found) <= 100_000


def test_many_cells_make_small_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "BATCH_CELLS", 100)
    write(tmp_path / "a.parquet", pa.array([[f"{n}", "b", None, "c"] for n in range(90)]), 90)
    assert [batch.data.num_rows for batch in batches(tmp_path, "t[]")] == [25, 25, 25, 15]
    one, other = ([f"{letter}{n}" for n in range(90)] for letter in "ab")
    pq.write_table(pa.table({"a": one, "b": other, "c": other}), tmp_path / "a.parquet")
    [split] = make_plan([str(tmp_path / "a.parquet")], ["a", "b"]).splits
    found = [batch for batch in read_split(split, ["a", "b", "c"]) if isinstance(batch, Batch)]
    assert [batch.data.num_rows for batch in found] == [50, 40]


LONG = ["x" * 100_000, "short"] * 500


@pytest.mark.parametrize(
    ("values", "path"),
    [
        (pa.array(LONG), "t"),
        (pa.array(LONG).cast(pa.string_view()), "t"),
        (pa.array(LONG).cast(pa.large_binary()), "t"),
        (pa.array(LONG, pa.json_()), "t"),
        (pa.array([*[None] * 500, *LONG]), "t"),
        (pa.array([*[[], None] * 300, *([text] for text in LONG)]), "t[]"),
        (pa.array([[text] * 4 for text in LONG[:250]]), "t[]"),
        (pa.array([{"x": text} for text in LONG]), "t.x"),
        (pa.array([[("k", text)] for text in LONG], pa.map_(pa.string(), pa.string())), "t{}"),
        (pa.array([[(text, "v")] for text in LONG], pa.map_(pa.string(), pa.string())), "t{}"),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_a_long_text_that_is_stored_once_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: Any, path: str
) -> None:
    monkeypatch.setattr(sizing, "WORST_BATCH_BYTES", 4_000_000)
    write(tmp_path / "a.parquet", values, 2000, compression="zstd", store_schema=True)
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    found = batches(tmp_path, path)
    assert sum(batch.data.num_rows for batch in found) == len(values)
    assert max(batch.data.nbytes for batch in found) < 4_500_000


def test_a_damaged_row_group_is_a_gap_among_the_others(tmp_path: Path) -> None:
    values = pa.array([f"cell {n}" * 50 for n in range(7)])
    file = write(tmp_path / "a.parquet", values, 3, compression="none", use_dictionary=False)
    group = pq.ParquetFile(file).metadata.row_group(1).column(1)
    data = bytearray(file.read_bytes())
    data[group.data_page_offset : group.data_page_offset + 40] = b"\xff" * 40
    file.write_bytes(data)
    [split] = splits(tmp_path, "t")
    first, gap, last = read_split(split, ["t"])
    assert isinstance(gap, Gap)
    assert (gap.row_group, gap.rows) == (1, 3)
    assert gap.reason
    assert "cell" not in gap.reason
    assert "\n" not in gap.reason
    assert isinstance(first, Batch)
    assert isinstance(last, Batch)
    assert (first.row_group, first.first_row, last.row_group, last.first_row) == (0, 0, 2, 6)
    assert last.data["t"].to_pylist() == values.to_pylist()[6:]


def test_a_damaged_page_is_found_by_its_checksum(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.array(["the text itself"] * 3), compression="none",
          use_dictionary=False, write_page_checksum=True, write_statistics=False)  # fmt: skip
    data = (tmp_path / "a.parquet").read_bytes()
    at = data.index(b"the text itself")
    (tmp_path / "a.parquet").write_bytes(data[:at] + b"THE" + data[at + 3 :])
    [split] = splits(tmp_path, "t")
    [gap] = read_split(split, ["t"])
    assert isinstance(gap, Gap)
    assert "crc" in gap.reason.lower()


def test_a_file_that_changed_since_planning_is_a_source_error(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", pa.array(["a"]))
    [split] = splits(tmp_path, "t")
    write(file, pa.array(["a", "b"]))
    with pytest.raises(SourceError, match="has changed since the hunt was planned"):
        next(read_split(split, ["t"]))
    file.unlink()
    with pytest.raises(SourceError, match="is not there"):
        next(read_split(split, ["t"]))


def test_a_file_that_changes_while_it_is_read_is_a_source_error(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", pa.array(["a"] * 6))
    [split] = splits(tmp_path, "t")
    reading = read_split(split, ["t"])
    next(reading)
    with file.open("ab") as more:
        more.write(b"more")
    with pytest.raises(SourceError, match="has changed"):
        list(reading)


def test_a_column_that_the_file_lacks_is_a_source_error(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", pa.array(["a"]))
    [split] = splits(tmp_path, "t")
    with pytest.raises(SourceError, match="column zzz: there is no such column"):
        next(read_split(split, ["t", "zzz"]))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("n >= 4", [4, 5, 6, 7]),
        ("n = 1 OR n > 6", [1, 7]),
        ("n < 2 AND t IS NULL", [1]),
        ("lang = 'en' AND t = 'a'", [0, 5]),
        ("lang IS NULL", []),
        ("day IS NULL AND n BETWEEN 2 AND 3", [2, 3]),
    ],
)
def test_rows_that_a_predicate_keeps_bear_their_place_in_the_file(
    tmp_path: Path, where: str, expected: list[int]
) -> None:
    folder = tmp_path / "lang=en" / "day=__HIVE_DEFAULT_PARTITION__"
    folder.mkdir(parents=True)
    write(folder / "a.parquet", STRINGS)
    predicate = Predicate.parse(where)
    found: list[tuple[Any, ...]] = []
    filtered = 0
    planned = make_plan([str(tmp_path)], ["t"], carry=["lang"], where=predicate)
    for split in planned.splits:
        for batch in whole(split, "t", "n", "lang", "day", batch_rows=2, where=predicate):
            assert batch.data.schema.names[-2:] == ["lang", "day"]
            assert set(batch.data["lang"].to_pylist()) <= {"en"}
            rows = batch.in_file(np.arange(batch.data.num_rows))
            found += zip(rows.tolist(), batch.data["n"].to_pylist(), batch.data["t"].to_pylist(), strict=True)
            filtered += batch.rows_filtered
    assert found == [(row, row, STRINGS[row]) for row in expected]
    assert planned.rows == filtered + len(expected)


def test_a_footer_that_was_read_before_is_not_read_again(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", STRINGS)
    [split] = splits(file, "t")
    footer = read_footer(split.info)
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_bytes(file.read_bytes()[: -len(footer)] + bytes(len(footer)))
    os.utime(file, ns=times)
    assert [batch.data["t"].to_pylist() for batch in whole(split, "t", footer=footer)] == [
        STRINGS[:3],
        STRINGS[3:6],
        STRINGS[6:],
    ]
    with pytest.raises(SourceError, match="magic bytes"):
        next(read_split(split, ["t"]))
