"""What Rust's engine tells of many cells is what the judge finds in each of them."""

import pyarrow as pa
import pytest

from scanner.engine.dialects.translate import judge_of
from scanner.engine.pcre import PatternRefused
from scanner.engine.sweep import sweep, sweeping
from scanner.views.raw import text_cells
from tests.support.grammar import Dice, pattern
from tests.support.signatures import regex

PATTERNS = 1_500


@pytest.mark.parametrize(
    "seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 40))]
)
def test_every_cell_that_the_judge_matches_and_no_other(seed: int) -> None:
    served = hits = 0
    for number in range(PATTERNS):
        dice = Dice(f"{seed} {number}")
        text, flags, texts = pattern(dice, dice.choice([1, 2, 3]))
        asked = regex(text, flags)
        try:
            judge = judge_of(asked)
        except PatternRefused:
            continue
        source = sweeping(asked)
        if source is None:
            continue
        found = sweep(source, text_cells(pa.array(texts)))
        assert found is not None
        expected = [index for index, cell in enumerate(texts) if judge.search(cell.encode())]
        assert found.tolist() == expected, (text, flags, source)
        served += 1
        hits += len(expected)
    assert served > PATTERNS / 20
    assert hits > served
