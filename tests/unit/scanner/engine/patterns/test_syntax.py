import pytest

from scanner.engine.patterns.syntax import judge_source, tokens
from scanner.engine.pcre import PatternRefused, expression


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
            [
                *(("char", "a"), ("repeat", "+"), ("repeat", "?")),
                *(("char", "b"), ("repeat", "*"), ("repeat", "+")),
                *(("char", "c"), ("repeat", "?"), ("repeat", "?")),
            ],
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
                ("nothing", r"\K"),
            ],
        ),
    ],
)
def test_tokens(regex: str, expected: list[tuple[str, str]]) -> None:
    assert read(regex) == expected


@pytest.mark.parametrize(
    "regex",
    [r"a(*ACCEPT)b", "(*CRLF)a", "(*ANY)a", "(*TURKISH_CASING)i", "(*CASELESS_RESTRICT)k", "(*unheard:of)"],
)
def test_what_is_not_known_for_certain_is_unknown(regex: str) -> None:
    assert "unknown" in [kind for kind, _ in read(regex)]


@pytest.mark.parametrize(
    ("regex", "kind", "number", "name"),
    [
        (r"(a)\1", "reference", 1, ""),
        (r"(a)(b)\g{-1}", "reference", 2, ""),
        (r"\g{+1}(a)", "reference", 1, ""),
        (r"(?<n>a)\g{n}", "reference", 0, "n"),
        (r"(?<n>a)\k{ n }", "reference", 0, "n"),
        ("(?<n>a)\\k'n'", "reference", 0, "n"),
        (r"(?|(a)|(b)(c))(d)\g{-1}", "reference", 3, ""),
        (r"(?n)(a)(?<n>b)\1", "reference", 1, ""),
        ("(a)" * 12 + r"\12", "reference", 12, ""),
        ("(?R)", "call", 0, ""),
        ("(?1)(a)", "call", 1, ""),
        ("(a)(b)(?-1)", "call", 2, ""),
        ("(?+1)(a)", "call", 1, ""),
        ("(?&n)(?<n>a)", "call", 0, "n"),
        ("(?P>n)(?<n>a)", "call", 0, "n"),
        (r"(a)\g<1>", "call", 1, ""),
        (r"(a)\g'-1'", "call", 1, ""),
        (r"\g<n>(?<n>a)", "call", 0, "n"),
    ],
)
def test_references_and_calls_say_whom_they_mean(regex: str, kind: str, number: int, name: str) -> None:
    found = [token for token in tokens(regex, "") if token.kind in ("reference", "call")]
    assert [(token.kind, token.number, token.name) for token in found] == [(kind, number, name)]


@pytest.mark.parametrize(
    ("regex", "expected"),
    [
        # An octal where there are not so many groups, and digits behind it.
        (r"\12(a)", ["char:\n", "open:(", "char:a", "close:)"]),
        (r"\1234", ["char:S", "char:4"]),
        (
            r"\N{U+41}\N{2}\cM\o{ 61 }\x{ 62 }",
            ["char:A", r"atom:\N", "repeat:{2}", "char:\r", "char:1", "char:b"],
        ),
        # Word ends look like classes; a class that begins with `]` holds it, whatever means nothing is before it.
        ("[[:<:]]a", ["border:[[:<:]]", "char:a"]),
        (r"[\E]a]", ["atom:[]a]"]),
        (r"[\Q\E^]a]", ["atom:[^]a]"]),
        (r"[\Q\E::]1", [r"atom:[\::]", "char:1"]),
        (r"[a\c]]", [r"atom:[a\c]]"]),
        (r"(?[ [a-z] - [:alpha:] ])b", [r"atom:(?[ [a-z] - [:alpha:] ])", "char:b"]),
        ("(?xx)[ ^ a b]", ["atom:[^ab]"]),
        (r"(?xx)[ ] \ \Q \E]", [r"atom:[]\ \Q \E]"]),
        (
            "(?i:a)(?>b)(*atomic:c)(*sr:d)",
            [
                *("open:(?:", "char:a", "close:)", "open:(?>", "char:b", "close:)"),
                *("open:(*atomic:", "char:c", "close:)", "open:(*sr:", "char:d", "close:)"),
            ],
        ),
        (
            "(*nla:a)(*positive_lookbehind:b)(?<*c)",
            [
                *("look:(*nla:", "char:a", "close:)", "look:(*positive_lookbehind:", "char:b", "close:)"),
                *("look:(?<*", "char:c", "close:)"),
            ],
        ),
        (
            "(*SKIP)(*:m)(?C1)(?C'(')\\Ga",
            ["nothing:(*SKIP)", "nothing:(*:m)", "nothing:(?C1)", "nothing:(?C'(')", r"nothing:\G", "char:a"],
        ),
        (
            "(?(?=a)b|c)(?(R)d)(?(DEFINE)e)",
            [
                *(
                    "conditional:(?",
                    "look:(?=",
                    "char:a",
                    "close:)",
                    "char:b",
                    "alternative:|",
                    "char:c",
                    "close:)",
                ),
                *("conditional:(?(R)", "char:d", "close:)", "define:(?(DEFINE)", "char:e", "close:)"),
            ],
        ),
        ("(*UTF)(*UCP)(*NO_JIT)(*LIMIT_MATCH=9)a", ["char:a"]),
    ],
)
def test_what_looks_like_something_else(regex: str, expected: list[str]) -> None:
    assert [f"{kind}:{text}" for kind, text in read(regex)] == expected


