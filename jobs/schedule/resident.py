"""The scheduler of one machine: APScheduler says when, and every hunt runs in a process of its own."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from jobs.hunt_file.schedule_keys import Schedule
from jobs.schedule.children import Children, claimed
from jobs.schedule.due import due
from jobs.schedule.files import Scheduled, Watched, read_schedules
from jobs.schedule.standing import RUNNING, LastRun, last_run
from scanner.archive import storage
from scanner.errors import HindcastError, why

LOOK_S: Final = 5.0
"""How often hunt files are looked at for changes, and the clock for what is due."""

ASK_S: Final = 60.0
"""How often hunts are asked for that somebody else has: who dies leaves runs that look alive about as long."""

_JUMP: Final = timedelta(minutes=1)
"""By how much the clock may differ from the time that has passed before it was put back."""

_MEANINGS: Final = {
    0: "ended well",
    2: "was refused, and nothing was started: see above",
    3: "complete with gaps: see `hindcast results coverage`",
    130: "was stopped, and the next time goes on with it",
}

_STILL_RUNNING: Final = "is still running, or another scheduler runs it; this time is left out"
_NOW: Final = "\0now"
"""Ends the names of jobs that catch up, which no file's name does."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is.

    Attributes:
        now: The time, in UTC.
        passed: Seconds that nobody sets, since some moment.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    passed: Callable[[], float] = time.monotonic

    def start(self) -> datetime:
        """The time of that moment; another one once the clock is set, or the machine has slept."""
        return self.now() - timedelta(seconds=self.passed())


MACHINE: Final = Clock()


class CronTrigger(BaseTrigger):  # type: ignore[misc] # no types are shipped
    """A schedule as APScheduler asks for it. Its own trigger counts weekdays from Monday and reads cron otherwise."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first time after both; what was missed in between is one run, whatever its length."""
        after = max(previous_fire_time or now, now)
        return self._schedule.cron.next_after(after.astimezone(UTC), self._schedule.zone)

    def __str__(self) -> str:
        return self._schedule.written


