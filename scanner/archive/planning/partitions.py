"""Columns that stand in a file's path: ``…/event_date=2026-11-01/lang=en/part-0.parquet``."""

import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from scanner.archive.columns.pieces import AnyRows

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""How Hive, and all who do as it does, write a null in a path."""

Partitions = Mapping[str, str | None]


def partitions_of(uri: str) -> dict[str, str | None]:
    """Names and values of the folders ``name=value`` on the way to a file, percent-decoded; of two, the lower."""
    found: dict[str, str | None] = {}
    for folder in uri.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if equals and name:
            decoded = urllib.parse.unquote(value)
            found[urllib.parse.unquote(name)] = None if decoded == NULL else decoded
    return found


def schema_with(schema: pa.Schema, partitions: Partitions) -> pa.Schema:
    """A file's schema with the columns of its path, which stand before columns of the same name: ``string``."""
    fields = [field for field in schema if field.name not in partitions]
    return pa.schema([*fields, *(pa.field(name, pa.string()) for name in partitions)])


def batch_with(batch: AnyRows, partitions: Partitions) -> AnyRows:
    """A batch with the columns of its file's path, as `schema_with` has them."""
    if not partitions:
        return batch
    kept = [name for name in batch.schema.names if name not in partitions]
    constants = [pa.repeat(pa.scalar(value, pa.string()), batch.num_rows) for value in partitions.values()]
    columns: Any = [*(batch.column(name) for name in kept), *constants]
    rows: Any = type(batch)
    complete: AnyRows = rows.from_arrays(columns, schema=schema_with(batch.schema, partitions))
    return complete
