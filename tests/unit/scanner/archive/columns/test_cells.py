import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.archive.columns.cells import extract
from scanner.archive.columns.leaves import numbers_of, resolve
from scanner.archive.columns.paths import quoted

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


_TEXTS = st.none() | st.text("ab.#`}\u202e", max_size=3)
_KEYS = st.sampled_from(["a", "b", "", "a.b", "a#2", "`", "é"])
_LEAVES: list[pa.DataType] = [
    pa.string(),
    pa.large_string(),
    pa.binary(),
    pa.dictionary(pa.int8(), pa.string()),
]
Way = tuple[str, ...]


@st.composite
def nested(draw: st.DrawFn, depth: int = 3) -> tuple[pa.DataType, st.SearchStrategy[Any], Way]:
    """A type, values of it, and the way to a text in it: names of fields, ``[]`` and ``{}``."""
    kind = (
        draw(st.sampled_from(["text", "struct", "list", "large list", "views", "pairs", "map"]))
        if depth
        else "text"
    )
    if kind == "text":
        type_: pa.DataType = draw(st.sampled_from(_LEAVES))
        texts: Any = _TEXTS.map(lambda text: text and text.encode()) if type_ == pa.binary() else _TEXTS
        return type_, texts, ()
    inner, values, way = draw(nested(depth=depth - 1))
    if kind == "struct":
        name = draw(st.sampled_from(["t", "odd name", "x.y"]))
        record = st.fixed_dictionaries({"n": st.none() | st.integers(0, 9), name: values})
        return pa.struct([("n", pa.int8()), (name, inner)]), st.none() | record, (name, *way)
    if kind == "map":
        entries = st.lists(st.tuples(_KEYS, values), max_size=3)
        return pa.map_(pa.string(), inner), st.none() | entries, ("{}", *way)
    if kind == "pairs":
        return pa.list_(inner, 2), st.none() | st.lists(values, min_size=2, max_size=2), ("[]", *way)
    made: Any = {"list": pa.list_, "large list": pa.large_list, "views": pa.list_view}[kind]
    return made(inner), st.none() | st.lists(values, max_size=3), ("[]", *way)


def walk(value: Any, way: Way, shown: str) -> Iterator[tuple[str, Any]]:
    """Every cell of a record with its path, found the slow way."""
    if not way:
        yield shown, value.decode() if isinstance(value, bytes) else value
    elif way[0] == "[]":
        for index, element in enumerate(value or ()):
            yield from walk(element, way[1:], f"{shown}[{index}]")
    elif way[0] == "{}":
        seen: Counter[str] = Counter()
        for key, element in value or ():
            seen[key] += 1
            odd = not key or not {*".#`"}.isdisjoint(key)
            name = f"`{key.replace('`', '``')}`" if odd else key
            yield from walk(element, way[1:], f"{shown}{{{name}{f'#{seen[key]}' if seen[key] > 1 else ''}}}")
    else:
        yield from walk(None if value is None else value[way[0]], way[1:], f"{shown}.{quoted(way[0])}")


@settings(max_examples=200)
@given(nested(), st.data())
def test_cells_are_those_that_a_loop_over_records_finds(
    made: tuple[pa.DataType, st.SearchStrategy[Any], Way], data: st.DataObject
) -> None:
    type_, values, way = made
    column = pa.array(data.draw(st.lists(values, max_size=6)), type_)
    whole = pa.record_batch({"id": pa.array(range(len(column)), pa.int64()), "c": column})
    batch = whole.slice(data.draw(st.integers(0, 3)), data.draw(st.integers(0, 6)))
    path = "c" + "".join(part if part in {"[]", "{}"} else f".{quoted(part)}" for part in way)
    expected = [
        (row, *each) for row, value in enumerate(batch["c"].to_pylist()) for each in walk(value, way, "c")
    ]
    for given_batch in (batch, *read_back(batch, path)):
        cells = extract(given_batch, path)
        texts = [each.decode() if isinstance(each, bytes) else each for each in cells.values.to_pylist()]
        paths = cells.paths(range(len(texts)))
        assert list(zip(cells.rows.tolist(), paths, texts, strict=True)) == expected
        assert all(each.dtype == np.int64 for each in (cells.rows, *cells.positions))


def read_back(batch: pa.RecordBatch, path: str) -> Iterator[pa.RecordBatch]:
    """The same from a file, of which only what the path needs is read; Arrow cannot write views of lists."""
    if "list_view" in str(batch.schema):
        return
    stored = io.BytesIO()
    pq.write_table(pa.Table.from_batches([batch]), stored)
    with pq.ParquetFile(stored) as file:
        names = [file.schema.column(number).path for number in numbers_of(file.schema_arrow, [path])]
        yield from file.iter_batches(columns=names)


def test_a_null_map_hides_its_entries() -> None:
    offsets: Any = pa.array([0, 1, 2, 3], pa.int32())
    mask = pa.array([False, True, False])
    maps = pa.MapArray.from_arrays(
        offsets, pa.array(["a", "hidden", "c"]), pa.array(["x", "y", "z"]), mask=mask
    )
    cells = extract(pa.record_batch({"m": maps}), "m{}")
    assert (cells.values.to_pylist(), cells.rows.tolist()) == (["x", "z"], [0, 2])
    assert cells.paths([0, 1]) == ["m{a}", "m{c}"]


