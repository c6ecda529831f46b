from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.literals.indicators import CROWD, TAIL_BYTES, choose_needles


@given(st.lists(st.text("abé", min_size=1, max_size=30), max_size=40))
def test_what_is_looked_for_stands_in_the_literal(literals: list[str]) -> None:
    needles, numbers = choose_needles(literals)
    assert len(set(needles)) == len(needles)
    assert all(
        needles[number] and needles[number] in literal.encode()
        for number, literal in zip(numbers.tolist(), literals, strict=True)
    )


def test_literals_that_end_alike_are_told_apart_by_what_stands_before() -> None:
    hosts = [f"site{number:04}.hosting.example" for number in range(2_000)]
    needles, numbers = choose_needles([*hosts, "alone.hosting.example"])
    tails = Counter(needle[-TAIL_BYTES:] for needle in needles)
    assert max(tails.values()) <= CROWD
    assert min(map(len, needles)) >= TAIL_BYTES
    assert len(set(numbers.tolist())) == 2_001


def test_a_few_literals_are_left_as_they_are() -> None:
    hosts = [f"site{number}.hosting.example" for number in range(CROWD)]
    assert choose_needles(hosts)[0] == [host.encode() for host in hosts]


def test_literals_that_nothing_tells_apart_are_looked_for_all_the_same() -> None:
    literals = ["a" * length for length in range(1, 500)]
    needles, _ = choose_needles(literals)
    assert set(needles) <= {literal.encode() for literal in literals}
