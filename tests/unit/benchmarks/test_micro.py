from typing import get_args

import pyarrow as pa
import pytest

from benchmarks.micro import driver, simulate
from benchmarks.micro.invented_rules import Kind, invent
from jobs.running.driver import TASK_BYTES
from scanner.engine.oracle import OracleMatcher


@pytest.mark.parametrize("kind", get_args(Kind))
def test_exactly_what_was_planted_hits(kind: Kind) -> None:
    work = invent(kind, 24, 2_000)
    matches = OracleMatcher(work.ruleset).match(pa.array(work.texts), "text")
    found = set(zip(matches.cells.tolist(), matches.signatures.tolist(), strict=True))
    assert found == work.hits
    assert len(found) > 10


def test_the_same_seed_invents_the_same() -> None:
    assert invent("regexes", 9, 50) == invent("regexes", 9, 50)
    assert invent("regexes", 9, 50) != invent("regexes", 9, 50, seed=8)


@pytest.mark.parametrize("split_bytes", [driver.SMALL_BYTES, TASK_BYTES])
def test_the_loop_of_the_driver_ends_every_split_once(split_bytes: int) -> None:
    measured = driver.measure("inline", split_bytes, 2_000)
    assert measured["right"]
    assert (measured["tasks"] == 2_000) == (split_bytes == TASK_BYTES)


def test_a_simulated_cluster_works_until_its_driver_is_too_slow() -> None:
    fast, slow = (simulate.Costs(driver_task_s=seconds) for seconds in (0.002, 0.5))
    few, many = (simulate.Cluster(100, 3_000, 64_000_000, costs).run() for costs in (fast, slow))
    assert few.all_ended_once
    assert many.all_ended_once
    assert few.utilisation > 0.9
    assert many.utilisation < 0.2
    assert 0.95 < many.driver_busy <= 1
    worked_s = few.utilisation * few.workers * few.hours * 3600
    assert worked_s == pytest.approx(3_000 * (fast.split_s + 64e6 / fast.worker_bytes_per_s), rel=0.1)
