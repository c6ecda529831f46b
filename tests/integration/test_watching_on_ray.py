"""What Prometheus finds at a machine of a cluster, and what its workers log, while a hunt runs there."""

import functools
import io
import json
import re
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.preparing.prepare import prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from jobs.running.stopping import Stopping
from jobs.running.watchers import Watchers
from jobs.watching.metrics import METRICS

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
MARKER = "seven-purple-horses"
HUNT = "hunt: watched\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n"
PATIENCE_S = 60.0
"""Ray hands numbers on every ten seconds, twice."""

Series = dict[str, float]


def scraped() -> str:
    """What the machine tells Prometheus now."""
    import ray  # noqa: PLC0415 - only where Ray runs

    (node,) = ray.nodes()  # type: ignore[no-untyped-call]
    url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def until(asked: Callable[[], str], good: Callable[[str], bool]) -> str:
    """The first answer that is good, or the last one."""
    end = time.monotonic() + PATIENCE_S
    while not good(answer := asked()) and time.monotonic() < end:
        time.sleep(0.5)
    return answer


def series(text: str, run_id: str) -> Series:
    """Every series of a run, as dashboards call it: with the label that it has beside those of the run."""
    found: Series = {}
    for name, labels, value in re.findall(r"(?m)^(ray_hindcast_\w+)\{(.*)\} (\S+)$", text):
        known = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if known.get("run_id") == run_id:
            assert known["hunt"] == "watched"
            own = "".join(known.get(label, "") for label in ("status", "severity", "le"))
            found[f"{name} {own}".rstrip()] = float(value)
    return found


def workers_lines(run_id: str) -> list[dict[str, Any]]:
    """What workers have logged of a run."""
    from ray._private.worker import global_worker  # noqa: PLC0415 - only where Ray runs

    folder = Path(global_worker.node.get_logs_dir_path())  # type: ignore[union-attr]
    lines = [line for file in folder.glob("worker-*.err") for line in file.read_text().splitlines()]
    assert not [line for line in lines if MARKER in line]
    return [json.loads(line) for line in lines if run_id in line]


@pytest.mark.usefixtures("local_ray")
def test_every_metric_arrives_and_workers_log_their_splits(here: Path, logged: io.StringIO) -> None:
    (here / "archive").mkdir()
    for name in "abc":
        table = pa.table({"text": [f"{MARKER} one\x1b[2J", "x"] * 5})
        pq.write_table(table, here / "archive" / f"{name}.parquet")
    (here / "archive" / "d.parquet").write_bytes(b"nothing")
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one, severity: high}]\n")
    (here / "hunt.yaml").write_text(HUNT)
    prepared = prepare("hunt.yaml", date(2026, 5, 1), "ray")
    begun = new_run(prepared, NOW)
    watchers = Watchers(prepared, begun, Stopping())
    with watchers.watch():
        record = Run(prepared, begun).execute(watchers.progress, watcher=watchers)
        watchers.finished(record)

    bound = functools.partial(series, run_id=begun.run_id)
    known = bound(until(scraped, lambda text: bound(text).get("ray_hindcast_splits_total scanned") == 3))
    assert {f"ray_{metric.name}" for metric in METRICS} == {
        re.sub("_(bucket|sum|count)$", "", key.split()[0]) for key in known
    }
    assert {key: value for key, value in known.items() if "seconds" not in key and value} == {
        "ray_hindcast_splits_total scanned": 3,
        "ray_hindcast_splits_total failed": 1,
        "ray_hindcast_splits_planned": 4,
        "ray_hindcast_rows_total": 30,
        "ray_hindcast_text_bytes_total": 3 * 5 * len(f"{MARKER} one\x1b[2Jx"),
        "ray_hindcast_hits_total high": 15,
    }
    assert known["ray_hindcast_splits_under_way"] == 0
    assert known["ray_hindcast_split_retries_total"] == 0
    assert known["ray_hindcast_split_seconds_count"] == 3

    events = [(event["event"], event["split_id"]) for event in workers_lines(begun.run_id)]
    ids = [split.split_id for split in prepared.plan.splits]
    assert sorted(events) == sorted((event, each) for event in ("split_begun", "split_done") for each in ids)
    ended = [event for event in map(json.loads, logged.getvalue().splitlines()) if "split_id" in event]
    assert sorted(event["split_id"] for event in ended) == sorted(ids)
