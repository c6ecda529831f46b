import unicodedata

import pytest

from scanner.engine.patterns.classes import BEYOND_ASCII, MAX_RANGES, members, point, spell


def points(source: str, *, caseless: bool = False, unicode: bool = False) -> set[int]:
    ranges = members(source.encode(), caseless=caseless, unicode=unicode)
    return {code for first, last in ranges for code in range(first, last + 1)}


def test_case_variants_are_the_judges() -> None:
    assert {chr(code) for code in points("k", caseless=True)} == set("kK\u212a")
    assert {chr(code) for code in points("s", caseless=True)} == set("sS\u017f")
    assert {chr(code) for code in points("σ", caseless=True)} == set("σςΣ")
    # This pair is younger than Hyperscan's tables.
    assert {chr(code) for code in points("ა", caseless=True)} == {"ა", "\u1c90"}


def test_a_negated_class_loses_every_case_variant() -> None:
    assert not points("[^k]", caseless=True) & set(map(ord, "kK\u212a"))
    assert ord("é") in points("[^k]", caseless=True)


@pytest.mark.parametrize("source", [r"\w", r"\d", r"[^\W\d]", r"\p{Lu}", "[[:alpha:]]"])
def test_unicode_classes_know_todays_unicode(source: str) -> None:
    found = points(source, unicode=True)
    letters = {code for code in range(0x2FA20) if unicodedata.category(chr(code)) == "Lu"}
    assert source == r"\d" or letters <= found


def test_surrogates_are_never_members() -> None:
    assert not points(r"\W") & set(range(0xD800, 0xE000))
    assert not points(r"[^a]", unicode=True) & set(range(0xD800, 0xE000))


def test_a_class_of_many_ranges_is_spelled_looser() -> None:
    ranges = members(rb"\w", caseless=False, unicode=True)
    assert len(ranges) > MAX_RANGES
    assert spell(ranges) == r"[0-9A-Z\x{5f}a-z\x{80}-\x{d7ff}\x{e000}-\x{10ffff}]"
    assert BEYOND_ASCII == (0x80, 0x10FFFF)


def test_spelling() -> None:
    assert spell(((0x61, 0x61),)) == "a"
    assert spell(((0x2D, 0x2D), (0x61, 0x63))) == r"[\x{2d}a-c]"
    assert point(ord("]")) == r"\x{5d}"
