"""What several runs of a hunt found together, as it holds now: each hit once, none of what has changed since."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

_LOGIC: Final = ("signature_id", "signature_digest")
_VERSION: Final = ("source_uri", "source_etag")
_BETWEEN: Final = "\0"


def current_hits(
    hits: ds.Dataset, signatures: pa.Table | None, coverage: ds.Dataset, columns: Sequence[str] | None = None
) -> pa.Table:
    """The hits that still stand, each once.

    Args:
        hits: Of all runs, those of the latest first.
        signatures: As the latest finished run has them; None where there is none, and every logic counts.
        coverage: Of all runs, with their ``run_id``.
        columns: Which to give; None for all.
    """
    wanted = hits.schema.names if columns is None else list(columns)
    table = hits.to_table(columns=list(dict.fromkeys((*wanted, "hit_id", *_LOGIC, *_VERSION))))
    if signatures is not None:
        table = table.filter(pc.is_in(_joined(table, _LOGIC), _joined(signatures, _LOGIC)))
    table = table.filter(pc.is_in(_joined(table, _VERSION), _latest_versions(coverage)))
    return table.filter(_first_of_each(table["hit_id"])).select(wanted)


def _latest_versions(coverage: ds.Dataset) -> Any:
    """Of each file the version that the latest run with this file met."""
    table = coverage.to_table(columns=[*_VERSION, "run_id"]).sort_by("run_id")
    versions = pa.Table.from_arrays(
        [table["source_uri"], _joined(table, _VERSION)], ["source_uri", "version"]
    )
    latest = versions.group_by("source_uri", use_threads=False).aggregate([("version", "last")])
    return latest["version_last"]


def _joined(table: pa.Table, names: Sequence[str]) -> Any:
    texts: list[Any] = [table[name].cast(pa.large_string()) for name in names]
    joined: Any = pc.binary_join_element_wise(*texts, pa.scalar(_BETWEEN, pa.large_string()))
    return joined


def _first_of_each(ids: "pa.ChunkedArray[Any]") -> "pa.Array[Any]":
    numbers = ids.cast(pa.large_string()).combine_chunks().dictionary_encode().indices.to_numpy()
    firsts = np.zeros(len(ids), np.bool_)
    firsts[np.unique(numbers, return_index=True)[1]] = True
    return pa.array(firsts)
