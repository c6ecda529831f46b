"""What a hunt takes on a cluster: hours, requests and bytes, from rates that were measured.

Every rate stands here, with where it was measured: on cores of a 2.5 GHz server, two at a time. Prices are whatever
the reader pays; none is known here.
"""

import contextlib
import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from jobs.preparing.prepare import Prepared
from jobs.running.driver import TASK_BYTES, TASK_SPLITS
from scanner.archive import storage
from scanner.archive.parquet.footers import FIRST_READ_BYTES
from scanner.archive.parquet.unpacked import text_sizes
from scanner.archive.parquet.windows import WINDOW_BYTES
from scanner.archive.planning.surveys import THREADS
from scanner.archive.storage.globs import PARQUET
from scanner.archive.storage.objects import PAGE_FILES
from scanner.errors import SourceError

TEXT_BYTES_PER_S: Final = ((100, 94e6), (2_000, 85e6), (5_000, 64e6))
"""Signatures → bytes of text that one core hunts in a second, of texts of 10 to 110 bytes with few hits.

Source: benchmarks/README.md. The first is the whole hunt of 3,000,000 posts with one worker; the others are less by as
much as matching with so many regexes is slower. What is beyond the last takes time in proportion.
"""

TEXT_PER_STORED_BYTE: Final = 4.2
"""Bytes of text in a byte that is stored of it. Source: the text columns of benchmarks/datagen, zstd."""

EFFICIENCY: Final = 0.92
"""Of what a core does alone, what it does beside others. Source: benchmarks/README.md, two workers against one."""

STORE_FACTOR: Final = 1.06
"""How much longer it takes to read from a store that answers after 30 ms. Source: benchmarks/README.md."""

LATENCY_S: Final = 0.03
FILES_PLANNED_PER_S: Final = 1_490
"""Footers that one process reads and plans in a second. Source: benchmarks/micro/planning.py, on a busy machine."""

TASKS_PER_S: Final = 500
"""Tasks that one driver starts on Ray and takes back in a second.

Source: benchmarks/micro/driver.py, which came to 750 for each second of the driver's CPU.
"""

SPLITS_PER_S: Final = 14_000
"""The same of small splits, many to a task. Source: benchmarks/micro/driver.py, which came to 16,000."""

FINISHED_AT_ONCE: Final = 16
"""Requests that are under way at once when a run is finished. Source: scanner/results."""

FINISHED_PER_S: Final = 9_000
"""Splits whose records one core folds into a run's tables in a second. Source: benchmarks/micro/finish.py."""

# Source: counted at a store in tests/integration/stores/test_sizing.py, for splits that each have a hit.
RUN_LISTS, RUN_GETS, RUN_PUTS, RUN_DELETES = 10, 8, 12, 2
SPLIT_GETS, SPLIT_PUTS, SPLIT_DELETES = 2, 2, 1
FOOTER_BYTES: Final = FIRST_READ_BYTES

SAMPLED_FILES: Final = 32
"""Files whose footers are looked into for how much their text takes unpacked."""

_SHAPE: Final = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,3})")
_HOUR_S: Final = 3600
_GB: Final = 1e9
_THOUSAND: Final = 1000


