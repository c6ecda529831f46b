"""Batches without Arrow's view types, of which Arrow itself can neither filter nor take some rows."""

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
from pyarrow import types

from scanner.archive.columns.pieces import AnyRows


def without_views(batch: AnyRows) -> AnyRows:
    """The same values with ``large_string``, ``large_binary``, ``large_list`` in place of views, nested ones too."""
    schema = pa.schema([_plain_field(field) for field in batch.schema])
    rows: Any = batch
    plain: AnyRows = batch if schema == batch.schema else rows.cast(schema)
    return plain


def _plain(type_: Any) -> Any:
    return next((plain(type_) for known, plain in _PLAIN if known(type_)), type_)


def _plain_field(field: Any) -> Any:
    return field.with_type(_plain(field.type))


def _inside(type_: Any) -> Any:
    return _plain_field(type_.value_field)


_PLAIN: Final[tuple[tuple[Callable[[Any], bool], Callable[[Any], Any]], ...]] = (
    (types.is_string_view, lambda _: pa.large_string()),
    (types.is_binary_view, lambda _: pa.large_binary()),
    (
        types.is_dictionary,
        lambda type_: pa.dictionary(type_.index_type, _plain(type_.value_type), type_.ordered),
    ),
    (types.is_list, lambda type_: pa.list_(_inside(type_))),
    (types.is_fixed_size_list, lambda type_: pa.list_(_inside(type_), type_.list_size)),
    (types.is_large_list, lambda type_: pa.large_list(_inside(type_))),
    (types.is_list_view, lambda type_: pa.large_list(_inside(type_))),
    (types.is_large_list_view, lambda type_: pa.large_list(_inside(type_))),
    (types.is_struct, lambda type_: pa.struct([_plain_field(field) for field in type_])),
    (types.is_map, lambda type_: pa.map_(_plain_field(type_.key_field), _plain_field(type_.item_field))),
)
