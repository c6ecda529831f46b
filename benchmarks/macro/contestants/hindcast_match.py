"""hindcast without its results: what the others are asked, and the spans; no evidence, no hashes, nothing written."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.workload import COLUMN, Answer, Workload
from scanner.archive.columns.cells import extract
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Plan, make_plan
from scanner.archive.read import Gap
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.program import compile_ruleset
from scanner.errors import SourceError
from scanner.scan.hits import rows_of
from scanner.views.raw import Int64s


def enter(workload: Workload) -> list[Contestant]:
    """Compiles the signatures; files are planned the first time they are read."""
    matcher = HyperscanMatcher(compile_ruleset(workload.ruleset))

    @cache
    def planned(path: Path) -> Plan:
        return make_plan([str(path)], [COLUMN])

    def found(path: Path) -> Iterator[tuple[Int64s, Int64s]]:
        for split in planned(path).splits:
            for batch in read_split(split, [COLUMN]):
                if isinstance(batch, Gap):
                    raise SourceError(split.source_uri, batch.reason)
                cells = extract(batch.data, COLUMN)
                matches = matcher.match(cells.values, COLUMN)
                yield batch.in_file(rows_of(cells, matches.cells)), matches.signatures

    def answer(found: list[tuple[Int64s, Int64s]]) -> Answer:
        rows, signatures = (np.concatenate(each) for each in zip(*found, strict=True))
        return Answer(rows, signatures)

    return [Contestant("hindcast, read and match", lambda path: list(found(path)), answer, whole=True)]
