"""What Parquet statistics say of columns, in the order in which predicates compare.

Source: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive.columns.leaves import Leaf, find, is_text
from scanner.archive.columns.paths import ColumnError
from scanner.archive.where.places import Held, plain
from scanner.archive.where.possible import ColumnStats

_BYTE_ARRAYS: Final = frozenset({"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"})


@dataclass(frozen=True, slots=True)
class Statistics:
    """Where the statistics of some columns stand in a file's footer.

    Attributes:
        leaves: Number and leaf of each column of the file that has statistics of use, by path.
    """

    leaves: dict[str, tuple[int, Leaf]]

    @classmethod
    def of(cls, schema: pa.Schema, columns: Iterable[str]) -> "Statistics":
        """Finds some columns in a file, whose statistics may be asked for; those that it lacks are left out.

        Args:
            schema: Arrow schema of the file.
            columns: Paths.
        """
        found = {}
        for path in columns:
            try:
                number, leaf = find(schema, path)
            except ColumnError:
                continue
            if leaf.path.is_single:
                found[path] = (number, leaf)
        return cls(found)

    def row_group(self, metadata: pq.RowGroupMetaData) -> dict[str, ColumnStats]:
        """What a row group's statistics say, by path; a column of which they say nothing has no bounds."""
        return {
            path: _column_stats(leaf, metadata.column(number)) for path, (number, leaf) in self.leaves.items()
        }


def _column_stats(leaf: Leaf, column: Any) -> ColumnStats:
    statistics = column.statistics
    if statistics is None:
        return ColumnStats(leaf.type)
    nulls = statistics.null_count if statistics.has_null_count else None
    low, high = None, None
    physical: str = column.physical_type
    if statistics.has_min_max and physical != "INT96":
        low = _held(statistics.min_raw, leaf.type, physical)
        high = _held(statistics.max_raw, leaf.type, physical)
        if low is None or high is None or low > high:
            low, high = None, None
    if pa.types.is_floating(plain(leaf.type)):
        high = None
    return ColumnStats(leaf.type, low, high, nulls)


def _held(raw: Any, declared: pa.DataType, physical: str) -> Any:
    """A bound as values are compared; None where it cannot be one."""
    type_ = plain(declared)
    if physical in _BYTE_ARRAYS:
        return _of_bytes(raw, type_)
    if pa.types.is_floating(type_):
        return None if math.isnan(raw) else float(raw)
    if pa.types.is_unsigned_integer(type_):
        return raw % (1 << type_.bit_width)
    whole = pa.types.is_integer(type_) or pa.types.is_decimal(type_)
    if whole or pa.types.is_timestamp(type_) or pa.types.is_date(type_) or pa.types.is_boolean(type_):
        held: Held = raw
        return held
    return None


def _of_bytes(raw: bytes, type_: pa.DataType) -> Held | None:
    if is_text(type_):
        return raw
    if pa.types.is_decimal(type_):
        return int.from_bytes(raw, "big", signed=True)
    return None
