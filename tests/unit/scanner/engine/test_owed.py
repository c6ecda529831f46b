import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scanner.engine import owed
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import MatchError, Matches, Wanted
from scanner.engine.oracle import OracleMatcher
from scanner.engine.owed import Matchers, OnlyThese, OwedPart, parts_of
from scanner.engine.program import Program, compile_ruleset
from scanner.views.raw import Column, Int64s
from tests.support.signatures import literal, regex, ruleset, signature

RULES = ruleset(
    signature("s.a", literal("alpha")),
    signature("s.b", regex(r"b[ea]ta")),
    signature("s.c", literal("gamma", name="g"), literal("delta", name="d"), condition="g or d"),
    signature("s.d", literal("alpha beta"), columns=("other",)),
)
CELLS = pa.array(["alpha beta", None, "gamma", "delta alpha gamma", "nothing", "bata beta"])


@pytest.fixture(scope="module")
def whole() -> Program:
    return compile_ruleset(RULES)


def test_a_part_finds_what_its_signatures_alone_would_however_it_is_run(whole: Program) -> None:
    compiled, filtered = parts_of(whole, [(1, 2)])[0], OwedPart((1, 2), ruleset(*RULES.signatures[1:3]))
    assert compiled.program is not None
    assert compiled.ruleset == filtered.ruleset
    expected = OracleMatcher(compiled.ruleset).match(CELLS, "text")
    assert len(expected) == 4
    matchers = Matchers(HyperscanMatcher(whole), pickle.loads(pickle.dumps((compiled, filtered))))  # noqa: S301
    assert matchers[1].match(CELLS, "text").spans(0) == expected.spans(0)
    for number in (1, 2):
        found = matchers[number].match(CELLS, "text")
        assert matchers[number].ruleset == compiled.ruleset
        assert found.cells.tolist() == expected.cells.tolist()
        assert found.signatures.tolist() == expected.signatures.tolist()
        assert [found.spans(hit) for hit in range(4)] == [expected.spans(hit) for hit in range(4)]
        assert {number for number, _ in found.costs.signatures} <= {0, 1}
    assert matchers[0].ruleset == RULES
    assert matchers[2] is matchers[2], "made once"


def test_hits_that_nobody_wants_are_counted_under_the_numbers_of_the_part() -> None:
    class Often(OracleMatcher):
        def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
            found = super().match(cells, column)
            assert wanted is not None
            masks = [wanted(number, found.cells[found.signatures == number]) for number in range(3)]
            assert [mask.tolist() for mask in masks] == [[False, False], [False, True], [False, True]]
            return replace(found, counted={0: 7, 2: 5})

    asked = []

    def wanted(number: int, cells: Int64s) -> np.ndarray[Any, np.dtype[np.bool_]]:
        asked.append((number, cells.tolist()))
        return np.greater(cells, 2)

    only = OnlyThese(Often(RULES), OwedPart((1, 2), ruleset(*RULES.signatures[1:3])))
    assert only.match(CELLS, "text", wanted).counted == {1: 5}
    assert asked == [(0, [0, 5]), (1, [2, 3])]


def test_further_parts_run_the_whole_ruleset(whole: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "MOST_COMPILED", 1)
    first, second = parts_of(whole, [(0,), (3,)])
    assert (first.program is None, second.program is None) == (False, True)
    matchers = Matchers(HyperscanMatcher(whole), (first, second))
    assert isinstance(matchers[2], OnlyThese)
    assert matchers[2].match(CELLS, "other").cells.tolist() == [0]
    assert not len(matchers[2].match(CELLS, "text"))


def test_errors_of_signatures_that_are_not_owed_do_not_count(whole: Program) -> None:
    class Undecided(HyperscanMatcher):
        def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
            found = super().match(cells, column, wanted)
            return replace(found, errors=tuple(MatchError(cell, cell % 3, "why") for cell in range(4)))

    part = OwedPart((0, 2), ruleset(RULES.signatures[0], RULES.signatures[2]))
    found = OnlyThese(Undecided(whole), part).match(CELLS, "text")
    assert [(error.cell, error.signature) for error in found.errors] == [(0, 0), (2, 1), (3, 0)]
