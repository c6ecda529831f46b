import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine import sweep as module
from scanner.engine.dialects.translate import judge_of
from scanner.engine.pcre import expression
from scanner.engine.sweep import sweep, sweeping
from scanner.signatures.model import RegexPattern
from scanner.views.raw import text_cells
from tests.support.signatures import literal, regex

SERVED = [
    regex("[ab]"),
    regex(r"\w+"),
    regex(r"\w+", "u"),
    regex(r"\bk", "i"),
    regex("é|b"),
    regex("a # comment", "x"),
    regex("(?x)a # comment"),
    regex("(?<name>a)(b)?"),
    regex("(?i)S"),
    regex("a.b"),
    regex(r"[^\n]b"),
    regex("a|bb"),
    # A line feed behind them would be matched, not passed over.
    regex("(?-x)ab", "x"),
    regex("a(?-x)b", "x"),
    regex("(?^)ab", "x"),
    # The reader leaves them out, and PCRE2 would not where it reads bytes.
    regex("a\u200eb", "x"),
    regex("a\x85b", "x"),
    regex("(?x)a\u2028b"),
    # Worked out from bytes, it would match halves of characters.
    regex(r"(?[[abé]-[\x{e9}]])"),
    regex(r"(?[[ab\x{e9}]-[\x{c9}]])", "i"),
]


def cells_hit(pattern: RegexPattern, cells: list[bytes | None]) -> tuple[list[int], list[int]]:
    expression = sweeping(pattern)
    assert expression is not None
    hits, again = sweep(expression, text_cells(pa.array(cells, pa.binary())))
    return hits.tolist(), again.tolist()


@pytest.mark.parametrize("pattern", SERVED, ids=lambda pattern: pattern.regex)
@given(
    cells=st.lists(
        st.none() | st.text("abBkK\N{KELVIN SIGN}sſéèã \n.", max_size=8).map(str.encode),
        min_size=1,
        max_size=9,
    ),
    piece_bytes=st.integers(1, 30),
)
def test_the_cells_that_the_judge_finds_alone(
    pattern: RegexPattern, cells: list[bytes | None], piece_bytes: int
) -> None:
    judge = judge_of(pattern)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE_BYTES", piece_bytes)
        hits, again = cells_hit(pattern, cells)
    assert again == []
    assert hits == [index for index, cell in enumerate(cells) if cell is not None and judge.search(cell)]


@pytest.mark.parametrize(
    "pattern",
    [
        regex(r"a\s+b"),
        regex("a\\nb"),
        regex("a.b", "s"),
        regex("[^x]"),
        regex("^a"),
        regex("a(?=b)"),
        regex("a*"),
        regex(r"(a)\1"),
        literal("a\nb"),
    ],
    ids=str,
)
def test_what_may_reach_over_a_line_or_is_not_plain_is_not_served(pattern: RegexPattern) -> None:
    assert sweeping(pattern) is None


def test_literals() -> None:
    expression = sweeping(literal("k.", flags="i", whole_word=True))
    assert expression is not None
    cells = pa.array(["K.", "xk.", "\N{KELVIN SIGN}.", "k. a k.", "kx", None])
    assert sweep(expression, text_cells(cells))[0].tolist() == [0, 2, 3]


def test_cells_that_hold_a_mark_are_to_be_asked_about_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BYTES", 4)
    assert cells_hit(regex("a"), [b"a", b"xx", b"\x01a", None, b"b", b"a"]) == ([0, 5], [2])


@pytest.mark.parametrize(
    ("text", "flags", "utf"),
    [("[ab]x", "", False), ("ax", "i", False), ("sx", "i", True), (r"\w", "u", True), (r"[^a\n]", "", True)],
)
def test_bytes_are_read_only_where_nothing_else_can_match(text: str, flags: str, utf: bool) -> None:
    assert sweeping(regex(text, flags)) is expression(rf"(?:{text})\N*+".encode(), flags, utf=utf)


def test_no_cells() -> None:
    assert np.array_equal(cells_hit(regex("a"), [None]), ([], []))
