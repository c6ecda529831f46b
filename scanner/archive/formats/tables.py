"""Tables of files, read by their own libraries as far as the list of files goes; the files are Parquet.

A table is hunted as it was at one version. What cannot be honoured of it is refused by name: rows that a table says
are deleted must not turn up, and columns must not be mistaken for others.
"""

import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scanner.archive import storage
from scanner.archive.planning.partitions import partitions_of
from scanner.archive.storage import FileInfo, Missing
from scanner.errors import HuntError, Problem, SourceError

TABLES: Final = {"delta": "version", "iceberg": "snapshot"}
"""Formats of tables, and what a hunt calls their versions."""

_PACKAGES: Final = {"delta": "deltalake", "iceberg": "pyiceberg"}
_METADATA: Final = ".metadata.json"


@dataclass(frozen=True, slots=True)
class Table:
    """The files of a table at one version.

    Attributes:
        files: In no order.
        deletes: For each file of which rows are deleted, the files that say which, by URI.
    """

    files: tuple[FileInfo, ...]
    deletes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def open_table(uri: str, name: str, at: int | None) -> Table:
    """Lists the files of a table.

    Args:
        uri: Its folder; of an Iceberg table also a metadata file.
        name: One of `TABLES`.
        at: Version or snapshot; None for the latest.

    Raises:
        HuntError: There is no such table or version, its library is not installed, or it has what is not built.
    """
    package = _PACKAGES[name]
    if importlib.util.find_spec(package) is None:
        raise _wrong(uri, f"tables of format {name} take {package}; run `pip install 'hindcast[tables]'`")
    table = _delta(uri, at) if name == "delta" else _iceberg(uri, at)
    if not table.files:
        raise _wrong(uri, "the table holds no files at this version")
    return table


def _delta(uri: str, at: int | None) -> Table:
    from deltalake import DeltaTable  # noqa: PLC0415 - an extra that need not be installed
    from deltalake.exceptions import DeltaError  # noqa: PLC0415 - the same

    try:
        table = DeltaTable(storage.canonical(uri), version=at, storage_options=_delta_options(uri))
        _refuse_mapped_columns(uri, table.metadata().configuration)
        if any(batch.num_rows for batch in table.deletion_vectors()):
            message = "rows are deleted by deletion vectors, which are not built yet; purge them from the table first"
            raise _wrong(uri, message)
        paths = table.file_uris()
        _refuse_other_partitions(uri, paths, table.metadata().partition_columns)
    except (DeltaError, OSError) as error:
        raise _wrong(uri, f"cannot be read as a Delta table: {_first_line(error)}") from error
    return Table(tuple(_versions(uri, paths)))


def _refuse_mapped_columns(uri: str, configuration: Mapping[str, str]) -> None:
    if configuration.get("delta.columnMapping.mode", "none") != "none":
        raise _wrong(
            uri, "its columns have other names in its files (column mapping), which is not built yet"
        )


def _refuse_other_partitions(uri: str, paths: Iterable[str], columns: Iterable[str]) -> None:
    """Columns of partitions are taken from the folders' names, as in any other archive."""
    wanted = set(columns)
    if any(wanted - partitions_of(path).keys() for path in paths):
        raise _wrong(uri, "its folders are not named after its partitions, which is not built yet")


def _iceberg(uri: str, at: int | None) -> Table:
    from pyiceberg.exceptions import RESTError  # noqa: PLC0415 - an extra that need not be installed
    from pyiceberg.table import StaticTable  # noqa: PLC0415 - the same

    location = storage.canonical(uri)
    try:
        table = StaticTable.from_metadata(_latest_metadata(uri, location), _iceberg_options(location))
        _refuse_renamed_columns(uri, table.schemas().values())
        if at is not None and table.snapshot_by_id(at) is None:
            raise _wrong(uri, f"there is no snapshot {at}; there are {_listed(table.metadata.snapshots)}")
        tasks = list(table.scan(snapshot_id=at).plan_files())
    except (ValueError, OSError, RESTError) as error:
        raise _wrong(uri, f"cannot be read as an Iceberg table: {_first_line(error)}") from error
    _refuse_other_files(uri, tasks)
    deletes = {
        storage.canonical(task.file.file_path): tuple(
            sorted(storage.canonical(each.file_path) for each in task.delete_files)
        )
        for task in tasks
        if task.delete_files
    }
    return Table(tuple(_versions(uri, [task.file.file_path for task in tasks])), deletes)


def _latest_metadata(uri: str, location: str) -> str:
    if location.endswith(_METADATA):
        return location
    names = [name for name in storage.list_names(f"{location}/metadata") if name.endswith(_METADATA)]
    if not names:
        raise _wrong(uri, "is no Iceberg table: there is no metadata/*.metadata.json in it")
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
                raise _wrong(uri, f"its column `{name}` was renamed or made anew, which is not built yet")


def _refuse_other_files(uri: str, tasks: Iterable[Any]) -> None:
    from pyiceberg.manifest import DataFileContent, FileFormat  # noqa: PLC0415 - an extra

    for task in tasks:
        if task.file.file_format != FileFormat.PARQUET:
            raise _wrong(uri, f"it has files of format {task.file.file_format}; only Parquet is built yet")
        for each in task.delete_files:
            if each.content != DataFileContent.POSITION_DELETES or each.file_format != FileFormat.PARQUET:
                raise _wrong(
                    uri, "rows are deleted by equality or by deletion vectors, which is not built yet"
                )


def _versions(uri: str, paths: Iterable[str]) -> Iterator[FileInfo]:
    """Sizes and versions, of what lies in the table's folder without a request a file."""
    wanted = dict.fromkeys(storage.canonical(path) for path in paths)
    folder = storage.canonical(uri)
    if storage.is_folder(folder):
        try:
            for info in storage.list_files(folder):
                if info.uri in wanted:
                    del wanted[info.uri]
                    yield info
        except HuntError:
            pass  # without a Parquet file in it, every file is looked for by itself
    for path in wanted:
        try:
            yield storage.stat(path)
        except Missing:
            yield FileInfo(path, 0, "")
        except SourceError as error:
            raise _wrong(uri, str(error)) from error


def _delta_options(uri: str) -> dict[str, str] | None:
    how = storage.settings()
    if not uri.startswith("s3"):
        return None
    options = {
        "AWS_ENDPOINT_URL": how.s3.endpoint,
        "AWS_REGION": how.s3.region,
        "AWS_ALLOW_HTTP": "true" if (how.s3.endpoint or "").startswith("http://") else None,
        "AWS_SKIP_SIGNATURE": "true" if how.s3.anonymous else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _iceberg_options(location: str) -> dict[str, str]:
    how = storage.settings()
    options = {"s3.endpoint": how.s3.endpoint, "s3.region": how.s3.region}
    if not location.startswith("s3"):
        return {}
    return {name: value for name, value in options.items() if value is not None}


def _listed(snapshots: Iterable[Any]) -> str:
    return ", ".join(str(each.snapshot_id) for each in snapshots) or "none"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _wrong(uri: str, message: str) -> HuntError:
    return HuntError((Problem(uri, 0, "", message),))
