import pytest

from scanner.engine.plain import is_plain
from scanner.signatures.model import RegexPattern


@pytest.mark.parametrize(
    ("regex", "flags"),
    [
        (r"\bbuy\s+now\b", "i"),
        (r"(?P<a>x|(?:yy)+?)\d{2,}.*z", ""),
        (r"a\n+b", ""),
        (r"[^\w]a\W", "u"),
        (r"(?i)a(?x: b c )\B", ""),
        (r"[\s]+x", "u"),
        (r"a[\s\-_.]*b", ""),
        (r"a\W+b", "u"),
        (r"a\W{1,5}b.{0,20}c", ""),
        (r"(?:\d\s*){13,16}", ""),
        ("(?:a[^b]){32}[^c]{1,32}", ""),
        (r"(?<![\w-])a(?=[.!?]|b+)(?!c\b)(?<=a)", ""),
    ],
)
def test_plain(regex: str, flags: str) -> None:
    assert is_plain(RegexPattern("p", regex, flags))


@pytest.mark.parametrize(
    ("regex", "flags"),
    [
        ("a*", ""),
        (r"\b", ""),
        ("^a", "m"),
        ("a$", ""),
        (r"\Aa", ""),
        ("(?=a)", ""),
        (r"a(?=\s|$)", ""),
        (r"a(?=\s*b)", ""),
        ("a(?![^b])", ""),
        ("(?<!\n)a", ""),
        ("a(?*b)", ""),
        ("(?>a|ab)c", ""),
        ("a++b", ""),
        (r"(a)\1", ""),
        ("(?|a|b)", ""),
        (r"a\R", ""),
        (r"\Xa", ""),
        (r"a\Kb", ""),
        ("(*CRLF)a", ""),
        ("a(*SKIP)b", ""),
        ("a.*b", "s"),
        ('"[^"]*"', ""),
        (r"a\W+b", ""),
        (r"(?:a\D)+b", ""),
        (r"(?:\w+\s+)+", ""),
        ("(?:a[^b]){32}[^c]{1,33}", ""),
        (r"[^a]{,65}b", ""),
        (r"[\s\x{400}-\x{4ff}]+a", ""),
        ("[[:<:]]a", ""),
    ],
)
def test_not_plain(regex: str, flags: str) -> None:
    assert not is_plain(RegexPattern("p", regex, flags))
