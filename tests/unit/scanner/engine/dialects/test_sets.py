import pytest

from scanner.engine.dialects import sets
from scanner.engine.patterns.classes import Ranges, members
from scanner.engine.pcre import expression

LETTERS = sets.property_members(r"\p{L}")


def test_algebra() -> None:
    left, right = ((1, 5), (8, 9)), ((4, 8),)
    assert sets.union(left, right) == ((1, 9),)
    assert sets.intersect(left, right) == ((4, 5), (8, 8))
    assert sets.subtract(left, right) == ((1, 3), (9, 9))
    assert sets.negate(sets.negate(left)) == left
    assert sets.union([(0xD7FE, 0xE001)]) == ((0xD7FE, 0xD7FF), (0xE000, 0xE001))


@pytest.mark.parametrize(
    "ranges",
    [
        ((0x61, 0x61),),
        (),
        sets.EVERYTHING,
        LETTERS,
        sets.union(LETTERS, ((0x30, 0x39),)),
        sets.subtract(LETTERS, ((0x61, 0x7A), (0x410, 0x420))),
        sets.property_members(r"\p{Alphabetic}"),
        sets.property_members(r"\p{Lu}"),
    ],
)
@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize("caseless", [False, True])
def test_a_spelling_matches_the_set_or_its_complement(ranges: Ranges, negated: bool, caseless: bool) -> None:
    spelled = sets.spelled(ranges, negated=negated, caseless=caseless)
    expected = sets.folded(ranges) if caseless else ranges
    found = members(spelled.encode(), caseless=caseless, unicode=False)
    assert sets.union(found) == (sets.negate(expected) if negated else expected)


def test_a_long_set_is_spelled_shortly() -> None:
    # PCRE2 takes no pattern that compiles to more than 64 KiB.
    spelled = sets.spelled(LETTERS, negated=False, caseless=False)
    assert spelled == r"[\p{L}]"
    expression(spelled.encode() * 500, "")
