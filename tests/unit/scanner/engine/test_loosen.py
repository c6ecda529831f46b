import pytest

from scanner.engine.loosen import NotForPassOne, loosen
from tests.support.signatures import regex


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        (r"foo\b", "", r"foo\b"),
        (r"foo\b", "u", "foo"),
        (r"\Afoo\z", "", "^foo$"),
        ("ab", "i", "[Aa][Bb]"),
        ("(?i)k", "", r"[Kk\x{212a}]"),
        (r"a{,3}b", "", "a{0,3}b"),
        (r"a++(?>b|c)", "", "a+(?:b|c)"),
        (r"(?<!x)a(?=(b))(?!c)", "", "a"),
        (r"a.b", "s", "a(?s:.)b"),
        ("a b#c", "x", "ab"),
        (r"a\Kb", "", "ab"),
    ],
)
def test_widening(text: str, flags: str, expected: str) -> None:
    loose = loosen(regex(text, flags))
    assert (loose.regex, loose.prefilter) == (expected, False)


@pytest.mark.parametrize("text", [r"(a+)x\1", r"(?<n>a)-\k<n>", "(a)?b(?(1)c|d)"])
def test_references_are_left_to_prefilter_mode(text: str) -> None:
    assert loosen(regex(text)).prefilter


@pytest.mark.parametrize(
    "text",
    [
        "a*",
        "a?|bc",
        "^",
        r"\b",
        "(?=a)",
        "(a|)",
        "(?:ab){0,2}",
        r"(*ACCEPT)a",
        "(?R)?a",
        r"(?=(a))b(c)\1",
        "(?=a)+b",
        "[^\\d\\D]a",
    ],
)
def test_what_cannot_be_widened_says_so(text: str) -> None:
    with pytest.raises(NotForPassOne):
        loosen(regex(text))
