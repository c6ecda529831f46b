"""Iceberg tables with rows deleted by position, which pyiceberg reads and cannot write."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriterV2,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.typedef import Record


@contextlib.contextmanager
def table(folder: Path, schema: pa.Schema) -> Iterator[Table]:
    """A table in a folder, with a catalog beside it."""
    folder.mkdir()
    catalog = SqlCatalog("test", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    try:
        catalog.create_namespace("n")
        yield catalog.create_table("n.t", schema=schema)
    finally:
        catalog.engine.dispose()


def data_files(of: Table) -> list[str]:
    """The paths of its files of data, as the table writes them."""
    return [task.file.file_path for task in of.scan().plan_files()]


def delete_rows(
    of: Table,
    folder: Path,
    rows: Sequence[tuple[str, int]],
    content: DataFileContent = DataFileContent.POSITION_DELETES,
) -> None:
    """Deletes rows, each named by the path of its file and its index there."""
    path = folder / f"deletes-{len(list(folder.iterdir()))}.parquet"
    columns: dict[str, Any] = {"file_path": [file for file, _ in rows], "pos": [row for _, row in rows]}
    pq.write_table(pa.table(columns), path)
    entry = DataFile.from_args(
        content=content,
        file_path=f"file://{path}",
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=len(rows),
        file_size_in_bytes=path.stat().st_size,
        equality_ids=[1] if content == DataFileContent.EQUALITY_DELETES else None,
    )
    entry.spec_id = of.spec().spec_id
    with of.transaction() as transaction:
        _Deletes(Operation.DELETE, transaction, of.io).of(entry).commit()
    of.refresh()


class _Writer(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _Deletes(_FastAppendFiles):
    def of(self, file: DataFile) -> "_Deletes":
        self._file = file
        return self

    def _manifests(self) -> list[ManifestFile]:
        metadata: Any = self._transaction.table_metadata
        writer = _Writer(
            metadata.spec(),
            metadata.schema(),
            self.new_manifest_output(),
            self._snapshot_id,
            self._compression,
        )
        with writer:
            writer.add_entry(
                ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED, snapshot_id=self._snapshot_id, data_file=self._file
                )
            )
        return [*self._existing_manifests(), writer.to_manifest_file()]
