import bz2
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from scanner.archive.columns.cells import extract
from scanner.archive.formats import ENDINGS, endings_of, name_of
from scanner.archive.formats.doors import format_called, read_split
from scanner.archive.plan import Plan, make_plan
from scanner.archive.read import Batch, Gap
from scanner.archive.where import Predicate
from scanner.errors import HuntError, SourceError

ROWS: list[dict[str, Any]] = [
    {"id": "007", "text": "first", "author": {"bio": "a"}, "tags": ["x", "y"], "n": 1},
    {"id": "008", "text": None, "author": {"bio": None}, "tags": [], "n": 2},
    {"id": "009", "text": 'with "quotes", commas\nand lines', "author": None, "tags": None, "n": None},
]
TABLE = pa.Table.from_pylist(ROWS)


def write_csv(path: Path, delimiter: str = ",") -> None:
    options = pyarrow.csv.WriteOptions(delimiter=delimiter, quoting_style="all_valid")
    pyarrow.csv.write_csv(TABLE.select(["id", "text", "n"]), path, options)


def write_jsonl(path: Path, rows: list[dict[str, Any]] = ROWS) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_stream(path: Path) -> None:
    with pa.ipc.new_stream(str(path), TABLE.schema) as writer:
        writer.write_table(TABLE, 2)


def write_file(path: Path) -> None:
    with pa.ipc.new_file(str(path), TABLE.schema) as writer:
        writer.write_table(TABLE, 2)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.parquet": lambda path: pq.write_table(TABLE, path),
    "a.csv": write_csv,
    "a.tsv": lambda path: write_csv(path, "\t"),
    "a.jsonl": write_jsonl,
    "a.ndjson": write_jsonl,
    "a.orc": lambda path: pyarrow.orc.write_table(TABLE, path),
    "a.arrow": write_file,
    "a.feather": write_file,
    "a.ipc": write_stream,
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: bytes(pa.compress(data, "zstd", asbytes=True)),
}
NAMES = [
    name + packed
    for name in WRITERS
    for packed in PACKERS
    if not packed or name[2:] not in {"parquet", "orc"}
]


def write(path: Path) -> None:
    """A file of the format and compression that its name says."""
    bare = path.name.removesuffix(
        next(packed for packed in (".gz", ".bz2", ".zst", "") if path.name.endswith(packed))
    )
    WRITERS[bare](path)
    path.write_bytes(PACKERS[path.name.removeprefix(bare)](path.read_bytes()))


def read(plan: Plan, *columns: str, **options: Any) -> tuple[list[Batch], list[Gap]]:
    pieces = [
        piece for split in plan.splits for piece in read_split(split, columns or split.columns, **options)
    ]
    return [each for each in pieces if isinstance(each, Batch)], [
        each for each in pieces if isinstance(each, Gap)
    ]


