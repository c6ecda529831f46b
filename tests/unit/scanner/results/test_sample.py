import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from scanner.results.sample import Lowest, Sampling, ranks_of
from scanner.results.schemas import hit_id


def ids(count: int) -> list[str]:
    return [hit_id("fraud.a", "digest", "/a.parquet", "1-2", row, "text") for row in range(count)]


def test_ranks_depend_on_the_id_alone_and_are_spread_evenly() -> None:
    names = ids(20_000)
    ranks = ranks_of(pa.array(names))
    assert np.array_equal(ranks_of(pa.array(names)[5_000:5_010]), ranks[5_000:5_010])
    assert len(set(ranks.tolist())) == len(names)
    # Of rows that follow each other as many fall into each sixteenth as chance lets them.
    counts = np.bincount((ranks >> np.uint64(60)).astype(np.int64), minlength=16)
    assert counts.min() > 1_100
    assert counts.max() < 1_400
    lowest = np.argsort(ranks)[:1_000]
    assert 9_000 < lowest.mean() < 11_000, "the sample favours neither the first rows nor the last"


@given(parts=st.lists(st.lists(st.integers(0, 1 << 16), max_size=40), max_size=12), most=st.integers(1, 30))
def test_the_lowest_are_known_at_the_end_and_never_left_out_before(parts: list[list[int]], most: int) -> None:
    lowest, kept = Lowest(most), []
    for part in parts:
        ranks = np.array(part, np.uint64)
        lowest.add(ranks)
        kept += ranks[lowest.likely(ranks)].tolist()
    everything = sorted({rank for part in parts for rank in part})
    assert sorted(set(kept))[:most] == everything[:most]
    bound = lowest.bound()
    assert bound == (everything[most - 1] if len(everything) > most else None)


def test_a_noisy_signature_takes_no_room_from_the_others() -> None:
    sampling = Sampling(per_signature=10, in_all=None)
    ranks = ranks_of(pa.array(ids(5_000)))
    signatures = np.where(np.arange(5_000) % 1_000 == 0, 1, 0)
    kept = np.concatenate(
        [sampling.likely(signatures[at : at + 100], ranks[at : at + 100]) for at in range(0, 5_000, 100)]
    )
    assert kept[signatures == 1].all()
    assert 10 <= kept[signatures == 0].sum() < 300
    assert not Sampling(None, None).bounded


def test_a_hit_that_is_added_twice_counts_once() -> None:
    ranks = ranks_of(pa.array(ids(40)))
    signatures = np.zeros(40, np.int64)
    sampling = Sampling(per_signature=30, in_all=None)
    for _ in range(3):
        assert sampling.likely(signatures[:30], ranks[:30]).all()
    sampling.likely(signatures, ranks)
    lowest = np.flatnonzero(sampling.still_likely(signatures, ranks))
    assert lowest.tolist() == sorted(np.argsort(ranks)[:30].tolist())


def test_what_waited_to_be_written_is_asked_about_again() -> None:
    sampling = Sampling(per_signature=10, in_all=None)
    ranks = ranks_of(pa.array(ids(100)))
    signatures = np.zeros(100, np.int64)
    before = sampling.likely(signatures[:12], ranks[:12])
    sampling.likely(signatures[12:], ranks[12:])
    assert before.all()
    still = sampling.still_likely(signatures, ranks)
    assert np.flatnonzero(still).tolist() == sorted(np.argsort(ranks)[:10].tolist())
    assert sampling.still_likely(signatures[:0], ranks[:0]).tolist() == []
