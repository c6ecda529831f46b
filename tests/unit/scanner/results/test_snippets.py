import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.results.mask import BYTES_PER_CHARACTER, CONTEXT, Evidence, match_hash, snippet
from scanner.results.snippets import Places, match_hashes, snippets

Hit = tuple[bytes, int, int]

_TEXT = st.text("ab 1é日😀\n\r\t\x00\x1b\u202e⟦⟧…\u2028\ufffe\U0010fffe\U0010ffff", max_size=60)


def places(hits: list[Hit]) -> Places:
    lengths = np.array([len(cell) for cell, _, _ in hits], np.int64)
    ends = np.cumsum(lengths)
    spans = np.array([(start, end) for _, start, end in hits], np.int64).reshape(-1, 2)
    spans += (ends - lengths)[:, None]
    data = np.frombuffer(b"".join(cell for cell, _, _ in hits), np.uint8)
    return Places(data, ends - lengths, spans[:, 0], spans[:, 1], ends)


def one_by_one(hits: list[Hit], evidence: Evidence) -> list[str | None]:
    return [snippet(cell, start, end, evidence) for cell, start, end in hits]


@st.composite
def hits_in(draw: st.DrawFn, text: st.SearchStrategy[str]) -> Hit:
    before, matched, after = (draw(text).encode() for _ in range(3))
    return before + matched + after, len(before), len(before + matched)


@pytest.mark.parametrize("evidence", ["masked", "clear", "hashed"])
@pytest.mark.parametrize(
    "text",
    [_TEXT, st.text("ab, 1", max_size=260), st.text("aé日😀\n\r", max_size=260)],
    ids=["any", "ascii", "wide"],
)
def test_many_at_once_are_what_each_is_alone(evidence: Evidence, text: st.SearchStrategy[str]) -> None:
    @given(st.lists(hits_in(text), max_size=6))
    def check(hits: list[Hit]) -> None:
        assert snippets(places(hits), evidence).to_pylist() == one_by_one(hits, evidence)

    check()


@given(_TEXT, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=5))
def test_hits_of_one_cell_may_stand_in_any_order_and_overlap(text: str, spans: list[tuple[int, int]]) -> None:
    cell = text.encode()
    ends = [len(text[:at].encode()) for at in range(len(text) + 1)]
    hits: list[Hit] = []
    for span in spans:
        start, end = sorted(ends[min(at, len(text))] for at in span)
        hits.append((cell, start, end))
    starts, stops = np.array([hit[1:] for hit in hits], np.int64).T
    zeros = np.zeros(len(hits), np.int64)
    shared = Places(
        np.frombuffer(b"--" + cell, np.uint8), zeros + 2, starts + 2, stops + 2, zeros + len(cell) + 2
    )
    assert snippets(shared, "masked").to_pylist() == one_by_one(hits, "masked")
    assert match_hashes(shared, b"k").to_pylist() == [match_hash(b"k", cell[a:b]) for _, a, b in hits]


def test_what_follows_a_match_may_end_within_the_last_character_of_all() -> None:
    """A place there once ran past the end of the buffer, and the row group was lost."""
    for length in range(CONTEXT * BYTES_PER_CHARACTER - 4, CONTEXT * BYTES_PER_CHARACTER + 5):
        for last in ("é", "日", "😀"):
            cell = b"x" + b"a" * length + last.encode()
            hits = [(cell, 0, 1), (("日" * 90).encode() + cell, 270, 271)]
            for some in (hits, hits[::-1], hits[:1]):
                assert snippets(places(some), "masked").to_pylist() == one_by_one(some, "masked")


@given(st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 300)), max_size=5))
def test_bytes_that_are_not_utf8_are_shown_as_each_is_alone(cells: list[Hit]) -> None:
    hits = [(cell, min(a, b, len(cell)), min(max(a, b), len(cell))) for cell, a, b in cells]
    assert snippets(places(hits), "clear").to_pylist() == one_by_one(hits, "clear")


@given(st.lists(hits_in(_TEXT), max_size=6), st.binary(min_size=1, max_size=40))
def test_matches_are_hashed_as_each_is_alone(hits: list[Hit], key: bytes) -> None:
    hits = [*hits, (b"x" * 2000, 1, 1999)] if len(hits) % 2 else hits
    expected = [match_hash(key, cell[start:end]) for cell, start, end in hits]
    assert match_hashes(places(hits), key).to_pylist() == expected
