from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.views.utf8 import is_utf8

# First bytes of every kind of character, those that begin none, and continuations at the borders of what may follow.
LEADING = b"\x00\x7f\x80\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xf8\xfc\xfe\xff"
FOLLOWING = b"\x00\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xe2\xf0\xff"


def decodes(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    "before", [b"", b"x" * 61, "ж".encode() * 31], ids=["alone", "behind ASCII", "behind others"]
)
def test_every_way_to_begin_a_character(before: bytes) -> None:
    for lengths in range(1, 4):
        for first, *rest in product(LEADING, *[FOLLOWING] * (lengths - 1)):
            text = before + bytes([first, *rest]) + b"\n"
            assert is_utf8(text) is decodes(text), text


SURROGATE, OVERLONG, BEYOND = b"\xed\xa0\x80", b"\xe0\x80\xaf", b"\xf4\x90\x80\x80"
PIECES = (
    st.text(max_size=40).map(str.encode)
    | st.binary(max_size=5)
    | st.sampled_from([SURROGATE, OVERLONG, BEYOND, b"\n", b"\xf0\x9f\x98", b"\xf0\x80\x80\x80", b"a" * 64])
)


@given(st.lists(PIECES, max_size=8).map(b"".join))
def test_what_python_decodes(text: bytes) -> None:
    assert is_utf8(text + b"\n") is decodes(text)


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=9), max_size=8),
    st.integers(37, 60),
    st.integers(1, 60),
)
def test_long_texts_are_looked_at_in_pieces(lines: list[str], slab_bytes: int, piece_bytes: int) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    assert is_utf8(text, slab_bytes, piece_bytes)
    assert not is_utf8(text + b"\xff\n", slab_bytes, piece_bytes)
    assert not is_utf8(b"\xff\n" + text, slab_bytes, piece_bytes)


def test_a_line_beyond_a_piece_is_looked_at_whole() -> None:
    line = "ж".encode() * 20
    assert is_utf8(b"a\n" + line + b"\nb\n", piece_bytes=4)
    assert not is_utf8(b"a\n" + line[:-1] + b"\nb\n", piece_bytes=4)


def test_of_a_line_that_is_too_long_it_is_not_known() -> None:
    assert not is_utf8(b"ab\nabcdefgh\n", 4)
