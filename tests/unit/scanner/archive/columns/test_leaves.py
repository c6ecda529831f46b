from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive.columns.leaves import find_flat, leaves, numbers_of, resolve, text_columns
from scanner.archive.columns.paths import ColumnError, NoColumnError

REPLY = pa.struct([("text", pa.string()), ("tags", pa.list_(pa.string())), ("votes", pa.int64())])
TYPES: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "text": pa.large_string(),
    "author": pa.struct([("bio", pa.string_view()), ("age", pa.int8())]),
    "replies": pa.list_(REPLY),
    "langs": pa.dictionary(pa.int8(), pa.string()),
    "raw": pa.binary(),
    "attrs": pa.map_(pa.string(), pa.int64()),
    "labels": pa.map_(pa.string(), pa.list_(pa.string())),
    "a.b": pa.string(),
}
SCHEMA = pa.schema(TYPES)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("txet", "no such column; did you mean `text`"),
        ("author.boi", "did you mean `author.bio`"),
        ("quite.another", "there are `id`, `text`"),
        ("author", "write `author.bio`, `author.age`"),
        ("replies.text", r"write `replies\[\].text`"),
        ("text[]", "write `text`"),
        ("replies[].tags", r"write `replies\[\].tags\[\]`"),
        ("attrs", r"write `attrs\{\}`"),
        ("attrs[]", r"write `attrs\{\}`"),
        ("attrs{}", "holds int64, not text"),
        ("id->$.a", "holds int64, not text"),
        ("author->$.bio", "write `author.bio`"),
        ("txet->$.a", "did you mean `text`"),
        ("id", "holds int64, not text"),
        ("replies[].votes", "holds int64, not text"),
    ],
)
def test_a_column_that_cannot_be_hunted_is_refused_with_what_to_write(path: str, words: str) -> None:
    with pytest.raises(ColumnError, match=words):
        resolve(SCHEMA, path)


def test_two_columns_of_one_name_are_refused() -> None:
    schema = pa.schema([("text", pa.string()), ("text", pa.string())])
    for ask in (lambda: resolve(schema, "text"), lambda: text_columns(schema)):
        with pytest.raises(ColumnError, match="2 columns have this name"):
            ask()


def test_auto_means_every_string_that_can_be_hunted() -> None:
    assert text_columns(SCHEMA) == [
        "text", "author.bio", "replies[].text", "replies[].tags[]", "langs", "labels{}[]", "a.b"
    ]  # fmt: skip


def test_a_flat_name_with_dots_is_quoted_only_beside_a_nested_one() -> None:
    both = pa.schema([("a", pa.struct([("b", pa.string())])), ("a.b", pa.large_string())])
    assert text_columns(both) == ["a.b", "`a.b`"]
    assert resolve(both, "a.b") == pa.string()
    assert resolve(both, "`a.b`") == pa.large_string()


def test_leaves_are_numbered_as_parquet_numbers_its_columns(tmp_path: Path) -> None:
    pq.write_table(SCHEMA.empty_table(), tmp_path / "a.parquet")
    stored = pq.ParquetFile(tmp_path / "a.parquet").schema
    paths = [stored.column(i).path.replace("a.b", "a_b").split(".") for i in range(len(stored))]
    inner = {"list", "element", "key_value", "key", "value"}
    tails = [[part for part in path if part not in inner][-1].replace("a_b", "a.b") for path in paths]
    found = [(leaf.path.steps[-1].name, leaf.is_key) for leaf in leaves(SCHEMA)]
    assert found == [(tail, path[-1] == "key") for tail, path in zip(tails, paths, strict=True)]


def test_a_map_is_read_with_its_keys() -> None:
    assert numbers_of(SCHEMA, ["text"]) == [1]
    assert numbers_of(SCHEMA, ["labels{}[]"]) == [11, 12]
    words = pa.map_(pa.string(), pa.string())
    inner: pa.DataType = pa.struct([("a", words), ("b", pa.int8())])
    types: dict[str, pa.DataType] = {"m": pa.map_(pa.string(), inner), "n": words}
    deep = pa.schema(types)
    assert numbers_of(deep, ["m{}.b"]) == [0, 3]
    assert numbers_of(deep, ["m{}.a{}"]) == [0, 1, 2]
    assert numbers_of(deep, ["n{}->$.x"]) == [4, 5]
    assert numbers_of(deep, ["n{}->$.x", "m{}.b", "m{}.b"]) == [0, 3, 4, 5]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("replies[].votes", "lies in a list"),
        ("attrs{}", "lies in a map"),
        ("text->$.id", "a path into JSON, which only text_columns may hold"),
    ],
)
def test_a_column_that_a_record_has_many_of_is_told(path: str, words: str) -> None:
    with pytest.raises(ColumnError, match=words):
        find_flat(SCHEMA, path)


def test_what_is_not_there_is_told_from_what_is_something_else() -> None:
    for path, is_missing in [("other", True), ("author.other", True), ("author", False), ("id", False)]:
        with pytest.raises(ColumnError) as raised:
            resolve(SCHEMA, path)
        assert isinstance(raised.value, NoColumnError) == is_missing
