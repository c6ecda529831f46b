"""Ray Data: the loop as the function of ``map_batches``, with one CPU; Ray itself was started before."""

import logging
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import hyperscan
import numpy as np
import pyarrow as pa
import ray

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.contestants.hyperscan_loop import prepare, searcher
from benchmarks.macro.workload import COLUMN, ROW, Answer, Workload

_searchers: dict[str, Any] = {}
"""In a worker: what it loaded, so that it does so once."""


def start() -> None:
    """Starts Ray with one CPU, and waits until it does something."""
    ray.init(
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=256 << 20,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def enter(workload: Workload) -> list[Contestant]:
    """Compiles here; the function carries the database along."""
    if not ray.is_initialized():
        start()
    database, decision = prepare(workload)
    dumped = bytes(hyperscan.dumpb(database))
    find = partial(_find, name=sha256(dumped).hexdigest(), dumped=dumped)

    def run(path: Path) -> list[Any]:
        texts = ray.data.read_parquet(str(path), columns=[ROW, COLUMN])
        hits = texts.map_batches(find, batch_format="pyarrow", batch_size=None)
        return list(hits.iter_batches(batch_format="pyarrow", batch_size=None))

    def answer(found: list[Any]) -> Answer:
        hits = pa.concat_tables(found)
        return decision.hits(hits[ROW].to_numpy(), hits["found"].to_numpy())

    return [Contestant("Ray Data, map_batches", run, answer, clock="wall", whole=True)]


def _find(batch: Any, name: str, dumped: bytes) -> Any:
    # Nothing is fetched from Ray here: a task that waits is held for idle, and Ray starts another worker.
    if name not in _searchers:
        _searchers.clear()
        _searchers[name] = searcher(_loaded(dumped))
    numbered = zip(batch[ROW].to_pylist(), batch[COLUMN].to_pylist(), strict=True)
    pairs = np.array(list(_searchers[name](numbered)), np.int64).reshape(-1, 2)
    return pa.table({ROW: pa.array(pairs[:, 0]), "found": pa.array(pairs[:, 1])})


def _loaded(dumped: bytes) -> hyperscan.Database:
    database = hyperscan.loadb(dumped, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database
