"""What the documentation of Rust's ``regex`` crate says, one sentence a row."""

import pytest

from scanner.engine.dialects.translate import judge_of
from scanner.engine.pcre import PatternRefused
from tests.support.signatures import regex


def matches(pattern: str, text: str, flags: str = "") -> bool:
    return judge_of(regex(pattern, flags, dialect="rust")).search(text.encode())


@pytest.mark.parametrize(
    ("pattern", "text", "hit"),
    [
        # "$: the end of a haystack (or end-of-line with multi-line mode)".
        ("a$", "a\n", False),
        (r"a\z", "a\n", False),
        ("(?m)^$", "a\n", True),
        ("(?m)a$", "a\nb", True),
        # "\d digit (\p{Nd})", "\s whitespace (\p{White_Space})", "\w word character (\p{Alphabetic} + \p{M} + \d +
        # \p{Pc} + \p{Join_Control})", all of Unicode.
        (r"^\d$", "٣", True),
        (r"^\s$", "\x85", True),
        (r"^\s$", "\x1c", False),
        *((r"^\w$", text, True) for text in ("é", "\u0301", "\u200d", "‿", "ⓐ")),
        (r"^\w$", "²", False),
        (r"^\W$", "é", False),
        # "\b: a Unicode word boundary".
        (r"\bx", "éx", False),
        (r"(?-u:\b)x", "éx", True),
        # "\b{start}, \<", "\b{end}, \>", "\b{start-half}", "\b{end-half}".
        (r"\<foo\>", "a foo", True),
        (r"\b{start}o", "foo", False),
        (r"o\b{end}", "foo ", True),
        (r"\b{start-half}-", " -", True),
        (r"\b{end-half}o", "fo", False),
        # "\a \f \t \n \r \v" and "\x7F \x{10FFFF} \u007F \u{7F} \U0000007F \U{7F}".
        (r"^\a\f\t\n\r\v$", "\a\f\t\n\r\v", True),
        (r"^\v$", "\n", False),
        (r"^\x41\x{e9}\u0416\u{1F600}\U0001F600\U{41}$", "AéЖ😀😀A", True),
        # "[x[^xyz]]", "[a-y&&xyz]", "[0-9&&[^4]]", "[0-9--4]", "[a-g~~b-h]", "[a-z&&[^aeiou]]".
        ("^[x[^xyz]]$", "x", True),
        ("^[x[^xyz]]$", "y", False),
        ("^[a-y&&xyz]$", "z", False),
        ("^[a-y&&xyz]$", "x", True),
        ("^[0-9&&[^4]]$", "4", False),
        ("^[0-9--4]$", "4", False),
        ("^[0-9--4]$", "5", True),
        ("^[a-g~~b-h]$", "a", True),
        ("^[a-g~~b-h]$", "b", False),
        (r"^[\w--\d]$", "1", False),
        (r"^[\pL--\p{ASCII}]$", "a", False),
        ("(?i)^[a-z&&[^aeiou]]$", "E", False),
        (r"^[^\W\d_]$", "é", True),
        # "Set operations are of equal rank, from left to right."
        ("^[a-d--b&&b-c]$", "c", True),
        ("^[a-d--b&&b-c]$", "b", False),
        # "[[:alpha:]] ASCII character class"; what is no such name is a class in a class.
        ("^[[:alpha:]]$", "é", False),
        ("^[[:^alpha:]]$", "é", True),
        ("^[[:foo:]]$", "f", True),
        ("^[]a]$", "]", True),
        ("^[--a]$", "-", True),
        (r"^[a\-z]$", "-", True),
        # "\p{Greek} Unicode character class (general category or script)", long names, `sc=`, `scx=`, `gc!=`.
        (r"^\p{Greek}$", "\u0342", False),
        (r"^\p{scx=Greek}$", "\u0342", True),
        (r"^\p{Letter}\p{Uppercase_Letter}\p{gc=Nd}\p{gc!=L}\p{any}$", "aA1-x", True),
        (r"^\p{Script: greek}\p{Alphabetic}\p{assigned}$", "Σaa", True),
        # A repeat of a repeat is one: `a*+` is not possessive.
        ("^a*+a$", "aaa", True),
        ("^a{2}{3}$", "aaaaaa", True),
        ("^a{2}{3}$", "aaaa", False),
        ("^(?:ab)?+$", "abab", True),
        (r"^\b+a", "a", True),
        # "x: verbose mode, ignores whitespace and allow line comments; whitespace is ignored everywhere, including
        # within character classes".
        ("(?x)^[a b]$ # c", " ", False),
        (r"(?x)^\ [ \ ]$", "  ", True),
        ("(?x)^a{ 1 , 2 } b$", "aab", True),
        ("(?x)^[a #c\n b]$", "b", True),
        # "U: swap the meaning of x* and x*?", "u: Unicode support (enabled by default)".
        ("(?U)^a+$", "aa", True),
        (r"^(?-u:\w)$", "é", False),
        ("^(?i-u:k)$", "\u212a", False),
        ("^(?i)k$", "\u212a", True),
        ("^(?i)i$", "ı", False),
        (r"^(?-u)é\u{e9}[a-z]$", "ééa", True),
        ("(?P<n>a)(?<m>b)", "ab", True),
    ],
)
def test_meaning(pattern: str, text: str, hit: bool) -> None:
    assert matches(pattern, text) is hit


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"\Z", r"`\Z` is not known to Rust's regex (character 1); write `\z`"),
        (r"\h", r"`\h` is not known to Rust's regex (character 1); write `[ \t]`"),
        (r"\Qa\E", r"`\Q` is not known"),
        (r"\1", r"`\1` is not known"),
        (r"\p{age=6.0}", r"`\p{age=6.0}` is no property that is known"),
        (r"\p{^Greek}", r"`\p{^Greek}` is no property that is known"),
        ("(?R)a$", "`(?R` is not known to Rust's regex (character 1); write `\\r?$`"),
        ("(?=a)", "`(?=` is not known to Rust's regex"),
        ("a{,3}", "a repeat is not `{n}`, `{n,}` or `{n,m}`"),
        ("{", "a repeat is not `{n}`"),
        ("(?-u:.)", "under `(?-u)` this could match a part of a character"),
        (r"(?-u:\W)", "under `(?-u)` this could match a part of a character"),
        (r"(?-u:\xff)", "under `(?-u)` this could match a part of a character"),
        ("(?-u:[^a])", "under `(?-u)` this could match a part of a character"),
        (r"[\b]", r"`\b` is not known"),
        ("[" * 60 + "a" + "]" * 60, "too many classes stand inside each other"),
        ("[a--", "a class is not closed"),
    ],
)
def test_what_rust_does_not_know_is_refused_by_name(pattern: str, message: str) -> None:
    with pytest.raises(PatternRefused) as caught:
        matches(pattern, "")
    assert str(caught.value).startswith(message)
