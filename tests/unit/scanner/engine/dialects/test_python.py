"""What Python's documentation says of ``re``, one sentence a row."""

import re
import unicodedata

import pytest

from scanner.engine.dialects.translate import in_pcre, judge_of
from scanner.engine.patterns.classes import members
from scanner.engine.patterns.syntax import judge_source
from scanner.engine.pcre import PatternRefused
from tests.support.signatures import regex


def matches(pattern: str, text: str, flags: str = "") -> bool:
    return judge_of(regex(pattern, flags, dialect="python")).search(text.encode())


@pytest.mark.parametrize(
    ("pattern", "text", "hit"),
    [
        # `$`: "Matches the end of the string or just before the newline at the end of the string".
        ("a$", "a\n", True),
        ("a$", "a\n\n", False),
        # `\Z`: "Matches only at the end of the string." In PCRE it also holds before a last line break.
        (r"a\Z", "a\n", False),
        (r"a\Z", "ba", True),
        # `\z`, since 3.14: "Matches only at the end of the string."
        (r"a\z", "a\n", False),
        # MULTILINE: "'^' matches at the beginning of the string and at the beginning of each line (immediately
        # following each newline)", be it the last character; PCRE leaves that one out.
        ("(?m)^$", "a\n", True),
        (r"(?m)^b", "a\nb", True),
        ("(?m)a$", "a\nb", True),
        # `.`: "matches any character except a newline", and with DOTALL any character.
        ("a.b", "a\rb", True),
        ("a.b", "a\nb", False),
        ("(?s)a.b", "a\nb", True),
        # `\d`: "any Unicode decimal digit", `\w`: "Unicode word characters; all Unicode alphanumeric characters (as
        # defined by str.isalnum()), as well as the underscore", `\s`: "str.isspace()".
        (r"^\d$", "٣", True),
        (r"^\w$", "é", True),
        (r"^\w$", "²", True),
        (r"^\w$", "\u0301", False),
        (r"^\w$", "_", True),
        (r"^\s$", "\x1c", True),
        (r"^\s$", "\u180e", False),
        (r"^\W$", "é", False),
        (r"^[\W_]$", "_", True),
        (r"^[^\W\d]$", "é", True),
        # `\b`: "the boundary between a \w and a \W character".
        (r"\bé\b", "xé", False),
        (r"\bé\b", "-é-", True),
        (r"\Bé", "xé", True),
        # ASCII: "\w, \W, \b, \B, \d, \D, \s and \S perform ASCII-only matching".
        (r"(?a)^\w$", "é", False),
        (r"(?a)\bx", "éx", True),
        (r"(?a:\w)é(?u:\w)", "aéé", True),
        # IGNORECASE: "they will match the 52 ASCII letters and 4 additional non-ASCII letters", Turkish i's too.
        *(("(?i)^[a-z]$", text, True) for text in "Aİıſ\u212a"),
        ("(?i)^i$", "ı", True),
        ("(?i)^İ$", "I", True),
        ("(?i)[^i]", "İ", False),
        ("(?i)ж", "Ж", True),
        ("(?ai)k", "\u212a", False),
        ("(?ai)[^k]", "\u212a", True),
        ("(?ai)é", "É", False),
        # `{m,n}`: "Omitting m specifies a lower bound of zero"; what is no repeat stands for itself.
        ("^a{,2}$", "aa", True),
        ("^a{,2}$", "aaa", False),
        ("^a{,}$", "aaaa", True),
        ("^a{ 1}$", "a{ 1}", True),
        ("^a{}$", "a{}", True),
        # 3.11: possessive repeats and atomic groups.
        ("a*+a", "aaa", False),
        ("(?>a+)a", "aaa", False),
        # No round of a possessive repeat is gone back into, as it would be in `(?>(?:.{1,2}){2})`.
        ("(?:.{1,2}){2}+", "ab", False),
        ("(.{1,2}){2}+", "abc", True),
        (r"(?:\b|a){2}+$", "a", True),
        # Escapes of characters; `\v` is one of them, and none of PCRE's classes.
        (r"^\a\f\n\r\t\v\\$", "\a\f\n\r\t\v\\", True),
        (r"^\v$", "\n", False),
        (r"^[\b]$", "\b", True),
        (r"^\x41\u0416\U0001F600\N{EM DASH}$", "AЖ😀—", True),
        # An escape is octal "if the first digit is a 0, or if there are three octal digits".
        (r"^\0\07\101$", "\0\x07A", True),
        (r"^[\1\12]+$", "\x01\n", True),
        (r"(a)\1", "aa", True),
        # `(?P<name>…)`, `(?P=name)`, `(?(id/name)yes|no)`, `(?#…)`.
        ("(?P<q>['\"])x(?P=q)", "'x'", True),
        ("^(?P<q><)?x(?(q)>)$", "<x>", True),
        ("^(<)?x(?(1)>|)$", "<x", False),
        ("^a(?#+)*$", "aaa", True),
        ("(?<=a)b(?!c)(?=d)", "abd", True),
        ("(?<=a{2})b", "aab", True),
        ("(?:(?<=a)|(?<=bc))d", "bcd", True),
        (r"(?<=\bx)(?<=\p{Ll})b", "xb", True),
        (r"(a)(?<=\1)b", "ab", True),
        # "The special characters of sets: only `]`, `\\`, `^` and `-` have one"; nested sets are not there yet.
        ("^[[a]]$", "[]", True),
        ("^[a&&b]$", "&", True),
        ("^[]a]$", "]", True),
        ("^[^]]$", "a", True),
        ("^[a-]$", "-", True),
        ("^[[:alpha:]]$", "a]", True),
        # VERBOSE: "whitespace within the pattern is ignored, except when in a character class, or when preceded by an
        # unescaped backslash".
        ("(?x)^ a b # c\n$", "ab", True),
        ("(?x)^[a b]$", " ", True),
        (r"(?x)^\ $", " ", True),
        # "The letters set the flags for the entire regular expression", which until 3.10 they did from anywhere.
        ("a(?i)b", "AB", True),
        ("(?i:a)b", "AB", False),
        ("(?i)a(?-i:b)", "AB", False),
        # Surrogates stand in no text.
        (r"[\uD800-\uDFFF]|a", "x", False),
        # The regex module.
        (r"^\p{Lu}\P{Lu}\p{^Lu}\p{Greek}$", "AaaΣ", True),
        ("(?<n>a)", "a", True),
    ],
)
def test_meaning(pattern: str, text: str, hit: bool) -> None:
    assert matches(pattern, text) is hit


