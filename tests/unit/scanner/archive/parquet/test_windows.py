from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.parquet.page_check import Chunk
from scanner.archive.parquet.windows import GAP_BYTES, WHOLE_BYTES, WINDOW_BYTES, Window, windows

MIB = 1 << 20


def laid_out(*groups: list[int], gap: int = 0) -> tuple[list[list[Chunk]], int]:
    """Row groups of chunks of some lengths, one after the other, and the size of the file."""
    at, made = 4, []
    for lengths in groups:
        chunks = []
        for length in lengths:
            chunks.append(Chunk(at, at + length, length))
            at += length + gap
        made.append(chunks)
    return made, at + 1000


def test_a_small_file_is_one_request() -> None:
    groups, size = laid_out([300_000, 20, 500_000], [300_000, 20, 500_000], [10, 10, 10], gap=5_000)
    [window] = windows(groups, size)
    assert (window.start, window.end, window.last_group) == (4, groups[-1][-1].end, 2)


def test_what_lies_far_apart_is_not_fetched_along() -> None:
    groups, size = laid_out([1000, 1000], gap=GAP_BYTES + 1)
    assert [window.length for window in windows(groups, size)] == [1000, 1000]


def test_a_large_row_group_is_fetched_a_part_of_each_column_at_a_time() -> None:
    groups, size = laid_out([100 * MIB, 2 * MIB, 50 * MIB, 1000])
    found = list(windows(groups, size))
    assert [window.chunk for window in found[:4]] == groups[0]
    assert max(window.length for window in found) == 4 * MIB
    places = [(window.start - window.chunk.start) / window.chunk.uncompressed_bytes
              for window in found if window.chunk]  # fmt: skip
    assert places == sorted(places)
    assert len(places) == len(found)


LENGTHS = st.integers(0, 2 * WHOLE_BYTES) | st.integers(0, 5000)


@given(
    st.lists(st.lists(LENGTHS, max_size=4), max_size=6), st.sampled_from([0, 100, GAP_BYTES, GAP_BYTES + 1])
)
def test_windows_hold_every_byte_once_and_little_else(lengths: list[list[int]], gap: int) -> None:
    groups, size = laid_out(*lengths, gap=gap)
    found = list(windows(groups, size))
    assert all(0 < window.length <= WINDOW_BYTES for window in found)
    by_place = sorted(found, key=lambda window: window.start)
    assert all(one.end <= other.start for one, other in pairwise(by_place))
    for number, chunks in enumerate(groups):
        for chunk in chunks:
            assert held(chunk, found, number) == chunk.end - chunk.start
    needed = sum(sum(each) for each in lengths)
    assert needed <= sum(window.length for window in found) <= needed + GAP_BYTES * sum(map(len, lengths))


def held(chunk: Chunk, found: list[Window], number: int) -> int:
    """Bytes of a chunk in windows that are kept for its row group."""
    return sum(
        max(0, min(window.end, chunk.end) - max(window.start, chunk.start))
        for window in found
        if window.last_group >= number
    )


def test_what_a_footer_invents_is_left_out() -> None:
    groups = [[Chunk(-5, 100, 9), Chunk(900, 10**12, 9), Chunk(2000, 3000, 9), Chunk(500, 400, 9)]]
    assert list(windows(groups, 1000)) == [Window(900, 1000, 0)]
