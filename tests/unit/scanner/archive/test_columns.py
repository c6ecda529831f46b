import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.archive.columns import (
    ColumnError,
    ColumnPath,
    Step,
    extract,
    leaves,
    resolve,
    text_columns,
    text_in_maps,
)

REPLY = pa.struct([("text", pa.string()), ("tags", pa.list_(pa.string())), ("votes", pa.int64())])
TYPES: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "text": pa.large_string(),
    "author": pa.struct([("bio", pa.string_view()), ("age", pa.int8())]),
    "replies": pa.list_(REPLY),
    "langs": pa.dictionary(pa.int8(), pa.string()),
    "raw": pa.binary(),
    "attrs": pa.map_(pa.string(), pa.int64()),
    "a.b": pa.string(),
}
SCHEMA = pa.schema(TYPES)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("text", (Step("text"),)),
        ("author.bio", (Step("author"), Step("bio"))),
        ("replies[].text", (Step("replies", 1), Step("text"))),
        ("a[][].b[]", (Step("a", 2), Step("b", 1))),
        ("`a.b[]`.c", (Step("a.b[]"), Step("c"))),
        ("`it``s`[]", (Step("it`s", 1),)),
        ("naïve column", (Step("naïve column"),)),
    ],
)
def test_a_path_is_read_and_written_back(text: str, steps: tuple[Step, ...]) -> None:
    path = ColumnPath.parse(text)
    assert path.steps == steps
    assert str(path) == text


@given(st.lists(st.builds(Step, st.text(min_size=1), st.integers(0, 3)), min_size=1, max_size=4))
def test_every_path_that_can_be_built_can_be_written(steps: list[Step]) -> None:
    path = ColumnPath(tuple(steps))
    assert ColumnPath.parse(str(path)) == path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("attrs{}", "maps are not built yet"),
        ("$.user.name", "JSON are not built yet"),
        ("", "is not a column path"),
        (".", "is not a column path"),
        ("a..b", "is not a column path"),
        ("a.", "is not a column path"),
        ("a[0]", "is not a column path"),
        ("[]", "is not a column path"),
        ("`a", "is not a column path"),
    ],
)
def test_what_is_no_path_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ColumnError, match=words):
        ColumnPath.parse(text)


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
        ("attrs", "is a map, which is not built yet"),
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


def test_the_error_survives_pickling() -> None:
    error = ColumnError("a.b", "is not there")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (again.path, again.message, str(again)) == ("a.b", "is not there", "a.b: is not there")


def test_auto_means_every_string_that_can_be_hunted() -> None:
    assert text_columns(SCHEMA) == [
        "text", "author.bio", "replies[].text", "replies[].tags[]", "langs", "a.b"
    ]  # fmt: skip
    assert text_in_maps(SCHEMA) == ["attrs"]


def test_a_flat_name_with_dots_is_quoted_only_beside_a_nested_one() -> None:
    both = pa.schema([("a", pa.struct([("b", pa.string())])), ("a.b", pa.large_string())])
    assert text_columns(both) == ["a.b", "`a.b`"]
    assert resolve(both, "a.b") == pa.string()
    assert resolve(both, "`a.b`") == pa.large_string()


def test_leaves_are_numbered_as_parquet_numbers_its_columns(tmp_path: Path) -> None:
    pq.write_table(SCHEMA.empty_table(), tmp_path / "a.parquet")
    stored = pq.ParquetFile(tmp_path / "a.parquet").schema
    names = [leaf.path.steps[-1].name for leaf in leaves(SCHEMA) if not leaf.in_map]
    paths = [stored.column(i).path.replace("a.b", "a_b").split(".") for i in range(len(stored))]
    tails = [[part for part in path if part not in {"list", "element"}][-1] for path in paths]
    assert [tail.replace("a_b", "a.b") for tail in tails if tail not in {"key", "value"}] == names


TEXT_TYPES = [
    pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view(),
    pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.large_string()),
]  # fmt: skip


@pytest.mark.parametrize("type_", TEXT_TYPES, ids=str)
@pytest.mark.parametrize("sliced", [False, True])
def test_every_text_type_keeps_its_cells_and_rows(type_: pa.DataType, *, sliced: bool) -> None:
    plain = pa.array(["a", None, "", "ü", "a"])
    values = plain.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else plain.cast(type_)
    batch = pa.record_batch({"text": values})
    batch = batch.slice(1, 3) if sliced else batch
    cells = extract(batch, "text")
    assert cells.values.equals(batch.column(0))
    assert cells.rows.tolist() == list(range(batch.num_rows))
    assert cells.path(0) == "text"


