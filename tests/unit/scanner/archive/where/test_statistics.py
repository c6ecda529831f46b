import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive.where import ColumnStats, Predicate, Statistics


def stats_of(values: "pa.Array[Any]", **options: Any) -> tuple[dict[str, ColumnStats], int]:
    """The statistics of one column, `c`, in one row group."""
    stored = io.BytesIO()
    pq.write_table(pa.table({"c": values}), stored, **options)
    with pq.ParquetFile(stored) as file:
        group = file.metadata.row_group(0)
        return Statistics.of(file.schema_arrow, ["c", "absent"]).row_group(group), group.num_rows


def days(*numbers: int) -> list[dt.datetime]:
    return [dt.datetime.fromisoformat(f"2026-01-{number:02}") for number in numbers]


@pytest.mark.parametrize(
    ("values", "kept", "removed"),
    [
        (
            pa.array([3, 5], pa.int16()),
            ["c >= 5", "c IN (1, 4)", "c <> 4", "c > 4.9"],
            ["c > 5", "c = 3.5", "c IN (1, 2, 9)", "c < 2.5"],
        ),
        (pa.array([1, 2**64 - 1], pa.uint64()), ["c > 9223372036854775808"], ["c = 0", "c < 0.5"]),
        (pa.array([1, 2**32 - 1], pa.uint32()), ["c > 2147483648"], ["c > 4294967295"]),
        (
            pa.array([Decimal("-1.50"), Decimal("2.00")]),
            ["c < -1.49", "c = 0"],
            ["c < -1.5", "c > 2", "c = 0.001"],
        ),
        (pa.array([Decimal("-1.50")] * 2, pa.decimal256(50, 2)), ["c = -1.5"], ["c <> -1.5", "c > 0"]),
        (pa.array([0.5, 2.5]), ["c < 1", "c > 9"], ["c < 0.5", "c = 0.1"]),
        (
            pa.array(["b", "d"]),
            ["c = 'c'", "c LIKE 'b%'", "c LIKE 'd_'", "c ILIKE 'A%'"],
            ["c < 'b'", "c LIKE 'e%'", "c LIKE 'a_c'", "c = 'x'"],
        ),
        (pa.array(["ab1", "ab2"]), ["c NOT LIKE 'ab1%'", "c NOT LIKE 'ab_'"], ["c NOT LIKE 'ab%'"]),
        (pa.array(["b", "d"]).dictionary_encode(), ["c = 'c'"], ["c > 'd'"]),
        (pa.array([b"b", b"d"], pa.binary(1)), ["c = 'c'"], ["c > 'd'"]),
        (pa.array([True, True]), ["c"], ["NOT c", "c = FALSE"]),
        (
            pa.array(days(3, 5), pa.date32()),
            ["c = '2026-01-04'", "c > TIMESTAMP '2026-01-04 23:00:00'"],
            ["c < '2026-01-03'", "c = TIMESTAMP '2026-01-04 01:00:00'"],
        ),
        (pa.array(days(3, 5), pa.timestamp("us")), ["c < DATE '2026-01-04'"], ["c > '2026-01-05 00:00:00'"]),
        (
            pa.array(days(3, 5), pa.timestamp("s", "Europe/Berlin")),
            ["c < '2026-01-03T01:30:00+01:00'"],
            ["c < '2026-01-03T01:00:00+01:00'"],
        ),
        (pa.array(days(3, 5), pa.timestamp("ns")), ["c > '2026-01-04'"], ["c > '2026-01-05'"]),
        (pa.array([1, None]), ["c IS NULL", "c IS NOT NULL"], []),
        (pa.array([1, 2]), ["c IS NOT NULL"], ["c IS NULL"]),
        (pa.array([None, None], pa.int64()), ["c IS NULL"], ["c = 1", "c <> 1", "c IS NOT NULL"]),
        (pa.nulls(2), ["c IS NULL"], ["c = 1", "NOT c = 1"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_statistics_of_every_type_prune(values: "pa.Array[Any]", kept: list[str], removed: list[str]) -> None:
    stats, rows = stats_of(values)
    assert stats.keys() == {"c"}
    assert [text for text in (*kept, *removed) if Predicate.parse(text).may_match(stats, rows)] == kept


def test_what_is_not_known_prunes_nothing() -> None:
    unknown = {"c": ColumnStats(pa.int64())}
    for text in ("c = 1", "c IS NULL", "c IS NOT NULL", "NOT c = 1", "other = 1"):
        assert Predicate.parse(text).may_match(unknown, 10)
        assert Predicate.parse(text).may_match({}, 10)
    without, rows = stats_of(pa.array([1, 2]), write_statistics=False)
    assert Predicate.parse("c > 9").may_match(without, rows)


def test_numbers_that_are_none_lie_above_all_others() -> None:
    stats, rows = stats_of(pa.array([float("nan"), 1.0]))
    assert Predicate.parse("c > 5").may_match(stats, rows)
    assert not Predicate.parse("c < 1").may_match(stats, rows)
    every, rows = stats_of(pa.array([float("nan")] * 2))
    assert Predicate.parse("c < 1").may_match(every, rows)


def test_the_term_that_removes_is_told() -> None:
    stats, rows = stats_of(pa.array([1, 2]))
    predicate = Predicate.parse("day = 'x' AND (c > 1 OR c IS NULL) AND c > 2")
    assert predicate.why_not(stats, rows, {"day": "x"}) == "c > 2"
    assert predicate.why_not(constants={"day": "y"}) == "day = 'x'"
    assert predicate.why_not(constants={"day": "x"}) is None


def test_bounds_that_contradict_each_other_are_none() -> None:
    stored = io.BytesIO()
    pq.write_table(pa.table({"c": [b"aaaa", b"zzzz"]}), stored, compression="none")
    with pq.ParquetFile(io.BytesIO(stored.getvalue().replace(b"aaaa", b"~~~~"))) as file:
        found = Statistics.of(file.schema_arrow, ["c"]).row_group(file.metadata.row_group(0))
    assert found == {"c": ColumnStats(pa.binary(), None, None, 0)}
