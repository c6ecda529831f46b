"""What the syntax pages of RE2 and Go say, one sentence a row."""

import pytest

from scanner.engine.dialects.translate import in_pcre, judge_of
from scanner.engine.pcre import PatternRefused
from tests.support.signatures import regex


def matches(pattern: str, text: str, flags: str = "") -> bool:
    return judge_of(regex(pattern, flags, dialect="re2")).search(text.encode())


@pytest.mark.parametrize(
    ("pattern", "text", "hit"),
    [
        # "$: at end of text (like \z not \Z) or line (flag m=true)".
        ("a$", "a\n", False),
        ("(?m)a$", "a\nb", True),
        # "^: at beginning of text or line (flag m=true)", be it behind the last line break.
        ("(?m)^$", "a\n", True),
        ("^b", "a\nb", False),
        (r"\Aa\z", "a", True),
        (r"a\z", "a\n", False),
        # "\d digits (≡ [0-9])", "\s whitespace (≡ [\t\n\f\r ])", "\w word characters (≡ [0-9A-Za-z_])".
        (r"^\d$", "٣", False),
        (r"^\w$", "é", False),
        (r"^\s$", "\v", False),
        ("^[[:space:]]$", "\v", True),
        (r"^\S$", "\v", True),
        (r"^[\s]$", "\v", False),
        # "\b: at ASCII word boundary (\w on one side and \W, \A, or \z on the other)".
        (r"\bx", "éx", True),
        # "\v vertical tab character (≡ \013)", and none of PCRE's classes.
        (r"^\v$", "\n", False),
        (r"^\a\f\t\n\r\v$", "\a\f\t\n\r\v", True),
        # "\123 octal character code (up to three digits)", "\x{10FFFF} hex character code".
        (r"^\12\101\x41\x{1F600}$", "\nAA😀", True),
        # "\Q...\E literal text ... even if ... has punctuation".
        (r"^\Qa.*\E$", "a.*", True),
        # "\pN", "\p{Greek} Unicode character class": a script, not PCRE's script extensions; "\p{^Greek}".
        (r"^\pN\PN\p{Greek}\p{^Greek}$", "1aΣa", True),
        (r"^\p{Greek}$", "\u0342", False),
        (r"^[\pL\d]$", "é", True),
        # `{,n}` and braces that are no repeat stand for themselves.
        ("^a{,2}$", "a{,2}", True),
        ("^a{$", "a{", True),
        ("^a{1, 2}$", "a{1, 2}", True),
        # "(?U) ungreedy: swap meaning of x* and x*?".
        ("(?U)^a+?$", "aa", True),
        # "(?P<name>re)" and "(?<name>re)", which may begin with a digit.
        ("(?P<1n>a)(?<n>b)", "ab", True),
        # Case folds by Unicode's simple rules, classes too: in a caseless word are the long s and the Kelvin sign.
        (r"(?i)^\w$", "ſ", True),
        (r"(?i)^\W$", "ſ", False),
        (r"(?i)^[^\w]$", "\u212a", False),
        (r"(?i)^\p{Lu}$", "é", True),
        (r"(?i)^\p{Lu}$", "ĸ", False),
        ("(?i)^[[:^lower:]]$", "K", False),
        ("(?i)^i$", "ı", False),
        # "[\d] digits (≡ \d)" cannot begin a range, so a `-` behind it is one.
        (r"^[\d-z]$", "-", True),
        ("^[[:word:]-]$", "-", True),
        ("^[]a]$", "]", True),
        ("^[a&&b]$", "&", True),
        (r"^\_\-\/$", "_-/", True),
        ("(?i)a(?-i)b", "AB", False),
        ("(?i:a)b|c", "Ab", True),
        ("^*a", "ba", True),
        (r"[^\x00-\x{10FFFF}]|a", "b", False),
    ],
)
def test_meaning(pattern: str, text: str, hit: bool) -> None:
    assert matches(pattern, text) is hit


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            r"\Z",
            r"`\Z` is not known to RE2 (character 1); write `\z`, or `\n?\z` where a last line break may follow",
        ),
        (r"\C", r"`\C` is not known to RE2 (character 1); write `(?s:.)` for one character"),
        (r"\h", r"`\h` is not known to RE2 (character 1); write `[ \t]`"),
        (r"\1", r"`\1` is not known to RE2"),
        (r"\é", r"`\é` is not known to RE2 (character 1); write `é`"),
        ("(?=a)", "`(?=` is not known to RE2 (character 1); if it was written for PCRE, remove `dialect`"),
        ("(?<!a)", "`(?<!` is not known to RE2"),
        ("(?P=n)", "`(?P=` is not known to RE2"),
        ("(?#c)", "`(?#` is not known to RE2"),
        ("(?x)a", "`(?x` is not known to RE2"),
        ("a*+", "a repeat follows a repeat"),
        ("a{2}{3}", "a repeat follows a repeat"),
        ("[[:foo:]]", "`[:foo:]` is no class of RE2"),
        (r"[a-\d]", r"`\d` is not known to RE2"),
        (r"[\b]", r"`\b` is not known to RE2"),
        (r"\x{110000}", "there is no character U+110000"),
        (r"\pX", r"`\pX` is no property that is known"),
    ],
)
def test_what_re2_does_not_know_is_refused_by_name(pattern: str, message: str) -> None:
    with pytest.raises(PatternRefused) as caught:
        matches(pattern, "")
    assert str(caught.value).startswith(message)


def test_what_means_the_same_is_spelled_the_same() -> None:
    assert in_pcre(regex(r"(?i)\bapi[_-]?key\s*=", dialect="re2")).regex == (
        r"(?i)\bapi[\x{2d}\x{5f}]?key[\x{9}-\x{a}\x{c}-\x{d}\x{20}]*\x{3d}"
    )
