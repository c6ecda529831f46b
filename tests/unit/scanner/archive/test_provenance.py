from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scanner.archive.columns.paths import ColumnError
from scanner.archive.provenance import TIME, check_key, check_time, plain_type, provenance

NOTHING = pa.schema([])
UTF8_BROKEN = pa.array([b"a\xffb", b"c"], pa.binary())


def times(values: "pa.Array[Any]") -> list[datetime | None]:
    batch = pa.record_batch({"at": values})
    found = provenance(batch, None, None, "at", NOTHING)["event_time"]
    assert found.type == TIME
    answer: list[datetime | None] = found.to_pylist()
    return answer


def ids(values: "pa.Array[Any]") -> list[str | None]:
    answer: list[str | None] = provenance(pa.record_batch({"id": values}), "id", None, None, NOTHING)[
        "record_id"
    ].to_pylist()
    return answer


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_a_timestamp_of_any_unit_and_zone_is_the_same_instant(unit: Any, zone: str | None) -> None:
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    ticks = pa.array([1_700_000_000 * per_second, -per_second, None], pa.int64())
    expected = [
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        None,
    ]
    assert times(ticks.cast(pa.timestamp(unit, zone))) == expected


def test_dates_are_their_first_moment() -> None:
    day = datetime(2026, 2, 28, tzinfo=UTC)
    assert times(pa.array([date(2026, 2, 28), None], pa.date32())) == [day, None]
    assert times(pa.array([date(2026, 2, 28)], pa.date64())) == [day]


@pytest.mark.parametrize("type_", [pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us")], ids=str)
def test_what_no_calendar_holds_is_null(type_: pa.DataType) -> None:
    ticks = pa.array([2**63 - 1, -(2**63), 0], pa.int64()).view(type_)
    assert times(ticks) == [None, None, datetime(1970, 1, 1, tzinfo=UTC)]
    assert times(pa.array([2**31 - 1, -(2**31)], pa.int32()).view(pa.date32())) == [None, None]


def test_texts_are_read_as_iso_8601_and_null_otherwise() -> None:
    texts = {
        "2026-03-04T05:06:07Z": datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        "2026-03-04 05:06:07.123456789+02:00": datetime(2026, 3, 4, 3, 6, 7, 123456, tzinfo=UTC),
        " 2026-03-04 ": datetime(2026, 3, 4, tzinfo=UTC),
        "yesterday": None,
        "04/03/2026": None,
        "0001-01-01T00:00+14:00": None,
        "": None,
    }
    assert times(pa.array([*texts, None])) == [*texts.values(), None]
    assert times(pa.array(texts).dictionary_encode()) == list(texts.values())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["a", None]), ["a", None]),
        (pa.array(["a", None], pa.string_view()), ["a", None]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array([2**64 - 1, None], pa.uint64()), ["18446744073709551615", None]),
        (pa.array([b"plain", b"\xff\x00"]), ["plain", "ff00"]),
        (pa.array([b"\x00" * 15 + b"a"], pa.binary(16)), ["00" * 15 + "61"]),
        (pa.array([b"\x00" * 16], pa.uuid()), ["00" * 16]),
        (pa.array([7, None], pa.int8()).dictionary_encode(), ["7", None]),
        (UTF8_BROKEN.view(pa.string()), ["a�b", "c"]),
        (pa.nulls(1), [None]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_ids_of_every_kind_become_text(values: "pa.Array[Any]", expected: list[str | None]) -> None:
    assert ids(values) == expected


def test_only_the_rows_asked_for_are_answered_nested_columns_too() -> None:
    author = pa.StructArray.from_arrays(
        [pa.array(["x", "hidden", "z"]), pa.array([1, 2, 3])],
        ["id", "age"],
        mask=pa.array([False, True, False]),
    )
    columns: dict[str, pa.Array[Any]] = {
        "n": pa.array([10, 11, 12]),
        "author": author,
        "lang": pa.array(["en", "de", None]),
    }
    batch = pa.record_batch(columns)
    types: dict[str, pa.DataType] = {"lang": pa.string(), "author.age": pa.int64()}
    carry = pa.schema(types)
    found = provenance(batch, "n", "author.id", None, carry, rows=np.array([2, 0, 1, 1]))
    assert found.to_pydict() == {
        "record_id": ["12", "10", "11", "11"],
        "actor_id": ["z", "x", None, None],
        "event_time": [None] * 4,
        "lang": [None, "en", "de", "de"],
        "author.age": [3, 1, None, None],
    }


def test_carried_columns_get_the_type_of_the_plan() -> None:
    types: dict[str, pa.DataType] = {"n": pa.int64(), "d": pa.string()}
    schema = pa.schema(types)
    batch = pa.record_batch({"n": pa.array([1], pa.int8()), "d": pa.array(["x"]).dictionary_encode()})
    assert provenance(batch, None, None, None, schema).schema.field("n").type == pa.int64()
    assert plain_type(batch.schema, "d") == pa.string()


def test_a_column_that_cannot_serve_is_refused() -> None:
    types: dict[str, pa.DataType] = {
        "n": pa.int64(),
        "tags": pa.list_(pa.string()),
        "i": pa.month_day_nano_interval(),
        "t": pa.time32("s"),
    }
    schema = pa.schema(types)
    with pytest.raises(ColumnError, match="lies in a list"):
        check_key(schema, "tags[]")
    with pytest.raises(ColumnError, match="cannot be written as text"):
        check_key(schema, "i")
    for path in ("n", "t"):
        with pytest.raises(ColumnError, match="a time is a timestamp, a date or an ISO 8601 text"):
            check_time(schema, path)
    check_key(schema, "n")
