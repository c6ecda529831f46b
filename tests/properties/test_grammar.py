"""Pass one never misses: for any pattern that PCRE2 takes, it sees every cell that the judge matches."""

from collections import Counter

import pytest

from tests.support.grammar import Dice, pattern
from tests.support.pass_one import ask
from tests.support.signatures import regex

PATTERNS = 1_500


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 40))]
)
def test_pass_one_sees_what_the_judge_matches(seed: int) -> None:
    outcomes: Counter[str] = Counter()
    matches = 0
    for number in range(PATTERNS):
        dice = Dice(f"{seed} {number}")
        text, flags, texts = pattern(dice, dice.choice([1, 2, 3, 4]))
        asked = ask(regex(text, flags), texts)
        assert not asked.missed, (text, flags, asked.missed[0])
        outcomes[asked.outcome] += 1
        matches += asked.matches
    # The test would prove nothing if the patterns were not compiled, or matched nothing.
    assert outcomes["looked for"] > PATTERNS / 2, outcomes
    assert matches > PATTERNS, matches


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        # Read as a class, it ended the compiler; its members would have been looked for.
        ("[[:<:]]foo", "a foo"),
        ("foo[[:>:]]", "foo!"),
        # The bracket belongs to the escape.
        (r"[a\c]]x", "\x1dx"),
        # A possessive repeat with something between its signs.
        ("a+(?#c)+b", "aab"),
        ("(?x)a+ +b", "aab"),
        (r"a*\E+b", "aab"),
        # A `]` that stands for itself behind what means nothing.
        (r"[\E]a]b", "]b"),
        (r"[^\Q\E]a]b", "xb"),
        # It is no name of a class; asked about it, the judge refused it.
        (r"[\Q\E::]b", ":b"),
        ("(?xx)[ ^ ] ]b", "ab"),
        # A quantifier, and no name of a character.
        (r"\N{2}b", "aab"),
        # `(?^)` leaves the letters of `a` and `U`.
        (r"(*UCP)(?a)(?^)\Wb", "éb"),
    ],
)
def test_what_was_read_wrongly_once(text: str, cell: str) -> None:
    asked = ask(regex(text), [cell])
    assert (asked.matches, asked.missed, asked.outcome) == (1, (), "looked for")
