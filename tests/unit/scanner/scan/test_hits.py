import numpy as np
import pyarrow as pa

from scanner.engine.matches import Matches
from scanner.results.sample import ranks_of
from scanner.results.schemas import hit_id
from scanner.scan.hits import hit_id_column, hit_ranks
from tests.support.signatures import regexes


def test_ids_of_many_hits_are_what_each_is_alone() -> None:
    signatures = regexes("a", "b", "c").signatures
    none = np.zeros(0, np.int64)
    numbers = np.array([2, 0, 2, 1, 0], np.int64)
    rows = np.array([0, 7, 0xFFFF_FFFF_FFFF, 300, 7], np.int64)
    paths = ["text", "replies[0].text", "text", "text", "replies[1].text"]
    matches = Matches(none, numbers, none, np.zeros(1, np.int64), none, none)
    source = ("/a.parquet", "1-2")
    found = hit_id_column(signatures, matches, source, pa.array(paths), rows)
    chosen = [signatures[number] for number in numbers]
    assert found.to_pylist() == [
        hit_id(signature.id, signature.digest, *source, row, path)
        for signature, row, path in zip(chosen, rows.tolist(), paths, strict=True)
    ]
    assert len(set(found.to_pylist())) == 5
    ranks = hit_ranks(signatures, matches.signatures, source, pa.array(paths), rows)
    assert ranks.tolist() == ranks_of(found).tolist()
