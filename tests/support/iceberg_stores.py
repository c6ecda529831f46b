"""Iceberg tables on stores, written through our own door."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io import PY_IO_IMPL, OutputFile
from pyiceberg.table import Table

from scanner.archive import storage
from scanner.archive.formats.iceberg import StorageIO


class _Sent(io.BytesIO):
    """Is stored when it is closed."""

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri = uri

    def close(self) -> None:
        if not self.closed:
            with storage.open_output(self._uri) as sink:
                sink.write(self.getvalue())
        super().close()


class _Output(OutputFile):
    def __len__(self) -> int:
        return storage.stat(self.location).size_bytes

    def exists(self) -> bool:
        return storage.exists(self.location)

    def to_input_file(self):  # type: ignore[no-untyped-def]
        return StorageIO().new_input(self.location)

    def create(self, overwrite: bool = False) -> io.BytesIO:  # noqa: ARG002 - pyiceberg's
        return _Sent(self.location)


class WritingIO(StorageIO):
    """Writes too."""

    def new_output(self, location: str) -> OutputFile:  # type: ignore[override]
        return _Output(location)


@contextlib.contextmanager
def table(catalog_folder: Path, warehouse: str, schema: pa.Schema) -> Iterator[Table]:
    """A table below a URI, with a catalog on the local disk."""
    door = {PY_IO_IMPL: f"{WritingIO.__module__}.{WritingIO.__name__}"}
    catalog = SqlCatalog("test", uri=f"sqlite:///{catalog_folder}/catalog.db", warehouse=warehouse, **door)
    try:
        catalog.create_namespace("n")
        yield catalog.create_table("n.t", schema=schema)
    finally:
        catalog.engine.dispose()
