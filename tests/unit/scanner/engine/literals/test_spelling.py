from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.literals.folding import fold_bytes
from scanner.engine.literals.spelling import ascii_of, literal_expression, without_odd_letters
from tests.support.strategies import LETTERS


def test_caseless_literals_of_ascii_are_told_from_others() -> None:
    assert ascii_of("BitCoin") == "bitcoin"
    assert ascii_of("\N{KELVIN SIGN}i\N{LATIN SMALL LETTER LONG S}S") == "kiss"
    assert ascii_of("café") is None


@given(st.text(LETTERS, min_size=1, max_size=8), st.text(LETTERS, max_size=20), st.booleans())
def test_wherever_the_judge_matches_pass_one_can_see_it(text: str, around: str, whole_word: bool) -> None:
    judge = literal_expression(text, "i", whole_word)
    plain = ascii_of(text)
    for cell in (around, around + text.upper(), text.swapcase() + around):
        if not judge.search(cell.encode()):
            continue
        if plain is not None:
            assert plain.encode() in without_odd_letters(cell.encode()).lower()
        else:
            assert not cell.isascii()
            assert fold_bytes(text.encode()) in fold_bytes(cell.encode())


def test_whole_words_know_unicode() -> None:
    cat = literal_expression("кот", "", True)
    assert cat.search("мой кот!".encode())
    assert not cat.search("котик".encode())
    assert not literal_expression("$5", "", True).search(b"$55")
