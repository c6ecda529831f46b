import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.results.mask import Evidence, mask, match_hash, snippet


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Send 2 BTC, now!", "**** * ***, ***!"),
        ("naïve e\u0301", "***** **"),
        ("日本 ٣½Ⅷ", "** ***"),
        ("😀 → $5", "😀 → $*"),
        ("a\u202eb\x1b[31mc\u200d", "**[****"),
        ("one\r\ntwo\nthree\u2028four", "***␤***␤*****␤****"),
        ("\ue000\U0010ffff", "**"),
        ("⟦a⟧", "[*]"),
    ],
)
def test_what_can_be_read_becomes_stars(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(st.text())
def test_a_masked_text_holds_no_letter_mark_number_or_control(text: str) -> None:
    kinds = {unicodedata.category(character)[0] for character in mask(text)}
    assert kinds <= {"Z", "P", "S"}


def snip(text: str, match: str, evidence: Evidence = "clear") -> str | None:
    cell = text.encode()
    start = cell.index(match.encode())
    return snippet(cell, start, start + len(match.encode()), evidence)


def test_the_match_stands_between_brackets() -> None:
    assert snip("please double your btc today", "double your") == "please ⟦double your⟧ btc today"
    assert snip("please double your btc", "double your", "masked") == "****** ⟦****** ****⟧ ***"
    assert snip("please double your btc", "double your", "hashed") is None


def test_surroundings_are_forty_characters_and_the_match_two_hundred() -> None:
    assert snip("é" * 50 + "!" + "ü" * 50, "!") == "é" * 40 + "⟦!⟧" + "ü" * 40
    assert snip("😀" * 50 + "!" + "😀" * 50, "!") == "😀" * 40 + "⟦!⟧" + "😀" * 40
    assert snip("x" * 200, "x" * 200) == f"⟦{'x' * 200}⟧"
    assert snip("x" * 201, "x" * 201) == f"⟦{'x' * 200}…⟧"


def test_bytes_that_are_not_utf8_are_shown_as_such() -> None:
    assert snippet(b"\xff\xfea\x80" + b"\xbf" * 500, 2, 3, "clear") == "��⟦a⟧" + "�" * 40
    assert snippet(b"\x80" * 500, 499, 500, "masked") == "⟦�⟧"


def test_an_empty_match_has_its_place() -> None:
    assert snippet(b"ab", 1, 1, "clear") == "a⟦⟧b"


@given(
    st.binary(max_size=400), st.integers(0, 400), st.integers(0, 400), st.sampled_from(["masked", "clear"])
)
def test_a_snippet_is_one_short_harmless_line(
    cell: bytes, start: int, length: int, evidence: Evidence
) -> None:
    start = min(start, len(cell))
    shown = snippet(cell, start, min(start + length, len(cell)), evidence)
    assert shown is not None
    assert len(shown) <= 40 + 1 + 201 + 1 + 40
    assert shown.count("⟦") == shown.count("⟧") == 1
    assert not {"Cc", "Cf", "Cs"} & {unicodedata.category(character) for character in shown}
    assert not {"\n", "\r", "\u2028", "\u2029", "\t"} & set(shown)


def test_a_match_hash_depends_on_the_key() -> None:
    # Source: RFC 4231, test case 2, its first half.
    assert match_hash(b"Jefe", b"what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7"
    assert match_hash(b"other", b"what do ya want for nothing?") != match_hash(b"Jefe", b"x")
