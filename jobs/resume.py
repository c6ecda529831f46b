"""Which run a command goes on with: an unfinished one of the same hunt and signatures, or a new one."""

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from jobs.prepare import Prepared
from scanner.errors import HuntError, Problem
from scanner.results import layout
from scanner.results.begun import Begun, read_begun
from scanner.results.record import read_record
from scanner.results.runs import runs_of_hunt

MATCH_KEY_VARIABLE = "HINDCAST_MATCH_KEY"
"""Environment variable with a key for match hashes that stays the same from archive to archive."""

_FOUND_BY = ("hunt", "archive", "evidence")
"""Keys of the hunt file that decide what is stored, beside `limits`; signatures are compared by what they do."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run to drive.

    Attributes:
        begun: What it is.
        resumed: True where it was begun before.
    """

    begun: Begun
    resumed: bool


def new_run_id(started_at: datetime, tag: str) -> str:
    """An id that sorts by start; the tag, of hexadecimal digits, tells runs of the same second apart."""
    return f"{started_at:%Y%m%dT%H%M%SZ}-{tag}"


def match_key(prepared: Prepared) -> bytes:
    """The key of the match hashes: the environment's, or one that only a reader of the archive can work out."""
    given = os.environ.get(MATCH_KEY_VARIABLE)
    return given.encode() if given else prepared.plan.match_key


def new_run(prepared: Prepared, started_at: datetime, run_id: str | None = None) -> Begun:
    """A run of this hunt that begins now.

    Args:
        prepared: The hunt.
        started_at: In UTC.
        run_id: Its id; made from the time by default.
    """
    spec = prepared.spec.as_dict()
    limits = replace(prepared.spec.limits, split_timeout_s=None)
    signatures = [
        (each.id, each.digest, each.severity, each.category, list(each.tags))
        for each in prepared.signatures.ruleset.signatures
    ]
    return Begun(
        hunt=prepared.spec.hunt,
        run_id=run_id or new_run_id(started_at, secrets.token_hex(3)),
        hunt_digest=_digest("hunt", {**{key: spec[key] for key in _FOUND_BY}, "limits": asdict(limits)}),
        signatures_digest=_digest("signatures", sorted(signatures)),
        match_key_id=hashlib.sha256(b"hindcast match key id" + match_key(prepared)).hexdigest(),
        started_at=started_at,
        spec=spec,
    )


def choose(prepared: Prepared, now: datetime, run_id: str | None = None, resume: str | None = None) -> Chosen:
    """The newest run of this hunt and these signatures where it is unfinished, else a new one.

    Args:
        prepared: The hunt.
        now: In UTC; when a new run begins.
        run_id: The run to begin, or to go on with where it has begun; None to choose by what there is.
        resume: The run to go on with; None to choose.

    Raises:
        HuntError: The named run cannot be gone on with, and why.
    """
    fresh = new_run(prepared, now, run_id or resume)
    named = run_id or resume
    if named is not None:
        return _named(prepared, fresh, must_exist=resume is not None)
    for folder in runs_of_hunt(prepared.spec.output, prepared.spec.hunt):
        begun = read_begun(folder.uri)
        if begun is not None and begun.unlike(fresh) is None:
            return Chosen(fresh, resumed=False) if folder.finished else Chosen(begun, resumed=True)
    return Chosen(fresh, resumed=False)


def _named(prepared: Prepared, fresh: Begun, *, must_exist: bool) -> Chosen:
    uri = layout.run_uri(prepared.spec.output, fresh.hunt, fresh.run_id)
    begun = read_begun(uri)
    if begun is None:
        if must_exist:
            raise _refused(
                prepared, fresh.run_id, "there is no such run to go on with; see `hindcast results list`"
            )
        return Chosen(fresh, resumed=False)
    if must_exist and read_record(uri) is not None:
        raise _refused(prepared, fresh.run_id, "is finished; leave `--resume` out for a new run")
    check_same(prepared, begun, fresh)
    return Chosen(begun, resumed=True)


def check_same(prepared: Prepared, begun: Begun, fresh: Begun) -> None:
    """Refuses to mix two hunts in one run.

    Raises:
        HuntError: What has begun is not what would go on.
    """
    reason = begun.unlike(fresh)
    if reason is not None:
        raise _refused(prepared, begun.run_id, f"cannot be gone on with: {reason}; start a new run")


def _refused(prepared: Prepared, run_id: str, message: str) -> HuntError:
    return HuntError((Problem(prepared.spec.file, 0, f"run {run_id}", message),))


def _digest(kind: str, value: object) -> str:
    text = json.dumps([f"hindcast {kind} 1", value], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
