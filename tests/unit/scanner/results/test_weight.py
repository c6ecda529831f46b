"""Rows weigh what their values hold, in whatever tables they came."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.results.weight import full_ends, row_bytes

PAIRS = pa.map_(pa.string(), pa.string())


@pytest.mark.parametrize(
    ("values", "weights"),
    [
        (pa.array(["a", None, "bbb"]), [1, 0, 3]),
        (pa.array(["a", None, "bbb"], pa.string_view()), [1, 0, 3]),
        (pa.array(["a", None, "bbb"]).dictionary_encode(), [1, 0, 3]),
        (pa.array([b"a", None], pa.large_binary()), [1, 0]),
        (pa.array([{"a": "xx", "b": ["q", "rr"]}, None]), [5, 0]),
        (pa.array([[("k", "vv")], None, [("kkk", "")]], PAIRS)[1:], [0, 3]),
        (pa.array([["a"], None, ["b", "ccc"]], pa.large_list(pa.string()))[1:], [0, 4]),
        (pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)), [8, 0, 8]),
        (pa.array([b"ab", None], pa.binary(2)), [2, 2]),
        (pa.array([1.5, None]), [8, 8]),
        (pa.array([True, None]), [1, 1]),
        (pa.nulls(2), [0, 0]),
    ],
)
def test_values_of_every_type_weigh_what_they_hold(values: Any, weights: list[int]) -> None:
    assert row_bytes(pa.table([values], ["value"])).tolist() == weights


def test_it_does_not_matter_how_a_table_came_to_be() -> None:
    rows = [{"name": "x" * n, "many": ["y"] * n if n % 2 else None, "count": n} for n in range(9)]
    whole = pa.Table.from_pylist(rows)
    pieces = pa.concat_tables([pa.Table.from_pylist([row], whole.schema) for row in rows])
    weights = row_bytes(whole)
    assert weights.tolist() == [8 + n + n * (n % 2) for n in range(9)]
    assert np.array_equal(row_bytes(pieces), weights)
    assert np.array_equal(row_bytes(pieces.slice(2, 5)), weights[2:7])


@given(
    weights=st.lists(st.integers(0, 20), max_size=40), most_rows=st.integers(1, 6), most=st.integers(0, 40)
)
def test_a_piece_is_full_with_its_last_row_and_not_before(
    weights: list[int], most_rows: int, most: int
) -> None:
    expected, rows, held = [], 0, 0
    for number, weight in enumerate(weights, 1):
        rows, held = rows + 1, held + weight
        if rows == most_rows or held >= most:
            expected.append(number)
            rows = held = 0
    assert list(full_ends(np.array(weights, np.int64), most_rows, most)) == expected
