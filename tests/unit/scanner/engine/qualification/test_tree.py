"""The definition of ends that the examination relies on, against PCRE2, one end at a time."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.pcre import MatchUndecided, expression
from scanner.engine.qualification.invented import invent_pattern, invent_text
from scanner.engine.qualification.tree import ALPHABET, Atom, Border, Either, Repeat, Row, Text


def ends_by_pcre(source: str, chars: str) -> set[int]:
    inside = expression(f"(?:{source})(?s:.)\\z".encode(), "m")
    at_last = expression(f"(?:{source})\\z".encode(), "m")
    ends = {i for i in range(1, len(chars)) if inside.search(chars[: i + 1].encode())}
    if at_last.search(chars.encode()):
        ends.add(len(chars))
    return {len(chars[:end].encode()) for end in ends} - {0}


def ends(pattern: Row, chars: str) -> set[int]:
    text = Text(chars)
    return text.bytes_of(pattern.reach(text, text.everywhere))


@given(st.integers(0, 2**32))
@settings(max_examples=150)
def test_ends_are_those_of_pcre(seed: int) -> None:
    dice = random.Random(seed)
    pattern = invent_pattern(dice)
    chars = invent_text(dice, pattern).chars[:90]
    try:
        expected = ends_by_pcre(pattern.source, chars)
    except MatchUndecided:
        return
    assert ends(pattern, chars) == expected, (pattern.source, chars)


@given(st.text(ALPHABET, max_size=12), st.sampled_from(["^", "$", "\\b", "\\B"]), st.booleans())
def test_borders_are_those_of_pcre(chars: str, border: str, behind: bool) -> None:
    any_char = Atom("(?s:.)")
    pattern = Row((any_char, Border(border)) if behind else (Border(border), any_char))
    assert ends(pattern, chars) == ends_by_pcre(pattern.source, chars)


@pytest.mark.parametrize(
    ("pattern", "chars", "expected"),
    [
        (Row((Atom("a"), Repeat(Atom("b"), "*", 0, None))), "xabbé", {2, 3, 4}),
        (Row((Repeat(Atom("é"), "{2}", 2, 2),)), "ééé", {4, 6}),
        (Row((Repeat(Atom("a"), "{1,2}", 1, 2), Atom("b"))), "aaab", {4}),
        (Row((Either((Atom("a"), Row((Atom("x"), Atom("y"))))), Border("$"))), "a\nxy", {1, 4}),
        (Row((Repeat(Either((Atom("a"), Atom("b"))), "+", 1, None),)), "ab", {1, 2}),
        (Row((Atom("z"),)), "", set()),
    ],
)
def test_ends(pattern: Row, chars: str, expected: set[int]) -> None:
    assert ends(pattern, chars) == expected