@dataclass(frozen=True, slots=True)
class Cluster:
    """Machines that run splits.

    Attributes:
        workers: How many.
        cpus: Of each; as many splits run at once.
    """

    workers: int
    cpus: int

    @property
    def cores(self) -> int:
        """Of all."""
        return self.workers * self.cpus

    @classmethod
    def parse(cls, text: str) -> "Cluster | None":
        """``64x16`` is 64 workers of 16 CPUs; None for what is no such thing."""
        found = _SHAPE.fullmatch(text)
        return cls(int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Work:
    """A hunt, as far as its costs go.

    Attributes:
        files: Files of the archive.
        splits: Splits that they are cut into.
        stored_bytes: Compressed bytes of their text columns.
        largest_split_bytes: The same, of the largest split.
        signatures: How many run.
        text_per_stored_byte: Bytes of text in a byte that is stored of it.
        archive_on_store: False for an archive on disks.
        results_on_store: False for results on disks.
    """

    files: int
    splits: int
    stored_bytes: int
    largest_split_bytes: int
    signatures: int
    text_per_stored_byte: float = TEXT_PER_STORED_BYTE
    archive_on_store: bool = True
    results_on_store: bool = True


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests to stores, by how they are charged.

    Attributes:
        lists: Pages of listings.
        gets: Reads of a file or a part of one.
        puts: Writes.
        deletes: Removals, which no large provider charges.
    """

    lists: int
    gets: int
    puts: int
    deletes: int


@dataclass(frozen=True, slots=True)
class Prices:
    """What somebody pays, in any currency.

    Attributes:
        core_hour: For a core for an hour.
        thousand_gets: For a thousand reads.
        thousand_puts: For a thousand writes or pages of listings.
        gb: For a gigabyte that leaves the store's region.
    """

    core_hour: float = 0.0
    thousand_gets: float = 0.0
    thousand_puts: float = 0.0
    gb: float = 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a hunt takes on a cluster.

    Attributes:
        cores: Of the cluster.
        busy_cores: Those of them that there is a split for.
        text_bytes: Bytes of text that are hunted.
        core_hours: What the cores do, without waiting.
        hours: From the start to the end, on a cluster that is there.
        seconds: By what bounds it: ``planning``, then at once ``cores``, ``driver`` and ``largest split``, and at the
            end ``finishing``.
        bound_by: What takes longest of those.
        requests: To the stores of the archive and of the results.
        read_bytes: Bytes that come from the archive's store; egress where the cluster is elsewhere.
    """

    cores: int
    busy_cores: int
    text_bytes: int
    core_hours: float
    hours: float
    seconds: dict[str, float]
    bound_by: str
    requests: Requests
    read_bytes: int

    def price(self, prices: Prices) -> float:
        """What it costs, with the cluster there for its hours only and everything read leaving the region."""
        written = self.requests.puts + self.requests.lists
        return (
            self.cores * self.hours * prices.core_hour
            + self.requests.gets / _THOUSAND * prices.thousand_gets
            + written / _THOUSAND * prices.thousand_puts
            + self.read_bytes / _GB * prices.gb
        )


def estimate(work: Work, cluster: Cluster) -> Estimate:
    """What a hunt takes on a cluster."""
    slower = STORE_FACTOR if work.archive_on_store else 1.0
    rate = text_rate(work.signatures) / work.text_per_stored_byte / slower
    wait_s = LATENCY_S * (work.archive_on_store + SPLIT_PUTS * work.results_on_store)
    core_s = work.stored_bytes / rate + work.splits * wait_s
    busy = max(1, min(cluster.cores, work.splits))
    seconds = {
        "planning": work.files / min(FILES_PLANNED_PER_S, THREADS / LATENCY_S),
        "cores": core_s / busy / (EFFICIENCY if busy > 1 else 1),
        "driver": work.splits / SPLITS_PER_S + tasks(work) / TASKS_PER_S,
        "largest split": work.largest_split_bytes / rate + wait_s,
        "finishing": work.splits / _finished_per_s(work),
    }
    working = max(seconds["cores"], seconds["driver"], seconds["largest split"])
    return Estimate(
        cores=cluster.cores,
        busy_cores=busy,
        text_bytes=round(work.stored_bytes * work.text_per_stored_byte),
        core_hours=core_s / _HOUR_S,
        hours=(seconds["planning"] + working + seconds["finishing"]) / _HOUR_S,
        seconds=seconds,
        bound_by=max(seconds, key=lambda name: seconds[name]),
        requests=requests(work),
        read_bytes=(work.stored_bytes + work.files * FOOTER_BYTES) * work.archive_on_store,
    )


def text_rate(signatures: int) -> float:
    """Bytes of text that a core hunts in a second with so many signatures."""
    first, last = TEXT_BYTES_PER_S[0], TEXT_BYTES_PER_S[-1]
    if signatures <= first[0]:
        return first[1]
    for (fewer, faster), (more, slower) in pairwise(TEXT_BYTES_PER_S):
        if signatures <= more:
            return faster + (slower - faster) * (signatures - fewer) / (more - fewer)
    return last[1] * last[0] / signatures


def _finished_per_s(work: Work) -> float:
    """Splits whose records are read and removed in a second at the end of a run."""
    if not work.results_on_store:
        return FINISHED_PER_S
    return min(FINISHED_PER_S, FINISHED_AT_ONCE / LATENCY_S / (SPLIT_GETS + SPLIT_DELETES))


def tasks(work: Work) -> int:
    """Tasks that the driver makes of the splits, about."""
    return min(work.splits, max(_parts(work.stored_bytes, TASK_BYTES), _parts(work.splits, TASK_SPLITS)))


def requests(work: Work) -> Requests:
    """What is asked of the stores, about."""
    windows = max(work.splits, _parts(work.stored_bytes, WINDOW_BYTES))
    archive, results = int(work.archive_on_store), int(work.results_on_store)
    return Requests(
        lists=archive * _parts(work.files, PAGE_FILES)
        + results * (RUN_LISTS + 2 * _parts(work.splits, PAGE_FILES)),
        gets=archive * (1 + work.files + windows) + results * (RUN_GETS + SPLIT_GETS * work.splits),
        puts=results * (RUN_PUTS + SPLIT_PUTS * work.splits),
        deletes=results * (RUN_DELETES + SPLIT_DELETES * work.splits),
    )


def work_of(prepared: Prepared) -> Work:
    """What a hunt that was planned is going to read."""
    plan, spec = prepared.plan, prepared.spec
    return Work(
        files=plan.files,
        splits=len(plan.splits),
        stored_bytes=plan.text_bytes,
        largest_split_bytes=max(plan.splits.text_bytes, default=0),
        signatures=len(prepared.signatures.ruleset.signatures),
        text_per_stored_byte=_text_per_stored_byte(prepared),
        archive_on_store=not all(map(storage.is_local, [*spec.uris, *filter(None, [spec.manifest])])),
        results_on_store=not storage.is_local(spec.output),
    )


def _text_per_stored_byte(prepared: Prepared) -> float:
    """By the footers of some of its files, where there are any."""
    files = prepared.plan.splits.files
    stored = unpacked = 0
    for number in range(0, len(files), _parts(len(files), SAMPLED_FILES)):
        info = files[number]
        footer = prepared.footers.get(info) if info.uri.endswith(PARQUET) else None
        if footer is not None:
            with contextlib.suppress(SourceError):
                sizes = text_sizes(info.uri, footer)
                stored, unpacked = stored + sizes[0], unpacked + sizes[1]
    return unpacked / stored if stored else TEXT_PER_STORED_BYTE


def _parts(total: int, each: int) -> int:
    return math.ceil(total / each)
