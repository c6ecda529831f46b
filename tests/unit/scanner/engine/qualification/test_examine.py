import random

import pytest

from scanner.engine.qualification.battery import Case
from scanner.engine.qualification.examine import (
    MAX_MISSES,
    Findings,
    examine_case,
    examine_literals,
    examine_patterns,
    examine_prefilter,
)

# Every build of the engine reads `\8` in its own way, so this is a miss that can be had anywhere.
MISSED = r"(a)(b)(c)(d)(e)(f)(g)([h-k])\8"


def found_by(*cases: Case) -> Findings:
    findings = Findings()
    for case in cases:
        examine_case(case, findings)
    return findings


def test_a_miss_is_found_at_every_place_and_told_once() -> None:
    case = Case("eight", "here", ("xyz", MISSED), (("xyz abcdefghh", (0, 1)),), "prefilter")
    findings = found_by(case)
    assert findings.missed == 67 * 3
    assert [str(miss) for miss in findings.misses] == [
        f"`{MISSED}` on text 1 of `eight` (here) at byte 0 of 13: no match that ends at byte 13"
    ]


def test_no_more_misses_are_told_than_a_screen_takes() -> None:
    cases = [
        Case(f"{n}", "here", (f"{n}{MISSED}",), ((f"{n}abcdefghh", (0,)),), "prefilter") for n in range(9)
    ]
    findings = found_by(*cases)
    assert len(findings.misses) == MAX_MISSES
    assert findings.missed == 9 * 67 * 3


def test_a_judge_that_is_wrong_is_found_too() -> None:
    (miss,) = found_by(Case("judge", "here", ("a",), (("b", (0,)),))).misses
    assert (miss.pattern, miss.missed) == ("a", "PCRE2 is wrong about it")


def test_a_case_that_the_engine_refuses_is_a_miss() -> None:
    (miss,) = found_by(Case("refused", "here", ("a?",), (("a", (0,)),))).misses
    assert miss.text == "compiling"


@pytest.mark.parametrize("mode", ["literal", "caseless literal"])
def test_literals_end_wherever_they_stand(mode: str) -> None:
    case = Case("literals", "here", ("aa", "Aa"), (("aaAa", (0, 1)),), mode)  # type: ignore[arg-type]
    findings = found_by(case)
    assert findings.missed == 0
    assert findings.ends == (2 if mode == "literal" else 6) * 67 * 3


def test_long_patterns_are_cut_where_they_are_told() -> None:
    pattern = f"(?:{'x' * 200}|{MISSED})"
    (miss,) = found_by(Case("long", "here", (pattern,), (("abcdefghh", (0,)),), "prefilter")).misses
    assert str(miss).startswith(f"`{pattern[:80]}…` on")


def test_inventions_are_tried_and_counted() -> None:
    dice, findings = random.Random(5), Findings()
    for _ in range(8):
        examine_patterns(dice, findings)
        examine_prefilter(dice, findings)
    examine_literals(dice, findings)
    assert findings.patterns >= 12
    assert findings.literals >= 1
    assert findings.ends > 500
    assert findings.misses == []
