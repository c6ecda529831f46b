"""Tables of files, read by their own libraries as far as the list of files goes; the files are Parquet.

A table is hunted as it was at one version. What cannot be honoured of it is refused by name: rows that a table says
are deleted must not turn up, and columns must not be mistaken for others.
"""

import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from scanner.archive import storage
from scanner.archive.planning.partitions import partitions_of
from scanner.archive.storage import FileInfo, GcsSettings, Missing
from scanner.archive.storage.names import parse
from scanner.errors import HuntError, Problem, SourceError

TABLES: Final = {"delta": "version", "iceberg": "snapshot"}
"""Formats of tables, and what a hunt calls their versions."""

PACKAGES: Final = {"delta": "deltalake", "iceberg": "pyiceberg"}
"""Formats of tables, and the packages that read them."""

_AWS_NAMES: Final = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


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
    package = PACKAGES[name]
    if importlib.util.find_spec(package) is None:
        raise wrong(uri, f"tables of format {name} take {package}; run `pip install 'hindcast[tables]'`")
    if name == "delta":
        table = _delta(uri, at)
    else:
        from scanner.archive.formats.iceberg import open_iceberg  # noqa: PLC0415 - its library need not be installed

        table = open_iceberg(uri, at)
    if not table.files:
        raise wrong(uri, "the table holds no files at this version")
    return table


def _delta(uri: str, at: int | None) -> Table:
    from deltalake import DeltaTable  # noqa: PLC0415 - an extra that need not be installed
    from deltalake.exceptions import DeltaError  # noqa: PLC0415 - the same

    try:
        table = DeltaTable(storage.canonical(uri), version=at, storage_options=_delta_options(uri))
        _refuse_mapped_columns(uri, table.metadata().configuration)
        if any(batch.num_rows for batch in table.deletion_vectors()):
            message = "rows are deleted by deletion vectors, which are not built yet; purge them from the table first"
            raise wrong(uri, message)
        paths = table.file_uris()
        _refuse_other_partitions(uri, paths, table.metadata().partition_columns)
    except SourceError as error:
        raise wrong(uri, error.reason) from error
    except (DeltaError, OSError) as error:
        raise wrong(uri, f"cannot be read as a Delta table: {_reason(uri) or first_line(error)}") from error
    return Table(tuple(versions(uri, paths)))


def _reason(uri: str) -> str | None:
    """What keeps this process from its log, in words that name who asked; the library's name neither."""
    try:
        storage.list_names(f"{storage.canonical(uri)}/_delta_log")
    except SourceError as error:
        return error.reason
    return None


def _refuse_mapped_columns(uri: str, configuration: Mapping[str, str]) -> None:
    if configuration.get("delta.columnMapping.mode", "none") != "none":
        raise wrong(uri, "its columns have other names in its files (column mapping), which is not built yet")


def _refuse_other_partitions(uri: str, paths: Iterable[str], columns: Iterable[str]) -> None:
    """Columns of partitions are taken from the folders' names, as in any other archive."""
    wanted = set(columns)
    if any(wanted - partitions_of(path).keys() for path in paths):
        raise wrong(uri, "its folders are not named after its partitions, which is not built yet")


def versions(uri: str, paths: Iterable[str]) -> Iterator[FileInfo]:
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
            raise wrong(uri, str(error)) from error


def _delta_options(uri: str) -> dict[str, str] | None:
    """How the library, which is in Rust and asks stores by itself, does that as this process does."""
    how, scheme = storage.settings(), parse(uri).scheme
    if scheme == "gs" and how.gcs != GcsSettings():
        message = (
            "Delta tables on Google Cloud Storage are read from Google's own endpoint with Google's own credentials; "
            "anything else of `storage.gcs` is not built yet"
        )
        raise wrong(uri, message)
    if scheme != "s3":
        return None
    if how.s3.requester_pays:
        raise wrong(uri, "Delta tables for which the requester pays are not built yet")
    signing = storage.signing(uri)
    options = {
        **({} if signing is None else dict(zip(_AWS_NAMES, (signing.region, *signing.secret), strict=False))),
        "AWS_ENDPOINT_URL": how.s3.endpoint,
        "AWS_ALLOW_HTTP": "true" if (how.s3.endpoint or "").startswith("http://") else None,
        "AWS_SKIP_SIGNATURE": "true" if how.s3.anonymous else None,
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true" if how.s3.path_style is False else None,
        "PROXY_URL": how.s3.proxy,
        "MAX_RETRIES": str(how.attempts - 1),
        "TIMEOUT": f"{how.timeout_s:g}s",
    }
    return {name: value for name, value in options.items() if value is not None}


def first_line(error: Exception) -> str:
    """What a library says, without what it adds below."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def wrong(uri: str, message: str) -> HuntError:
    """The error for a table that cannot be hunted."""
    return HuntError((Problem(uri, 0, "", message),))
