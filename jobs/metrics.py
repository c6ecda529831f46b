"""Every metric that a run tells, by its name: what dashboards and alerts may ask for.

Ray exports them in Prometheus' form, each name with ``ray_`` before it.
"""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: Without Ray's prefix; the unit stands in it.
        kind: What Prometheus calls its type.
        description: One sentence.
        labels: Names of its labels, beside those that Ray adds.
        boundaries: Of a histogram's buckets, ascending.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    description: str
    labels: tuple[str, ...] = ("hunt", "run_id")
    boundaries: tuple[float, ...] = ()


SPLITS: Final = Metric(
    "hindcast_splits_total",
    "counter",
    "Splits that have ended, by how they ended: scanned or failed.",
    ("hunt", "run_id", "status"),
)
ROWS: Final = Metric("hindcast_rows_total", "counter", "Records that were hunted.")
TEXT_BYTES: Final = Metric("hindcast_text_bytes_total", "counter", "Bytes of text that were hunted.")
HITS: Final = Metric("hindcast_hits_total", "counter", "Hits, by severity.", ("hunt", "run_id", "severity"))
RETRIES: Final = Metric(
    "hindcast_split_retries_total", "counter", "Splits that were given to another worker because theirs died."
)
SPLIT_SECONDS: Final = Metric(
    "hindcast_split_seconds",
    "histogram",
    "Seconds that a split took, from its first byte to its commit.",
    boundaries=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900),
)
SPLITS_PLANNED: Final = Metric("hindcast_splits_planned", "gauge", "Splits of the run, ended or not.")
SPLITS_UNDER_WAY: Final = Metric("hindcast_splits_under_way", "gauge", "Splits that workers have now.")

METRICS: Final = (SPLITS, ROWS, TEXT_BYTES, HITS, RETRIES, SPLIT_SECONDS, SPLITS_PLANNED, SPLITS_UNDER_WAY)
