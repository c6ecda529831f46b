from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from scanner.results.sample import Lowest, Mask, Ranks, Sampling, ranks_of
from scanner.results.schemas import hit_id

Signatures = np.ndarray[Any, np.dtype[np.int64]]


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
        bound = lowest.bound_with(ranks)
        kept += [rank for rank in part if bound is None or rank <= bound]
        lowest.add(ranks)
    everything = sorted({rank for part in parts for rank in part})
    assert sorted(set(kept))[:most] == everything[:most]
    bound = lowest.bound()
    assert bound == (everything[most - 1] if len(everything) > most else None)


def likely(sampling: Sampling, signatures: Signatures, ranks: Ranks, start: int, stop: int) -> Mask:
    mask = sampling.likely(signatures[start:stop], ranks[start:stop])
    sampling.add(signatures[start:stop], ranks[start:stop])
    return mask


def test_what_is_asked_about_is_not_added() -> None:
    ranks = ranks_of(pa.array(ids(50)))
    signatures = np.zeros(50, np.int64)
    sampling = Sampling(per_signature=10, in_all=10)
    for _ in range(2):
        kept = sampling.likely(signatures, ranks)
        assert np.flatnonzero(kept).tolist() == sorted(np.argsort(ranks)[:10].tolist())
    assert sampling.bound is None
    assert likely(sampling, signatures, ranks, 40, 50).all()
    sampling.add(signatures, ranks)
    assert sampling.bound == np.sort(ranks)[9]


def test_a_noisy_signature_takes_no_room_from_the_others() -> None:
    sampling = Sampling(per_signature=10, in_all=None)
    ranks = ranks_of(pa.array(ids(5_000)))
    signatures = np.where(np.arange(5_000) % 1_000 == 0, 1, 0)
    kept = np.concatenate([likely(sampling, signatures, ranks, at, at + 100) for at in range(0, 5_000, 100)])
    assert kept[signatures == 1].all()
    assert 10 <= kept[signatures == 0].sum() < 300
    assert not Sampling(None, None).bounded


def test_a_hit_that_is_added_twice_counts_once() -> None:
    ranks = ranks_of(pa.array(ids(40)))
    signatures = np.zeros(40, np.int64)
    sampling = Sampling(per_signature=30, in_all=None)
    for _ in range(3):
        assert likely(sampling, signatures, ranks, 0, 30).all()
    likely(sampling, signatures, ranks, 0, 40)
    lowest = np.flatnonzero(sampling.still_likely(signatures, ranks))
    assert lowest.tolist() == sorted(np.argsort(ranks)[:30].tolist())


def test_what_waited_to_be_written_is_asked_about_again() -> None:
    sampling = Sampling(per_signature=10, in_all=None)
    ranks = ranks_of(pa.array(ids(100)))
    signatures = np.zeros(100, np.int64)
    assert likely(sampling, signatures, ranks, 0, 10).all()
    likely(sampling, signatures, ranks, 10, 100)
    still = sampling.still_likely(signatures, ranks)
    assert np.flatnonzero(still).tolist() == sorted(np.argsort(ranks)[:10].tolist())
    assert sampling.still_likely(signatures[:0], ranks[:0]).tolist() == []
