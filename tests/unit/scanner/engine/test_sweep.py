import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine import sweep as module
from scanner.engine.dialects.translate import judge_of
from scanner.engine.sweep import sweep, sweeping
from scanner.signatures.model import LiteralPattern, Pattern, RegexPattern
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
    regex("(?:a{2}|k{0,1}b{1,})+?s"),
    regex(r"[^\n\x{0}-\x{10ffff}]|a"),
    regex(r"\Bs"),
    regex(r"\p{Lu}a"),
    # PCRE2 refuses what the judge's spelling writes otherwise.
    regex(r"[\u00e9-\u00ff]b"),
    regex(r"\u00e9|(?[[\u00e9]+[a]])"),
    regex("(?-x)ab", "x"),
    regex("a(?-x)b", "x"),
    regex("(?^)ab", "x"),
    # The reader leaves them out.
    regex("a\u200eb", "x"),
    regex("a\x85b", "x"),
    regex("(?x)a\u2028b"),
    regex(r"(?[[abé]-[\x{e9}]])"),
    regex(r"(?[[ab\x{e9}]-[\x{c9}]])", "i"),
]


def cells_hit(pattern: Pattern, cells: list[bytes | None]) -> list[int]:
    source = sweeping(pattern)
    assert source is not None
    hits = sweep(source, text_cells(pa.array(cells, pa.binary())))
    assert hits is not None
    return [int(hit) for hit in hits]


@pytest.mark.parametrize("pattern", SERVED, ids=lambda pattern: pattern.regex)
@given(
    cells=st.lists(
        st.none() | st.text("abBkK\N{KELVIN SIGN}sſéèã \n.", max_size=8).map(str.encode),
        min_size=1,
        max_size=9,
    )
)
def test_the_cells_that_the_judge_finds_alone(pattern: RegexPattern, cells: list[bytes | None]) -> None:
    judge = judge_of(pattern)
    hits = [index for index, cell in enumerate(cells) if cell is not None and judge.search(cell)]
    assert cells_hit(pattern, cells) == hits


@pytest.mark.parametrize(
    "pattern",
    [
        regex(r"a\s+b"),
        regex(r"\bk", "u"),
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


@pytest.mark.parametrize(
    ("pattern", "hits"),
    [
        (literal("k.", flags="i", whole_word=True), [0, 2, 3]),
        (literal("k.", flags="i"), [0, 1, 2, 3]),
        (literal("é", whole_word=True), [6]),
        (literal("[x]"), []),
    ],
    ids=str,
)
def test_literals(pattern: LiteralPattern, hits: list[int]) -> None:
    cells = ["K.", "xk.", "\N{KELVIN SIGN}.", "k. a k.", "kx", None, "é", "éß"]
    assert cells_hit(pattern, [None if cell is None else cell.encode() for cell in cells]) == hits


@pytest.mark.parametrize(
    "text",
    [
        r"(?:\w{1,200}x){1,200}",
        r"q|[ab][^\n]{3000}c",
        r"q|a[ab]{60000}c",
        r"[^\n]{1,3000}\d",
        "(" * 60 + "a" + ")" * 60,
    ],
    ids=range(5),
)
def test_what_would_take_too_much_time_memory_or_stack_is_not_served(text: str) -> None:
    """A cell of 2 MB took 42 seconds."""
    assert sweeping(regex(text)) is None


def test_too_much_text_is_left_to_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLAB_BYTES", 3)
    assert sweep("a", text_cells(pa.array(["a", "b"]))) is None


def test_no_cells() -> None:
    assert cells_hit(regex("a"), [None]) == []
    assert cells_hit(regex("a"), []) == []
