"""The Jobs API of Ray, as far as hunts need it: what was submitted, how it stands, what it printed.

Source: https://docs.ray.io/en/latest/cluster/running-applications/job-submission/openapi.html, and for logs as
they grow and for packages what Ray's own client of version 2.60 does.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError

from jobs.cluster.http import Answer, ClusterError, Http
from jobs.cluster.websocket import SWITCHED, WebSocket

State = Literal["waiting", "running", "complete", "complete with gaps", "stopped", "refused", "failed"]

# Source: jobs/cli/main.py, whose codes the driver ends with; it is not imported because it is click's.
COMPLETE, FAILED, REFUSED, WITH_GAPS, STOPPED = 0, 1, 2, 3, 130

_STATES: dict[int, State] = {
    COMPLETE: "complete",
    REFUSED: "refused",
    WITH_GAPS: "complete with gaps",
    STOPPED: "stopped",
}
STOP_WAIT_S = 60
"""How long a driver has to publish what is done when it is stopped, before Ray kills it."""

_OK = 200
_WRONG = 400
_ABSENT = 404
_SHOWN_CHARS = 300
_OTHER_API = "answers what the Jobs API of Ray 2.60 does not; is its Ray another one?"

RUN, HUNT, DIGEST, WORK, VERSION, OUTPUT = (
    f"hindcast_{name}" for name in ("run", "hunt", "digest", "work", "version", "output")
)
"""Keys of what is noted with a submission."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A hunt that was given to a cluster.

    Attributes:
        submission_id: What Ray calls it.
        status: In Ray's words: PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED.
        message: What Ray says about it; may quote what the driver printed.
        driver_exit_code: Of the driver; negative where a signal ended it, None where none is known.
        start_ms: When it was submitted, in milliseconds since 1970; None where that is not known.
        end_ms: When it ended.
        notes: What was noted with it when it was submitted.
    """

    submission_id: str
    status: str
    message: str = ""
    driver_exit_code: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.notes.get(RUN, "")

    @property
    def hunt(self) -> str:
        """Name of the hunt."""
        return self.notes.get(HUNT, "")

    @property
    def run_uri(self) -> str:
        """Folder of the results."""
        return f"{self.notes.get(OUTPUT, '').rstrip('/')}/hunt={self.hunt}/run={self.run_id}"

    @property
    def ended(self) -> bool:
        """True where nothing of it goes on."""
        return self.status in {"STOPPED", "SUCCEEDED", "FAILED"}

    @property
    def exit_code(self) -> int | None:
        """That of `hindcast hunt`; None while it goes on."""
        if not self.ended:
            return None
        if self.status == "STOPPED":
            return STOPPED
        if self.status == "SUCCEEDED":
            return COMPLETE
        return self.driver_exit_code if self.driver_exit_code in _STATES else FAILED

    @property
    def state(self) -> State:
        """How it stands."""
        if self.exit_code is None:
            return "waiting" if self.status == "PENDING" else "running"
        return _STATES.get(self.exit_code, "failed")


class _Details(BaseModel):
    submission_id: str | None = None
    status: str
    message: str | None = None
    driver_exit_code: int | None = None
    start_time: int | None = None
    end_time: int | None = None
    metadata: dict[str, str] | None = None


class _Version(BaseModel):
    ray_version: str


class _Stopped(BaseModel):
    stopped: bool


class _Logs(BaseModel):
    logs: str


_Many = TypeAdapter(list[dict[str, Any]])
_Model = TypeVar("_Model")


class Head:
    """What the head of a cluster can be asked.

    Args:
        http: Speaks to it.

    Every method raises `ClusterError` where the head cannot be reached, refuses, or answers what it should not.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    @property
    def address(self) -> str:
        """Of the head."""
        return self._http.cluster.address

    def version(self) -> str:
        """The version of Ray that runs there."""
        answer = self._http.request("GET", "/api/version")
        if answer.status == _OK:
            try:
                return _Version.model_validate_json(answer.body).ray_version
            except ValidationError:
                pass
        message = (
            f"is not the dashboard of a Ray head (status {answer.status}); check the address and the port"
        )
        raise self._http.error(message)

    def has_package(self, name: str) -> bool:
        """True where a package of that name lies there; it then stays for the next minutes."""
        answer = self._http.request("GET", f"/api/packages/gcs/{quote(name)}")
        return answer.status != _ABSENT and bool(self._expected(answer, "look for the package"))

    def upload(self, name: str, data: bytes) -> None:
        """Puts a package there."""
        path = f"/api/packages/gcs/{quote(name)}"
        self._expected(self._http.request("PUT", path, data, "application/octet-stream"), "take the package")

    def start(self, request: Mapping[str, Any]) -> bool:
        """Submits what the Jobs API takes; False where a submission of that id is there already."""
        answer = self._http.request("POST", "/api/jobs/", json.dumps(request).encode())
        # A first try whose answer was lost looks the same, and is as good.
        if answer.status >= _WRONG and b"already exists" in answer.body:
            return False
        self._expected(answer, "start the hunt")
        return True

    def submissions(self) -> list[Submission]:
        """Every hunt that was submitted there, the latest first."""
        answer = self._expected(self._http.request("GET", "/api/jobs/"), "list what was submitted")
        listed = self._read(_Many, answer)
        try:
            hunts = [_submission(_Details.model_validate(each)) for each in listed if _is_hunt(each)]
        except ValidationError as error:
            raise self._http.error(_OTHER_API) from error
        return sorted(hunts, key=lambda hunt: (hunt.start_ms or 0, hunt.submission_id), reverse=True)

    def submission(self, submission_id: str) -> Submission | None:
        """One of them; None where it is not there."""
        answer = self._http.request("GET", _path(submission_id))
        if answer.status == _ABSENT:
            return None
        details = self._read(TypeAdapter(_Details), self._expected(answer, "tell of the hunt"))
        return _submission(details)

    def find(self, run: str) -> Submission:
        """The submission of a run, by the id of the run or by what Ray calls the submission."""
        for submission in self.submissions():
            if run in {submission.run_id, submission.submission_id}:
                return submission
        message = f"knows no run {run!a}; `hindcast list` shows those that it knows"
        raise self._http.error(message)

    def stop(self, submission_id: str) -> bool:
        """Asks for an end; False where nothing goes on."""
        answer = self._expected(self._http.request("POST", f"{_path(submission_id)}/stop"), "stop the hunt")
        return self._read(TypeAdapter(_Stopped), answer).stopped

    def logs(self, submission_id: str) -> str:
        """All that the driver has printed."""
        answer = self._expected(self._http.request("GET", f"{_path(submission_id)}/logs"), "show the logs")
        return self._read(TypeAdapter(_Logs), answer).logs

    def tail(self, submission_id: str) -> Iterator[str]:
        """What the driver has printed and goes on printing, in pieces, until it ends or the connection does."""
        connection = self._http.connect()
        try:
            websocket = WebSocket(connection.sock)
            path = self._http.full_path(f"{_path(submission_id)}/logs/tail")
            host = urlsplit(self.address).netloc
            status = websocket.open(host, path, self._http.headers)
            self._http.admitted(Answer(status, b""))
            if status == _ABSENT:
                raise self.forgotten(submission_id)
            if status != SWITCHED:
                message = f"sends no logs as they grow (status {status}); a proxy before it must let WebSockets pass"
                raise self._http.error(message)
            yield from websocket.texts()
        except OSError as error:
            raise self._http.failure(error) from error
        finally:
            connection.close()

    def forgotten(self, submission_id: str) -> ClusterError:
        """The error that a submission is not there any more."""
        return self._http.error(
            f"does not know {submission_id} any more; a head that starts anew forgets its runs"
        )

    def _expected(self, answer: Answer, what: str) -> Answer:
        if answer.status != _OK:
            message = f"did not {what} (status {answer.status}): {_reason(answer.body)}"
            raise self._http.error(message)
        return answer

    def _read(self, model: "TypeAdapter[_Model]", answer: Answer) -> _Model:
        try:
            return model.validate_json(answer.body)
        except ValidationError as error:
            raise self._http.error(_OTHER_API) from error


def _is_hunt(details: Mapping[str, Any]) -> bool:
    """True for a hunt; clusters run much else, in whatever shape."""
    notes = details.get("metadata")
    return bool(details.get("submission_id")) and isinstance(notes, dict) and RUN in notes


def _submission(details: _Details) -> Submission:
    return Submission(
        submission_id=details.submission_id or "",
        status=details.status,
        message=details.message or "",
        driver_exit_code=details.driver_exit_code,
        start_ms=details.start_time,
        end_ms=details.end_time,
        notes=details.metadata or {},
    )


def _path(submission_id: str) -> str:
    return f"/api/jobs/{quote(submission_id, safe='')}"


def _reason(body: bytes) -> str:
    """The last line of a traceback, or of whatever else was answered."""
    lines = body[-20_000:].decode("utf-8", "replace").strip().splitlines()
    return re.sub(r"\s+", " ", lines[-1])[:_SHOWN_CHARS] if lines else "it gives no reason"
