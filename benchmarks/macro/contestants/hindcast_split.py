"""hindcast: a worker's whole task, from the file to committed hits with spans and masked evidence."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.workload import COLUMN, Answer, Workload
from scanner.archive.plan import Plan, make_plan
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.program import compile_ruleset
from scanner.results import layout
from scanner.results.report import SplitReport
from scanner.scan.split import ScanSettings, run_split

_KEY = bytes(32)


def enter(workload: Workload) -> list[Contestant]:
    """Compiles the signatures; files are planned the first time they are read."""
    matcher = HyperscanMatcher(compile_ruleset(workload.ruleset))
    names = pa.array([signature.id for signature in workload.ruleset.signatures])
    out = workload.path.parent / "results"
    runs = itertools.count()

    @cache
    def planned(path: Path) -> Plan:
        return make_plan([str(path)], [COLUMN])

    def run(path: Path) -> tuple[str, Sequence[SplitReport]]:
        plan = planned(path)
        uri = layout.run_uri(str(out), "bench", f"run-{next(runs)}")
        settings = settings_for(plan, uri)
        return uri, [run_split(split, matcher, settings) for split in plan.splits]

    def answer(found: tuple[str, Sequence[SplitReport]]) -> Answer:
        uri, reports = found
        errors = [report.error for report in reports if report.error]
        if errors:
            raise RuntimeError(errors[0])
        files = [layout.split_hits_uri(uri, report.hits_file) for report in reports if report.hits_file]
        tables = [pq.read_table(file, columns=["row_index", "signature_id"]) for file in files]
        if not tables:
            return Answer(np.zeros(0, np.int64), np.zeros(0, np.int64))
        hits = pa.concat_tables(tables)
        signatures = pc.index_in(hits["signature_id"], names).cast(pa.int64())
        return Answer(hits["row_index"].to_numpy(), signatures.to_numpy())

    return [Contestant("hindcast, run_split", run, answer, whole=True)]


def settings_for(plan: Plan, run_uri: str) -> ScanSettings:
    """What a hunt without a hunt file runs with."""
    return ScanSettings(
        hunt="bench",
        run_id=run_uri.rpartition("=")[2],
        run_uri=run_uri,
        columns=plan.columns,
        record_id=None,
        actor_id=None,
        event_time=None,
        carry=plan.carry,
        evidence="masked",
        match_key=_KEY,
        started_at=datetime.now(UTC),
    )
