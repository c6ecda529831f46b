import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from scanner import cache
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.program import MAX_SPELLED, check_patterns, compile_ruleset
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


def test_what_is_nested_as_deep_as_the_judge_takes_is_judged_and_announced() -> None:
    """Walking its tree took more frames than Python has, which was an internal error."""
    deep = ruleset(signature("deep", regex(f"{'(?:a' * 250}b{')+' * 250}")))
    (warning,) = check_patterns(deep.signatures)
    assert "matched against every cell" in warning.message
    assert len(HyperscanMatcher(compile_ruleset(deep)).match(pa.array(["a" * 250 + "b", "ab"]), "text")) == 1


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


def test_a_program_is_the_same_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"number {number} of é{number}" for number in range(2_000)]
    found = ruleset(
        *(signature(f"s{number}", regex(rf"{number}[a-z]{{2,15}}\s\W{{1,4}}x")) for number in range(20)),
        signature("exact", literal(*words)),
        signature("caseless", literal(*words, flags="i")),
        signature("ascii", literal(*(f"word-{number}" for number in range(2_000)), flags="i")),
    )
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "one"))
    cold = compile_ruleset(found)
    assert (tmp_path / "one").is_dir()
    warm = compile_ruleset(found)
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "two"))
    assert cold.digest == warm.digest == compile_ruleset(found).digest


@pytest.mark.parametrize("most", [0, MAX_SPELLED], ids=["in folded text", "spelled"])
def test_every_kind_of_literal_points_at_its_pattern(most: int) -> None:
    mixed = literal("Alpha", "ÉTÉ", "\N{KELVIN SIGN}ilo", "straße", flags="i")
    found = ruleset(
        signature("a", mixed),
        signature("b", literal("Alpha", "été")),
    )
    compiled = compile_ruleset(found, max_spelled=most)
    assert (len(compiled.databases), len(compiled.folded_databases)) == ((1, 1) if most == 0 else (2, 0))
    cells = [
        "ALPHA",
        "Alpha",
        "été",
        "Été",
        "KILO \N{KELVIN SIGN}ILO",
        "STRA\N{LATIN CAPITAL LETTER SHARP S}E",
    ]
    matches = HyperscanMatcher(compiled).match(pa.array(cells), "text")
    found_hits = list(zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True))
    assert found_hits == [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (4, 0), (5, 0)]
    assert matches.match_counts.tolist()[6] == 2


def test_thousands_of_literals_are_told_apart() -> None:
    one_list = signature(
        "list", literal(*(f"w{number}.hosting.example" for number in range(3_000)), flags="i")
    )
    singles = [signature(f"s{number}", literal(f"W{number}.Hosting.Example")) for number in range(3_000)]
    compiled = compile_ruleset(ruleset(one_list, *singles))
    cells = ["see W17.Hosting.Example", "see w2999.hosting.example", "w3000.hosting.example", "w17.hosting"]
    matches = HyperscanMatcher(compiled).match(pa.array(cells), "text")
    assert list(zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True)) == [
        (0, 0),
        (0, 18),
        (1, 0),
    ]
