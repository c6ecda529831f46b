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
        (r"x[\s]+x", "u"),
        (r"a[\s\-_.]*b", ""),
        (r"a\W+b", "u"),
        (r"\bbuy\s+(?:it\s+)?(?:now|\d+\s*x)\s*b", ""),
        (r"(?:a|b\s*c)\s+d", ""),
        (r"a\W{1,5}b.{0,20}c", ""),
        (r"(?:\d\s*){13,16}", ""),
        ("(?:a[^b]){32}[^c]{1,30}", ""),
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
        ("(?:a[^b]){32}[^c]{1,31}", ""),
        (r"[^a]{,1025}b", ""),
        ("x[^a]{0,13}[^a]{0,13}[^a]{0,13}b", ""),
        # Matches may begin at every place of a run of cells without text.
        (r"[\s]+x", "u"),
        (r"(?<!\w)[-\s]+(?=\d)", ""),
        (r"(?:a-)?[-\s]+b", ""),
        (r"-\s*[-\s]+b", ""),
        (r"(?:a|\s)\s*b", ""),
        # And these may divide one between them in as many ways as it has places.
        (r"a\s*b?\s*c", ""),
        (r"a(?:\s*b|\s*)*c", ""),
        (r"a(?:[\s-]*-){2}c", ""),
        # Its infinite reach times no repeat was no number, and hid what stood behind it.
        ("a{0}b", ""),
        (r"x|(?!\n){0}b(?!\n)", ""),
        (r"x|(?:[^a]*){0}(?<!\n)b", ""),
        (r"[\s\x{400}-\x{4ff}]+a", ""),
        ("[[:<:]]a", ""),
    ],
)
def test_not_plain(regex: str, flags: str) -> None:
    assert not is_plain(RegexPattern("p", regex, flags))
