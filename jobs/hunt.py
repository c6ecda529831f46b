"""One run of a hunt: its splits are driven to their ends, and its results published."""

import contextlib
import os
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jobs.driver import Driver, Finish, Instruction, RecordFailed, SlotsChanged, SplitDone, Start
from jobs.executors import Executor
from jobs.executors.inline import InlineExecutor
from jobs.prepare import Prepared
from scanner.archive import storage
from scanner.archive.plan import Split, Unreadable
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.qualification import verdict
from scanner.engine.versions import engine_versions
from scanner.results import layout
from scanner.results.commit import publish
from scanner.results.finish import RunRecord, finish
from scanner.results.report import SplitReport
from scanner.scan.split import ScanSettings

MATCH_KEY_VARIABLE = "HINDCAST_MATCH_KEY"
"""Environment variable with a key for match hashes that stays the same from archive to archive."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        splits: Splits that have ended.
        splits_total: Splits of the run.
        rows: Records of the splits that have ended.
        rows_total: Records of the run.
        hits: Hits found so far.
        failed: Splits that failed, and files that could not be read.
    """

    splits: int
    splits_total: int
    rows: int
    rows_total: int
    hits: int = 0
    failed: int = 0


def start_executor(prepared: Prepared, settings: ScanSettings) -> Executor:
    """Where the splits of a hunt run, as was decided when it was prepared."""
    program = prepared.signatures.program
    if prepared.executor == "ray":
        # Importing Ray takes a second, and it is an extra that need not be installed.
        from jobs.executors.ray_tasks import RayExecutor  # noqa: PLC0415

        return RayExecutor(program, settings)
    return InlineExecutor(HyperscanMatcher(program), settings)


class Run:
    """One execution of a hunt.

    Args:
        prepared: The hunt.
        started_at: In UTC; names the run.
        start: Starts the executor.

    Attributes:
        run_id: Sorts by start, and is unique.
        uri: Folder of the results.
        progress: How far it has come.
    """

    def __init__(
        self,
        prepared: Prepared,
        started_at: datetime,
        start: Callable[[Prepared, ScanSettings], Executor] = start_executor,
    ) -> None:
        self._prepared = prepared
        self._start = start
        self._started_at = started_at
        self.run_id = f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.uri = layout.run_uri(prepared.spec.output, prepared.spec.hunt, self.run_id)
        self._splits = {split.split_id: split for split in prepared.plan.splits}
        plan = prepared.plan
        self.progress = Progress(0, len(plan.splits), 0, plan.rows, failed=len(plan.unreadable))

    def execute(
        self,
        on_progress: Callable[[Progress], None] = lambda _: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> dict[str, object]:
        """Runs every split and publishes the results.

        Splits that are done when this is interrupted stay published; the run then has no ``run.json``.

        Args:
            on_progress: Called when work begins and whenever a split has ended.
            clock: Says when the run was finished, in UTC.

        Returns:
            What ``run.json`` holds.

        Raises:
            EngineError: The engine misses matches on this machine; nothing was started.
        """
        engine = verdict.record()
        for file in self._prepared.plan.unreadable:
            publish(self.uri, self._unread(file))
        with contextlib.closing(self._start(self._prepared, self._settings())) as executor:
            on_progress(self.progress)
            self._drive(executor, on_progress)
        spec = self._prepared.spec
        record = RunRecord(
            hunt=spec.hunt,
            run_id=self.run_id,
            spec=spec.as_dict(),
            ruleset=self._prepared.signatures.ruleset,
            expired=self._prepared.signatures.expired,
            versions=engine_versions(),
            engine=engine,
            started_at=self._started_at,
            finished_at=clock(),
            carry=self._prepared.plan.carry,
        )
        return finish(self.uri, record)

    def published(self) -> int:
        """How many splits are done for good, whatever happens now."""
        return len(self._splits.keys() & set(storage.list_names(layout.commits_uri(self.uri))))

    def _settings(self) -> ScanSettings:
        spec, plan = self._prepared.spec, self._prepared.plan
        given_key = os.environ.get(MATCH_KEY_VARIABLE)
        return ScanSettings(
            hunt=spec.hunt,
            run_id=self.run_id,
            run_uri=self.uri,
            columns=plan.columns,
            record_id=spec.record_id,
            actor_id=spec.actor_id,
            event_time=spec.event_time,
            carry=plan.carry,
            evidence=spec.evidence,
            match_key=given_key.encode() if given_key else plan.match_key,
            started_at=self._started_at,
        )

    def _drive(self, executor: Executor, on_progress: Callable[[Progress], None]) -> None:
        slots = executor.slots
        driver = Driver(self._splits, slots)
        todo: deque[Instruction] = deque(driver.begin())
        while True:
            while todo:
                match todo.popleft():
                    case Start(split_id):
                        executor.submit(self._splits[split_id])
                    case RecordFailed(split_id, reason, attempts):
                        publish(self.uri, self._lost(self._splits[split_id], reason, attempts))
                    case Finish():
                        return
            outcome = executor.wait()
            todo.extend(driver.handle(outcome))
            self._advance(outcome.split_id, outcome.report if isinstance(outcome, SplitDone) else None)
            on_progress(self.progress)
            if executor.slots != slots:
                slots = executor.slots
                todo.extend(driver.handle(SlotsChanged(slots)))

    def _advance(self, split_id: str, report: SplitReport | None) -> None:
        before = self.progress
        failed = report is None or report.status == "failed"
        self.progress = replace(
            before,
            splits=before.splits + 1,
            rows=before.rows + self._splits[split_id].rows,
            hits=before.hits + (report.hits if report else 0),
            failed=before.failed + failed,
        )

    def _lost(self, split: Split, reason: str, attempts: int) -> SplitReport:
        return SplitReport(
            split_id=split.split_id,
            source_uri=split.source_uri,
            source_etag=split.source_etag,
            source_size_bytes=split.source_size_bytes,
            row_groups=split.row_groups,
            columns=split.columns,
            ruleset_digest=self._prepared.signatures.ruleset.digest,
            signatures=(),
            status="failed",
            error=reason,
            attempts=attempts,
        )

    def _unread(self, file: Unreadable) -> SplitReport:
        return SplitReport(
            split_id=file.split_id,
            source_uri=file.uri,
            source_etag=file.etag,
            source_size_bytes=file.size_bytes,
            row_groups=(),
            columns=self._prepared.plan.columns,
            ruleset_digest=self._prepared.signatures.ruleset.digest,
            signatures=(),
            status="failed",
            error=file.reason,
        )
