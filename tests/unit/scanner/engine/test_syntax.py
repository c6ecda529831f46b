import pytest

from scanner.engine.pcre import PatternRefused, expression
from scanner.engine.syntax import judge_source, tokens


def read(regex: str, flags: str = "") -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in tokens(regex, flags)]


@pytest.mark.parametrize(
    ("regex", "expected"),
    [
        (r"a\.b", [("char", "a"), ("char", "."), ("char", "b")]),
        (r"\Qa.\E+", [("char", "a"), ("char", "."), ("repeat", "+")]),
        (r"\x41\x{e9}\07\o{101}\u0416", [("char", c) for c in "Aé\x07AЖ"]),
        (r"[]a\]-c[:alpha:]]x", [("atom", r"[]a\]-c[:alpha:]]"), ("char", "x")]),
        (r"[^]]", [("atom", "[^]]")]),
        (r"[\Q]\E]", [("atom", r"[\Q]\E]")]),
        (
            r"a{2}b{,3}c{ 1, 4 }d{x}",
            [
                ("char", "a"),
                ("repeat", "{2}"),
                ("char", "b"),
                ("repeat", "{0,3}"),
                ("char", "c"),
                ("repeat", "{1,4}"),
                ("char", "d"),
                ("char", "{"),
                ("char", "x"),
                ("char", "}"),
            ],
        ),
        (r"a{,}", [("char", "a"), ("char", "{"), ("char", ","), ("char", "}")]),
        (
            r"a+?b*+c??",
            [("char", "a"), ("repeat", "+"), ("char", "b"), ("repeat", "*"), ("char", "c"), ("repeat", "?")],
        ),
        (r"(?#no)a", [("char", "a")]),
        (
            r"(?<n>a)(?P=n)\k<n>\1",
            [
                ("open", "(?<n>"),
                ("char", "a"),
                ("close", ")"),
                ("reference", "(?P=n)"),
                ("reference", r"\k<n>"),
                ("reference", r"\1"),
            ],
        ),
        (
            r"(?<!a)(?=b)",
            [("look", "(?<!"), ("char", "a"), ("close", ")"), ("look", "(?="), ("char", "b"), ("close", ")")],
        ),
        (
            r"\A^$\z\Z\b\B",
            [
                ("subject_start", r"\A"),
                ("bol", "^"),
                ("eol", "$"),
                ("subject_end", r"\z"),
                ("subject_end", r"\Z"),
                ("border", r"\b"),
                ("border", r"\B"),
            ],
        ),
        (
            r"\p{L}\PN\d\h\N\R\X\K",
            [
                ("atom", r"\p{L}"),
                ("atom", r"\PN"),
                ("atom", r"\d"),
                ("atom", r"\h"),
                ("atom", r"\N"),
                ("line_break", r"\R"),
                ("cluster", r"\X"),
                ("reset", r"\K"),
            ],
        ),
    ],
)
def test_tokens(regex: str, expected: list[tuple[str, str]]) -> None:
    assert read(regex) == expected


@pytest.mark.parametrize(
    "regex",
    [
        r"(?R)",
        r"(*ACCEPT)a",
        r"(?|a|b)",
        r"\G",
        r"\g{-1}",
        r"\12",
        "(?-m)a",
        "(?n)a",
        "(?xx)[a b]",
        r"\N{U+41}",
    ],
)
def test_what_is_not_known_for_certain_is_unknown(regex: str) -> None:
    assert "unknown" in [kind for kind, _ in read(regex)]


def test_inline_flags_hold_to_the_end_of_their_group() -> None:
    found = [
        (token.text, token.caseless) for token in tokens("a(b(?i)c|d)e(?i:f)g", "") if token.kind == "char"
    ]
    assert found == [
        ("a", False),
        ("b", False),
        ("c", True),
        ("d", True),
        ("e", False),
        ("f", True),
        ("g", False),
    ]


def test_extended_patterns_lose_their_space_and_comments() -> None:
    assert read("a b # c\n\\ d", "x") == [("char", "a"), ("char", "b"), ("char", " "), ("char", "d")]


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        (r"^\x{e9}$", "é"),
        (r"^[\x{e9}]$", "é"),
        (r"^\x{1f600}$", "😀"),
        (r"^\x4$", "\x04"),
        (r"^\x$", "\0"),
        (r"^\Q\x{e9}\E$", r"\x{e9}"),
        (r"^\\x{2}$", r"\xx"),
        (r"^\x{41}{2}$", "AA"),
    ],
)
def test_hexadecimal_escapes_mean_what_they_mean_in_pcre2(regex: str, text: str) -> None:
    assert expression(judge_source(regex), "").search(text.encode())


@pytest.mark.parametrize("regex", [r"\U", r"\x{110000}", r"\C"])
def test_what_pcre2_refuses_is_refused(regex: str) -> None:
    with pytest.raises(PatternRefused):
        expression(judge_source(regex), "")
