"""Which run a command goes on with: an unfinished one of the same hunt and signatures, or a new one."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from jobs.hunt_file.spec import HuntSpec
from jobs.preparing.prepare import Prepared
from scanner.archive import storage
from scanner.errors import CommitConflict, HuntError, Problem
from scanner.results import layout
from scanner.results.begun import Begun, read_begun
from scanner.results.ledger import runs_that_count
from scanner.results.record import encode, read_record
from scanner.results.runs import by_start, runs_of_hunt
from scanner.signatures.model import Signature

MATCH_KEY_VARIABLE = "HINDCAST_MATCH_KEY"
"""Environment variable with a key for match hashes that stays the same from archive to archive."""

_FOUND_BY = ("hunt", "archive", "evidence")
"""Keys of the hunt file that decide what is stored, beside `limits`; signatures are compared by what they do."""

_TIME = "%Y%m%dT%H%M%SZ"
_TIME_DIGITS = 16
_CLOCKS_DIFFER = timedelta(days=1)

_WHICH_FILES = ("uri", "manifest", "version", "snapshot")
"""Keys of the archive that say which files it has, and nothing of what is found in one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run to drive.

    Attributes:
        begun: What it is.
        resumed: True where it was begun before.
        rehashed: True where its match hashes were made with another key so far.
    """

    begun: Begun
    resumed: bool
    rehashed: bool = False


def new_run_id(started_at: datetime, tag: str) -> str:
    """An id that sorts by start; the tag, of hexadecimal digits, tells runs of the same second apart."""
    return f"{started_at:{_TIME}}-{tag}"


def match_key(prepared: Prepared) -> bytes:
    """The key of the match hashes: the environment's, or one that only a reader of the archive can work out."""
    given = os.environ.get(MATCH_KEY_VARIABLE)
    return given.encode() if given else prepared.plan.match_key


def new_run(
    prepared: Prepared, started_at: datetime, run_id: str | None = None, *, only_new: bool = False
) -> Begun:
    """A run of this hunt that begins now.

    Args:
        prepared: The hunt.
        started_at: In UTC.
        run_id: Its id; made from the time by default.
        only_new: True to hunt only what the runs that are there now have not covered.
    """
    # Runs that began in one second still sort by start.
    run_id = run_id or new_run_id(started_at, f"{started_at.microsecond:05x}{secrets.token_hex(3)}")
    content = content_digest(prepared)
    return Begun(
        hunt=prepared.spec.hunt,
        run_id=run_id,
        hunt_digest=hunt_digest(prepared.spec),
        signatures_digest=signatures_digest(prepared.signatures.ruleset.signatures),
        match_key_id=hashlib.sha256(b"hindcast match key id" + match_key(prepared)).hexdigest(),
        started_at=started_at,
        spec=prepared.spec.as_dict(),
        content_digest=content,
        against=_others(prepared, content, run_id) if only_new else None,
    )


def content_digest(prepared: Prepared) -> str:
    """64 hex digits that differ where two hunts may find different things in a file; others cover for each other."""
    spec = prepared.spec.as_dict()
    archive = spec["archive"]
    if isinstance(archive, dict):
        archive = {key: value for key, value in archive.items() if key not in _WHICH_FILES}
    # The same file has other rows once others of them are deleted, and coverage does not say which were.
    deletes = sorted(prepared.plan.splits.deletes.items())
    return _digest("content", [spec["hunt"], archive, spec["evidence"], deletes])


def _others(prepared: Prepared, content: str, run_id: str) -> tuple[str, ...]:
    runs = runs_that_count(prepared.spec.output, prepared.spec.hunt, content)
    return tuple(each for each in runs if each != run_id)


def hunt_digest(spec: HuntSpec) -> str:
    """64 hex digits that differ where two hunts may store different things."""
    written, limits = spec.as_dict(), replace(spec.limits, split_timeout_s=None)
    return _digest("hunt", {**{key: written[key] for key in _FOUND_BY}, "limits": asdict(limits)})


def signatures_digest(signatures: Iterable[Signature]) -> str:
    """64 hex digits that differ where signatures may find different things, or say other things of them."""
    said = [(each.id, each.digest, each.severity, each.category, list(each.tags)) for each in signatures]
    return _digest("signatures", sorted(said))


