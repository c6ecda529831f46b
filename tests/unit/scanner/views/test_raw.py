import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.views.raw import Repair, TextCells, text_bytes, text_cells


def texts(found: TextCells) -> list[bytes]:
    return list(found.take(found.not_null()))


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["ab", None, "é"]),
        pa.array(["ab", None, "é"], pa.large_string()),
        pa.array(["ab", None, "é"], pa.string_view()),
        pa.array([b"ab", None, "é".encode()], pa.binary()),
        pa.array([b"ab", None, "é".encode()], pa.large_binary()),
        pa.array([b"ab", None, "é".encode()], pa.binary_view()),
        pa.array([b"ab", None, "é".encode()], pa.binary(2)),
        pa.array(["ab", None, "é"]).dictionary_encode(),
        pa.array(["x", "ab", None, "é"]).slice(1),
        pa.chunked_array([["ab"], [], [None, "é"]], pa.string()),
    ],
    ids=lambda column: str(column.type),
)
def test_every_text_type(column: pa.Array) -> None:  # type: ignore[type-arg]
    found = text_cells(column)
    assert (len(found), found.not_null().tolist(), texts(found)) == (3, [0, 2], [b"ab", "é".encode()])
    assert text_bytes(column) == 4


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="int64 holds no text"):
        text_cells(pa.array([1]))


def test_each_bad_byte_becomes_one_character() -> None:
    found = text_cells(pa.array([b"a\xff\xe2\x82b", b"fine"]))
    assert texts(found) == ["a\ufffd\ufffd\ufffdb".encode(), b"fine"]
    assert found.repairs == {0: Repair((1, 2, 3))}


def test_strings_that_are_not_utf8_are_repaired_too() -> None:
    broken = pa.StringArray.from_buffers(
        2, pa.py_buffer(b"\0\0\0\0\1\0\0\0\3\0\0\0"), pa.py_buffer(b"\xffok")
    )
    assert texts(text_cells(broken)) == ["\ufffd".encode(), b"ok"]


@given(st.lists(st.binary(max_size=6) | st.text(max_size=4).map(str.encode), max_size=6).map(b"".join))
def test_every_border_of_a_repaired_cell_maps_back(cell: bytes) -> None:
    found = text_cells(pa.array([cell, b"\xff"]))
    repair = found.repairs.get(0, Repair(()))
    text = texts(found)[0].decode()
    raw = 0
    for index, char in enumerate(text):
        offset = len(text[:index].encode())
        assert repair.raw(offset) == raw
        raw += 1 if raw in repair.bad else len(char.encode())
    assert repair.raw(len(text.encode())) == raw == len(cell)
