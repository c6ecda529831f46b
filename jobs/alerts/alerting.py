"""Sends a run's alerts when it has ended, well or not; nothing that happens here changes how it ended."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from jobs.alert_keys import AddressError, Alerts, Webhook, checked_url
from jobs.alerts.message import Message, of_failure, of_run
from jobs.alerts.news import found_in
from jobs.alerts.webhook import UndeliveredError, deliver
from jobs.spec import HuntSpec, load_hunt
from scanner.archive import storage
from scanner.errors import CommitConflict, CommitUnknown, HindcastError, InputError, why
from scanner.results import layout

_WEBHOOK: Final = "webhook"
_FILE: Final = "file"

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        # What click raises are mistakes on a command line, and whoever stops a run knows it.
        if isinstance(error, Exception) and not type(error).__module__.startswith("click"):
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
        """Called when the run has ended; sends what was not sent before.

        Args:
            record: What ``run.json`` holds.
        """
        if self._spec is None or self._run_uri is None or not self._spec.alerts:
            return
        with self._told_of():
            found = found_in(self._run_uri, lambda error: self._warn(f"alerts: {error}"))
            for message in of_run(record, self._run_uri, found):
                self._send_once(self._spec.alerts, message, self._run_uri)

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

    def _send_once(self, alerts: Alerts, message: Message, run_uri: str) -> None:
        """Sends an alert unless its mark stands; killed between the two, the next process sends it once more."""
        for way in self._ways(alerts):
            mark = layout.alert_uri(run_uri, message.kind, way)
            if not storage.exists(mark) and self._send(alerts, message, way):
                # Whoever finds no mark sends it again, under the same key.
                with contextlib.suppress(CommitConflict, CommitUnknown):
                    storage.create(mark, message.body + b"\n")

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
    return None if webhook.secret_env is None else _variable(webhook.secret_env, environ)


def _variable(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "")
    if not value:
        raise UndeliveredError(name, "this variable of the environment is not set, and alerts need it")
    return value


def _append(path: Path, line: bytes) -> None:
    """One write, so that the lines of several processes do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as stream:
        stream.write(line)