def cells(batches: list[Batch], path: str) -> list[Any]:
    return [
        cell for batch in batches for cell in extract(batch.data, path).values.cast(pa.string()).to_pylist()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_format_gives_the_same_records(name: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    plan = make_plan([str(tmp_path / name)], ["text"], record_id="id")
    batches, gaps = read(plan, "text", "id", batch_rows=2)
    assert gaps == []
    missing = "" if "sv" in name else None
    assert cells(batches, "text") == ["first", missing, ROWS[2]["text"]]
    assert cells(batches, "id") == ["007", "008", "009"]
    assert [batch.first_row for batch in batches] == [0, 2]
    assert {batch.row_group for batch in batches} == {0}
    assert [split.format for split in plan.splits] == [name_of(name)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.orc", "a.arrow"])
def test_nested_columns_are_found_by_auto(name: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    plan = make_plan([str(tmp_path / name)], "auto")
    assert sorted(plan.columns) == ["author.bio", "id", "tags[]", "text"]
    batches, _ = read(plan)
    assert cells(batches, "tags[]") == ["x", "y"]


def test_a_folder_holds_parquet_unless_a_format_is_named(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.ndjson.gz", "_hidden.jsonl"):
        (tmp_path / name).write_bytes(b"")
    write(tmp_path / "a.jsonl")
    with pytest.raises(HuntError, match=r"holds no \*\.parquet file"):
        make_plan([str(tmp_path)], ["text"])
    with pytest.raises(HuntError, match=r"holds no \*\.csv or \*\.csv\.gz"):
        make_plan([str(tmp_path)], ["text"], format="csv")
    plan = make_plan([str(tmp_path)], ["text"], format="jsonl")
    assert [Path(split.source_uri).name for split in plan.splits] == ["a.jsonl"]
    assert [Path(file.uri).name for file in plan.unreadable] == ["b.ndjson.gz"]


def test_a_named_format_overrules_the_ending(tmp_path: Path) -> None:
    write_csv(tmp_path / "posts.txt", "\t")
    plan = make_plan([str(tmp_path / "posts.txt")], ["text"], format="tsv")
    assert cells(read(plan)[0], "text")[0] == "first"


def test_names_of_folders_are_columns_and_filter(tmp_path: Path) -> None:
    (tmp_path / "lang=en").mkdir()
    write(tmp_path / "lang=en" / "a.jsonl")
    plan = make_plan(
        [str(tmp_path)], ["text"], carry=["lang"], format="jsonl", where=Predicate.parse("n >= 2")
    )
    batches, _ = read(plan, "text", "lang", "n", where=Predicate.parse("n >= 2"))
    assert [batch.data.to_pylist() for batch in batches] == [[{"text": None, "n": 2, "lang": "en"}]]
    assert batches[0].rows_filtered == 2


def test_heads_are_kept_with_the_file_and_of_one_format(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl")
    plan = make_plan([str(tmp_path / "a.jsonl")], ["text"])
    [split] = plan.splits
    head = format_called("jsonl").head(split.info)
    assert len(list(read_split(split, ["text"], head=head))) == 1
    assert not any(format_called(name).is_head(head) for name in ENDINGS if name != "jsonl")
    other = format_called("csv").head(split.info)
    with pytest.raises(SourceError, match="planned as another format"):
        list(read_split(split, ["text"], head=other))


def test_the_key_of_match_hashes_takes_the_archive_to_know(tmp_path: Path) -> None:
    keys = []
    for text in ("one", "two"):
        write_jsonl(tmp_path / "a.jsonl", [{"text": text}])
        keys.append(make_plan([str(tmp_path / "a.jsonl")], ["text"]).match_key)
    assert keys[0] != keys[1]


def test_bad_lines_of_csv_are_counted_and_the_others_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,text\n1,good\n2\n3,also good\n4,too,many\n5,caf\xe9\n")
    batches, gaps = read(make_plan([str(tmp_path / "a.csv")], ["text"]))
    read_back = [cell for batch in batches for cell in batch.data["text"].cast(pa.binary()).to_pylist()]
    assert read_back == [b"good", b"also good", b"caf\xe9"]
    assert [(gap.rows, gap.partial) for gap in gaps] == [(2, True)]
    assert "the first in line 3" in gaps[0].reason


def test_bad_lines_of_json_are_counted_and_the_others_read(tmp_path: Path) -> None:
    lines = [
        b'\xef\xbb\xbf{"id": 1, "text": "good"}',
        b'{"id": 2, "text": "cut',
        b"",
        b"[1, 2]",
        b'{"id": "three", "text": "an id of another type"}',
        b'{"id": 4, "text": {"what": ["is", "no text"]}}',
        b'{"id": 5, "text": "bytes \xff"}',
        b'{"id": 6, "text": "half \\ud83d of a pair"}',
        b'{"id": 7}',
        b"[" * 100_000,
        b'{"id": 8, "text": "last"}',
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    plan = make_plan([str(tmp_path / "a.jsonl")], ["text"], record_id="id")
    [split] = plan.splits
    pieces = list(read_split(split, ["text", "id"]))
    batches = [piece for piece in pieces if isinstance(piece, Batch)]
    [gap] = [piece for piece in pieces if isinstance(piece, Gap)]
    assert "the first is line 2" in gap.reason
    found = dict(zip(cells(batches, "id"), cells(batches, "text"), strict=True))
    assert found["4"] == '{"what": ["is", "no text"]}'
    assert found["5"] == "bytes \ufffd"
    assert found["6"] == "half ? of a pair"
    assert (found["1"], found["7"], found["8"]) == ("good", None, "last")
    assert gap.rows + len(found) == sum(bool(line) for line in lines)


def test_times_and_numbers_of_json_stay_what_they_are(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "a.jsonl", [{"text": "2026-01-01", "n": 1, "null": None}, {"text": "2026-01-02T00:00:00Z"}]
    )
    plan = make_plan([str(tmp_path / "a.jsonl")], "auto")
    assert sorted(plan.columns) == ["null", "text"]
    assert cells(read(plan)[0], "text") == ["2026-01-01", "2026-01-02T00:00:00Z"]


def test_text_that_comes_late_is_told_where_all_text_is_hunted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.archive.formats.lines.BLOCK_BYTES", 200)
    monkeypatch.setattr("scanner.archive.formats.lines._READ_BYTES", 100)
    rows = [{"text": f"text {n}", "name": "a"} for n in range(50)]
    write_jsonl(tmp_path / "a.jsonl", [*rows, {"text": "b", "bio": "late"}, *rows])
    batches, gaps = read(make_plan([str(tmp_path / "a.jsonl")], "auto"))
    assert len(cells(batches, "text")) == 101
    assert [gap.reason.rpartition(": ")[2] for gap in gaps] == ["`bio`"]
    assert read(make_plan([str(tmp_path / "a.jsonl")], ["text"]))[1] == []


def test_lines_longer_than_blocks_are_read_and_those_beyond_the_limit_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.archive.formats.lines.BLOCK_BYTES", 100)
    monkeypatch.setattr("scanner.archive.formats.lines._READ_BYTES", 64)
    monkeypatch.setattr("scanner.archive.formats.lines.MAX_LINE_BYTES", 5_000)
    texts = ["a", "b" * 1_000, "c", "d" * 20_000, "e", "f" * 300, "g"]
    write_jsonl(tmp_path / "a.jsonl", [{"text": text} for text in texts])
    batches, gaps = read(make_plan([str(tmp_path / "a.jsonl")], ["text"]))
    found = cells(batches, "text")
    assert "d" * 20_000 not in found
    assert set(found) == set(texts) - {"d" * 20_000}
    assert len(gaps) == 1
    assert gaps[0].rows == 1


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.csv.gz", "a.csv.zst", "a.ipc.gz"])
def test_a_file_that_is_cut_short_is_read_up_to_there(name: str, tmp_path: Path) -> None:
    rows = [{"id": str(n), "text": f"text {n * 7919 % 10_007}"} for n in range(20_000)]
    bare = tmp_path / name.rpartition(".")[0]
    if bare.suffix == ".jsonl":
        write_jsonl(bare, rows)
    elif bare.suffix == ".csv":
        pyarrow.csv.write_csv(pa.Table.from_pylist(rows), bare)
    else:
        with pa.ipc.new_stream(str(bare), pa.Table.from_pylist(rows).schema) as writer:
            writer.write_table(pa.Table.from_pylist(rows), 1_000)
    packed = PACKERS["." + name.rpartition(".")[2]](bare.read_bytes())
    (tmp_path / name).write_bytes(packed[: len(packed) * 9 // 10])
    plan = make_plan([str(tmp_path / name)], ["text"])
    [split] = plan.splits
    pieces = list(read_split(split, ["text"]))
    gap = pieces[-1]
    assert isinstance(gap, Gap)
    assert gap.partial
    assert gap.reason.startswith("after ")


@pytest.mark.parametrize("name", NAMES[1:])
def test_what_is_not_of_its_format_is_set_aside(name: str, tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl")
    for number, data in enumerate((b"", b"\x00\x01\x02 nothing of the kind \xff" * 50)):
        path = tmp_path / f"{number}{name}"
        path.write_bytes(data)
        plan = make_plan([str(path), str(tmp_path / "a.jsonl")], ["text"])
        assert [Path(file.uri).name for file in plan.unreadable] == [path.name]


def test_offsets_of_arrow_files_that_point_anywhere_are_found(tmp_path: Path) -> None:
    table = pa.table({"text": ["abc", "defg", "hi"]})
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table)
    data = (tmp_path / "a.arrow").read_bytes()
    offsets = b"".join(number.to_bytes(4, "little") for number in (0, 3, 7, 9))
    assert data.count(offsets) == 1
    bad = b"".join(number.to_bytes(4, "little") for number in (0, 3, 1 << 30, 9))
    (tmp_path / "a.arrow").write_bytes(data.replace(offsets, bad))
    plan = make_plan([str(tmp_path / "a.arrow")], ["text"])
    with pytest.raises(SourceError, match=r"(?i)offset|out of bounds|invalid"):
        read(plan)


def test_a_column_whose_name_is_no_utf8_sets_its_file_aside(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl")
    write_stream(tmp_path / "b.ipc")
    (tmp_path / "b.ipc").write_bytes((tmp_path / "b.ipc").read_bytes().replace(b"text", b"te\xfft", 1))
    plan = make_plan([f"{tmp_path}/*"], ["text"])
    assert [Path(file.uri).name for file in plan.unreadable] == ["b.ipc"]


def test_text_of_arrow_files_that_is_no_utf8_is_given_as_bytes(tmp_path: Path) -> None:
    table = pa.table({"text": ["abc", "d\u00e9fg"]})
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table)
    data = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(data.replace("d\u00e9fg".encode(), b"d\xff\xfefg"))
    batches, gaps = read(make_plan([str(tmp_path / "a.arrow")], ["text"]))
    assert gaps == []
    assert batches[0].data["text"].to_pylist() == [b"abc", b"d\xff\xfefg"]


def test_endings() -> None:
    assert endings_of(None) == (".parquet",)
    assert endings_of("csv") == (".csv", ".csv.gz", ".csv.zst", ".csv.bz2")
    assert [name_of(f"s3://b/{name}") for name in ("A.CSV.GZ", "x.ndjson", "part-0", "t.tsv")] == [
        "csv", "jsonl", "parquet", "tsv",
    ]  # fmt: skip
