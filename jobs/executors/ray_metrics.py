"""Tells metrics to the Ray that this process is connected to; Prometheus finds them at each of its machines."""

from collections.abc import Mapping

# Not sorted: Ray reads its environment when it is imported, and `ray_tasks` sets that.
from jobs.executors import ray_tasks  # noqa: F401 - for its environment
from jobs.watching.metrics import Metric

from ray.util.metrics import Counter, Gauge, Histogram  # isort: skip

_Made = Counter | Gauge | Histogram


class RayMetrics:
    """Takes what a `jobs.watching.metrics.Meter` tells. Ray must be connected when it is first told something."""

    def __init__(self) -> None:
        self._made: dict[Metric, _Made] = {}

    def __call__(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        """Tells one value. It arrives within Ray's interval, ten seconds."""
        if metric not in self._made:
            self._made[metric] = _make(metric)
        made = self._made[metric]
        # `Counter.inc` refuses the 0 with which a series begins.
        made._record(value, dict(labels))  # noqa: SLF001


def _make(metric: Metric) -> _Made:
    match metric.kind:
        case "counter":
            return Counter(metric.name, metric.description, metric.labels)
        case "gauge":
            return Gauge(metric.name, metric.description, metric.labels)
        case "histogram":
            return Histogram(metric.name, metric.description, list(metric.boundaries), metric.labels)
