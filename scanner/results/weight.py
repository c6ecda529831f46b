"""How many bytes rows hold, told by their values alone, so that whoever cuts the same rows cuts them alike.

What Arrow tells of a table is not that: it depends on how the table came to be.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Weights = np.ndarray[Any, np.dtype[np.int64]]

_OF_BYTES: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)


def row_bytes(rows: pa.Table) -> Weights:
    """int64[n], how many bytes the values of each row take; hardly more than Arrow takes for them."""
    weights = np.zeros(len(rows), np.int64)
    start = 0
    for batch in rows.to_batches():
        for column in batch.columns:
            weights[start : start + len(batch)] += _weights(column)
        start += len(batch)
    return weights


def full_ends(weights: Weights, most_rows: int, most_bytes: int) -> Iterator[int]:
    """Where pieces of rows end that are full: one begins where the one before ends, and has one row at least.

    Args:
        weights: int64[n], bytes of each row.
        most_rows: A piece of so many is full.
        most_bytes: So is one whose rows hold as much, or more by less than its last row.
    """
    totals = np.cumsum(weights)
    start, before = 0, 0
    while start < len(totals):
        by_bytes = int(np.searchsorted(totals, before + most_bytes)) + 1
        end = min(start + most_rows, max(by_bytes, start + 1))
        if end > len(totals):
            return
        yield end
        start, before = end, int(totals[end - 1])


def _weights(values: Any) -> Weights:
    values = _plain(values)
    type_: Any = values.type
    if pa.types.is_struct(type_):
        return sum(map(_weights, values.flatten()), np.zeros(len(values), np.int64))
    if pa.types.is_nested(type_):
        return _of_lists(values)
    if any(is_it(type_) for is_it in _OF_BYTES):
        return _numbers(pc.binary_length(values))
    width = 0 if pa.types.is_null(type_) else -(-type_.bit_width // 8)
    return np.full(len(values), width, np.int64)


def _plain(values: Any) -> Any:
    """The same values in a type whose lengths Arrow can tell."""
    type_: Any = values.type
    if isinstance(values, pa.ExtensionArray):
        return _plain(values.storage)
    if pa.types.is_dictionary(type_):
        return _plain(values.dictionary_decode())
    if pa.types.is_string_view(type_) or pa.types.is_binary_view(type_):
        return values.cast(pa.large_binary())
    if pa.types.is_map(type_):
        return values.cast(pa.list_(pa.struct([type_.key_field, type_.item_field])))
    return values


def _of_lists(values: Any) -> Weights:
    lengths = _numbers(pc.list_value_length(values))
    totals = np.concatenate([np.zeros(1, np.int64), np.cumsum(_weights(pc.list_flatten(values)))])
    ends = np.cumsum(lengths)
    sums: Weights = totals[ends] - totals[ends - lengths]
    return sums


def _numbers(counts: Any) -> Weights:
    numbers: Weights = counts.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers
