import pytest

from scanner.engine import pcre
from scanner.engine.pcre import MatchUndecided, PatternRefused, expression


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        (b"ab+", "abb ab", [(0, 3), (4, 6)]),
        (b"a*?", "aab", [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (3, 3)]),
        (b"", "ab", [(0, 0), (1, 1), (2, 2)]),
        (b"(?<=a)b", "ab b", [(1, 2)]),
        ("é".encode(), "aéé", [(1, 3), (3, 5)]),
        (b".", "日a", [(0, 3), (3, 4)]),
    ],
)
def test_spans_are_bytes_leftmost_and_do_not_overlap(
    source: bytes, text: str, expected: list[tuple[int, int]]
) -> None:
    assert expression(source, "").find(text.encode(), 100) == (len(expected), expected)
    assert expression(source, "").find(text.encode(), 1) == (len(expected), expected[:1])


@pytest.mark.parametrize(
    ("source", "flags", "text", "matches"),
    [
        (b"K", "i", "\u212a", True),
        ("é".encode(), "i", "É", True),
        (rb"^\w$", "", "é", False),
        (rb"^\w$", "u", "é", True),
        (rb"\bfoo", "", "éfoo", True),
        (rb"\bfoo", "u", "éfoo", False),
        (rb"a.b", "", "a\nb", False),
        (rb"a.b", "s", "a\nb", True),
        (rb"a.b", "", "a\rb", True),
        (rb"^b", "", "a\nb", False),
        (rb"^b", "m", "a\nb", True),
        (b"a b # c", "x", "ab", True),
    ],
)
def test_flags(source: bytes, flags: str, text: str, matches: bool) -> None:
    assert expression(source, flags).search(text.encode()) is matches


def test_a_refused_pattern_says_why_and_where() -> None:
    with pytest.raises(PatternRefused, match="missing closing parenthesis at byte 2"):
        expression(b"(a", "u")


def test_giving_up_is_an_error_and_no_match_is_not() -> None:
    with pytest.raises(MatchUndecided, match="match limit exceeded"):
        expression(rb"^(a+)+$", "").search(b"a" * 40 + b"b")


def test_the_jit_stack_is_no_limit() -> None:
    assert not expression(rb"(?:a|b)*c", "").search(b"ab" * 50_000)
    assert expression(rb"(?:a|b)*c", "").search(b"ab" * 50_000 + b"c")


def test_many_matches_in_a_large_cell_are_not_quadratic() -> None:
    # Validating the cell anew for each match made this take many minutes.
    assert expression(b".", "").find("é".encode() * 400_000, 1) == (400_000, [(0, 2)])


def test_version() -> None:
    assert pcre.version().startswith("10.")
