import pytest

from scanner.engine.patterns.loosen import NotForPassOne, loosen
from tests.support.signatures import regex


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        (r"foo\b", "", r"foo\b"),
        (r"foo\b", "u", "foo"),
        (r"foo[[:>:]]", "", "foo"),
        (r"\Afoo\z", "", "^foo$"),
        ("ab", "i", "[Aa][Bb]"),
        ("abc", "i", "(?i:abc)"),
        ("(?i)k", "", r"[Kk\x{212a}]"),
        ("(?ir)k", "", "[Kk]"),
        ("xa{,3}b", "", "xa{0,3}b"),
        ("xa++(?>b|c)", "", "xa+(?:b|c)"),
        (r"(?<!x)a(?=(b))(?!c)", "", "a"),
        ("a.b", "s", "a(?s:.)b"),
        ("a b#c", "x", "ab"),
        (r"a\Kb", "", "ab"),
        (r"\Ga(*SKIP)(*F)|b", "", "(?:a|b)"),
        ("(?=a)+b", "", "b"),
        (r"(*UCP)(?aW)\w", "", r"[0-9A-Z\x{5f}a-z]"),
        ("x|[^\\d\\D]a", "", "x"),
        ("(?|a|(b))(?n)(c)", "", "(?:a|b)c"),
        ("a{2}(?:b{40000}c){1}", "", "a{2}b{32767,}c"),
    ],
)
def test_widening(text: str, flags: str, expected: str) -> None:
    assert loosen(regex(text, flags)).regex == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"(x+a)-\1", r"xa\x{2d}x+a"),
        (r"(?<n>a|b)-(?i)\k<n>", r"(?:a|b)\x{2d}(?:[Aa]|[Bb])"),
        (r"([^k])-(?i:\1)", r"[\x{0}-jl-\x{7f}\x{80}-\x{d7ff}\x{e000}-\x{10ffff}]\x{2d}(?s:.)"),
        # A border in a group held where the group stands, not where its text stands again.
        (r"(^a\b)-\1", r"^a\b\x{2d}a"),
        (r"(?|(a)|(b))-\1", r"(?:a|b)\x{2d}(?:a|b)"),
        (r"(?J)(?:(?<n>a)|(?<n>b))-\k<n>", r"(?:a|b)\x{2d}(?:a|b)"),
        (r"(?|(?<n>a)|(b))-\k<n>", r"(?:a|b)\x{2d}(?:a|b)"),
        (r"(?=(a))b-\1", r"b\x{2d}a"),
        (r"(a\1?b){2}", "(?:a(?:(?s:.)*)?b){2}"),
        (r"(a)?b(?(1)c|d)", "b(?:c|d)"),
        (r"(a)?b(?(1)c)d", "b(?:c|)d"),
        ("(?(?=a)ab|cd)", "(?:ab|cd)"),
        ("(?(DEFINE)(?<d>[0-9]{3}))x(?&d)-(?&d)", r"x[0-9]{3}\x{2d}[0-9]{3}"),
        (r"(^a)-(?1)", r"^a\x{2d}a"),
        ("<(?:a|(?R))>", r"\x{3c}(?:a|(?s:.)*)\x{3e}"),
    ],
)
def test_references_and_calls_are_what_their_groups_can_match(text: str, expected: str) -> None:
    assert loosen(regex(text)).regex == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a*b", "b"),
        ("x{0,50}?(?:token)[ ]{0,20}=.*", r"token\x{20}{0,20}\x{3d}"),
        ("a{20,40}", "a{20}"),
        ("a+", "a"),
        ("(?:a|b+)c(?:d?e*|f)", "(?:a|b)c"),
        ("(?:ab*)+", "a"),
        # What is between a border and the rest is needed.
        (r"\ba*b", r"\ba*b"),
        ("ab*$", "ab*$"),
    ],
)
def test_what_a_match_may_lack_at_its_ends_is_dropped(text: str, expected: str) -> None:
    assert loosen(regex(text)).regex == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^a$", "^a$"),
        (r"(?:^|x)a(?:$|y)", "(?:^|x)a(?:$|y)"),
        ("a^b$c", "abc"),
        ("(?:^a)+b", "ab"),
        ("x(?:^|-)a", r"x(?:|\x{2d})a"),
    ],
)
def test_line_borders_stay_at_the_ends_alone(text: str, expected: str) -> None:
    # Hyperscan: "Embedded start anchors not supported."
    assert loosen(regex(text, "m")).regex == expected


def test_a_coarser_spelling_has_fewer_ranges() -> None:
    loose = loosen(regex(r"x\d", "u"))
    assert loose.regex.startswith(r"x[0-9\x{660}-\x{669}")
    assert loose.coarse == r"x[0-9\x{80}-\x{d7ff}\x{e000}-\x{10ffff}]"


def test_groups_that_call_each_other_over_and_over_do_not_explode() -> None:
    groups = "".join(f"(?<g{n}>(?&g{n + 1})(?&g{n + 1}))" for n in range(60)) + "(?<g60>ab)"
    assert len(loosen(regex(f"(?(DEFINE){groups})x(?&g0)y")).regex) < 100_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(
            (text, "the empty text")
            for text in ("a*", "a?|bc", "^", r"\b", "(?=a)", "(a|)", "(?:ab){0,2}", "(?R)?a*")
        ),
        ("[^\\d\\D]a", "no text"),
        ("(*ACCEPT)a", r"\(\*"),
        ("(*CRLF)a$", r"\(\*"),
    ],
)
def test_what_cannot_be_widened_says_so(text: str, reason: str) -> None:
    with pytest.raises(NotForPassOne, match=reason):
        loosen(regex(text))
