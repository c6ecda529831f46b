"""Where a written value lies among the values that a column can hold.

Columns and values are compared in one order: numbers by size, with NaN above all, texts by their bytes, times by
their ticks. A value that a column cannot hold, such as 1.5 in a column of integers, lies between two that it can.
"""

import datetime as dt
import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.archive.columns.leaves import is_text, show_type, storage_type
from scanner.archive.where.tree import Kind, Value
from scanner.errors import HindcastError

Held = bool | int | float | bytes | Fraction
"""A value as it is compared: decimals as their digits without the point, times as ticks since 1970."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)
_MAX_NUMBER_CHARACTERS: Final = 100
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_TICKS_A_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MICROSECONDS_A_DAY: Final = 86_400 * 10**6
_BEYOND_MICROSECONDS: Final = re.compile(r"[.,]\d{7}")
_LIKE_A_TIME: Final = re.compile(r"\d{4}-?(\d|W)")


class UnfitError(HindcastError):
    """A value cannot be compared with a column.

    Attributes:
        reason: Why, and what to write instead.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies.

    Attributes:
        floor: The value, or the greatest below it that the column can hold.
        exact: True where it is the value itself.
    """

    floor: Held
    exact: bool = True


def number(text: str) -> Fraction | None:
    """The number that a text is; None where it is none, or an absurdly long one."""
    if len(text) > _MAX_NUMBER_CHARACTERS or not _NUMBER.fullmatch(text):
        return None
    try:
        return Fraction(Decimal(text))
    except InvalidOperation:
        return None


def microseconds(text: str) -> int | None:
    """Microseconds since 1970 of an ISO 8601 date or time, in UTC where it names no zone; None for others."""
    if not _LIKE_A_TIME.match(text) or _BEYOND_MICROSECONDS.search(text):
        return None
    try:
        time = dt.datetime.fromisoformat(text)
        zoned = time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return (zoned - _EPOCH) // _MICROSECOND


def spelled(moment: int) -> str:
    """A moment as `microseconds` reads it, and midnight as a date."""
    time = (_EPOCH + moment * _MICROSECOND).replace(tzinfo=None)
    return time.isoformat(sep=" ").removesuffix(" 00:00:00")


def read(kind: Kind, text: str) -> Held | None:
    """A text, such as a part of a file's path, as a value of some kind; None where it is none."""
    if kind == "number":
        return number(text)
    if kind == "time":
        return microseconds(text)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower())
    return text.encode(errors="surrogateescape")


def place(value: Value, declared: pa.DataType) -> Place:
    """Where a value lies among those of a type.

    Raises:
        UnfitError: They cannot be compared.
    """
    type_ = plain(declared)
    if is_text(type_) and value.kind == "text":
        return _text(value.text.encode(), type_)
    if is_text(type_):
        message = (
            f"holds text; write the value in quotes{', without DATE or TIMESTAMP' * (value.kind == 'time')}"
        )
        raise UnfitError(message)
    if pa.types.is_boolean(type_):
        return _boolean(value)
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return _time(value, type_)
    if pa.types.is_integer(type_) or pa.types.is_decimal(type_) or pa.types.is_floating(type_):
        return _number(value, type_)
    message = f"holds {show_type(type_)}, which can only be compared by IS NULL"
    raise UnfitError(message)


def plain(type_: pa.DataType) -> pa.DataType:
    """A type without extension and dictionary."""
    type_ = storage_type(type_)
    return storage_type(type_.value_type) if pa.types.is_dictionary(type_) else type_


def limits(type_: pa.DataType) -> tuple[int, int]:
    """The least and the greatest that a type of integers, decimals, dates or times can hold, as compared."""
    if pa.types.is_decimal(type_):
        most = int(10**type_.precision) - 1
        return -most, most
    if pa.types.is_unsigned_integer(type_):
        return 0, int(2**type_.bit_width) - 1
    half = int(2 ** (type_.bit_width - 1))
    return -half, half - 1


def _text(text: bytes, type_: Any) -> Place:
    if pa.types.is_fixed_size_binary(type_) and len(text) != type_.byte_width:
        message = f"holds {show_type(type_)}; write a text of as many bytes, or leave this column out"
        raise UnfitError(message)
    return Place(text)


def _boolean(value: Value) -> Place:
    if value.kind != "boolean":
        message = "holds booleans; write TRUE or FALSE"
        raise UnfitError(message)
    return Place(value.text == "true")


def _number(value: Value, type_: Any) -> Place:
    exact = number(value.text) if value.kind == "number" else None
    if exact is None:
        message = f"holds {show_type(type_)}; write a number, without quotes"
        raise UnfitError(message)
    if pa.types.is_floating(type_):
        return Place(_rounded(exact, type_))
    scaled = exact * 10**type_.scale if pa.types.is_decimal(type_) else exact
    floor = math.floor(scaled)
    return Place(floor, floor == scaled)


def _rounded(exact: Fraction, type_: pa.DataType) -> float:
    """The nearest that the column can hold, as databases compare decimal digits with floating point."""
    try:
        with np.errstate(over="ignore"):
            rounded = float(np.dtype(type_.to_pandas_dtype()).type(float(exact)))
    except OverflowError:
        rounded = math.inf
    if math.isinf(rounded):
        message = f"holds {show_type(type_)}; the number is too large for it"
        raise UnfitError(message)
    return rounded


def _time(value: Value, type_: Any) -> Place:
    moment = microseconds(value.text) if value.kind in {"time", "text"} else None
    if moment is None:
        message = (
            f"holds {show_type(type_)}; write a date or a time such as '2026-01-31' or '2026-01-31 18:30:00'"
        )
        raise UnfitError(message)
    if pa.types.is_date32(type_):
        ticks, rest = divmod(moment, _MICROSECONDS_A_DAY)
    else:
        unit = "ms" if pa.types.is_date64(type_) else type_.unit
        ticks, rest = divmod(moment * _TICKS_A_SECOND[unit], _TICKS_A_SECOND["us"])
    return Place(ticks, rest == 0)
