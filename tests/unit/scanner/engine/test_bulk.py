from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from scanner.engine import bulk
from scanner.engine.bulk import Bulk
from scanner.engine.dialects.translate import judge_of
from scanner.engine.plain import is_plain
from scanner.signatures.model import RegexPattern
from scanner.views.raw import text_cells


def found(
    regex: RegexPattern, cells: Sequence[bytes], apart: int = 1
) -> tuple[dict[int, list[tuple[int, int]]], set[int]]:
    """Spans by cell, and the cells that are to be asked about alone; between them stand others, not asked about."""
    text = text_cells(pa.array([each for cell in cells for each in (cell, *[b"a"] * (apart - 1))]))
    asked = Bulk(text, np.arange(len(cells)) * apart)
    asked.ask(judge_of(regex), slice(0, len(cells)))
    answers = asked.answers()
    spans = ((start, end) for start, end in answers.spans.tolist())
    by_cell = {
        cell: [next(spans) for _ in range(count)]
        for cell, count in zip(answers.hits.tolist(), answers.counts.tolist(), strict=True)
    }
    assert next(spans, None) is None
    return by_cell, set(answers.again.tolist())


PIECES = st.sampled_from(
    [
        *("a", "b", "ab", "é", "1", r"\n", r"\s", r"\s+", r"\s*", r"\s*?", r"\s{2,}", r"\s+?", " ?", "\t?"),
        *(
            ".",
            ".*",
            ".+?",
            "(?s:.)",
            "(?s:.)?",
            "[^a]",
            "[^a]?",
            r"\W",
            r"\D?",
            r"\w+",
            r"\d{1,2}?",
            r"[\sb]",
        ),
        *(
            "(a|ab)",
            "(?:ab|a)",
            r"(?:b|a\s)+",
            r"(a\s?)*?",
            r"(?:\s|b)*",
            r"(?i:A)",
            r"(?:a\n|a)",
            r"(\n|b\n?)",
        ),
        *(
            "(?=a)",
            "(?!ab)",
            "(?<=b)",
            r"(?<![\wé])",
            r"(?!\b.b)",
            r"(?=\s)",
            r"\W{1,3}",
            "[^a]{2}",
            "[^b]{1,2}?",
        ),
        *(r"\b", r"\B", "|", "|a", r"(?:\s+|a)", r"(?:\sb|\s)", "ſ", "k", r"\p{L}+", "a*", "a*?", "(?:b?a)?"),
    ]
)
PATTERNS = st.builds(
    lambda pieces, flags: RegexPattern("p", "".join(pieces), flags),
    st.lists(PIECES, min_size=1, max_size=5),
    st.sampled_from(["", "i", "u", "iu", "s", "m"]),
)
CELLS = st.lists(st.text("ab \n\té_1ſK\x00", max_size=7).map(str.encode), min_size=1, max_size=7)


@given(PATTERNS, CELLS, st.integers(1, 4))
@example(RegexPattern("p", r"a\s+b"), [b"a", b"b a b", b"a ", b" b"], 1)
@example(RegexPattern("p", r"a\s*"), [b"a", b"a", b"", b"ab"], 1)
@example(RegexPattern("p", r"(?:a\sb\sa|a)"), [b"a", b"b", b"a", b"a"], 1)
def test_what_each_cell_holds_alone(pattern: RegexPattern, cells: list[bytes], apart: int) -> None:
    assume(is_plain(pattern))
    judge = judge_of(pattern)
    by_cell, again = found(pattern, cells, apart)
    for number, cell in enumerate(cells):
        if number not in again:
            assert by_cell.get(number, []) == judge.find(cell, 1000)[1]
    assert not again & by_cell.keys()


def test_pieces_and_what_holds_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PIECE_BYTES", 6)
    monkeypatch.setattr(bulk, "GATHERED_BYTES", 9)
    cells = [b"a", b"ab", b"b", b"a\x01", b"a", b"a" * 20, b"xa", b""]
    by_cell, again = found(RegexPattern("p", "a+"), cells)
    assert by_cell == {0: [(0, 1)], 1: [(0, 1)], 4: [(0, 1)], 5: [(0, 20)], 6: [(1, 2)]}
    assert again == {2, 3}


def test_a_cell_with_too_many_matches_is_asked_about_alone() -> None:
    assert found(RegexPattern("p", "a"), [b"a" * 1001, b"a" * 1000]) == (
        {1: [(at, at + 1) for at in range(1000)]},
        {0},
    )
