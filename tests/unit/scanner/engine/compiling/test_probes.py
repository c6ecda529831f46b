from pathlib import Path

import pyarrow as pa
import pytest

from scanner import cache
from scanner.engine.compiling import probes
from scanner.engine.compiling.children import Children, Stop
from scanner.engine.compiling.probes import Patience, probe_patterns
from scanner.engine.compiling.verdicts import Verdict
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.program import check_patterns, compile_ruleset
from scanner.signatures.model import RegexPattern
from tests.support.signatures import regex, ruleset, signature

IMPATIENT = Patience(first_s=0.1, last_s=0.1)

SLOW = regex(
    r"(?:nope|didn['’]?\s*t\s+work|not\s+working)[^\n\r]{0,150}(?:nothing|doesn['’]?\s*t\s+work|still\s+not)",
    "i",
)
"""Takes ten seconds as it is, and none once its repeat has no end."""

HOPELESS = regex(r"(?:\w+\W{0,9}){40,}x", "iu")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    forget()
    return tmp_path


def forget() -> None:
    """What a new process would not know."""
    probes._verdicts.cache_clear()


def children_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        message = "a child was asked"
        raise AssertionError(message)

    monkeypatch.setattr(Children, "compile", refuse)


def test_a_pattern_that_takes_too_long_is_named_and_holds_no_other() -> None:
    slow, quick = signature("slow", SLOW), signature("quick", regex(r"qu+ick\d"))
    (warning,) = check_patterns([slow, quick], IMPATIENT)
    assert warning.warning
    assert warning.subject == "slow"
    assert "takes too long to compile, because of the large repeat `{0,150}`" in warning.message
    assert "write `*` for it" in warning.message

    program = compile_ruleset(ruleset(slow, quick), IMPATIENT)
    assert program.unprobed == frozenset()
    cells = ["nope, " + "a" * 150 + " nothing", "nope, " + "a" * 200 + " nothing", "quick1", None]
    matches = HyperscanMatcher(program).match(pa.array(cells), "text")
    assert list(zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True)) == [(2, 1)]
    cells[0] = "nope, " + "a" * 140 + " nothing"
    matches = HyperscanMatcher(program).match(pa.array(cells), "text")
    assert list(zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True)) == [(0, 0), (2, 1)]


def test_a_pattern_that_never_compiles_is_matched_by_the_judge_alone() -> None:
    found = signature("hopeless", HOPELESS)
    (warning,) = check_patterns([found], IMPATIENT)
    assert "takes too long to compile" in warning.message
    assert "matched against every cell" in warning.message
    program = compile_ruleset(ruleset(found), IMPATIENT)
    assert program.unprobed == {(0, 0)}
    assert HyperscanMatcher(program).match(pa.array(["Ä1 " * 40 + "x"]), "text").cells.tolist() == [0]


def test_a_pattern_that_takes_too_much_memory_is_named() -> None:
    (warning,) = check_patterns([signature("slow", SLOW)], Patience(memory_bytes=40 << 20))
    assert "takes too much memory to compile" in warning.message


def test_a_verdict_is_kept_between_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    patterns = [SLOW, HOPELESS, regex(r"(a+)\1"), regex("a*")]
    first = probe_patterns(patterns, IMPATIENT)
    assert [first[each].stopped for each in patterns] == [Stop.TIME, Stop.TIME, None, None]
    forget()
    children_are_gone(monkeypatch)
    assert probe_patterns(patterns, IMPATIENT) == first


def test_other_limits_are_another_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    probe_patterns([SLOW], IMPATIENT)
    children_are_gone(monkeypatch)
    with pytest.raises(AssertionError, match="a child was asked"):
        probe_patterns([SLOW], Patience(first_s=0.2))


def test_a_damaged_entry_is_rebuilt(home: Path) -> None:
    first = probe_patterns([SLOW, HOPELESS], IMPATIENT)
    for entry in home.iterdir():
        entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    forget()
    assert probe_patterns([SLOW, HOPELESS], IMPATIENT) == first


def test_a_death_is_not_held_against_a_pattern() -> None:
    verdict = Verdict(None, "the child died", Stop.DEATH)
    probes._verdicts(IMPATIENT).add({SLOW: verdict})
    assert probe_patterns([SLOW], IMPATIENT) == {SLOW: verdict}
    forget()
    assert probe_patterns([SLOW], IMPATIENT)[SLOW].stopped is Stop.TIME


def test_small_patterns_need_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    children_are_gone(monkeypatch)
    found = probe_patterns([regex(r"\bfree\s+money\b", "i"), regex("a{2,9}é", "u")])
    assert all(verdict.probe is not None for verdict in found.values())


def test_many_patterns_are_one_question_each() -> None:
    patterns = [RegexPattern("pattern", f"w{number}[a-z]{{2,20}}é?end") for number in range(300)]
    found = probe_patterns([*patterns, *patterns])
    assert list(found) == patterns
    assert len({verdict.probe for verdict in found.values()}) == 300
