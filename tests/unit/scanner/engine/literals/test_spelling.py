from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.literals.folding import fold_bytes
from scanner.engine.literals.spelling import ascii_of, judge_literal, without_odd_letters
from scanner.engine.pcre import expression
from tests.support.signatures import literal
from tests.support.strategies import LETTERS


def test_caseless_literals_of_ascii_are_told_from_others() -> None:
    assert ascii_of("BitCoin") == "bitcoin"
    assert ascii_of("\N{KELVIN SIGN}i\N{LATIN SMALL LETTER LONG S}S") == "kiss"
    assert ascii_of("café") is None


@given(st.text(LETTERS, min_size=1, max_size=8), st.text(LETTERS, max_size=20), st.booleans())
@settings(deadline=None)  # the first text waits for Unicode's case variants
def test_wherever_the_judge_matches_pass_one_can_see_it(text: str, around: str, whole_word: bool) -> None:
    pattern = literal(text, flags="i", whole_word=whole_word)
    source, flags = judge_literal(text, pattern)
    plain = ascii_of(text)
    for cell in (around, around + text.upper(), text.swapcase() + around):
        if not expression(source, flags).search(cell.encode()):
            continue
        if plain is not None:
            assert plain.encode() in without_odd_letters(cell.encode()).lower()
        else:
            assert not cell.isascii()
            assert fold_bytes(text.encode()) in fold_bytes(cell.encode())


def test_whole_words_know_unicode() -> None:
    source, flags = judge_literal("кот", literal("кот", whole_word=True))
    assert expression(source, flags).search("мой кот!".encode())
    assert not expression(source, flags).search("котик".encode())
    assert not expression(*judge_literal("$5", literal("$5", whole_word=True))).search(b"$55")
