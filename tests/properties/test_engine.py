"""The engine finds what the oracle finds: for any signature, any cells, any type of column, any block."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.flood import LearningMatcher
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matches
from scanner.engine.oracle import OracleMatcher
from scanner.engine.program import MAX_SPELLED, compile_ruleset
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column
from tests.support.strategies import CELLS, LETTERS, rulesets

Hit = tuple[int, int, int, tuple[tuple[int, int], ...]]


def hits(matches: Matches) -> list[Hit]:
    columns = (matches.cells.tolist(), matches.signatures.tolist(), matches.match_counts.tolist())
    return [(*row, tuple(matches.spans(number))) for number, row in enumerate(zip(*columns, strict=True))]


def assert_equal(ruleset: Ruleset, column: Column, block_bytes: int, max_spelled: int = MAX_SPELLED) -> None:
    expected = OracleMatcher(ruleset).match(column, "text")
    program = compile_ruleset(ruleset, max_spelled=max_spelled)
    found = HyperscanMatcher(program, block_bytes).match(column, "text")
    assert not expected.errors
    assert hits(found) == hits(expected), [(s.patterns, s.condition, s.allow) for s in ruleset.signatures]
    assert found.invalid_cells == expected.invalid_cells
    learning = LearningMatcher(program, block_bytes, paid=0)
    for _ in range(2):
        found = learning.match(column, "text")
        assert hits(found) == hits(expected), (learning.flooding, [s.patterns for s in ruleset.signatures])
    flooding = frozenset(filter(HyperscanMatcher(program).may_flood, range(len(ruleset.signatures))))
    found = HyperscanMatcher(compile_ruleset(ruleset, flooding=flooding), block_bytes).match(column, "text")
    assert hits(found) == hits(expected), (flooding, [s.patterns for s in ruleset.signatures])


@given(rulesets(), CELLS, st.integers(1, 200), st.sampled_from([0, MAX_SPELLED]))
@settings(max_examples=600)
def test_text(ruleset: Ruleset, cells: list[str | None], block_bytes: int, max_spelled: int) -> None:
    assert_equal(ruleset, pa.array(cells, pa.string()), block_bytes, max_spelled)


@given(
    rulesets(),
    st.lists(st.none() | st.binary(max_size=20) | st.text(LETTERS, max_size=9).map(str.encode), max_size=8),
)
@settings(max_examples=200)
def test_invalid_utf8(ruleset: Ruleset, cells: list[bytes | None]) -> None:
    assert_equal(ruleset, pa.array(cells, pa.binary()), 64)
