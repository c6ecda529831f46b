"""``python -m benchmarks.micro.planning``: what listing and planning many files takes, in files a second and memory.

Two archives: real small files on local disk, planned with no footer known and then with all of them known; and an
invented listing, of which every footer is known, so that nothing but planning itself is measured. Of the second, the
tasks are made too, as a hunt hands them out.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.executors import SplitDone
from jobs.running.driver import Driver, Start
from scanner.archive.parquet.footer_cache import FooterCache
from scanner.archive.parquet.footers import read_footer
from scanner.archive.plan import Plan, Split, make_plan, plan_files
from scanner.archive.planning.survey import Wanted
from scanner.archive.storage import FileInfo, stat
from scanner.results.report import SplitReport

ROWS: Final = 200
SLOTS: Final = 64
WANTED: Final = Wanted(("text", "caption"), ("id", "author"), "at", ("lang",))


class OneFooter(FooterCache):
    """Knows every file, and that all have the same footer."""

    def __init__(self, footer: bytes) -> None:
        super().__init__()
        self._footer = footer

    def get(self, info: FileInfo) -> bytes | None:  # noqa: ARG002 - of every file the same
        """That footer."""
        return self._footer


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of planning one archive."""

    name: str
    files: int
    seconds: float
    grown_bytes: int

    def __str__(self) -> str:
        rate, each = self.files / self.seconds, self.grown_bytes / self.files
        return f"{self.name:<42}{self.files:>10,}{self.seconds:>9.1f}{rate:>11,.0f}{each:>10,.0f}"


def main() -> int:
    """Measures and prints; 1 where a plan or its tasks are not complete."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro.planning", description=__doc__)
    parser.add_argument("--real", type=int, default=20_000, help="files on disk")
    parser.add_argument("--invented", type=int, default=1_000_000, help="files in the listing")
    asked = parser.parse_args()
    print(f"{'':<42}{'files':>10}{'s':>9}{'files/s':>11}{'B/file':>10}")
    with tempfile.TemporaryDirectory() as folder:
        footer = _write(Path(folder), asked.real)
        with closing(FooterCache(Path(folder) / "footers")) as known:
            for name in ("on disk, no footer known", "on disk, all footers known"):
                measured, plan = _planned(name, folder, known)
                print(measured)
                if len(plan.splits) != asked.real:
                    return 1
    measured, plan = _invented(asked.invented, footer)
    print(measured)
    begun, before = time.monotonic(), peak_bytes()
    splits, tasks = _driven(plan)
    grown = peak_bytes() - before
    print(Measured(f"handed out in {tasks:,} tasks", splits, time.monotonic() - begun, grown))
    return 0 if splits == asked.invented else 1


def _write(folder: Path, files: int) -> bytes:
    """Writes small files of one schema in folders of a day, and gives the footer of one."""
    columns = ("id", "author", "at", "lang", "text", "caption", *(f"other_{number}" for number in range(14)))
    table = pa.table({name: [f"{name} {row}" for row in range(ROWS)] for name in columns})
    first = folder / "first.parquet"
    pq.write_table(table, first, compression="zstd")
    data = first.read_bytes()
    footer = read_footer(stat(str(first)))
    first.unlink()
    for number in range(files):
        path = folder / f"day={number % 365:03}" / f"part-{number:07}-5f0c6d2e-c000.zstd.parquet"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return footer


def _planned(name: str, folder: str, known: FooterCache) -> tuple[Measured, Plan]:
    begun, before = time.monotonic(), peak_bytes()
    plan = make_plan([folder], ["text", "caption"], "id", "author", "at", ["lang"], footers=known)
    return Measured(name, plan.files, time.monotonic() - begun, peak_bytes() - before), plan


def _invented(files: int, footer: bytes) -> tuple[Measured, Plan]:
    begun, before = time.monotonic(), peak_bytes()
    plan = plan_files(_infos(files), WANTED, footers=OneFooter(footer))
    grown = peak_bytes() - before
    return Measured("invented, all footers known", files, time.monotonic() - begun, grown), plan


def _infos(files: int) -> Iterator[FileInfo]:
    for number in range(files):
        day = number * 365 // files
        name = f"s3://content-dumps/comments/day={day:03}/part-{number:07}-5f0c6d2e-c000.zstd.parquet"
        yield FileInfo(name, 40_000 + number, f"{number:032x}")


def _driven(plan: Plan) -> tuple[int, int]:
    """Hands out every task and says at once that its splits have ended."""
    driver = Driver(plan.splits.text_bytes, SLOTS)
    todo = list(driver.begin())
    splits = tasks = 0
    while todo:
        each = todo.pop()
        if isinstance(each, Start):
            tasks += 1
            for number in each.numbers:
                splits += 1
                todo += driver.handle(SplitDone(number, blank_report(plan.splits[number])))
    return splits, tasks


def blank_report(split: Split, hits: int = 0) -> SplitReport:
    """The report of a split that nobody hunted."""
    return SplitReport(
        split_id=split.split_id,
        source_uri=split.source_uri,
        source_etag=split.source_etag,
        source_size_bytes=split.source_size_bytes,
        row_groups=split.row_groups,
        columns=split.columns,
        ruleset_digest="",
        signature_set="",
        status="scanned",
        hits=hits,
    )


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
