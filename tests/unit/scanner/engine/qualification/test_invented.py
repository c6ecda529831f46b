import os
import random
import subprocess
import sys
from pathlib import Path

from scanner.engine.pcre import expression
from scanner.engine.qualification.invented import (
    CLASSES,
    invent_block,
    invent_literals,
    invent_pattern,
    invent_prefiltered,
    invent_text,
)
from scanner.engine.qualification.tree import ALPHABET

ROOT = Path(__file__).parents[5]


def invent(seed: int) -> list[object]:
    dice = random.Random(seed)
    pattern = invent_pattern(dice)
    literals = invent_literals(dice, 5)
    text = invent_text(dice, pattern)
    return [pattern, text.data, literals, invent_block(dice, literals), invent_prefiltered(dice, 2)]


def test_the_same_seed_invents_the_same_in_every_process() -> None:
    code = "from test_invented import invent; print([invent(n) for n in range(20)])"
    path = f"{ROOT}{os.pathsep}{Path(__file__).parent}"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(printed) == 1
    assert len({str(invent(seed)) for seed in range(20)}) == 20


def test_half_of_the_texts_and_more_are_matched() -> None:
    dice = random.Random(1)
    patterns = [invent_pattern(dice) for _ in range(200)]
    matched = [expression(p.source.encode(), "m").search(invent_text(dice, p).data) for p in patterns]
    assert sum(matched) > 100


def test_texts_are_of_the_alphabet_and_each_class_matches_some_of_it_and_not_all() -> None:
    dice = random.Random(2)
    assert all(set(invent_text(dice, invent_pattern(dice)).chars) <= set(ALPHABET) for _ in range(50))
    for source in set(CLASSES) - {"(?s:.)"}:
        judge = expression(source.encode(), "")
        assert 0 < sum(judge.search(char.encode()) for char in ALPHABET) < len(ALPHABET), source


def test_literals_differ_and_blocks_hold_them() -> None:
    dice = random.Random(3)
    literals = invent_literals(dice, 150)
    assert len(set(literals)) == 150
    assert b"" not in literals
    assert any(literal in invent_block(dice, [literal]) for literal in literals)
