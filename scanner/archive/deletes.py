"""Rows of a file that its table says are deleted.

Source: https://iceberg.apache.org/spec/#position-delete-files
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scanner.archive import storage
from scanner.archive.columns.cells import Int64s
from scanner.archive.parquet.footers import opened
from scanner.archive.planning.splits import Split

_COLUMNS = ["file_path", "pos"]


def deleted_rows(split: Split) -> Int64s:
    """Indexes in the file of deleted rows, ascending; none where there are none.

    Raises:
        SourceError: A file that says which cannot be read.
    """
    found = [
        pa.array([], pa.int64()),
        *(rows for uri in split.deletes for rows in _of_file(uri, split.source_uri)),
    ]
    return np.unique(pa.concat_arrays(found).to_numpy())


def _of_file(uri: str, source_uri: str) -> Iterator["pa.Array[pa.Int64Scalar]"]:
    with opened(uri) as (file, _):
        for batch in file.iter_batches(columns=_COLUMNS, use_threads=False):
            paths = batch.column(_COLUMNS[0])
            meant = [
                path for path in pc.unique(paths).to_pylist() if storage.canonical(str(path)) == source_uri
            ]
            here = pc.is_in(paths, value_set=pa.array(meant, paths.type))
            yield batch.column(_COLUMNS[1]).filter(here)
