"""Where a record comes from: its id, its author, its time, and the columns that travel with a hit."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from scanner.archive.columns.cells import Int64s, extract_flat
from scanner.archive.columns.leaves import find_flat, is_text, show_type, storage_type
from scanner.archive.columns.paths import ColumnError
from scanner.archive.columns.pieces import Rows, taken, together
from scanner.archive.columns.texts import plain_values

TIME: Final = pa.timestamp("us", tz="UTC")
_MICROSECONDS_OF: Final = {"s": 10**6, "ms": 10**3, "us": 1}
_MICROSECONDS_OF_A_DAY: Final = 86_400 * 10**6
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def plain_type(schema: pa.Schema, path: str) -> pa.DataType:
    """The type that a column has in hits: no dictionary, no extension, text and bytes as ``string``.

    Raises:
        ColumnError: There is no such column, or it lies in a list, so that a record has many of it.
    """
    return _plain(find_flat(schema, path).type)


def check_key(schema: pa.Schema, path: str) -> None:
    """Makes sure that a column can identify a record or an actor.

    Raises:
        ColumnError: It cannot.
    """
    type_ = plain_type(schema, path)
    try:
        pa.array([], type_).cast(pa.string())
    except pa.ArrowNotImplementedError:
        raise ColumnError(path, f"holds {show_type(type_)}, which cannot be written as text") from None


def check_time(schema: pa.Schema, path: str) -> None:
    """Makes sure that a column can tell the time of a record.

    Raises:
        ColumnError: It cannot.
    """
    type_ = plain_type(schema, path)
    has_times = pa.types.is_timestamp(type_) or pa.types.is_date(type_)
    if not (has_times or pa.types.is_string(type_) or pa.types.is_null(type_)):
        message = f"holds {show_type(type_)}; a time is a timestamp, a date or an ISO 8601 text"
        raise ColumnError(path, message)


def provenance(
    batch: Rows,
    record_id: str | None,
    actor_id: str | None,
    event_time: str | None,
    carry: pa.Schema,
    rows: Int64s | None = None,
) -> pa.RecordBatch:
    """Columns of a hit that come from its record.

    Ids are written as text: numbers as digits, ``binary`` as the UTF-8 it holds or else as hexadecimal
    digits, ``fixed_size_binary`` always as hexadecimal digits. A time without zone is UTC; a text that is no
    ISO 8601 time, and a time outside the years 1 to 9999, becomes null. Bytes that are not UTF-8 in a string
    become U+FFFD.

    Args:
        batch: Holds the columns asked for.
        record_id: Path of the record's id; None leaves the column null.
        actor_id: Path of its author's id; None leaves the column null.
        event_time: Path of its time; None leaves the column null.
        carry: Fields to copy, named by their paths, with the types they shall have.
        rows: int64[n], rows of the batch to answer for, ascending; None for all.

    Returns:
        ``record_id: string, actor_id: string, event_time: timestamp[us, UTC]``, then the fields of ``carry``;
        one row for each of ``rows``.

    Raises:
        ColumnError: A column is not there or lies in a list.
        pyarrow.ArrowInvalid: A value does not fit the type it shall have.
    """
    length = batch.num_rows if rows is None else len(rows)

    def column(path: str) -> "pa.Array[Any]":
        values = extract_flat(batch, path)
        return plain_values(together(values) if rows is None else taken(values, rows))

    def text(path: str | None) -> "pa.Array[Any]":
        return pa.nulls(length, pa.string()) if path is None else column(path).cast(pa.string())

    time = pa.nulls(length, TIME) if event_time is None else _time(column(event_time))
    carried = [column(field.name).cast(field.type) for field in carry]
    ids = [pa.field("record_id", pa.string()), pa.field("actor_id", pa.string())]
    schema = pa.schema([*ids, pa.field("event_time", TIME), *carry])
    return pa.RecordBatch.from_arrays([text(record_id), text(actor_id), time, *carried], schema=schema)


def _plain(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type_):
        return _plain(storage_type(type_.value_type))
    return pa.string() if is_text(type_) else type_


def _time(values: Any) -> Any:
    type_ = values.type
    if pa.types.is_null(type_):
        return pa.nulls(len(values), TIME)
    if pa.types.is_string(type_):
        return pa.array([_parsed(text) for text in values.to_pylist()], TIME)
    if pa.types.is_date32(type_):
        return _since_epoch(values.cast(pa.int32()).cast(pa.int64()), _MICROSECONDS_OF_A_DAY)
    if pa.types.is_date64(type_):
        return _since_epoch(values.cast(pa.int64()), _MICROSECONDS_OF["ms"])
    ticks = values.cast(pa.int64())
    if type_.unit == "ns":
        return _since_epoch(pc.divide(ticks, 1000), 1)
    return _since_epoch(ticks, _MICROSECONDS_OF[type_.unit])


def _since_epoch(ticks: Any, microseconds: int) -> Any:
    """Times from ticks of some microseconds; null where Python's calendar has no such time."""
    lowest, highest = pa.scalar(-(-_FIRST // microseconds)), pa.scalar(_LAST // microseconds)
    inside = pc.and_(pc.greater_equal(ticks, lowest), pc.less_equal(ticks, highest))
    kept = pc.if_else(inside, ticks, pa.scalar(None, pa.int64()))
    return pc.multiply(kept, microseconds).cast(TIME)


def _parsed(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat((text or "").strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
