"""Public rules, each in the dialect of its home: they load, and the engine finds what the oracle finds."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matches
from scanner.engine.oracle import OracleMatcher
from scanner.engine.program import check_patterns, compile_ruleset
from scanner.errors import Problem
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.load import read_signatures
from scanner.signatures.model import Ruleset, Signature
from scanner.views.raw import Column
from tests.support.shared import DATA, RULE_SETS, count_rules, example_texts, shared, write_rules

KNOWN_TO_FAIL = {"doc20-3.107": "a class is not closed"}
"""Rules that their own engine does not take either → why not."""

SAMPLE = 250
"""Texts of each file in the quick test."""

Hit = tuple[int, int, int, tuple[tuple[int, int], ...]]


def load(name: str, folder: Path) -> tuple[list[Signature], list[Problem]]:
    """The rules of a set that load, and what is wrong with the others."""
    reading = read_signatures([write_rules(name, folder)])
    problems = check_patterns(reading.signatures)
    wrong = [*reading.problems, *(problem for problem in problems if not problem.warning)]
    refused = {problem.subject for problem in wrong}
    return [each for each in reading.signatures if each.id not in refused], wrong


@pytest.mark.parametrize("name", RULE_SETS)
def test_rules_load(name: str, tmp_path: Path) -> None:
    signatures, wrong = load(name, tmp_path)
    slow = [problem for problem in check_patterns(signatures) if "every cell" in problem.message]
    print(f"{name}: {len(signatures)} of {count_rules(name)} load, {len(slow)} are matched a cell at a time")
    for problem in (*wrong, *slow):
        print(f"  {problem}")
    assert {problem.subject for problem in wrong} <= KNOWN_TO_FAIL.keys()
    assert all(KNOWN_TO_FAIL[problem.subject] in problem.message for problem in wrong)
    assert len(signatures) >= 0.995 * count_rules(name)
    # Nothing but what every cell matches, or none.
    assert all("it can match" in problem.message for problem in slow)


def test_nearly_every_rule_loads(tmp_path: Path) -> None:
    loaded = sum(len(load(name, tmp_path)[0]) for name in RULE_SETS)
    assert loaded >= 0.995 * sum(map(count_rules, RULE_SETS))


def hits(matches: Matches) -> set[Hit]:
    columns = (matches.cells.tolist(), matches.signatures.tolist(), matches.match_counts.tolist())
    return {(*row, tuple(matches.spans(number))) for number, row in enumerate(zip(*columns, strict=True))}


def assert_equal(ruleset: Ruleset, texts: Column) -> int:
    expected = OracleMatcher(ruleset).match(texts, "text")
    found = HyperscanMatcher(compile_ruleset(ruleset)).match(texts, "text")
    missed = [(ruleset.signatures[hit[1]].id, hit) for hit in hits(expected) ^ hits(found)]
    assert missed == []
    # What pass one rules out need not be decided, and the oracle gives up on some of it.
    assert set(found.errors) <= set(expected.errors)
    return len(expected)


def sample(name: str, rows: int | None) -> Column:
    """Texts of a file, spread over all of it."""
    texts = pq.read_table(shared(f"data/{name}.parquet"), columns=["text"])["text"]
    if rows is None:
        return texts
    step = max(len(texts) // rows, 1)
    return pc.take(texts, pa.array(range(0, len(texts), step)))


@pytest.mark.parametrize("name", RULE_SETS)
def test_the_engine_finds_what_the_oracle_finds(name: str, tmp_path: Path) -> None:
    signatures, _ = load(name, tmp_path)
    ruleset = Ruleset(tuple(signatures), ruleset_digest(signatures))
    texts = [text for data in DATA for text in sample(data, SAMPLE).to_pylist()]
    found = assert_equal(ruleset, pa.array([*example_texts(name), *texts]))
    print(f"{name}: {found} hits in {len(texts)} texts and {len(example_texts(name))} examples")
    assert found


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", RULE_SETS)
def test_the_engine_finds_what_the_oracle_finds_in_everything(name: str, data: str, tmp_path: Path) -> None:
    signatures, _ = load(name, tmp_path)
    ruleset = Ruleset(tuple(signatures), ruleset_digest(signatures))
    print(f"{name} in {data}: {assert_equal(ruleset, sample(data, None))} hits")
