"""What an alert says: counts and pointers, and never content of an archive or evidence of it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from scanner.results.record import WITH_GAPS

Kind = Literal["failed", "gaps", "first_hits"]

SIGNATURES_TOLD: Final = 100
"""An alert is read by people and has bounds in most chats; the results have the rest."""

_NAMED_IN_TEXT: Final = 5
_REASON_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """What a signature found in a run.

    Attributes:
        id: The signature.
        severity: How bad it is.
        hits: How many there are.
        first: True where no earlier run of the hunt has hits of it.
    """

    id: str
    severity: str
    hits: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """An alert. The same event gives the same bytes, whoever sends it and whenever.

    Attributes:
        kind: Why it is sent.
        key: Tells this event from all others, in hexadecimal digits.
        body: JSON in ASCII, without line breaks.
    """

    kind: Kind
    key: str
    body: bytes


def of_run(record: dict[str, Any], run_uri: str, found: Sequence[Found]) -> list[Message]:
    """The alerts that a finished run gives reason for.

    Args:
        record: What ``run.json`` holds.
        run_uri: Folder of the run.
        found: What each signature found that found something.
    """
    hunt, run_id = record["hunt"], record["run_id"]
    ranked = sorted(found, key=lambda each: (not each.first, -each.hits, each.id))
    about = {
        "hunt": hunt,
        "run_id": run_id,
        "status": record["status"],
        "started_at": record["started_at"],
        "finished_at": record.get("finished_at"),
        "totals": record["totals"],
        "gaps": len(record["gaps"]),
        "signatures": [
            {"id": each.id, "severity": each.severity, "hits": each.hits, "first": each.first}
            for each in ranked[:SIGNATURES_TOLD]
        ],
        "signatures_left_out": max(0, len(ranked) - SIGNATURES_TOLD),
        "results": run_uri,
    }
    messages = []
    if record["status"] == WITH_GAPS:
        text = f"{hunt}: complete with gaps, a part of the archive was not read (run {run_id})"
        messages.append(_message("gaps", _key(hunt, run_id, "gaps"), text, about))
    news = [each for each in ranked if each.first]
    if news:
        text = f"{hunt}: {_told(news)} for the first time (run {run_id})"
        messages.append(_message("first_hits", _key(hunt, run_id, "first_hits"), text, about))
    return messages


def of_failure(hunt: str, run_id: str | None, run_uri: str | None, reason: str, attempt: str) -> Message:
    """The alert of a run that did not come to its end.

    Args:
        hunt: Name of the hunt.
        run_id: The run; None where it failed before one began.
        run_uri: Folder of the run.
        reason: Why, without content of an archive.
        attempt: When this attempt began. A run that is gone on with and fails again is told of again.
    """
    where = f" (run {run_id})" if run_id else ""
    text = f"{hunt}: failed{where}"
    about = {
        "hunt": hunt,
        "run_id": run_id,
        "status": "failed",
        "started_at": attempt,
        "reason": reason[:_REASON_CHARACTERS],
        "results": run_uri,
    }
    return _message("failed", _key(hunt, run_id or "", "failed", attempt), text, about)


def _told(news: Sequence[Found]) -> str:
    named = ", ".join(f"{each.id} ({each.hits:,})" for each in news[:_NAMED_IN_TEXT])
    more = len(news) - _NAMED_IN_TEXT
    signatures = f"{len(news):,} signature{'' if len(news) == 1 else 's'} found something"
    return f"{signatures}: {named}{f' and {more:,} more' if more > 0 else ''},"


def _message(kind: Kind, key: str, text: str, about: dict[str, Any]) -> Message:
    document = {"version": 1, "kind": kind, "id": key, "text": text, **about}
    return Message(kind, key, json.dumps(document, separators=(",", ":")).encode("ascii"))


def _key(*parts: str) -> str:
    return hashlib.sha256(json.dumps(["hindcast alert 1", *parts]).encode("ascii")).hexdigest()[:32]
