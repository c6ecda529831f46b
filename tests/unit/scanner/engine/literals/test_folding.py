import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.literals.folding import fold, fold_bytes, folded_blocks
from scanner.engine.literals.spelling import ODD_LETTERS
from scanner.engine.patterns.classes import members
from scanner.engine.patterns.syntax import judge_source
from scanner.views.raw import text_cells
from tests.support.strategies import LETTERS

BEYOND_ASCII = [chr(point) for point in range(0x80, 0x110000) if not 0xD800 <= point < 0xE000]


@pytest.mark.parametrize("letter", "aZ1éßσвǅθµΩİıՁ\u0345\u1c80\U00010400")
def test_letters_fold_alike_where_the_judge_takes_one_for_the_other(letter: str) -> None:
    ranges = members(judge_source(f"\\x{{{ord(letter):x}}}"), caseless=True, unicode=False)
    variants = {chr(point) for first, last in ranges for point in range(first, last + 1)}
    assert {
        each for each in [*map(chr, range(0x80)), *BEYOND_ASCII] if fold(each) == fold(letter)
    } == variants


def test_only_the_odd_letters_fold_to_ascii() -> None:
    assert {letter for letter in BEYOND_ASCII if fold(letter).isascii()} == set(ODD_LETTERS)


@given(st.text(LETTERS))
def test_bytes_fold_as_text_does(text: str) -> None:
    assert fold_bytes(text.encode()).decode() == fold(text)


def test_a_long_text_is_folded_in_pieces() -> None:
    text = "aÉ日😀" * 200_000
    assert fold_bytes(text.encode()).decode() == fold(text)


@given(
    st.lists(st.none() | st.text(LETTERS + "\n", max_size=9) | st.just("abc\n"), max_size=9),
    st.integers(1, 60),
)
def test_blocks_hold_the_cells_that_are_not_ascii(cells: list[str | None], block_bytes: int) -> None:
    found = {}
    for numbers, block, offsets in folded_blocks(text_cells(pa.array(cells, pa.string())), block_bytes):
        assert offsets.dtype == np.int64
        for place, number in enumerate(numbers.tolist()):
            found[number] = block[offsets[place] : offsets[place + 1]].decode()
    assert found == {
        number: fold(cell) + "\n"
        for number, cell in enumerate(cells)
        if cell is not None and not cell.isascii()
    }
