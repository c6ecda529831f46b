"""Sends a run's alerts when it has ended, well or not; nothing that happens here changes how it ended."""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from jobs.alerts.known import same_gaps
from jobs.alerts.message import Message, of_failure, of_run
from jobs.alerts.news import earlier_runs, found_in, untold_runs
from jobs.alerts.webhook import UndeliveredError, checked_secret, deliver
from jobs.hunt_file.alert_keys import AddressError, Alerts, Webhook, checked_url
from jobs.hunt_file.spec import HuntSpec, load_hunt
from scanner.archive import storage
from scanner.errors import CommitConflict, CommitUnknown, HindcastError, InputError, SourceError, why
from scanner.results import layout
from scanner.results.record import read_record
from scanner.results.runs import RunFolder, runs_of_hunt

_WEBHOOK: Final = "webhook"
_FILE: Final = "file"
_FIRST: Final = "first_hits"
_NO_NEWS: Final = b'{"told":"nothing"}'

Deliver = Callable[[str, Message, str | None], None]


class Alerting:
    """Watches one `hindcast hunt`: as a context it tells of the error that ends it.

    Args:
        file: The hunt file.
        started_at: When this attempt began, in UTC.
        warn: Says what could not be told to whom it was to be told.
        environ: Variables that hold addresses and keys.
        post: Posts to an address, signed with a key where there is one.
    """

    def __init__(
        self,
        file: str,
        started_at: datetime,
        warn: Callable[[str], None],
        environ: Mapping[str, str] = os.environ,
        post: Deliver = deliver,
    ) -> None:
        self._file = file
        self._started_at = started_at
        self._warn = warn
        self._environ = environ
        self._post = post
        self._spec: HuntSpec | None = None
        self._run_uri: str | None = None
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        # What click raises are mistakes on a command line, and whoever stops a run knows it. A finished run has not
        # failed where its report cannot be printed.
        if (
            not self._finished
            and isinstance(error, Exception)
            and not type(error).__module__.startswith("click")
        ):
            self._failed(error)

    def watch(self, spec: HuntSpec, run_uri: str) -> None:
        """Called when it is known which run this is going to be; says what will keep alerts from being sent."""
        self._spec, self._run_uri = spec, run_uri
        webhook = spec.alerts.webhook
        if webhook is not None:
            with self._told_of("nobody will be told of this run"):
                _address(webhook, self._environ)
                _secret(webhook, self._environ)

    def finished(self, record: dict[str, Any]) -> None:
        """Called when the run has ended; sends what was not sent before, and nothing of gaps that are known.

        What earlier runs found first and could not tell comes before it: those that follow do not find it first.

        Args:
            record: What ``run.json`` holds.
        """
        self._finished = True
        if self._spec is None or self._run_uri is None or not self._spec.alerts:
            return
        with self._told_of():
            messages = of_run(record, self._run_uri, found_in(self._run_uri, self._unread))
            for message in messages:
                if message.kind != _FIRST:
                    known = same_gaps(self._run_uri, self._unread)
                    self._send_once(self._spec.alerts, message, self._run_uri, known)
            this = RunFolder(self._run_uri, record["hunt"], record["run_id"])
            self._catch_up(self._spec.alerts, partial(_back_from, this), {this.uri: messages})

    def nothing_new(self, spec: HuntSpec) -> None:
        """Called in place of a run where nothing is owed; sends what the runs before it could not."""
        if spec.alerts:
            runs = partial(runs_of_hunt, spec.output, spec.hunt)
            self._catch_up(spec.alerts, lambda: (run for run in runs() if run.finished), {})

    def _catch_up(
        self, alerts: Alerts, runs: Callable[[], Iterable[RunFolder]], known: Mapping[str, list[Message]]
    ) -> None:
        """Sends each receiver the first hits of runs of which it was not told, the earliest run first.

        Args:
            alerts: The receivers.
            runs: Finished runs, the latest first.
            known: Run → its messages, where they are made already.
        """
        for way in self._ways(alerts):
            with self._told_of():
                # What follows one that cannot be sent waits: the next run looks back to the latest mark, no further.
                for run in untold_runs(runs(), partial(_marked, way)):
                    messages = known.get(run.uri)
                    if messages is None:
                        messages = self._earlier_messages(run, way)
                    if not self._tell_first_hits(alerts, run, messages, way):
                        break

    def _earlier_messages(self, run: RunFolder, way: str) -> list[Message]:
        """None where the hunt did not name this receiver when it ran: who is new is not told of what is old."""
        record = read_record(run.uri) or {}
        if way not in record.get("spec", {}).get("alerts", {}):
            return []
        return of_run(record, run.uri, found_in(run.uri, self._unread))

    def _tell_first_hits(self, alerts: Alerts, run: RunFolder, messages: list[Message], way: str) -> bool:
        message = next((each for each in messages if each.kind == _FIRST), None)
        if message is not None and not self._send(alerts, message, way):
            return False
        _mark(layout.alert_uri(run.uri, _FIRST, way), message.body if message else _NO_NEWS)
        return True

    def _unread(self, error: SourceError) -> None:
        self._warn(f"alerts: {error}")

    def _failed(self, error: Exception) -> None:
        with self._told_of():
            spec = self._spec or _readable(self._file)
            if spec is None or not spec.alerts:
                return
            names = layout.names_of(self._run_uri) if self._run_uri else None
            attempt = self._started_at.isoformat()
            run_id = names[1] if names else None
            message = of_failure(spec.hunt, run_id, self._run_uri, why(error), attempt)
            for way in self._ways(spec.alerts):
                self._send(spec.alerts, message, way)

    def _send_once(self, alerts: Alerts, message: Message, run_uri: str, known: RunFolder | None) -> None:
        """Sends an alert unless its mark stands; killed between the two, the next process sends it once more.

        Where an earlier run has told the same, a mark takes the place of the alert, for the run after this one.
        """
        for way in self._ways(alerts):
            mark = layout.alert_uri(run_uri, message.kind, way)
            if storage.exists(mark):
                continue
            if known is not None and storage.exists(layout.alert_uri(known.uri, message.kind, way)):
                _mark(mark, json.dumps({"told_by": known.run_id}).encode("ascii"))
            elif self._send(alerts, message, way):
                _mark(mark, message.body)

    def _send(self, alerts: Alerts, message: Message, way: str) -> bool:
        with self._told_of():
            if way == _WEBHOOK and alerts.webhook is not None:
                secret = _secret(alerts.webhook, self._environ)
                self._post(_address(alerts.webhook, self._environ), message, secret)
            elif alerts.file is not None:
                _append(Path(alerts.file), message.body + b"\n")
            return True
        return False

    @staticmethod
    def _ways(alerts: Alerts) -> list[str]:
        ways = {_WEBHOOK: alerts.webhook, _FILE: alerts.file}
        return [way for way, given in ways.items() if given is not None]

    @contextlib.contextmanager
    def _told_of(self, so: str = "the run is as it was, but nobody was told of it") -> Iterator[None]:
        try:
            yield
        except (HindcastError, OSError) as error:
            reason = str(error) if isinstance(error, HindcastError) else why(error)
            self._warn(f"alerts: {reason}; {so}")


