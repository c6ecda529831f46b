import pickle

import pyarrow as pa
import pytest

from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.program import check_patterns, compile_ruleset
from scanner.errors import SignatureError
from tests.support.signatures import literal, regex, regexes, ruleset, signature


def test_every_pattern_that_does_not_compile_is_named() -> None:
    broken = ruleset(
        signature("one", regex("(a")), signature("two", regex("b")), signature("three", regex("[z-a]"))
    )
    with pytest.raises(SignatureError) as caught:
        compile_ruleset(broken)
    assert [problem.subject for problem in caught.value.problems] == ["one", "three"]
    assert "missing closing parenthesis" in caught.value.problems[0].message


def test_a_pattern_that_reads_every_cell_is_announced() -> None:
    (warning,) = check_patterns([signature("slow", regex("a*"))])
    assert warning.warning
    assert "matched against every cell" in warning.message


def test_a_pattern_that_only_speaks_against_a_hit_is_free() -> None:
    found = signature("s", regex("a", name="a"), regex("b*", name="b"), condition="a and not b")
    assert check_patterns([found]) == ()


def test_equal_patterns_are_compiled_once() -> None:
    program = compile_ruleset(regexes("abc", "abc", "abd"))
    assert len(program.target_offsets) - 1 == 2
    assert len(program.target_signatures) == 3


def test_a_program_pickles_and_still_matches() -> None:
    program = compile_ruleset(
        ruleset(signature("s", regex("ab"), condition=""), signature("t", literal("b")))
    )
    copy = pickle.loads(pickle.dumps(program))  # noqa: S301 - made one line above
    assert copy.digest == program.digest

    assert HyperscanMatcher(copy).match(pa.array(["ab", "b"]), "text").cells.tolist() == [0, 0, 1]


def test_no_signature_is_a_program_that_finds_nothing() -> None:

    assert len(HyperscanMatcher(compile_ruleset(ruleset())).match(pa.array(["a"]), "text")) == 0
