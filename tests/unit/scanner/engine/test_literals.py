from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.literals import MAX_SPELLINGS, judge_literal, stretches, without_odd_letters
from scanner.engine.pcre import expression
from tests.support.signatures import literal
from tests.support.strategies import LETTERS


def test_a_literal_is_looked_for_as_it_is() -> None:
    assert stretches("Kiss.é", caseless=False) == ("Kiss.é".encode(),)


def test_ascii_letters_without_other_variants_are_looked_for_once() -> None:
    assert stretches("BitCoin", caseless=True) == (b"bitcoin",)


def test_a_long_word_of_another_script_is_looked_for_by_a_stretch() -> None:
    found = stretches("приветствие", caseless=True)
    assert 1 < len(found) <= MAX_SPELLINGS


@given(st.text(LETTERS, min_size=1, max_size=8), st.text(LETTERS, max_size=20), st.booleans())
def test_wherever_the_judge_matches_a_stretch_stands(text: str, around: str, whole_word: bool) -> None:
    pattern = literal(text, flags="i", whole_word=whole_word)
    source, flags = judge_literal(text, pattern)
    for cell in (around, around + text.upper(), text.swapcase() + around):
        if expression(source, flags).search(cell.encode()):
            seen = without_odd_letters(cell.encode()).lower()
            assert any(stretch in seen for stretch in stretches(text, caseless=True))


def test_whole_words_know_unicode() -> None:
    source, flags = judge_literal("кот", literal("кот", whole_word=True))
    assert expression(source, flags).search("мой кот!".encode())
    assert not expression(source, flags).search("котик".encode())
    assert not expression(*judge_literal("$5", literal("$5", whole_word=True))).search(b"$55")
