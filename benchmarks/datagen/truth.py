"""``python -m benchmarks.datagen.truth OUT RESULTS``: were all planted items found, and nothing else?

The hunt must have read every text column of the archive with the whole example pack, and with
``record_id: comment_id``.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.errors import HuntError
from scanner.results.reader import Results, open_results

_MOST_LINES = 20


class Place(NamedTuple):
    """A cell and a signature that hits it."""

    source_file: str
    row_index: int
    column: str
    signature_id: str
    comment_id: str

    def __str__(self) -> str:
        where = f"{self.source_file}, row {self.row_index}, {self.column}"
        return f"{self.signature_id} in {where} ({self.comment_id})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run's hits beside the truth.

    Attributes:
        planted: How many hits the truth has.
        missed: Planted and not found.
        beyond: Found and not planted, or found more than once.
    """

    planted: int
    missed: tuple[Place, ...]
    beyond: tuple[Place, ...]

    @property
    def exact(self) -> bool:
        """True where the hits are the truth, no more and no less."""
        return not self.missed and not self.beyond

    def __str__(self) -> str:
        found = self.planted - len(self.missed)
        counts = f"planted {self.planted:,}  found {found:,}  missed {len(self.missed):,}"
        return f"{counts}  beyond the plan {len(self.beyond):,}"


def compare(truth: pa.Table, hits: pa.Table) -> Verdict:
    """Compares cell by cell and signature by signature.

    Args:
        truth: What `benchmarks.datagen.archive.write_archive` wrote.
        hits: The hits of a run: ``source_uri``, ``row_index``, ``column``, ``signature_id``, ``record_id``.
    """
    planted = Counter(_places(truth, "source_file", "comment_id"))
    found = Counter(_places(hits, "source_uri", "record_id"))
    return Verdict(
        planted.total(),
        tuple(sorted((planted - found).elements())),
        tuple(sorted((found - planted).elements())),
    )


def judge(out: Path, results: Results) -> Verdict:
    """Compares a run with the truth that lies in ``out``."""
    columns = ["source_uri", "row_index", "column", "signature_id", "record_id"]
    return compare(pq.read_table(out / "truth.parquet"), results.hits.to_table(columns=columns))


def _places(table: pa.Table, source: str, record: str) -> list[Place]:
    columns = (table[name].to_pylist() for name in (source, "row_index", "column", "signature_id", record))
    return [
        Place(Path(file).name, row, column, signature_id, record_id or "")
        for file, row, column, signature_id, record_id in zip(*columns, strict=True)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the comparison; 0 where the hits of a complete run are the truth, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.datagen.truth", description=__doc__)
    parser.add_argument("out", type=Path, help="folder that benchmarks.datagen wrote")
    parser.add_argument("results", help="output of a hunt over it, or the folder of one run")
    parser.add_argument("--hunt", help="name of the hunt, where the output has several")
    parser.add_argument("--run", default="latest", help="id of a run (%(default)s)")
    asked = parser.parse_args(arguments)
    try:
        results = open_results(asked.results, hunt=asked.hunt, run=asked.run)
    except HuntError as error:
        parser.error(str(error))
    verdict = judge(asked.out, results)
    print(verdict)
    for name, places in (("missed", verdict.missed), ("beyond the plan", verdict.beyond)):
        for place in places[:_MOST_LINES]:
            print(f"{name}: {place}")
    if not results.complete:
        print(f"the run is {results.status}, so it proves nothing about what it did not read")
    return 0 if verdict.exact and results.complete else 1


if __name__ == "__main__":
    sys.exit(main())
