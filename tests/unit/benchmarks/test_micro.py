from typing import get_args

import pyarrow as pa
import pytest

from benchmarks.micro.invented_rules import Kind, invent
from scanner.engine.oracle import OracleMatcher


@pytest.mark.parametrize("kind", get_args(Kind))
def test_exactly_what_was_planted_hits(kind: Kind) -> None:
    work = invent(kind, 24, 2_000)
    matches = OracleMatcher(work.ruleset).match(pa.array(work.texts), "text")
    found = set(zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True))
    assert found == work.hits
    assert len(found) > 10


def test_the_same_seed_invents_the_same() -> None:
    assert invent("regexes", 9, 50) == invent("regexes", 9, 50)
    assert invent("regexes", 9, 50) != invent("regexes", 9, 50, seed=8)