def choose(
    prepared: Prepared,
    now: datetime,
    run_id: str | None = None,
    resume: str | None = None,
    *,
    only_new: bool = False,
) -> Chosen:
    """The newest run of this hunt and these signatures where it is unfinished, else a new one.

    Args:
        prepared: The hunt.
        now: In UTC; when a new run begins.
        run_id: The run to begin, or to go on with where it has begun; None to choose by what there is.
        resume: The run to go on with; None to choose.
        only_new: True for a run that hunts only what is new. Of such runs only the very latest is gone on with:
            runs that came after one have covered some of what it was to read.

    Raises:
        HuntError: The named run cannot be gone on with, and why.
    """
    fresh = new_run(prepared, now, run_id or resume, only_new=only_new)
    named = run_id or resume
    if named is not None:
        return _named(prepared, fresh, must_exist=resume is not None)
    for folder in runs_of_hunt(prepared.spec.output, prepared.spec.hunt):
        begun = read_begun(folder.uri)
        if begun is not None and begun.unlike(fresh) is None:
            return Chosen(fresh, resumed=False) if folder.finished else _gone_on_with(begun, fresh)
        if only_new:
            break
    return Chosen(fresh, resumed=False)


def joined(prepared: Prepared, chosen: Chosen, *, named: bool = False) -> Chosen:
    """The run to drive, where others may have started one of what is new at the same moment: that of the first.

    Neither sees the other's run when it chooses its own, and both would read everything. So the first leaves a mark
    named by what is to be done, and the others go on with its run, which is nothing new to them.

    Args:
        prepared: The hunt, with something to read.
        chosen: The run that was chosen.
        named: True where the run must have this id, and can only be joined.

    Raises:
        HuntError: The mark is damaged.
        CommitUnknown: The storage failed.
    """
    begun = chosen.begun
    if chosen.resumed or begun.against is None:
        return chosen
    to_do = [begun.hunt_digest, begun.signatures_digest, begun.match_key_id, begun.content_digest]
    # With the day: a mark may be left of a run that never began, and would name those of later days.
    digest = _digest("first", [*to_do, sorted(begun.against), begun.started_at.date().isoformat()])
    uri = layout.first_uri(layout.hunt_uri(prepared.spec.output, begun.hunt), digest)
    try:
        storage.create(uri, encode({"run_id": begun.run_id}))
    except CommitConflict:
        return chosen if named else _named(prepared, replace(begun, run_id=_first(uri)), must_exist=False)
    return chosen


def _first(uri: str) -> str:
    try:
        return str(json.loads(storage.read_bytes(uri))["run_id"])
    except (ValueError, KeyError, TypeError) as error:
        message = "this does not tell which run was the first to start, or is damaged; delete it"
        raise HuntError((Problem(uri, 0, "", message),)) from error


def _named(prepared: Prepared, fresh: Begun, *, must_exist: bool) -> Chosen:
    uri = layout.run_uri(prepared.spec.output, fresh.hunt, fresh.run_id)
    begun = read_begun(uri)
    if begun is None:
        if must_exist:
            raise _refused(
                prepared, fresh.run_id, "there is no such run to go on with; see `hindcast results list`"
            )
        _check_new_id(prepared, fresh)
        return Chosen(fresh, resumed=False)
    if must_exist and read_record(uri) is not None:
        raise _refused(prepared, fresh.run_id, "is finished; leave `--resume` out for a new run")
    if must_exist and fresh.against is None:
        fresh = replace(fresh, against=begun.against)
    check_same(prepared, begun, fresh)
    return _gone_on_with(begun, fresh)


def _gone_on_with(begun: Begun, fresh: Begun) -> Chosen:
    # The key comes from the archive's first file, and hours of work are worth more than equal hashes.
    return Chosen(begun, resumed=True, rehashed=begun.match_key_id != fresh.match_key_id)


def _check_new_id(prepared: Prepared, fresh: Begun) -> None:
    # Runs are told apart by the time in their ids, and one of a time to come would be the latest until then.
    try:
        begins = datetime.strptime(fresh.run_id[:_TIME_DIGITS], _TIME).replace(tzinfo=UTC)
    except ValueError:
        begins = None
    if begins is None or not by_start(fresh.run_id)[0] or begins > fresh.started_at + _CLOCKS_DIFFER:
        message = (
            "the id of a new run begins with the time of its start, by which the latest run is told, like "
            f"{new_run_id(fresh.started_at, 'trial')}; write that, or leave `--run-id` out"
        )
        raise _refused(prepared, fresh.run_id, message)


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
