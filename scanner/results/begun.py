"""``begun.json``: what a run is, written before its first split, so that it can be gone on with."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter

from scanner.archive import storage
from scanner.errors import CommitConflict, HuntError, Problem
from scanner.results import layout
from scanner.results.record import encode

_MAX_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run is from its first moment on.

    Attributes:
        hunt: Name of the hunt.
        run_id: Id of the run.
        hunt_digest: Of what the hunt file says about what is found; not of its stores, nor where signatures lie.
        signatures_digest: Of the logic of all signatures that run, and of what hits repeat of them.
        match_key_id: Tells match keys apart, and no key.
        started_at: In UTC; all hits of the run bear it.
        spec: The hunt as written, in values that JSON has.
        content_digest: Of what the hunt file says about what is found in a file; not of which files there are, nor
            of limits. Runs in which it is the same cover for each other. Empty where none was written down.
        against: Ids of the runs that decided what this one was to read, because it hunts only what is new; None
            where it hunts everything.
    """

    hunt: str
    run_id: str
    hunt_digest: str
    signatures_digest: str
    match_key_id: str
    started_at: datetime
    spec: dict[str, Any]
    content_digest: str = ""
    against: tuple[str, ...] | None = None

    def unlike(self, other: "Begun") -> str | None:
        """What about another run keeps it from being gone on with as this one; None where nothing does."""
        if self.hunt_digest != other.hunt_digest:
            return "the hunt file has changed since it began"
        if self.signatures_digest != other.signatures_digest:
            return "its signatures were others"
        if (self.against is None) != (other.against is None):
            return "it hunts everything" if self.against is None else "it hunts only what is new"
        return None


_READER: Final = TypeAdapter(Begun)


def begin(run_uri: str, begun: Begun) -> Begun:
    """Writes down what a run is, unless somebody has.

    Returns:
        What stands there now.

    Raises:
        HuntError: What stands there is no such record.
        CommitUnknown: The storage failed, and it cannot be told what stands there.
    """
    values = {**asdict(begun), "started_at": begun.started_at.isoformat()}
    try:
        storage.create(layout.begun_uri(run_uri), encode(values))
    except CommitConflict:
        return read_begun(run_uri) or begun
    return begun


def read_begun(run_uri: str) -> Begun | None:
    """What a run is; None where it has not begun, or was begun by a hindcast that did not write it down.

    Raises:
        HuntError: What stands there is no such record.
        SourceError: It cannot be read.
    """
    uri = layout.begun_uri(run_uri)
    try:
        data = storage.read_range(uri, 0, _MAX_BYTES + 1)
    except storage.Missing:
        return None
    try:
        return _READER.validate_python(json.loads(data))
    except (ValueError, RecursionError) as error:
        message = "this is no record of a run that has begun, or a damaged one; move its folder away"
        raise HuntError((Problem(uri, 0, "", message),)) from error
