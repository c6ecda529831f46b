from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.parquet.thrift import I32, I64, LIST, STRUCT, Cursor, Malformed
from tests.support.broken import Struct, written

integers = st.integers(-(2**62), 2**62)
scalars: st.SearchStrategy[tuple[int, Any]] = st.one_of(
    st.tuples(st.just(I64), integers),
    st.tuples(st.just(8), st.binary(max_size=20)),
    st.tuples(st.just(1), st.booleans()),
)


def _with(inner: st.SearchStrategy[tuple[int, Any]]) -> st.SearchStrategy[tuple[int, Any]]:
    structs = st.dictionaries(st.integers(1, 40), inner, max_size=5)
    lists = st.one_of(
        st.tuples(st.just(STRUCT), st.lists(structs, max_size=20)),
        st.tuples(st.just(I64), st.lists(integers, max_size=20)),
    )
    return st.one_of(inner, st.tuples(st.just(STRUCT), structs), st.tuples(st.just(LIST), lists))


@given(st.dictionaries(st.integers(1, 40), st.recursive(scalars, _with, max_leaves=20), max_size=8))
def test_every_struct_is_skipped_to_its_end_and_its_integers_are_read(fields: Struct) -> None:
    data = written(fields)
    cursor = Cursor(data + b"after")
    cursor.skip(STRUCT)
    assert cursor.at == len(data)
    cursor = Cursor(data)
    read = {}
    for number, type_ in cursor.fields():
        if type_ == I64:
            read[number] = cursor.integer()
        else:
            cursor.skip(type_)
    assert read == {number: value for number, (type_, value) in fields.items() if type_ == I64}


@pytest.mark.parametrize(
    "data",
    [
        b"\x1d",  # a field of type 13
        b"\x1b\x7f\x55",  # a map with more entries than bytes
        b"\x1c" * 50,  # structs in structs
        b"\x19" + b"\x19" * 50,  # lists in lists
        b"\x19\xf1\xff\xff\xff\xff\x07",  # two billion flags
    ],
)
def test_what_is_no_struct_is_refused_rather_than_followed(data: bytes) -> None:
    with pytest.raises((Malformed, IndexError)):
        Cursor(data).skip(STRUCT)


def test_an_integer_of_half_a_megabyte_is_given_up_at_once() -> None:
    with pytest.raises(Malformed):
        Cursor(b"\xff" * 500_000 + b"\x01").integer()


def test_maps_are_skipped() -> None:
    empty, two = b"\x1b\x00", b"\x1b\x02\x51" + b"\x02\x01" + b"\x04\x02"
    cursor = Cursor(empty + two + b"\x16\x02\x00")
    cursor.skip(STRUCT)
    assert cursor.at == len(empty + two) + 3


def test_a_text_that_is_longer_than_the_bytes_is_the_end() -> None:
    cursor = Cursor(written({1: (8, b"abc"), 2: (I32, 1)})[:-3])
    with pytest.raises(IndexError):
        cursor.skip(STRUCT)
