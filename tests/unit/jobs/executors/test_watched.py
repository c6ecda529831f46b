"""Splits that kill, in children of this process: what Ray's workers do, without Ray."""

import platform
import signal
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.executors import Compiled, Outcome, SplitDone, SplitLost, Task
from jobs.executors.watched import TRIES, run_watched
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from scanner.archive.parquet.footers import read_footer
from scanner.engine.qualification.verdict import require_qualified
from scanner.errors import EngineError
from scanner.results.limits import Limits
from scanner.scan.split import ScanSettings
from tests.support.results import committed
from tests.support.traps import FOR_EVER, Trap

NOW = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)

# Pass one, which knows no look-behind, finds it wherever there is an `a`; the judge needs ages to say no.
SLOW = r"""signatures:
  - {id: t.one, literal: one}
  - {id: t.slow, regex: '^(?:a+)+(?<!a)'}
"""


@pytest.fixture
def prepared(here: Path) -> Prepared:
    """Three files, of which the second keeps the judge busy."""
    (here / "archive").mkdir()
    for name, texts in (("a", ["one"]), ("b", ["one", *["a" * 60] * 1000]), ("c", ["one"])):
        pq.write_table(pa.table({"text": texts}), here / "archive" / f"{name}.parquet")
    (here / "s.yaml").write_text(SLOW)
    (here / "hunt.yaml").write_text("hunt: small\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n")
    return prepare("hunt.yaml", date(2026, 5, 1))


@pytest.fixture
def settings(prepared: Prepared) -> ScanSettings:
    return Run(prepared, new_run(prepared, NOW))._settings()


@pytest.fixture
def task(prepared: Prepared) -> Task:
    splits = prepared.plan.splits
    return Task(
        tuple(enumerate(splits)), {split.source_uri: read_footer(split.info) for split in splits}, again=True
    )


def hunted(prepared: Prepared, task: Task, settings: ScanSettings) -> list[Outcome]:
    compiled: Compiled = (prepared.signatures.program, (), require_qualified())
    return list(run_watched(task, compiled, settings))


def test_the_split_that_kills_is_named_with_the_signal_and_the_others_are_hunted(
    prepared: Prepared, task: Task, settings: ScanSettings
) -> None:
    fatal = task.splits[1][1].source_uri
    trapped = replace(task, footers=Trap(dict(task.footers), fatal, signal.SIGSEGV))
    first, killer, last = hunted(prepared, trapped, settings)
    assert isinstance(first, SplitDone)
    assert isinstance(last, SplitDone)
    assert isinstance(killer, SplitLost)
    assert (killer.number, killer.attempts, killer.fatal) == (1, TRIES, True)
    assert killer.reason.startswith("SIGSEGV ended its worker; it held up to ")
    assert killer.reason.endswith(" MB of memory")
    assert len(committed(settings.run_uri)) == 2


def test_a_signature_that_takes_too_long_is_named(
    prepared: Prepared, task: Task, settings: ScanSettings
) -> None:
    outcomes = hunted(prepared, task, replace(settings, limits=Limits(split_timeout_s=3)))
    late = "it took longer than 3 s, most of it on matches of signature t.slow"
    assert outcomes[1] == SplitLost(1, late, fatal=True)
    assert [type(each) for each in outcomes[::2]] == [SplitDone, SplitDone]


def test_what_is_late_for_no_signature_names_none(
    prepared: Prepared, task: Task, settings: ScanSettings
) -> None:
    fatal = task.splits[1][1].source_uri
    trapped = replace(task, footers=Trap(dict(task.footers), fatal, FOR_EVER))
    outcomes = hunted(prepared, trapped, replace(settings, limits=Limits(split_timeout_s=1)))
    assert outcomes[1] == SplitLost(1, "it took longer than 1 s", fatal=True)


def test_a_machine_that_cannot_hunt_is_named_and_no_split_is_blamed(
    prepared: Prepared, task: Task, settings: ScanSettings
) -> None:
    broken = replace(prepared.signatures.program, databases=(b"of another engine",))
    with pytest.raises(EngineError, match=f"{platform.node()} cannot hunt: "):
        list(run_watched(task, (broken, (), require_qualified()), settings))
    assert committed(settings.run_uri) == []