def _readable(file: str) -> HuntSpec | None:
    try:
        return load_hunt(file)
    except InputError:
        return None


def _address(webhook: Webhook, environ: Mapping[str, str]) -> str:
    if webhook.url_env is None:
        return webhook.url or ""
    try:
        return checked_url(_variable(webhook.url_env, environ))
    except AddressError as error:
        raise UndeliveredError(webhook.url_env, str(error)) from error


def _secret(webhook: Webhook, environ: Mapping[str, str]) -> str | None:
    if webhook.secret_env is None:
        return None
    try:
        return checked_secret(_variable(webhook.secret_env, environ))
    except ValueError as error:
        raise UndeliveredError(webhook.secret_env, str(error)) from error


def _variable(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "")
    if not value:
        raise UndeliveredError(name, "this variable of the environment is not set, and alerts need it")
    return value


def _back_from(run: RunFolder) -> Iterator[RunFolder]:
    yield run
    yield from earlier_runs(run.uri)


def _marked(way: str, run: RunFolder) -> bool:
    return storage.exists(layout.alert_uri(run.uri, _FIRST, way))


def _mark(uri: str, told: bytes) -> None:
    # Whoever finds no mark sends the alert again, under the same key.
    with contextlib.suppress(CommitConflict, CommitUnknown):
        storage.create(uri, told + b"\n")


def _append(path: Path, line: bytes) -> None:
    """One write, so that the lines of several processes do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as stream:
        stream.write(line)
