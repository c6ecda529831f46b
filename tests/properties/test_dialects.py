"""A pattern of another dialect matches here what it matches in its own engine.

The engines of the three homes are at hand: ``re`` in Python, RE2 in PyArrow, Rust's regex in Polars.
"""

import random
import re
import warnings
from collections.abc import Callable, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scanner.engine.dialects.translate import judge_of
from scanner.signatures.model import Dialect
from tests.support.homes import invent
from tests.support.signatures import regex

PATTERNS = 3_000

Engine = Callable[[str, Sequence[str]], list[bool]]


def _python(pattern: str, texts: Sequence[str]) -> list[bool]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        compiled = re.compile(pattern)
    # `search` looks ahead with the flags of the whole pattern where a group has others: (?a:\W) misses "é" in 3.11.
    return [any(compiled.match(text, at) for at in range(len(text) + 1)) for text in texts]


def _re2(pattern: str, texts: Sequence[str]) -> list[bool]:
    return [bool(hit) for hit in pc.match_substring_regex(pa.array(list(texts)), pattern).to_pylist()]


def _rust(pattern: str, texts: Sequence[str]) -> list[bool]:
    return pl.Series(list(texts)).str.contains(pattern, strict=True).to_list()


HOMES: dict[Dialect, tuple[Engine, tuple[type[BaseException], ...]]] = {
    "python": (_python, (re.error,)),
    "re2": (_re2, (pa.ArrowInvalid,)),
    "rust": (_rust, (pl.exceptions.ComputeError,)),
}


@pytest.mark.parametrize("dialect", ["python", "re2", "rust"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 12))])
def test_a_pattern_means_what_it_means_at_home(dialect: Dialect, seed: int) -> None:
    engine, refusals = HOMES[dialect]
    compared = 0
    for number in range(PATTERNS):
        dice = random.Random(f"{dialect} {seed} {number}")
        pattern, texts = invent(dice, dialect)
        try:
            expected = engine(pattern, texts)
        except refusals:
            continue
        judge = judge_of(regex(pattern, dialect=dialect))
        assert [judge.search(text.encode()) for text in texts] == expected, (pattern, texts)
        compared += 1
    assert compared > PATTERNS / 2
