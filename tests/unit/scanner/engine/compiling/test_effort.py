import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.compiling.effort import largest_repeat, positions, widen


@pytest.mark.parametrize(
    ("regex", "expected"),
    [
        ("abc", 3),
        (r"a\x{20}b", 3),
        (r"[a-z\x{5b}]", 1),
        (r"\x{e9}", 2),
        ("(?:ab|c){5}", 15),
        ("a{2,7}b{3,}", 10),
        ("(?:a{10}b){10}", 110),
        ("(?i:ab)c*", 3),
    ],
)
def test_positions(regex: str, expected: int) -> None:
    assert positions(regex) == expected


def test_characters_beyond_ascii_are_several_positions() -> None:
    assert positions("(?s:.){100}") > 500
    assert positions(r"[a\x{3b1}-\x{3c9}]") > positions("[a-z]")


@pytest.mark.parametrize(
    ("regex", "expected"),
    [
        ("a{3,16}b", "a{3,16}b"),
        ("a{3,17}b", "a{3,}b"),
        ("a{40}b", "a{16,}b"),
        ("a{20,}b", "a{16,}b"),
        ("ba{40}", "ba{16}"),
        (r"\x{100}{30}b", r"\x{100}{16,}b"),
    ],
)
def test_widening(regex: str, expected: str) -> None:
    assert widen(regex) == expected


@given(
    st.from_regex(r"\A(a\{[0-9]{1,2}(,([0-9]{2})?)?\}|b|(?:ba)\{2,30\}){1,4}\Z"), st.text("ab", max_size=60)
)
def test_a_wide_pattern_is_found_wherever_the_narrow_one_is(regex: str, text: str) -> None:
    regex = regex.replace("ba{", "(?:ba){")
    try:
        narrow = re.compile(regex)
    except re.error:
        return
    if narrow.search(text):
        assert re.search(widen(regex), text)


def test_the_largest_repeat_is_named() -> None:
    assert largest_repeat(r"a{0,20}\x{1234}{3,150}b{2}") == "{3,150}"
    assert largest_repeat("a{16}b+") == ""