def test_keys_of_any_type_have_a_name() -> None:
    def path(keys: Any) -> str:
        offsets: Any = pa.array([0, len(keys)], pa.int32())
        entries = pa.MapArray.from_arrays(offsets, keys, pa.array(["x"] * len(keys)))
        return extract(pa.record_batch({"m": entries}), "m{}").path(len(keys) - 1)

    assert path(pa.array([1, -2])) == "m{-2}"
    assert path(pa.array([b"a", b"\xff"])) == "m{ff}"
    assert path(pa.array([b"a", b"b"]).cast(pa.binary()).dictionary_encode()) == "m{b}"
    assert path(pa.array([{"k": 1}, {"k": 2}])) == "m{#1}"
    long = path(pa.array(["k" * 300]))
    assert len(long) == 220
    assert long != path(pa.array(["k" * 301]))


PAYLOADS: list[str | None] = [
    '{"message": "m0", "items": [{"text": "t0"}, {"text": 5}, {}, {"text": "t3"}], "odd name": ["o"]}',
    None,
    "",
    " \n",
    "no json",
    '{"message": {"deep": "x"}}',
    '{"message": "first", "message": "last"}',
    '["a", "b"]',
    '"plain"',
    '{"message": "\\ud83d\\ude00 \\ud83d"}',
    '{"message": "n", "n": ' + "9" * 5000 + "}",
    "[" * 100_000,
    '\ufeff{"message": "after a mark"}',
    '{"message": "cut',
]


@pytest.mark.parametrize(
    "type_", [pa.string(), pa.large_binary(), pa.dictionary(pa.int8(), pa.string())], ids=str
)
@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("$", [(8, "$", "plain")]),
        (
            "$.message",
            [
                (0, "$.message", "m0"),
                (6, "$.message", "last"),
                (9, "$.message", "\U0001f600 \ufffd"),
                (10, "$.message", "n"),
                (12, "$.message", "after a mark"),
            ],
        ),
        ("$.items[*].text", [(0, "$.items[0].text", "t0"), (0, "$.items[3].text", "t3")]),
        ("$.items[3].text", [(0, "$.items[3].text", "t3")]),
        ("$[*]", [(7, "$[0]", "a"), (7, "$[1]", "b")]),
        ('$["odd name"][*]', [(0, '$["odd name"][0]', "o")]),
        ("$.message.deep", [(5, "$.message.deep", "x")]),
        ("$.nothing[*]", []),
    ],
)
def test_texts_in_json_are_found_and_what_is_no_json_is_counted(
    way: str, expected: list[tuple[int, str, str]], type_: pa.DataType
) -> None:
    plain: pa.Array[Any] = pa.array(PAYLOADS)
    values = plain.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else plain.cast(type_)
    batch = pa.record_batch({"p": values})
    cells = extract(batch, f"p->{way}")
    assert cells.values.type == resolve(batch.schema, f"p->{way}") == pa.large_string()
    found = zip(
        cells.rows.tolist(), cells.paths(range(len(cells.rows))), cells.values.to_pylist(), strict=True
    )
    assert list(found) == [(row, f"p->{place}", text) for row, place, text in expected]
    assert cells.unparsed == 3


def test_json_lies_in_lists_and_maps_too() -> None:
    maps = pa.list_(pa.map_(pa.string(), pa.string()))
    events = pa.array(
        [[[("k", '{"t": ["x", "y"]}')], None], [], [[("k", "[]"), ("k", '{"t": ["z"]}')]]], maps
    )
    batch = pa.record_batch({"e": events})
    cells = extract(batch, "e[]{}->$.t[*]")
    assert cells.paths([0, 1, 2]) == ["e[0]{k}->$.t[0]", "e[0]{k}->$.t[1]", "e[0]{k#2}->$.t[0]"]
    assert (cells.rows.tolist(), cells.unparsed) == ([0, 0, 2], 0)


def test_a_huge_cell_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.archive.columns.json_texts.MAX_JSON_BYTES", 10)
    cells = extract(pa.record_batch({"p": ['{"a":"b"}', '{"a": "bcd"}']}), "p->$.a")
    assert (cells.values.to_pylist(), cells.unparsed) == (["b"], 1)


def test_a_cell_may_hold_very_many_texts() -> None:
    many = json.dumps([str(number) for number in range(40_000)])
    cells = extract(pa.record_batch({"p": [None, many, '["last"]']}), "p->$[*]")
    assert len(cells.values) == len(cells.rows) == 40_001
    assert cells.values.take(pa.array([39_999, 40_000])).to_pylist() == ["39999", "last"]
    assert cells.paths([39_999, 40_000]) == ["p->$[39999]", "p->$[0]"]
    assert cells.rows[[0, 39_999, 40_000]].tolist() == [1, 1, 2]
