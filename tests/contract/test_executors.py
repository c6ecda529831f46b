"""One contract for every executor: each split comes out once, and with the same hits wherever it ran."""

import contextlib
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.executors import Executor, SlotsChanged, SplitDone, SplitLost, Task
from jobs.executors.inline import InlineExecutor
from jobs.preparing.prepare import Loaded, load_for
from scanner.archive.parquet.footers import read_footer
from scanner.archive.plan import Plan, make_plan
from scanner.archive.planning.splits import NOTHING
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.owed import parts_of
from scanner.results import layout
from scanner.results.limits import Limits
from scanner.results.report import SplitReport
from scanner.results.signature_sets import signature_set
from scanner.scan.split import ScanSettings
from tests.support.results import committed
from tests.support.traps import FOR_EVER, Trap

SIGNATURES = """\
signatures:
  - {id: t.alpha, regex: 'alp?ha\\d', examples: {match: [alpha1], no_match: [alpha]}}
  - {id: t.beta, literal: beta, flags: i, severity: high, examples: {match: [BETA], no_match: [bet]}}
"""

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)

Start = Callable[[ScanSettings], Executor]


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    path = tmp_path / "signatures.yaml"
    path.write_text(SIGNATURES)
    return load_for([str(path)], date(2026, 5, 1))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in ("a", "b", "c"):
        texts = [f"{name}{i} alpha{i % 10} {'Beta' if i % 7 == 0 else 'x'}" for i in range(1000)]
        table = pa.table({"id": [f"{name}{i}" for i in range(1000)], "text": texts})
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=250)
    return make_plan([str(folder)], ["text"], record_id="id", target_split_bytes=1)


@pytest.fixture
def settings(tmp_path: Path, plan: Plan) -> ScanSettings:
    return ScanSettings(
        hunt="contract",
        run_id="r1",
        run_uri=str(tmp_path / "out" / "hunt=contract" / "run=r1"),
        columns=plan.columns,
        record_id="id",
        actor_id=None,
        event_time=None,
        carry=plan.carry,
        evidence="clear",
        match_key=plan.match_key,
        started_at=NOW,
    )


@pytest.fixture(params=["inline", "ray"])
def start(request: pytest.FixtureRequest, loaded: Loaded) -> Start:
    parts = parts_of(loaded.program, [(1,)])
    if request.param == "inline":
        return lambda settings: InlineExecutor(HyperscanMatcher(loaded.program), settings, parts=parts)
    request.getfixturevalue("local_ray")
    from jobs.executors.ray_tasks import RayExecutor  # noqa: PLC0415 - only where Ray runs

    return lambda settings: RayExecutor(loaded.program, settings, parts=parts)


def run_all(executor: Executor, plan: Plan) -> list[SplitDone | SplitLost | SlotsChanged]:
    with contextlib.closing(executor):
        for numbers in (range(5), range(5, 6), range(6, len(plan.splits))):
            executor.submit(task(plan, *numbers))
        return [executor.wait() for _ in plan.splits]


def task(plan: Plan, *numbers: int) -> Task:
    splits = tuple((number, plan.splits[number]) for number in numbers)
    footers = {split.source_uri: read_footer(split.info) for _, split in splits}
    return Task(splits, footers)


def same_everywhere(report: SplitReport) -> SplitReport:
    costs = tuple((*cost[:3], 0.0) for cost in report.signature_costs)
    return replace(report, elapsed_s=0.0, worker="", hits_file=None, stages=(), signature_costs=costs)


def hits_of(run_uri: str) -> pa.Table:
    files = sorted(Path(layout.split_hits_folder_uri(run_uri)).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(file) for file in files]).sort_by("hit_id")


def test_every_split_comes_out_once_and_its_commit_says_the_same(
    start: Start, plan: Plan, settings: ScanSettings
) -> None:
    outcomes = run_all(start(settings), plan)
    reports = [outcome.report for outcome in outcomes if isinstance(outcome, SplitDone)]
    assert sorted(report.split_id for report in reports) == sorted(split.split_id for split in plan.splits)
    assert committed(settings.run_uri) == sorted(reports, key=lambda report: report.split_id)
    assert {report.status for report in reports} == {"scanned"}
    assert sum(report.rows for report in reports) == 3000
    assert sum(report.hits for report in reports) == 3000 + 3 * 143


def test_each_split_is_matched_for_the_signatures_that_it_owes(
    start: Start, plan: Plan, settings: ScanSettings, loaded: Loaded
) -> None:
    numbers = np.array([1, 0, NOTHING, *[1] * 9])
    run_all(start(settings), replace(plan, splits=plan.splits.owing(numbers)))
    reports = committed(settings.run_uri)
    assert len(reports) == 11
    both = [report for report in reports if report.ruleset_digest == loaded.ruleset.digest]
    assert [dict(report.signature_hits).keys() for report in both] == [{"t.alpha", "t.beta"}]
    assert set(hits_of(settings.run_uri)["signature_id"].value_counts().field(1).to_pylist()) == {250, 393}
    sets = {signature_set(settings.run_uri, report.signature_set) for report in reports}
    alpha, beta = (signature.digest for signature in loaded.ruleset.signatures)
    assert sets == {tuple(sorted([alpha, beta])), (beta,)}


