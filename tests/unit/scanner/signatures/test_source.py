import pytest

from scanner.signatures.source import Mark, UnreadableError, read_document


@pytest.mark.parametrize(
    "text",
    ["no", "on", "Yes", "true", "010", "0x1F", "1e3", "12:30:45", "2026-01-31", "1_000", ".inf", "=", "<<"],
)
def test_a_plain_scalar_is_the_text_that_stands_there(text: str) -> None:
    assert read_document(f"key: {text}\n").value == {"key": text}
    assert read_document(f"{text}: value\n").value == {text: "value"}


@pytest.mark.parametrize("nothing", ["", "~", "null", "NULL", "# a remark", "#hashtag"])
def test_a_key_without_a_value_is_left_out_and_reported(nothing: str) -> None:
    document = read_document(f"first: 1\nkey: {nothing}\nlast:\n  - a\n  - {nothing}\n  - b\n")

    # The item keeps its place, so that the paths of those behind it stay true.
    assert document.value == {"first": "1", "last": ["a", "", "b"]}
    assert document.findings == [
        (("key",), 2, "`key` has no value; write one (in quotes where it begins with `#`)"),
        (("last", 1), 5, "an item of `last` has no value; write one (in quotes where it begins with `#`)"),
    ]
    assert document.mark(("last", 2)).line == 6


def test_quoted_words_are_texts() -> None:
    assert read_document("- ''\n- 'null'\n- \"~\"\n").value == ["", "null", "~"]


def test_every_value_knows_its_line_and_its_quotes() -> None:
    document = read_document("# top\na:\n  - 'x'\n  -\n    \"y\"\nb: {c:\n  d,\n  e: f}\n")

    assert document.mark(("a",)) == Mark(2)
    assert document.mark(("a", 0)) == Mark(3, "'")
    assert document.mark(("a", 1)) == Mark(5, '"')
    assert document.mark(("b", "c")) == Mark(6)
    assert document.mark(("b", "e")) == Mark(8)
    assert document.mark(("b", "e", "nothing below")) == Mark(8)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("a: order #1", True),
        ("a: order   #é", True),
        ("a: order # a remark", False),
        ("a: order ####", False),
        ("a: order#1", False),
        ("a: 'order' #1", False),
    ],
)
def test_a_text_that_a_hash_cuts_short_is_marked(text: str, *, cut: bool) -> None:
    assert read_document(f"é: ü\n{text}\nb: c #d\n").mark(("a",)).cut is cut


IN_QUOTES = "YAML reads backslashes in double quotes itself; write regexes in single quotes"
INDENTED = "a text holds `: `, or is indented wrongly; put it in single quotes"
FIRST = "a text that begins with `@`, `%` or a backtick needs single quotes; indent with spaces, not tabs"
BRACKET = "a bracket is not closed, or a comma is misplaced; put texts that hold either in single quotes"
GOES_ON = (
    "a text goes on after a bracket or quote that it begins with, or the indentation differs from the lines "
    "above; put the whole text in single quotes, and write `''` for each `'` in it"
)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('a: x\nb: "\\d+"', 2, IN_QUOTES),
        ('a: x\nb: "\\x{e9}"', 2, IN_QUOTES),
        ("a: x\nb: 'unclosed\nc: d\n", 2, "a quote is opened here and never closed; close it"),
        ("a: x\nb: c: d", 2, INDENTED),
        ("a: x\n b: c", 2, INDENTED),
        ("a: x\nb: @c", 2, FIRST),
        ("a:\n\t- b", 2, FIRST),
        (
            "a: x\nb: |c",
            2,
            "after `|` or `>` the text begins on the next line; or put the text in single quotes",
        ),
        ("a: x\nb: [a-z]+", 2, GOES_ON),
        ("a: x\nb: 'it's'", 2, GOES_ON),
        ("a: x\nb: {c: [d}", 2, BRACKET),
        ("%x\n---\na: b", 1, "check the indentation, and put regexes and texts in single quotes"),
    ],
)
def test_text_that_is_not_yaml_is_explained(text: str, line: int, message: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_document(text)

    assert (caught.value.line, caught.value.message) == (line, f"this is not YAML: {message}")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b\nc: d\0e", 2, "the character U+0000 may not stand in a YAML file; remove it"),
        ("a: b\nc: \x1b[1m", 2, "the character U+001B may not stand in a YAML file; remove it"),
        (
            "a: b\n? [c]\n: d",
            2,
            "a list, map or alias cannot be a key; if it is a text, put it in single quotes",
        ),
        ("a:\n " + "[" * 30 + "]" * 30, 2, "lists and maps stand more than 20 deep; write it flatter"),
        ("a:\n" + "- " * 30, 2, "lists and maps stand more than 20 deep; write it flatter"),
    ],
)
def test_text_that_nobody_means_is_refused(text: str, line: int, message: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_document(text)

    assert (caught.value.line, caught.value.message) == (line, message)


@pytest.mark.parametrize("opener", ["[", "{a: ", "- ", "? "])
def test_no_depth_overflows_the_stack(opener: str) -> None:
    with pytest.raises(UnreadableError):
        read_document(opener * 100_000)


def test_aliases_cannot_make_a_small_file_huge() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )

    document = read_document(bomb)

    assert document.value is not None
    assert len(str(document.value)) < 1_000
    assert len(document.findings) == 9 + 8 * 9


def test_a_second_document_and_a_second_key_are_reported() -> None:
    document = read_document("a: 1\nb: 2\na: {deep: [x]}\nc: 3\n---\nd: 4\n")

    assert document.value == {"a": "1", "b": "2", "c": "3"}
    assert [(found.line, found.message) for found in document.findings] == [
        (3, "`a` is written twice here, first in line 1; remove one of them"),
        (5, "a second document begins here; write it to a file of its own"),
    ]


@pytest.mark.parametrize("text", ["", "\n", "# a remark\n"])
def test_an_empty_text_is_no_document(text: str) -> None:
    assert read_document(text).value is None