def test_fixed_size_binary_and_extension_types_are_text() -> None:
    batch = pa.record_batch(
        {
            "code": pa.array([b"abcd", None], pa.binary(4)),
            "doc": pa.array(['{"a": 1}', None], pa.json_()),
        }
    )
    assert extract(batch, "code").values.to_pylist() == [b"abcd", None]
    assert extract(batch, "doc").values.equals(pa.array(['{"a": 1}', None]))


def test_a_column_without_a_single_value_is_text() -> None:
    batch = pa.record_batch({"text": pa.nulls(2), "tags": pa.array([[None], None], pa.list_(pa.null()))})
    assert resolve(batch.schema, "text") == pa.string()
    assert extract(batch, "text").values.equals(pa.nulls(2, pa.string()))
    assert extract(batch, "tags[]").values.equals(pa.nulls(1, pa.string()))


def test_nulls_hide_what_lies_below_them() -> None:
    texts = pa.array(["a", "hidden", "c", "hidden too", "e"])
    struct = pa.StructArray.from_arrays([texts], ["t"], mask=pa.array([False, True, False, False, False]))
    lists = pa.ListArray.from_arrays(
        pa.array([0, 2, 3, 4, 5], pa.int32()), struct, mask=pa.array([False, False, True, False])
    )
    cells = extract(pa.record_batch({"r": lists}), "r[].t")
    assert cells.values.to_pylist() == ["a", None, "c", "e"]
    assert cells.rows.tolist() == [0, 0, 1, 3]
    assert [cells.path(i) for i in range(4)] == ["r[0].t", "r[1].t", "r[0].t", "r[0].t"]


def test_cells_keep_the_name_they_were_asked_for_by() -> None:
    flat: dict[str, pa.Array[Any]] = {"a.b": pa.array(["x"]), "c[].d": pa.array(["y"])}
    batch = pa.record_batch(flat)
    assert extract(batch, "a.b").path(0) == "a.b"
    assert extract(batch, "`a.b`").path(0) == "`a.b`"
    assert extract(batch, "c[].d").path(0) == "`c[].d`"


LISTS = [
    pa.list_(pa.string()), pa.large_list(pa.string()), pa.list_view(pa.string()),
    pa.large_list_view(pa.string()), pa.list_(pa.string(), 2),
]  # fmt: skip


@pytest.mark.parametrize("type_", LISTS, ids=str)
@pytest.mark.parametrize("start", [0, 1, 2])
def test_every_list_type_gives_its_elements(type_: pa.DataType, start: int) -> None:
    batch = pa.record_batch({"t": pa.array([["a", "b"], None, ["c", None], ["d", "e"]], type_)}).slice(start)
    cells = extract(batch, "t[]")
    rows = batch.column(0).to_pylist()
    expected = [(i, j, cell) for i, row in enumerate(rows) for j, cell in enumerate(row or [])]
    assert list(zip(cells.rows, cells.positions[0], cells.values.to_pylist(), strict=True)) == expected


_TEXTS = st.none() | st.text(max_size=3)
_RECORDS = st.lists(
    st.none()
    | st.fixed_dictionaries(
        {
            "replies": st.none()
            | st.lists(
                st.none()
                | st.fixed_dictionaries(
                    {"tags": st.none() | st.lists(st.none() | st.lists(_TEXTS), max_size=3)}
                ),
                max_size=3,
            )
        }
    ),
    max_size=6,
)


@settings(deadline=None)
@given(_RECORDS, st.integers(0, 6), st.integers(0, 6))
def test_nested_cells_are_those_that_a_loop_over_records_finds(
    records: list[Any], start: int, length: int
) -> None:
    tags = pa.struct([("tags", pa.list_(pa.large_list(pa.string())))])
    values = pa.array(records, pa.struct([("replies", pa.list_(tags))]))
    batch = pa.record_batch({"post": values}).slice(start, length)
    cells = extract(batch, "post.replies[].tags[][]")
    expected = [
        (row, i, j, k, cell)
        for row, record in enumerate(batch.column(0).to_pylist())
        for i, reply in enumerate((record or {}).get("replies") or [])
        for j, inner in enumerate((reply or {}).get("tags") or [])
        for k, cell in enumerate(inner or [])
    ]
    assert all(position.dtype == np.int64 for position in (cells.rows, *cells.positions))
    found = zip(cells.rows, *cells.positions, cells.values.to_pylist(), strict=True)
    assert [tuple(each) for each in found] == expected
    paths = [f"post.replies[{i}].tags[{j}][{k}]" for _, i, j, k, _ in expected]
    assert [cells.path(index) for index in range(len(paths))] == paths
