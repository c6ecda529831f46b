from typing import Any

import pyarrow as pa
import pytest

from scanner.archive.columns.views import without_views

VIEWS: dict[str, tuple[list[Any], pa.DataType]] = {
    "text": (["a", None], pa.string_view()),
    "bytes": ([b"a", None], pa.binary_view()),
    "list": ([["a"], None], pa.list_(pa.string_view())),
    "large list": ([["a"], []], pa.large_list(pa.string_view())),
    "pairs": ([["a", "b"], None], pa.list_(pa.string_view(), 2)),
    "view of a list": ([["a"], None], pa.list_view(pa.string())),
    "struct": ([{"b": ["a"]}, None], pa.struct([("b", pa.list_(pa.string_view()))])),
    "map": ([[("k", "a")], None], pa.map_(pa.string_view(), pa.string_view())),
}


@pytest.mark.parametrize("name", VIEWS)
def test_rows_can_be_taken_of_what_held_views(name: str) -> None:
    values, type_ = VIEWS[name]
    batch = pa.record_batch([pa.array(values, type_), pa.array([1, 2])], names=["v", "n"])
    plain = without_views(batch)
    assert plain.filter(pa.array([True, False])).take(pa.array([0])).to_pylist() == batch.to_pylist()[:1]
    assert plain.to_pylist() == batch.to_pylist()


def test_dictionaries_of_views_as_polars_writes_them_become_plain() -> None:
    """Arrow cannot unfold them: a column of polars' categories failed its split."""
    folded: Any = pa.DictionaryArray.from_arrays(
        pa.array([1, 0, None]), pa.array(["a", "b"], pa.string_view())
    )
    plain = without_views(pa.record_batch([folded], names=["v"]))
    assert plain.column(0).cast(pa.string()).to_pylist() == ["b", "a", None]


def test_a_batch_without_views_stays_as_it_is() -> None:
    columns = [pa.array(["a"]).dictionary_encode(), pa.array([["a"]]), pa.array([{"x": 1}])]
    batch = pa.record_batch(columns, names=["t", "l", "s"])
    assert without_views(batch) is batch
