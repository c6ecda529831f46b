import pyarrow as pa
import pytest

from scanner.errors import HuntError
from scanner.results.schemas import COVERAGE, SIGNATURES, hit_id, hits_schema


def test_hits_have_the_columns_of_the_design_in_order() -> None:
    types: dict[str, pa.DataType] = {"lang": pa.string(), "author.age": pa.int64()}
    assert hits_schema(pa.schema(types)).names == [
        "hunt", "run_id", "hit_id", "signature_id", "signature_digest", "severity", "category", "tags",
        "source_uri", "source_etag", "row_group", "row_index", "record_id", "actor_id", "event_time",
        "lang", "author.age",
        "column", "view", "start", "end", "match_count", "spans", "evidence", "match_hash", "scanned_at",
    ]  # fmt: skip


def test_every_column_that_would_be_there_twice_is_refused_by_name() -> None:
    carry = pa.schema([("evidence", pa.string()), ("lang", pa.string()), ("hunt", pa.string())])
    with pytest.raises(HuntError, match="hits have a column of this name already") as caught:
        hits_schema(carry)
    assert [problem.subject for problem in caught.value.problems] == ["evidence", "hunt"]


def test_coverage_and_signatures_hold_what_the_design_names() -> None:
    assert {
        "source_uri", "source_etag", "source_size_bytes", "row_groups", "columns", "ruleset_digest", "signature_set",
        "rows", "cells", "text_bytes", "hits", "status", "error", "attempts", "elapsed_s", "worker",
    } <= {*COVERAGE.names}  # fmt: skip
    assert {
        "signature_id", "hits", "records", "actors", "first_seen", "last_seen", "truncated", "expires", "ran",
    } <= {*SIGNATURES.names}  # fmt: skip


def test_a_hit_id_changes_with_each_thing_that_makes_the_hit() -> None:
    base = ("fraud.a", "digest", "/a.parquet", "1-2", 7, "text")
    others = [
        ("fraud.b", *base[1:]),
        (base[0], "other", *base[2:]),
        (*base[:2], "/b.parquet", *base[3:]),
        (*base[:3], "1-3", *base[4:]),
        (*base[:4], 8, base[5]),
        (*base[:5], "caption"),
    ]
    ids = {hit_id(*each) for each in (base, *others)}
    assert len(ids) == 7
    assert all(len(each) == 32 for each in ids)
    assert hit_id(*base) == hit_id(*base)
