"""Tables of files, read by their own libraries as far as the list of files goes; the files are Parquet.

A table is hunted as it was at one version. What cannot be honoured of it is refused by name: rows that a table says
are deleted must not turn up, and columns must not be mistaken for others.
"""

import importlib.util
from typing import Final

from scanner.archive.formats.table import Table, wrong

TABLES: Final = {"delta": "version", "iceberg": "snapshot"}
"""Formats of tables, and what a hunt calls their versions."""

PACKAGES: Final = {"delta": "deltalake", "iceberg": "pyiceberg"}
"""Formats of tables, and the packages that read them."""


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
    # The libraries need not be installed.
    if name == "delta":
        from scanner.archive.formats.delta import open_delta  # noqa: PLC0415

        table = open_delta(uri, at)
    else:
        from scanner.archive.formats.iceberg import open_iceberg  # noqa: PLC0415

        table = open_iceberg(uri, at)
    if not table.files:
        raise wrong(uri, "the table holds no files at this version")
    return table
