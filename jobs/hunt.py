"""One run of a hunt: its splits are driven to their ends, and its results published."""

import contextlib
import os
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from jobs.driver import Driver, Finish, Instruction, RecordFailed, SlotsChanged, SplitDone, Start
from jobs.executors import Executor, Task
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


MAX_FOOTERS_BYTES = 32 << 20
"""What a task takes along of footers; a worker reads for itself what goes beyond."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        splits: Splits that have ended.
        splits_total: Splits of the run.
        rows: Records of the splits that have ended.
        rows_total: Records of the run, as far as that is known before they are read.
        hits: Hits found so far.
        failed: Splits that failed, and files that could not be read.
        text_bytes: Stored bytes of text of the splits that have ended.
        text_bytes_total: Stored bytes of text of the run.
    """

    splits: int
    splits_total: int
    rows: int
    rows_total: int
    hits: int = 0
    failed: int = 0
    text_bytes: int = 0
    text_bytes_total: int = 0


def start_executor(prepared: Prepared, settings: ScanSettings, address: str | None = None) -> Executor:
    """Where the splits of a hunt run, as was decided when it was prepared.

    Args:
        prepared: The hunt.
        settings: What every split of the run shares.
        address: The Ray cluster to run on; None for a Ray of this machine alone.

    Raises:
        HuntError: There is no cluster at the address.
    """
    program = prepared.signatures.program
    if prepared.executor == "ray":
        # Importing Ray takes a second, and it is an extra that need not be installed.
        from jobs.executors.ray_tasks import RayExecutor  # noqa: PLC0415

        return RayExecutor(program, settings, address)
    return InlineExecutor(HyperscanMatcher(program), settings)


def new_run_id(started_at: datetime, tag: str) -> str:
    """An id that sorts by start; the tag, of hexadecimal digits, tells runs of the same second apart."""
    return f"{started_at:%Y%m%dT%H%M%SZ}-{tag}"


class Run:
    """One execution of a hunt.

    Args:
        prepared: The hunt.
        started_at: In UTC; names the run.
        start: Starts the executor.
        run_id: Begins with the time of the start; made from it by default.

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
        run_id: str | None = None,
    ) -> None:
        self._prepared = prepared
        self._start = start
        self._started_at = started_at
        self.run_id = run_id or new_run_id(started_at, secrets.token_hex(3))
        self.uri = layout.run_uri(prepared.spec.output, prepared.spec.hunt, self.run_id)
        plan = prepared.plan
        self.progress = Progress(
            0, len(plan.splits), 0, plan.rows, failed=len(plan.unreadable), text_bytes_total=plan.text_bytes
        )

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
            pruned=tuple(map(asdict, self._prepared.plan.pruned)),
        )
        return finish(self.uri, record)

    def published(self) -> int:
        """How many splits are done for good, whatever happens now."""
        unread = {file.split_id for file in self._prepared.plan.unreadable}
        return sum(name not in unread for name in storage.list_names(layout.commits_uri(self.uri)))

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
            storage=spec.storage,
            where=spec.where,
            optional=spec.optional,
        )

    def _drive(self, executor: Executor, on_progress: Callable[[Progress], None]) -> None:
        slots, splits = executor.slots, self._prepared.plan.splits
        driver = Driver(splits.text_bytes, slots)
        todo: deque[Instruction] = deque(driver.begin())
        while True:
            while todo:
                match todo.popleft():
                    case Start(numbers):
                        executor.submit(self._task(numbers))
                    case RecordFailed(number, reason, attempts):
                        publish(self.uri, self._lost(splits[number], reason, attempts))
                        self._advance(number, None)
                        on_progress(self.progress)
                    case Finish():
                        return
            outcome = executor.wait()
            todo.extend(driver.handle(outcome))
            if isinstance(outcome, SplitDone):
                self._advance(outcome.number, outcome.report)
                on_progress(self.progress)
            if executor.slots != slots:
                slots = executor.slots
                todo.extend(driver.handle(SlotsChanged(slots)))

    def _task(self, numbers: Sequence[int]) -> Task:
        """A task with the footers of its files, as far as they are known and not too large together."""
        prepared = self._prepared
        splits = tuple((number, prepared.plan.splits[number]) for number in numbers)
        footers: dict[str, bytes] = {}
        left_bytes = MAX_FOOTERS_BYTES
        for info in dict.fromkeys(split.info for _, split in splits):
            footer = prepared.footers.get(info)
            if footer is not None and len(footer) <= left_bytes:
                footers[info.uri] = footer
                left_bytes -= len(footer)
        return Task(splits, footers)

    def _advance(self, number: int, report: SplitReport | None) -> None:
        before = self.progress
        failed = report is None or report.status == "failed"
        split = self._prepared.plan.splits[number]
        self.progress = replace(
            before,
            splits=before.splits + 1,
            rows=before.rows + (split.rows or (report.rows if report else 0)),
            hits=before.hits + (report.hits if report else 0),
            failed=before.failed + failed,
            text_bytes=before.text_bytes + split.text_bytes,
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
