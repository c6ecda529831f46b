import pytest

from scanner.engine.patterns.syntax import judge_source
from scanner.engine.pcre import expression
from scanner.engine.qualification.battery import CASES, Case


def matches(case: Case, pattern: str, text: str) -> bool:
    if case.mode == "literal":
        return pattern in text
    if case.mode == "caseless literal":
        return pattern.lower() in text.lower()
    return expression(judge_source(pattern), "m").search(text.encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_says_what_is_true(case: Case) -> None:
    for text, expected in case.texts:
        found = tuple(place for place, pattern in enumerate(case.patterns) if matches(case, pattern, text))
        assert found == expected, text


def test_every_pattern_of_a_case_matters() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.reference for case in CASES)
    assert all(any(expected for _, expected in case.texts) for case in CASES)


def test_the_defects_of_the_design_are_there() -> None:
    patterns = {pattern for case in CASES for pattern in case.patterns}
    assert {r"curl(?s:.)*\|\s*python", r"^\d?A", r"[$&]\{[^}]*[$&]\{", r"\S+\s+\S+$"} <= patterns
    references = " ".join(case.reference for case in CASES)
    assert all(f"vectorscan/issues/{number}" in references for number in (304, 317, 377, 378, 382))
