"""Iceberg tables. The only module that imports pyiceberg, which asks stores through our own door."""

import io
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from pyiceberg.io import PY_IO_IMPL, FileIO, InputFile
from pyiceberg.manifest import DataFileContent, FileFormat
from pyiceberg.table import StaticTable

from scanner.archive import storage
from scanner.archive.formats.table import Table, first_line, versions, wrong
from scanner.errors import SourceError

_METADATA: Final = ".metadata.json"
_OUR_DOOR: Final = f"{__name__}.StorageIO"


def open_iceberg(uri: str, at: int | None) -> Table:
    """Lists the files of a table.

    Args:
        uri: Its folder, or a metadata file.
        at: The snapshot; None for the latest.

    Raises:
        HuntError: There is no such table or snapshot, or it has what is not built.
    """
    location = storage.canonical(uri)
    try:
        table = StaticTable.from_metadata(_latest_metadata(uri, location), {PY_IO_IMPL: _OUR_DOOR})
        _refuse_renamed_columns(uri, table.schemas().values())
        if at is not None and table.snapshot_by_id(at) is None:
            raise wrong(uri, f"there is no snapshot {at}; there are {_listed(table.metadata.snapshots)}")
        tasks = list(table.scan(snapshot_id=at).plan_files())
    except SourceError as error:
        raise wrong(uri, str(error)) from error
    except (ValueError, OSError) as error:
        raise wrong(uri, f"cannot be read as an Iceberg table: {first_line(error)}") from error
    _refuse_other_files(uri, tasks)
    deletes = {
        storage.canonical(task.file.file_path): tuple(
            sorted(storage.canonical(each.file_path) for each in task.delete_files)
        )
        for task in tasks
        if task.delete_files
    }
    return Table(tuple(versions(uri, [task.file.file_path for task in tasks])), deletes)


def _latest_metadata(uri: str, location: str) -> str:
    if location.endswith(_METADATA):
        return location
    names = [name for name in storage.list_names(f"{location}/metadata") if name.endswith(_METADATA)]
    if not names:
        raise wrong(uri, "is no Iceberg table: there is no metadata/*.metadata.json in it")
    return f"{location}/metadata/{max(names, key=_number)}"


def _number(name: str) -> tuple[int, str]:
    """``v12.metadata.json`` and ``00012-….metadata.json`` are the twelfth."""
    digits = name.removeprefix("v").partition(".")[0].partition("-")[0]
    return (int(digits) if digits.isdecimal() else -1, name)


def _refuse_renamed_columns(uri: str, schemas: Iterable[Any]) -> None:
    """Files are read by the names of columns, which must then have meant the same in every schema."""
    names: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for schema in schemas:
        for number, name in schema._lazy_id_to_name.items():  # noqa: SLF001 - its own index
            if names.setdefault(number, name) != name or numbers.setdefault(name, number) != number:
                raise wrong(uri, f"its column `{name}` was renamed or made anew, which is not built yet")


def _refuse_other_files(uri: str, tasks: Iterable[Any]) -> None:
    for task in tasks:
        if task.file.file_format != FileFormat.PARQUET:
            raise wrong(uri, f"it has files of format {task.file.file_format}; only Parquet is built yet")
        for each in task.delete_files:
            if each.content != DataFileContent.POSITION_DELETES or each.file_format != FileFormat.PARQUET:
                raise wrong(
                    uri, "rows are deleted by equality or by deletion vectors, which is not built yet"
                )


def _listed(snapshots: Iterable[Any]) -> str:
    return ", ".join(str(each.snapshot_id) for each in snapshots) or "none"


class StorageIO(FileIO):
    """What pyiceberg reads metadata with: every store, with the credentials and the patience of everything else."""

    def new_input(self, location: str) -> InputFile:
        """A file to read."""
        return _Stored(location)

    def new_output(self, location: str) -> NoReturn:
        """Nothing is written."""
        raise NotImplementedError(location)

    def delete(self, location: object) -> NoReturn:
        """Nothing is removed."""
        raise NotImplementedError(location)


class _Stored(InputFile):
    def __len__(self) -> int:
        return storage.stat(self.location).size_bytes

    def exists(self) -> bool:
        return storage.exists(self.location)

    def open(self, seekable: bool = True) -> io.BytesIO:  # noqa: FBT001, FBT002, ARG002 - pyiceberg's
        return io.BytesIO(storage.read_bytes(self.location))
