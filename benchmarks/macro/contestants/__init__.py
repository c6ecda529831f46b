"""Who takes part. Each reads the Parquet file by itself, with one thread, and says which signature hits which row.

Patterns are compiled before the clock starts, except DuckDB's, PyArrow's and Polars', which compile within the query;
chDB keeps what its first query compiled. Each is a module with a function ``enter``, imported when it takes part.
"""

import importlib
import importlib.util
from collections.abc import Collection, Sequence
from types import ModuleType
from typing import Final

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.workload import Workload

HINDCAST: Final = "hindcast"
_MODULES: Final = {
    HINDCAST: ("hindcast_split", "scanner"),
    "match": ("hindcast_match", "scanner"),
    "floor": ("floor", "scanner"),
    "chdb": ("chdb_query", "chdb"),
    "loop": ("hyperscan_loop", "hyperscan"),
    "ray-data": ("ray_data", "ray"),
    "polars": ("polars_column", "polars"),
    "pyarrow": ("arrow_column", "pyarrow"),
    "duckdb": ("duckdb_query", "duckdb"),
}
EVERYBODY: Final = tuple(_MODULES)
FAST: Final = (HINDCAST, "match", "floor", "chdb", "loop")


def is_installed(name: str) -> bool:
    """Whether a contestant's package is there."""
    return importlib.util.find_spec(_MODULES[name][1]) is not None


def enter(names: Sequence[str], workload: Workload) -> list[Contestant]:
    """Contestants, compiled and ready; whose package is not installed stays away."""
    return [
        contestant for name in names if is_installed(name) for contestant in _module(name).enter(workload)
    ]


def start_what_needs_all_cores(names: Collection[str]) -> None:
    """Starts Ray before this process is pinned to a core, because its processes would be as well."""
    if "ray-data" in names and is_installed("ray-data"):
        _module("ray-data").start()


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{_MODULES[name][0]}")
