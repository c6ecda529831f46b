"""What every matcher answers, whichever engine is behind it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scanner.engine.flood import LearningMatcher
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import MAX_SPANS, Matcher, Matches
from scanner.engine.oracle import OracleMatcher
from scanner.engine.program import compile_ruleset
from scanner.signatures.model import Ruleset
from scanner.views.raw import Int64s
from tests.support.signatures import literal, regex, regexes, ruleset, signature

Make = Callable[[Ruleset], Matcher]


@pytest.fixture(params=["hyperscan", "learning", "oracle"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "oracle":
        return OracleMatcher
    if request.param == "learning":
        return lambda found: LearningMatcher(compile_ruleset(found), paid=0)
    return lambda found: HyperscanMatcher(compile_ruleset(found))


def hits(matches: Matches) -> list[tuple[int, int]]:
    return list(zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True))


def test_hits_are_sorted_by_cell_then_signature(make: Make) -> None:
    found = make(regexes("b", "a")).match(pa.array(["ab", None, "", "b"]), "text")
    assert hits(found) == [(0, 0), (0, 1), (3, 0)]
    assert [found.spans(hit) for hit in range(3)] == [[(1, 2)], [(0, 1)], [(0, 1)]]


@pytest.mark.parametrize(
    ("text", "flags", "cell", "hit"),
    [
        (r"^b", "", "a\nb", False),
        (r"^b", "m", "a\nb", True),
        (r"a$", "", "a\n", True),
        (r"a\z", "", "a\n", False),
        (r"a\n\z", "", "a\n", True),
        (r"\bb", "", "a b", True),
        (r"\Bb", "", "ab", True),
        (r"a\s", "", "a", False),
        (r"a\sb", "", "a\nb", True),
        (r"a.b", "", "a\nb", False),
        (r"a.b", "s", "a\nb", True),
        (r"(?<!x)a", "", "xa", False),
        (r"(\w)\1", "", "aa", True),
        (r"(\w)\1", "", "ab", False),
        (r"a++a", "", "aaa", False),
        # Hyperscan reads `\8` and `\9` as other than back-references (vectorscan issue 209).
        (r"(a)(b)(c)(d)(e)(f)(g)([h-k])\8", "", "abcdefghh", True),
        (r"(a)(b)(c)(d)(e)(f)(g)(h)([h-k])\9", "", "abcdefghii", True),
        (r"\x{e9}", "i", "É", True),
        (r"\w{3}", "u", "éàü", True),
        (r"\w{3}", "", "éàü", False),
        (r"^\p{Lu}", "i", "é", True),
        (r"^\X$", "", "e\u0301", True),
        (r"^$", "", "", True),
    ],
)
def test_meaning(make: Make, text: str, flags: str, cell: str, hit: bool) -> None:
    # Neighbours tempt a matcher that joins cells.
    column = pa.array(["b", cell, "b"])
    found = make(ruleset(signature("s", regex(text, flags)))).match(column, "text")
    assert (1 in found.cells.tolist()) is hit


def test_conditions_and_allow(make: Make) -> None:
    found = signature(
        "s", regex("pay", name="pay"), literal("gift", "card", name="how"), regex("joke", name="joke"),
        condition="pay and how and not joke", allow=[literal("warning")],
    )  # fmt: skip
    cells = ["pay by gift card", "pay", "gift", "pay gift joke", "warning: pay by card", "card pay"]
    matches = make(ruleset(found)).match(pa.array(cells), "text")
    assert hits(matches) == [(0, 0), (5, 0)]
    assert matches.spans(0) == [(0, 3), (7, 11), (12, 16)]
    assert matches.match_counts.tolist() == [3, 2]


def test_columns_restrict_signatures(make: Make) -> None:
    matcher = make(ruleset(signature("s", regex("a"), columns=("caption",)), signature("t", regex("a"))))
    assert hits(matcher.match(pa.array(["a"]), "text")) == [(0, 1)]
    assert hits(matcher.match(pa.array(["a"]), "caption")) == [(0, 0), (0, 1)]


def test_spans_are_capped_and_counts_are_not(make: Make) -> None:
    found = make(regexes("a")).match(pa.array(["a" * (MAX_SPANS + 7)]), "text")
    assert found.match_counts.tolist() == [MAX_SPANS + 7]
    assert found.spans(0) == [(number, number + 1) for number in range(MAX_SPANS)]


@pytest.mark.parametrize(
    ("text", "cell", "count"),
    [
        (r"ab*", "abbb ab a", 3),
        (r"a{2,}", "aaaaa aa", 2),
        (r"a{2,}?", "aaaaa aa", 3),
        (r"foo\Kbar?", "foobar fooba foob", 2),
        (r"(?<=a)b|ab", "abab bb", 2),
        (r"(?=ab)a|b", "abab", 4),
        (r"aa|a", "aaa", 2),
        (r"(?:a|ab)(?:c|bcd)(?:d*)", "abcd abcdd acd", 3),
        (r"a\s|a$", "a a\na", 3),
        (r"(a)b\1|b", "aba b abb", 4),
    ],
)
def test_every_match_is_counted(make: Make, text: str, cell: str, count: int) -> None:
    column = pa.array([cell, "a", cell])
    found = make(regexes(text)).match(column, "text")
    counts = dict(zip(found.cells.tolist(), found.match_counts.tolist(), strict=True))
    assert (counts[0], counts[2]) == (count, count)


def test_bytes_that_are_not_utf8_keep_their_places(make: Make) -> None:
    found = make(regexes("b+", ".")).match(pa.array([b"\xffa\xe2\x82bb\xff"]), "text")
    assert found.spans(0) == [(4, 6)]
    assert found.spans(1) == [(at, at + 1) for at in range(7)]
    assert found.invalid_cells == 1


def test_a_cell_that_cannot_be_decided_is_an_error_not_a_miss(make: Make) -> None:
    found = make(regexes("^(?:(a+)+c|a*b)", "b")).match(pa.array(["a" * 40 + "b"]), "text")
    assert hits(found) == [(0, 1)]
    assert [(error.cell, error.signature) for error in found.errors] == [(0, 0)]
    assert "match limit" in found.errors[0].reason


@pytest.mark.parametrize("cells", [[], [None], ["", None, ""]])
def test_nothing_to_find(make: Make, cells: list[str | None]) -> None:
    found = make(regexes("a")).match(pa.array(cells, pa.string()), "text")
    assert (len(found), found.span_offsets.tolist(), found.errors) == (0, [0], ())


def test_a_large_cell_between_small_ones(make: Make) -> None:
    cells = ["x", "a" * 3_000_000 + "needle", "needle"]
    assert hits(make(regexes("needle")).match(pa.array(cells), "text")) == [(1, 0), (2, 0)]


def test_hits_that_nobody_wants_may_be_counted_instead(make: Make) -> None:
    matcher = make(regexes("[ab]", "a+", "b$"))
    column = pa.array(["ab", None, "b\na\nb", "c", *["xa", "bb"] * 20])
    every = matcher.match(column, "text")
    asked: list[tuple[int, int]] = []

    def wanted(number: int, cells: Int64s) -> np.ndarray[Any, np.dtype[np.bool_]]:
        asked.extend((cell, number) for cell in cells.tolist())
        return np.equal(cells % 3, 0)

    listed = matcher.match(column, "text", wanted)
    assert {pair for pair in hits(every) if pair[0] % 3 == 0} <= set(hits(listed)) <= set(hits(every))
    assert set(asked) <= set(hits(every))
    counts = Counter(listed.signatures.tolist()) + Counter(listed.counted)
    assert counts == Counter(every.signatures.tolist())
    places = {pair: place for place, pair in enumerate(hits(every))}
    for place, pair in enumerate(hits(listed)):
        assert listed.spans(place) == every.spans(places[pair])
        assert listed.match_counts[place] == every.match_counts[places[pair]]