class Resident:
    """Runs hunts when they are due, until it is stopped.

    Args:
        paths: Hunt files and folders of them.
        claims: Folder in which hunts are claimed.
        tell: Says what happens, a line at a time.
        at_once: Hunts that may run at the same time.
        children: Starts hunts.
        clock: What time it is.
    """

    def __init__(
        self,
        paths: Sequence[str],
        claims: Path,
        tell: Tell,
        at_once: int,
        children: Children,
        clock: Clock = MACHINE,
    ) -> None:
        self._watched = Watched(paths)
        self._claims = claims
        self._tell = tell
        self._children = children
        self._clock = clock
        self._start = clock.start()
        self._asked_s = clock.passed()
        self._elsewhere: set[str] = set()
        self._asking = threading.Lock()
        self._known: dict[str, Scheduled] = {}
        # What it would say of its own, this says in words for users.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(at_once)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        self._scheduler.add_listener(self._not_run, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)

    def run(self, stop: threading.Event) -> None:
        """Runs what is due and waits for what comes, until the event is set; hunts under way are stopped then."""
        self._scheduler.start()
        try:
            self.look()
            while not stop.wait(LOOK_S):
                self.look()
        finally:
            self._children.stop()
            self._scheduler.shutdown()

    def look(self) -> None:
        """Reads hunt files that have changed, follows the clock, and has hunts that were missed run once."""
        files = self._watched.changed()
        if files is not None:
            self._read(files)
        self._follow_clock()
        if self._clock.passed() - self._asked_s >= ASK_S:
            self._asked_s = self._clock.passed()
            self._ask_again()

    def _follow_clock(self) -> None:
        """APScheduler waits while seconds pass, and notices neither a clock that is set nor a machine that slept."""
        start = self._clock.start()
        if start < self._start - _JUMP:
            self._tell("the clock was put back: all times are reckoned anew")
            self._schedule(tuple(self._known.values()))
        if abs(start - self._start) > _JUMP:
            self._start = start
        if self._scheduler.running:
            self._scheduler.wakeup()

    def _read(self, files: Sequence[str]) -> None:
        """A file that has become wrong keeps its schedule: a run that fails and says why is better than none."""
        reading = read_schedules(files)
        for problem in reading.problems:
            self._tell(str(problem))
        now_known = {file: each for file, each in self._known.items() if file in reading.unreadable}
        now_known |= {each.file: each for each in reading.scheduled}
        for file in self._known.keys() - now_known.keys():
            self._scheduler.remove_job(file)
            self._tell(f"{self._known[file].spec.hunt}: is scheduled no more")
        changed = [each for file, each in now_known.items() if self._known.get(file) != each]
        self._known = now_known
        self._schedule(changed)

    def _schedule(self, changed: Sequence[Scheduled]) -> None:
        now = self._clock.now()
        for each in changed:
            self._scheduler.add_job(
                self._hunt,
                CronTrigger(each.schedule),
                (each,),
                id=each.file,
                replace_existing=True,
            )
            following = each.schedule.cron.next_after(now, each.schedule.zone)
            self._tell(f"{each.spec.hunt}: next at {following:%Y-%m-%d %H:%M} UTC")
        self._catch_up(changed, now)

    def _ask_again(self) -> None:
        """Has hunts run that somebody else had and did not bring to an end, so that a time went without an answer."""
        free = []
        for each in [each for file, each in self._known.items() if file in self._elsewhere]:
            with claimed(each.spec, self._claims) as held:
                if held is not None:
                    free.append(each)
        self._catch_up(free, self._clock.now())

    def _catch_up(self, hunts: Sequence[Scheduled], now: datetime) -> None:
        last_runs: dict[str, LastRun | None] = {}
        for each in hunts:
            last_runs |= self._last_run(each)
        for file in due({each.file: each.schedule for each in hunts}, last_runs, now):
            self._tell(f"{self._known[file].spec.hunt}: its last time was missed, it runs now")
            self._scheduler.add_job(
                self._hunt, args=(self._known[file],), id=file + _NOW, replace_existing=True
            )

    def _hunt(self, each: Scheduled) -> None:
        """One run, in a thread of the scheduler's pool."""
        if self._children.stopped:
            return
        name = each.spec.hunt
        with claimed(each.spec, self._claims) as held:
            if held is None:
                self._elsewhere.add(each.file)
                self._tell(f"{name}: {_STILL_RUNNING}")
                return
            last = self._last_run(each).get(each.file)
            if last is not None and last.status == RUNNING:
                self._tell(f"{name}: run {last.run_id} goes on elsewhere; this time is left out")
                return
            self._tell(f"{name}: begins")
            code = self._children.hunt(each.file, held)
            if code is not None:
                meaning = (
                    f"was ended by signal {-code}" if code < 0 else _MEANINGS.get(code, "failed: see above")
                )
                self._tell(f"{name}: {meaning} (exit code {code})")

    def _not_run(self, event: JobEvent) -> None:
        """Tells of a time at which no process was started."""
        each = self._known.get(event.job_id.removesuffix(_NOW))
        name = each.spec.hunt if each else event.job_id
        error = getattr(event, "exception", None)
        self._tell(f"{name}: could not be started: {why(error)}" if error else f"{name}: {_STILL_RUNNING}")

    def _last_run(self, each: Scheduled) -> dict[str, LastRun | None]:
        """Hunt file → its latest run; empty where the results cannot be read, which is told."""
        # Which stores are asked, and how, is a setting of the whole process.
        with self._asking:
            storage.configure(each.spec.storage)
            try:
                last = last_run(each.spec, self._clock.now())
            except HindcastError as error:
                self._tell(f"{each.spec.hunt}: whether it was run cannot be told: {error}")
                return {}
        runs = last is not None and last.status == RUNNING
        (self._elsewhere.add if runs else self._elsewhere.discard)(each.file)
        return {each.file: last}
