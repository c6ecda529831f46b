"""Bytes put aside on the local disk while something larger than memory is sorted."""

import os
import tempfile
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
import pyarrow as pa

from scanner.errors import OutputError

_CODEC: Final = "lz4_raw"

Numbers = np.ndarray[Any, Any]


class Shelf(AbstractContextManager["Shelf"]):
    """A temporary file without a name, so that nothing is left of it however the process ends."""

    def __init__(self) -> None:
        # It is closed as this is.
        self._file = tempfile.TemporaryFile(prefix="hindcast-", buffering=0)  # noqa: SIM115
        self._end = 0

    def __exit__(self, *_: object) -> None:
        """Gives the space back."""
        self._file.close()

    def put_numbers(self, numbers: Numbers) -> "StoredNumbers":
        """Puts an array of one dimension aside.

        Raises:
            OutputError: There is no space for it.
        """
        return StoredNumbers(self._file.fileno(), self._put(numbers.tobytes()), numbers.dtype)

    def put_rows(self, rows: pa.RecordBatch) -> "StoredRows":
        """Puts rows aside, compressed.

        Raises:
            OutputError: There is no space for them.
        """
        plain = rows.serialize()
        packed = pa.compress(plain, codec=_CODEC, asbytes=True)
        sizes = (len(packed), plain.size)
        return StoredRows(self._file.fileno(), self._put(packed), sizes, rows.schema)

    def _put(self, data: bytes) -> int:
        left, offset = memoryview(data), self._end
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise OutputError(tempfile.gettempdir(), (error.strerror or str(error)).lower()) from error
        self._end += len(data)
        return offset


class StoredNumbers:
    """An array that was put aside; open as long as its shelf is."""

    def __init__(self, descriptor: int, offset: int, dtype: "np.dtype[Any]") -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._dtype = dtype

    def read(self, start: int, count: int) -> Numbers:
        """Some of it."""
        width = self._dtype.itemsize
        data = os.pread(self._descriptor, count * width, self._offset + start * width)
        return np.frombuffer(data, self._dtype)


class StoredRows:
    """Rows that were put aside; open as long as their shelf is."""

    def __init__(self, descriptor: int, offset: int, sizes: tuple[int, int], schema: pa.Schema) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._packed_bytes, self._plain_bytes = sizes
        self._schema = schema

    def read(self) -> pa.RecordBatch:
        """All of them."""
        packed = os.pread(self._descriptor, self._packed_bytes, self._offset)
        plain = pa.decompress(packed, self._plain_bytes, codec=_CODEC)
        return pa.ipc.read_record_batch(pa.py_buffer(plain), self._schema)
