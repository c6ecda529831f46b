from dataclasses import astuple, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cli import render
from jobs.cluster.sizing import (
    EFFICIENCY,
    TEXT_BYTES_PER_S,
    Cluster,
    Prices,
    Work,
    estimate,
    text_rate,
    work_of,
)
from jobs.preparing.prepare import prepare
from jobs.running.driver import TASK_BYTES
from tests.support.cli import ROOT

TB = 10**12
SHAPES = (Cluster(4, 16), Cluster(64, 16))


def archive_of(stored_bytes: int, signatures: int = 100, split_bytes: int = TASK_BYTES) -> Work:
    """A hunt over an archive on a store whose files are one split each."""
    splits = -(-stored_bytes // split_bytes)
    return Work(splits, splits, stored_bytes, split_bytes, signatures)


WORK = archive_of(TB)


def test_clusters_are_written_as_workers_times_cpus() -> None:
    assert Cluster.parse("64x16") == Cluster(64, 16)
    assert Cluster(64, 16).cores == 1024
    assert {Cluster.parse(text) for text in ("64", "0x4", "4x0", "4x", "-4x4", "4X4", "4x4 ", "")} == {None}


def test_the_rate_falls_with_the_signatures() -> None:
    for signatures, rate in TEXT_BYTES_PER_S:
        assert text_rate(signatures) == rate
    last, slowest = TEXT_BYTES_PER_S[-1]
    assert text_rate(10 * last) == slowest / 10
    rates = [text_rate(signatures) for signatures in range(1, 20_000, 97)]
    assert rates == sorted(rates, reverse=True)


def test_the_cores_bound_a_hunt_until_the_driver_does() -> None:
    few, many = estimate(WORK, Cluster(4, 16)), estimate(WORK, Cluster(100_000, 16))
    assert few.bound_by == "cores"
    assert few.seconds["cores"] == pytest.approx(few.core_hours * 3600 / 64 / EFFICIENCY)
    assert many.busy_cores == WORK.splits
    assert many.seconds["driver"] > many.seconds["cores"]
    small_files = replace(WORK, files=10**7, splits=10**7, largest_split_bytes=10**5)
    found = estimate(small_files, Cluster(64, 16))
    assert found.bound_by == "finishing"
    on_disk = estimate(replace(small_files, results_on_store=False), Cluster(64, 16))
    assert on_disk.bound_by == "planning"
    assert found.hours * 3600 > 0.999 * sum(
        found.seconds[name] for name in ("planning", "cores", "finishing")
    )


def test_splits_that_are_too_few_leave_cores_idle() -> None:
    found = estimate(Work(2, 2, 10**9, 9 * 10**8, 100), Cluster(4, 4))
    assert (found.cores, found.busy_cores) == (16, 2)
    assert found.bound_by == "largest split"
    assert found.hours * 3600 > found.seconds["largest split"]


@given(
    stored=st.integers(0, 10**15),
    cluster=st.builds(Cluster, st.integers(1, 1000), st.integers(1, 128)),
    signatures=st.integers(1, 10**6),
)
def test_more_takes_more(stored: int, cluster: Cluster, signatures: int) -> None:
    work = archive_of(stored, signatures)
    found = estimate(work, cluster)
    more = estimate(archive_of(2 * stored, signatures), cluster)
    assert more.core_hours >= found.core_hours
    assert more.requests.gets >= found.requests.gets
    assert estimate(replace(work, signatures=2 * signatures), cluster).hours >= found.hours
    assert estimate(work, replace(cluster, workers=2 * cluster.workers)).hours <= found.hours * 1.1
    assert found.hours >= found.core_hours / cluster.cores * 0.99


def test_disks_are_asked_nothing_over_the_network() -> None:
    found = estimate(replace(WORK, archive_on_store=False, results_on_store=False), Cluster(1, 1))
    assert (found.read_bytes, set(astuple(found.requests))) == (0, {0})
    archive = estimate(replace(WORK, results_on_store=False), Cluster(1, 1)).requests
    assert archive.puts == archive.deletes == 0
    assert archive.gets > WORK.files


def test_prices_are_those_of_the_reader() -> None:
    found = estimate(WORK, Cluster(4, 16))
    assert found.price(Prices()) == 0
    assert found.price(Prices(core_hour=2)) == pytest.approx(64 * found.hours * 2)
    assert found.price(Prices(thousand_gets=1)) == found.requests.gets / 1000
    assert found.price(Prices(thousand_puts=1)) == (found.requests.puts + found.requests.lists) / 1000
    assert found.price(Prices(gb=0.5)) == pytest.approx(found.read_bytes / 10**9 / 2)


def test_a_plan_tells_what_its_text_takes_unpacked(tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    texts = [f"good morning {number}" for number in range(10_000)]
    for name in ("a", "b"):
        table = pa.table({"text": texts, "n": list(range(10_000))})
        pq.write_table(
            table, tmp_path / "posts" / f"{name}.parquet", use_dictionary=False, compression="zstd"
        )
    (tmp_path / "pack.yaml").write_text("signatures: [{id: t.a, literal: a}, {id: t.b, literal: b}]\n")
    (tmp_path / "hunt.yaml").write_text(
        "hunt: small\narchive: {uri: posts}\nsignatures: pack.yaml\noutput: results\n"
    )
    prepared = prepare(tmp_path / "hunt.yaml", date(2026, 5, 1))
    work = work_of(prepared)
    assert (work.files, work.splits, work.signatures) == (2, 2, 2)
    assert (work.archive_on_store, work.results_on_store) == (False, False)
    unpacked = sum(len(text) + 4 for text in texts) * 2
    assert work.stored_bytes * work.text_per_stored_byte == pytest.approx(unpacked, rel=0.01)
    assert work.largest_split_bytes == work.stored_bytes / 2


def test_the_table_of_the_readme_is_computed() -> None:
    assert size_table() in (ROOT / "infra/README.md").read_text("utf-8")


def size_table() -> str:
    """What `infra/README.md` shows; print this where a rate has changed."""
    hours = [f"hours on {shape.workers}x{shape.cpus}" for shape in SHAPES]
    rows = [["stored text", "unpacked", "splits", "core hours", *hours, "LIST", "GET", "PUT", "egress"]]
    rows.append(["---:"] * len(rows[0]))
    for size in (1, 10, 100):
        work = archive_of(size * TB)
        found = [estimate(work, shape) for shape in SHAPES]
        asked = found[0].requests
        rows.append(
            [
                f"{size} TB",
                render.size(found[0].text_bytes),
                render.number(work.splits),
                render.number(found[0].core_hours),
                *(f"{each.hours:.2f}" for each in found),
                *(render.number(count) for count in (asked.lists, asked.gets, asked.puts)),
                render.size(found[0].read_bytes),
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"
