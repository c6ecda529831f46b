import pyarrow as pa
import pytest

from scanner import cache
from scanner.engine import flood
from scanner.engine.confirm import SignatureJudge
from scanner.engine.flood import LearningMatcher
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matches
from scanner.engine.oracle import OracleMatcher
from scanner.engine.program import compile_ruleset
from scanner.signatures.model import Ruleset
from tests.support.signatures import literal, regex, ruleset, signature

CELLS = pa.array([b"a bc", None, b"", b"b\xff a,", b"bc\nbc", b"a" * 1_100, b"\x01b", *[b"ab"] * 30])

RULES = ruleset(
    signature("often", regex("[ab]")),
    signature("literal", literal("A", flags="i")),
    signature("rare", regex("bc")),
    signature("not plain", regex("^a")),
    signature("elsewhere", regex("a+"), columns=("other",)),
    signature("both", regex("[ab]", name="x"), regex("a.*c", name="y"), condition="x and y"),
)


def columns(matches: Matches) -> list[list[int]]:
    found = (matches.cells, matches.signatures, matches.match_counts, matches.span_offsets)
    return [each.tolist() for each in (*found, matches.span_starts, matches.span_ends)]


def learnt(rules: Ruleset, paid: int = 0) -> LearningMatcher:
    matcher = LearningMatcher(compile_ruleset(rules), paid=paid)
    expected = columns(OracleMatcher(rules).match(CELLS, "text"))
    assert [columns(matcher.match(CELLS, "text")) for _ in range(3)] == [expected] * 3
    return matcher


def test_of_what_is_seen_often_the_hits_that_nobody_wants_are_counted() -> None:
    matcher = learnt(RULES)
    found = matcher.match(CELLS, "text", lambda _, cells: cells == 0)
    assert (found.counted, (found.signatures == 0).sum()) == ({0: 34, 1: 32}, 1)
    assert found.signatures.tolist().count(2) == 2


def test_what_counts_is_first_seen_to_find_what_the_judge_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SignatureJudge, "sweeping", "b")
    matcher = learnt(RULES)
    for _ in range(3):
        found = matcher.match(CELLS, "text", lambda _, cells: cells == 0)
        assert (found.counted, (found.signatures == 0).sum()) == ({}, 35)


@pytest.mark.parametrize("cells", [[], [None], ["zz"] * 5, ["b"] * 5])
def test_cells_that_are_all_alike_prove_nothing(
    cells: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SignatureJudge, "sweeping", "b")
    matcher = LearningMatcher(compile_ruleset(ruleset(signature("often", regex("[ab]")))), paid=0)
    assert len(matcher.match(pa.array(["b"] * 20), "text")) == 20
    assert matcher.flooding == {0}
    matcher.match(pa.array(cells, pa.string()), "text")
    assert len(matcher.match(pa.array(["a"] * 20), "text")) == 20


def test_what_is_seen_often_is_left_out_and_found_as_before() -> None:
    matcher = learnt(RULES)
    assert matcher.flooding == {0, 1}
    costs = dict(matcher.match(CELLS, "text").costs.signatures)
    assert (costs[0].candidates, costs[1].candidates, costs[2].candidates) == (36, 36, 2)


def test_pass_one_looks_for_it_no_longer_unless_others_need_it() -> None:
    shared = compile_ruleset(RULES, flooding=frozenset({0, 1}))
    alone = compile_ruleset(ruleset(*RULES.signatures[:3]), flooding=frozenset({0, 1}))
    events = [HyperscanMatcher(each).match(CELLS, "text").costs.events for each in (shared, alone)]
    assert events[0] > 1_000
    assert events[1] == 3


def test_nothing_else_to_look_for() -> None:
    matcher = learnt(ruleset(signature("often", regex(r"\w"))))
    assert matcher.flooding == {0}
    assert len(matcher.match(pa.array([None], pa.string()), "text")) == 0
    assert len(matcher.match(pa.array([], pa.string()), "text")) == 0


def test_nothing_is_compiled_before_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert learnt(RULES, paid=10_000).flooding == frozenset()
    monkeypatch.setattr(flood, "MOST_PROBES", 1)
    assert learnt(RULES).flooding == frozenset()


def test_nothing_is_compiled_where_it_would_not_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.FOLDER_VARIABLE, "")
    assert learnt(ruleset(signature("often", literal("b")))).flooding == frozenset()


def test_a_cell_that_pcre2_gives_up_on_is_left_to_pass_one() -> None:
    rules = ruleset(signature("often", regex("(?:a|aa)+b|x")))
    matcher = LearningMatcher(compile_ruleset(rules), paid=0)
    matcher.match(pa.array(["x"] * 20), "text")
    assert matcher.flooding == {0}
    found = matcher.match(pa.array(["x", "a" * 5_000]), "text")
    assert (found.cells.tolist(), found.errors) == ([0], ())
    assert matcher.flooding == frozenset()
