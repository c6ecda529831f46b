"""Delta tables. The only module that imports deltalake."""

from collections.abc import Iterable, Mapping
from typing import Final

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from scanner.archive import storage
from scanner.archive.formats.table import Table, first_line, versions, wrong
from scanner.archive.planning.partitions import partitions_of
from scanner.archive.storage import GcsSettings
from scanner.archive.storage.names import parse
from scanner.errors import SourceError

_AWS_NAMES: Final = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def open_delta(uri: str, at: int | None) -> Table:
    """Lists the files of a table.

    Args:
        uri: Its folder.
        at: The version; None for the latest.

    Raises:
        HuntError: There is no such table or version, or it has what is not built.
    """
    try:
        table = DeltaTable(storage.canonical(uri), version=at, storage_options=_options(uri))
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


def _options(uri: str) -> dict[str, str] | None:
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