def test_hits_and_reports_are_those_of_every_other_executor(
    start: Start, plan: Plan, settings: ScanSettings, loaded: Loaded
) -> None:
    reference = replace(settings, run_uri=f"{settings.run_uri}-reference")
    run_all(InlineExecutor(HyperscanMatcher(loaded.program), reference), plan)
    run_all(start(settings), plan)
    assert hits_of(settings.run_uri).equals(hits_of(reference.run_uri))
    assert list(map(same_everywhere, committed(settings.run_uri))) == list(
        map(same_everywhere, committed(reference.run_uri))
    )


def test_a_file_that_changed_is_a_failed_split_among_good_ones(
    start: Start, plan: Plan, settings: ScanSettings
) -> None:
    changed = Path(plan.splits[0].source_uri)
    changed.write_bytes(changed.read_bytes()[:-1])
    outcomes = run_all(start(settings), plan)
    assert {type(outcome) for outcome in outcomes} == {SplitDone}
    by_status = {
        status: [report for report in committed(settings.run_uri) if report.status == status]
        for status in ("failed", "scanned")
    }
    assert [report.source_uri for report in by_status["failed"]] == [str(changed)] * 4
    assert all("has changed since" in (report.error or "") for report in by_status["failed"])
    assert sum(report.rows for report in by_status["scanned"]) == 2000


def test_a_split_that_cannot_publish_is_lost_with_its_reason(
    start: Start, plan: Plan, settings: ScanSettings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    outcomes = run_all(start(replace(settings, run_uri=str(tmp_path / "file" / "run"))), plan)
    lost = [outcome for outcome in outcomes if isinstance(outcome, SplitLost)]
    assert sorted(outcome.number for outcome in lost) == list(range(len(plan.splits)))
    assert all("not a directory" in outcome.reason.lower() for outcome in lost)


def test_slots_and_closing_twice(start: Start, plan: Plan, settings: ScanSettings) -> None:
    executor = start(settings)
    assert executor.slots >= 1
    executor.submit(task(plan, 0, 1))
    executor.close()
    executor.close()


class KillsItsReader(dict[str, bytes]):
    """What a worker cannot load and live."""

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return signal.raise_signal, (signal.SIGKILL,)


@pytest.mark.usefixtures("local_ray")
def test_of_a_task_whose_worker_dies_every_split_is_lost_with_the_reason(
    plan: Plan, settings: ScanSettings, loaded: Loaded
) -> None:
    from jobs.executors.ray_tasks import RayExecutor  # noqa: PLC0415 - only where Ray runs

    with contextlib.closing(RayExecutor(loaded.program, settings)) as executor:
        executor.submit(replace(task(plan, 0, 1), footers=KillsItsReader()))
        outcomes = [executor.wait() for _ in range(2)]
    assert outcomes == [SplitLost(number, "its worker died", worker_died=True) for number in range(2)]
    assert committed(settings.run_uri) == []


@pytest.mark.parametrize(
    ("signum", "limits", "reason"),
    [
        (
            signal.SIGKILL,
            Limits(),
            "SIGKILL ended its worker, as happens where memory is short; it held up to",
        ),
        (FOR_EVER, Limits(split_timeout_s=2), "it took longer than 2 s"),
    ],
)
@pytest.mark.usefixtures("local_ray")
def test_a_task_whose_worker_dies_in_the_middle_keeps_what_is_committed_and_watched_tells_who_did_it(
    plan: Plan, settings: ScanSettings, loaded: Loaded, signum: int, limits: Limits, reason: str
) -> None:
    from jobs.executors.ray_tasks import RayExecutor  # noqa: PLC0415 - only where Ray runs

    whole = task(plan, 0, 4, 8)
    fatal = replace(whole, footers=Trap(dict(whole.footers), plan.splits[4].source_uri, signum))
    with contextlib.closing(RayExecutor(loaded.program, replace(settings, limits=limits))) as executor:
        executor.submit(fatal)
        blind = [executor.wait() for _ in range(3)]
        executor.submit(replace(fatal, again=True, watched=True))
        seeing = [executor.wait() for _ in range(3)]
    assert blind == [SplitLost(number, "its worker died", worker_died=True) for number in (0, 4, 8)]
    first, killer, last = seeing
    assert isinstance(first, SplitDone)
    assert isinstance(last, SplitDone)
    assert isinstance(killer, SplitLost)
    assert (first.number, killer.number, last.number) == (0, 4, 8)
    assert killer.fatal
    assert killer.reason.startswith(reason)
    assert len(list(Path(layout.split_hits_folder_uri(settings.run_uri)).iterdir())) == 2, (
        "each good split ran once"
    )
