import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.columns.paths import ColumnError, ColumnPath, NoColumnError, Step


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("text", (Step("text"),)),
        ("author.bio", (Step("author"), Step("bio"))),
        ("replies[].text", (Step("replies", "[]"), Step("text"))),
        ("attrs{}", (Step("attrs", "{}"),)),
        ("a{}[].b[]{}", (Step("a", "{}[]"), Step("b", "[]{}"))),
        ("a[][].b[]", (Step("a", "[][]"), Step("b", "[]"))),
        ("`a.b[]`.c", (Step("a.b[]"), Step("c"))),
        ("`it``s`[]", (Step("it`s", "[]"),)),
        ("naïve column", (Step("naïve column"),)),
        ("a-b.c>", (Step("a-b"), Step("c>"))),
        ("`a->$.b`", (Step("a->$.b"),)),
    ],
)
def test_a_path_is_read_and_written_back(text: str, steps: tuple[Step, ...]) -> None:
    path = ColumnPath.parse(text)
    assert path.steps == steps
    assert str(path) == text


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ("payload->$", ()),
        ("payload->$.message", ("message",)),
        ("e[].payload->$.items[*].text", ("items", None, "text")),
        ('payload->$["odd name"][0][*]', ("odd name", 0, None)),
        ('payload->$["a\\"]b"].größe', ('a"]b', "größe")),
    ],
)
def test_a_path_into_json_is_read_and_written_back(text: str, json: tuple[str | int | None, ...]) -> None:
    path = ColumnPath.parse(text)
    assert path.json == json
    assert str(path) == text
    assert str(path.column) == text.partition("->")[0]


OPENED = st.lists(st.sampled_from(["[]", "{}"]), max_size=3).map("".join)
JSON = st.none() | st.lists(st.none() | st.integers(0, 10**9 - 1) | st.text(), max_size=4).map(tuple)


@given(st.lists(st.builds(Step, st.text(min_size=1), OPENED), min_size=1, max_size=4), JSON)
def test_every_path_that_can_be_built_can_be_written(
    steps: list[Step], json: tuple[str | int | None, ...] | None
) -> None:
    path = ColumnPath(tuple(steps), json)
    assert ColumnPath.parse(str(path)) == path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$.user.name", "is not a column path"),
        ("attrs{bio}", "is not a column path"),
        ("a->b", "is not a path into JSON"),
        ("a->", "is not a path into JSON"),
        ("a->'$.b'", "is not a path into JSON"),
        ("a->$b", "is not a path into JSON"),
        ("a->$..b", "is not a path into JSON"),
        ("a->$.*", "is not a path into JSON"),
        ("a->$.odd-name", "is not a path into JSON"),
        ("a->$[-1]", "is not a path into JSON"),
        ('a->$["b]', "is not a path into JSON"),
        ('a->$["\\x"]', "is not a path into JSON"),
        ("a->$[?(@.b)]", "is not a path into JSON"),
        ("", "is not a column path"),
        (".", "is not a column path"),
        ("a..b", "is not a column path"),
        ("a.", "is not a column path"),
        ("a[0]", "is not a column path"),
        ("[]", "is not a column path"),
        ("`a", "is not a column path"),
    ],
)
def test_what_is_no_path_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ColumnError, match=words):
        ColumnPath.parse(text)


def test_the_error_survives_pickling() -> None:
    for error in (ColumnError("a.b", "is not there"), NoColumnError("a.b", "is not there")):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
        assert (type(again), again.path, str(again)) == (type(error), "a.b", "a.b: is not there")
