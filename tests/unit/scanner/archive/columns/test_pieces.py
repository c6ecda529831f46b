from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.columns.cells import extract
from scanner.archive.columns.pieces import as_table, taken
from scanner.archive.provenance import provenance
from scanner.archive.where import Predicate

TEXTS = ["a", None, '{"b": "c"}', "d", "[]"]
TYPES = [
    pa.string(),
    pa.large_string(),
    pa.binary(),
    pa.large_binary(),
    pa.dictionary(pa.int16(), pa.string()),
    pa.json_(),
    pa.null(),
]


def in_pieces(values: Any) -> pa.Table:
    """A table of a piece a row, of which dictionaries differ."""
    rows = [pa.record_batch({"t": values.slice(row, 1)}) for row in range(len(values))]
    return pa.Table.from_batches(rows)


def column(type_: pa.DataType) -> Any:
    if pa.types.is_null(type_):
        return pa.nulls(len(TEXTS))
    texts = pa.array(TEXTS, pa.string())
    if isinstance(type_, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(type_, texts)
    return texts.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else texts.cast(type_)


@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_columns_in_pieces_are_those_in_one(type_: pa.DataType) -> None:
    values = column(type_)
    pieces, whole = in_pieces(values), pa.record_batch({"t": values})
    for path in ("t", "t->$.b") if type_ in (pa.string(), pa.json_()) else ("t",):
        found, expected = extract(pieces, path), extract(whole, path)
        assert found.values.to_pylist() == expected.values.to_pylist()
        assert found.rows.tolist() == expected.rows.tolist()
    rows = np.array([0, 1, 1, 4])
    carry = pa.schema([pa.field("t", pa.string())])
    for chosen in (rows, np.array([], np.int64), None):
        asked = ("t", None, None, carry, chosen)
        assert provenance(pieces, *asked).equals(provenance(whole, *asked))


def test_predicates_of_rows_in_pieces() -> None:
    predicate = Predicate.parse("t = 'd'")
    assert predicate.mask(in_pieces(column(pa.string()))).to_pylist() == [False, False, False, True, False]


@given(
    pieces=st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=5),
    places=st.lists(st.integers(0, 20), max_size=6),
)
def test_values_out_of_pieces(pieces: list[list[int]], places: list[int]) -> None:
    values = [value for piece in pieces for value in piece]
    chosen = sorted(place for place in places if place < len(values))
    found = taken(pa.chunked_array(pieces, pa.int64()), np.array(chosen, np.int64))
    assert found.to_pylist() == [values[place] for place in chosen]


def test_a_table_of_rows_in_one_piece() -> None:
    whole = pa.record_batch({"t": column(pa.string())})
    assert as_table(whole).to_batches() == [whole]
    assert as_table(in_pieces(column(pa.string()))).num_rows == len(TEXTS)
