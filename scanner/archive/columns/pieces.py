"""Columns in the pieces that they were decoded in: small pieces decode faster, and to copy them together costs that."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scanner.archive.columns.leaves import unwrap

Rows = pa.RecordBatch | pa.Table
"""Rows in one piece, or in several; of a table no column is nested."""

AnyRows = TypeVar("AnyRows", bound=Rows)


def as_table(rows: Rows) -> pa.Table:
    """The same rows."""
    return rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])


def column_of(rows: pa.Table, number: int) -> "pa.ChunkedArray[Any]":
    """A column in its pieces, without extension type."""
    values: pa.ChunkedArray[Any] = rows.column(number)
    if not isinstance(values.type, pa.BaseExtensionType):
        return values
    plain: pa.ChunkedArray[Any] = pa.chunked_array([unwrap(each) for each in values.chunks])
    return plain


def together(values: "pa.Array[Any] | pa.ChunkedArray[Any]") -> "pa.Array[Any]":
    """The same values in one piece."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def taken(values: "pa.Array[Any] | pa.ChunkedArray[Any]", places: npt.NDArray[np.int64]) -> "pa.Array[Any]":
    """Some values in one piece; `pyarrow.ChunkedArray.take` would first copy all of them together.

    Args:
        values: Of any type.
        places: int64[n], ascending.
    """
    if not isinstance(values, pa.ChunkedArray):
        return values.take(pa.array(places, pa.int64()))
    found = [together(values.slice(0, 0))]
    first = 0
    for piece in values.chunks:
        begin, end = np.searchsorted(places, [first, first + len(piece)])
        if begin < end:
            found.append(piece.take(pa.array(places[begin:end] - first, pa.int64())))
        first += len(piece)
    return pa.concat_arrays(found)
