from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.results import layout
from scanner.results.commit import committed
from scanner.results.finish import finish
from scanner.results.limits import Limits
from scanner.results.sample import ranks_of
from scanner.results.trim import trim
from tests.support.results import commit_split, hit, record


def ids(run: str, signature: str) -> list[str]:
    table = pq.read_table(f"{run}/hits")
    return sorted(row["hit_id"] for row in table.to_pylist() if row["signature_id"] == signature)


def lowest(hits: list[str], most: int) -> list[str]:
    ranks = ranks_of(pa.array(hits)).tolist()
    return sorted(name for _, name in sorted(zip(ranks, hits, strict=True))[:most])


@pytest.fixture
def run(tmp_path: Path) -> str:
    """Two splits in which `fraud.a` is noisy, and one in which it is not there."""
    uri = str(tmp_path)
    for split in range(2):
        rows = range(split * 1000, split * 1000 + 300)
        quiet = [hit("fraud.b", split * 1000 + 5)]
        commit_split(uri, split, [*(hit("fraud.a", row, "ann") for row in rows), *quiet])
    commit_split(uri, 2, [hit("fraud.b", row) for row in range(5000, 5020)])
    return uri


def test_a_noisy_signature_is_cut_to_one_sample_of_all_splits_and_its_count_stays_exact(run: str) -> None:
    before = ids(run, "fraud.a")
    untouched = Path(layout.hits_uri(run, f"{2:032x}.parquet")).stat()
    written = finish(run, record(limits=Limits(stored_hits_per_signature=50)))
    assert ids(run, "fraud.a") == lowest(before, 50)
    assert len(ids(run, "fraud.b")) == 22
    assert Path(layout.hits_uri(run, f"{2:032x}.parquet")).stat() == untouched
    rows = {row["signature_id"]: row for row in pq.read_table(layout.signatures_uri(run)).to_pylist()}
    assert {name: (row["hits"], row["truncated"]) for name, row in rows.items()} == {
        "fraud.a": (600, True),
        "fraud.b": (22, False),
        "idle.c": (0, False),
    }
    assert (written["truncated"], written["totals"]["hits"]) == (["fraud.a"], 622)


def test_a_split_is_cut_too_and_doing_it_again_changes_nothing(run: str) -> None:
    trim(run, committed(run), 50, 30)
    once = pq.read_table(f"{run}/hits")
    counts = [len(pq.read_table(layout.hits_uri(run, f"{split:032x}.parquet"))) for split in range(3)]
    assert max(counts) <= 30
    assert len(ids(run, "fraud.a")) == 50
    assert counts[2] == 20
    trim(run, committed(run), 50, 30)
    assert pq.read_table(f"{run}/hits").equals(once)