def test_flags_are_those_of_the_module() -> None:
    assert matches("^b # c", "a\nB", "imx")
    assert matches("a.b", "a\nb", "s")
    assert matches(r"^\w$", "é")
    assert matches(r"^\w$", "é", "u")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"\h", r"`\h` is not known to Python's re (character 1); write `[ \t]`"),
        (
            r"a\Q",
            r"`\Q` is not known to Python's re (character 2); if it was written for PCRE, remove `dialect`",
        ),
        (r"[\w-z]", r"a range has a class at one of its ends (character 6); write `\-` for the character"),
        ("(?R)", "`(?R` is not known to Python's re (character 1); write"),
        ("(?|a)", "`(?|` is not known to Python's re (character 1); if it was written for PCRE"),
        ("(?P>n)", "`(?P>` is not known"),
        ("(?L)a", "`(?L)` is for patterns of bytes"),
        ("a**", "a repeat follows a repeat"),
        ("*a", r"there is nothing that `*` could repeat (character 2); write `\*` for the character"),
        (r"(a)\2", "there is no group 2 before it"),
        ("(?P=n)(?P<n>a)", "there is no group `n` before it"),
        ("(?P<n>a)(?P<n>b)", "two groups are named `n`"),
        (r"\x4", r"`\x` is not known"),
        (r"\N{NO SUCH THING}", r"no character has the name in `\N{…}`"),
        (r"\p{NoSuchThing}", r"`\p{NoSuchThing}` is no property that is known"),
        (r"(?ai)(é)\1", "a back-reference under both `a` and `i`"),
        ("[b-a]", "a range ends before it begins"),
        ("[a", r"a class is not closed (character 3); close it, or write `\[` for the character"),
        ("(a", "a bracket is not closed"),
        ("a)", r"a bracket is closed that is not open (character 2); write `\)` for the character"),
        ("\\", r"the pattern ends in a backslash (character 1); write `\\` for the character"),
        # "The contained pattern must only match strings of some fixed length".
        ("(?<=a+)b", "a look-behind whose width varies (character 1); write a repeat in it as a number"),
        ("x(?<=a{0,99})b", "a look-behind whose width varies (character 2); write"),
        ("(?<!a|bc)d", "a look-behind whose width varies (character 1); write"),
        ("(?x)(?<= a{2} b*)c", "a look-behind whose width varies (character 5); write"),
        # Of the `regex` module, of whose width `re` knows nothing.
        (r"(?<=\p{Lu}+)b", "length of lookbehind assertion is not limited; write a repeat in it as a number"),
    ],
)
def test_what_python_does_not_know_is_refused_by_name(pattern: str, message: str) -> None:
    with pytest.raises(PatternRefused) as caught:
        matches(pattern, "")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("category", [r"\w", r"\d", r"\s"])
def test_categories_hold_every_character_that_pythons_own_do(category: str) -> None:
    source = judge_source(in_pcre(regex(category, dialect="python")).regex)
    ranges = members(source, caseless=False, unicode=False)
    found = {code for first, last in ranges for code in range(first, last + 1)}
    own = re.compile(category)
    # Python's tables may be older than PCRE2's.
    known = (code for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs"))
    assert [hex(code) for code in known if (own.match(chr(code)) is not None) != (code in found)] == []