def test_options_are_those_in_force() -> None:
    found = {
        token.text: (token.caseless, token.unicode, token.restriction)
        for token in tokens(r"(*UCP)a(?i)b(?^)c(?aD)d(?^r:e)(?-aD)f(?a:g)", "")
        if token.kind == "char"
    }
    assert found == {
        "a": (False, True, ""),
        "b": (True, True, ""),
        "c": (False, True, ""),
        "d": (False, True, "(?aD)"),
        "e": (False, True, "(?aDr)"),
        "f": (False, True, ""),
        "g": (False, True, "(?aDaSaWaPaT)"),
    }


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


@pytest.mark.parametrize("first", ["x", "xx", "i"])
@pytest.mark.parametrize("then", ["-x", "-xx", "-ix", "i-x", "x", "xx-x", "x-xx", "^", "^xx", "-i"])
@pytest.mark.parametrize("spelled", ["(?{})(?{}){}", "(?{}:(?{}:{}))"])
def test_spaces_in_classes_mean_what_they_mean_to_the_judge(first: str, then: str, spelled: str) -> None:
    """`(?-x)` left `xx` in force, and signatures with a space in a class missed it."""
    regex = spelled.format(first, then, "[b ]")
    [kept] = [token.text for token in tokens(regex, "") if token.kind == "atom"]
    assert (" " in kept) == expression(regex.encode(), "").search(b" ")


@pytest.mark.parametrize("regex", ["(?xx)[[.b. ]", "(?xx)[[:b: ]", "(?xx)[a [=b= ]"])
def test_a_class_without_its_spaces_opens_no_named_one(regex: str) -> None:
    [kept] = [token.text for token in tokens(regex, "") if token.kind == "atom"]
    judge, read = expression(regex.encode(), ""), expression(kept.encode(), "")
    assert [judge.search(bytes([code])) for code in range(128)] == [
        read.search(bytes([code])) for code in range(128)
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
        (r"^\u0416$", "Ж"),
        (r"^\Q\u0416\E$", r"\u0416"),
        (r"^\\u0416$", r"\u0416"),
        (r"^\Q\x{e9}\E$", r"\x{e9}"),
        (r"^\\x{2}$", r"\xx"),
        (r"^\x{41}{2}$", "AA"),
    ],
)
def test_hexadecimal_escapes_mean_what_they_mean_in_pcre2(regex: str, text: str) -> None:
    assert expression(judge_source(regex), "").search(text.encode())


@pytest.mark.parametrize("regex", [r"\U", r"\u{41}", r"\x", r"\xg", r"\x{110000}", r"\C"])
def test_what_pcre2_refuses_is_refused(regex: str) -> None:
    with pytest.raises(PatternRefused):
        expression(judge_source(regex), "")
