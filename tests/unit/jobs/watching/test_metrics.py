"""What a run tells as metrics, against a run that goes wrong in every way."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.executors import SplitDone, SplitLost
from jobs.executors.inline import InlineExecutor
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import choose, new_run
from jobs.running.hunt import Run
from jobs.watching import Progress, RunBegun
from jobs.watching.metrics import METRICS, TELL_S, Meter, Metric
from scanner.engine.matcher import HyperscanMatcher
from scanner.scan.split import ScanSettings

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
HUNT = "hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n"
SIGNATURES = """\
signatures:
  - {id: t.one, literal: one, severity: high}
  - {id: t.two, literal: two, severity: critical}
"""
SEVERITIES = {"t.one": "high", "t.two": "critical"}

Key = tuple[str, str]


class Exporter:
    """What Prometheus would know: counters are added up, of gauges the last value stays."""

    def __init__(self) -> None:
        self.counters: Counter[Key] = Counter()
        self.gauges: dict[Key, list[float]] = {}
        self.observed: list[float] = []
        self.labels: set[tuple[Metric, tuple[str, ...]]] = set()

    def __call__(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        self.labels.add((metric, tuple(labels)))
        key = metric.name, "".join(labels[name] for name in metric.labels[2:])
        if metric.kind == "counter":
            self.counters[key] += int(value)
        elif metric.kind == "gauge":
            self.gauges.setdefault(key, []).append(value)
        else:
            self.observed.append(value)

    def known(self) -> dict[Key, float]:
        return {**self.counters, **{key: values[-1] for key, values in self.gauges.items()}}


@pytest.fixture
def prepared(here: Path) -> Prepared:
    """Three files of three row groups with two hits in each, and one that is no Parquet."""
    (here / "archive").mkdir()
    for name in "abc":
        table = pa.table({"text": ["one two", "x", "y"] * 3})
        pq.write_table(table, here / "archive" / f"{name}.parquet", row_group_size=3)
    (here / "archive" / "d.parquet").write_bytes(b"nothing")
    (here / "s.yaml").write_text(SIGNATURES)
    (here / "hunt.yaml").write_text(HUNT)
    return prepare("hunt.yaml", date(2026, 5, 1))


class Unlucky(InlineExecutor):
    """The worker of one split dies once, and that of another one whenever it has the second row group of `b`."""

    def __init__(self, prepared: Prepared, settings: ScanSettings) -> None:
        super().__init__(HyperscanMatcher(prepared.signatures.program), settings)
        self._deaths: deque[str] = deque(["a.parquet"])

    def wait(self) -> SplitDone | SplitLost:
        number, split, *_ = self._submitted[0]
        name = Path(split.source_uri).name
        if self._deaths and name == self._deaths[0]:
            self._deaths.popleft()
            self._submitted.popleft()
            return SplitLost(number, "its worker died", worker_died=True)
        if name == "b.parquet" and 1 in split.row_groups:
            self._submitted.popleft()
            return SplitLost(number, "it kills", fatal=True)
        return super().wait()


def run(prepared: Prepared, meter: Meter) -> None:
    chosen = choose(prepared, NOW, None, None)
    Run(prepared, chosen.begun, Unlucky).execute(meter.progress, watcher=meter)


def test_every_metric_is_told_and_says_what_happened(prepared: Prepared) -> None:
    told = Exporter()
    run(prepared, Meter("small", "r1", SEVERITIES, told))
    assert {metric for metric, _ in told.labels} == set(METRICS)
    assert all(labels == metric.labels for metric, labels in told.labels)
    # `b` is cut in two, and its second half again: four splits in the end, of which one is lost.
    assert told.known() == {
        ("hindcast_splits_total", "scanned"): 4,
        ("hindcast_splits_total", "failed"): 2,
        ("hindcast_splits_planned", ""): 6,
        ("hindcast_splits_under_way", ""): 0,
        ("hindcast_split_retries_total", ""): 1,
        ("hindcast_rows_total", ""): 24,
        ("hindcast_text_bytes_total", ""): 8 * len("one twoxy"),
        **{("hindcast_hits_total", severity): 8 for severity in ("high", "critical")},
        **{("hindcast_hits_total", severity): 0 for severity in ("info", "low", "medium")},
    }
    assert max(told.gauges["hindcast_splits_under_way", ""]) >= 1
    assert len(told.observed) == 4
    assert all(0 < seconds < 60 for seconds in told.observed)


def test_what_another_process_did_counts_as_ended(prepared: Prepared) -> None:
    def stop(progress: Progress) -> None:
        if progress.splits == 1:
            raise KeyboardInterrupt

    first = Run(prepared, new_run(prepared, NOW))
    with pytest.raises(KeyboardInterrupt):
        first.execute(stop)
    told = Exporter()
    run(prepared, Meter("small", first.run_id, SEVERITIES, told))
    assert told.counters["hindcast_splits_total", "earlier"] == 1
    ended = sum(count for (name, _), count in told.counters.items() if name == "hindcast_splits_total")
    assert ended == told.known()["hindcast_splits_planned", ""]


def test_thousands_of_splits_are_told_together_and_none_is_forgotten() -> None:
    at = [100.0]
    told = Exporter()
    meter = Meter("small", "r1", SEVERITIES, told, lambda: at[0])
    progress = Progress(0, 1000, 0, 1000)
    meter.progress(replace(progress, splits=1000))
    assert not told.labels, "there may be nobody to tell"
    meter(RunBegun(progress, 4))
    for splits in range(1, 501):
        meter.progress(replace(progress, splits=splits, under_way=splits))
    assert told.gauges["hindcast_splits_under_way", ""] == [1]
    at[0] += TELL_S
    meter.beat()
    assert told.gauges["hindcast_splits_under_way", ""] == [1, 500]
    meter.progress(replace(progress, splits=1000))
    assert told.gauges["hindcast_splits_under_way", ""] == [1, 500, 0], "the last of all is told at once"
