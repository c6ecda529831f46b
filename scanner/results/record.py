"""``run.json``: the record whose presence makes a run complete."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from scanner.archive import storage
from scanner.errors import HuntError, Problem
from scanner.results import layout

RunStatus = Literal["complete", "complete with gaps"]
COMPLETE: Final[RunStatus] = "complete"
WITH_GAPS: Final[RunStatus] = "complete with gaps"

_MAX_RECORD_BYTES: Final = 256 << 20
_NEEDED: Final = {
    "hunt": str,
    "run_id": str,
    "status": str,
    "started_at": str,
    "totals": dict,
    "gaps": list,
    "hits_files": list,
}


def encode(record: dict[str, Any]) -> bytes:
    """UTF-8 JSON with sorted keys, for people to read."""
    return (json.dumps(record, sort_keys=True, ensure_ascii=False, indent=2) + "\n").encode(errors="replace")


def read_record(run_uri: str) -> dict[str, Any] | None:
    """The record of a run; None while the run is not finished.

    Raises:
        HuntError: What stands there is no such record.
        SourceError: It cannot be read.
    """
    uri = layout.record_uri(run_uri)
    try:
        data = storage.read_range(uri, 0, _MAX_RECORD_BYTES + 1)
    except storage.Missing:
        return None
    if len(data) > _MAX_RECORD_BYTES:
        raise _broken(uri)
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _broken(uri) from error
    if not _is_record(record):
        raise _broken(uri)
    return dict(record)


def coverage_uri(run_uri: str, record: Mapping[str, Any] | None = None) -> str:
    """The coverage that counts of a finished run.

    Args:
        run_uri: Folder of the run.
        record: What ``run.json`` holds; None to read it.

    Raises:
        HuntError: The record is damaged.
        SourceError: It cannot be read.
    """
    known = record or read_record(run_uri) or {}
    return layout.coverage_uri(run_uri, str(known.get("coverage_file", layout.UNLABELLED)))


def signatures_uri(run_uri: str, record: Mapping[str, Any]) -> str:
    """The signatures that count of a finished run.

    Raises:
        HuntError: The record is damaged.
    """
    name = record.get("signatures_file")
    return layout.signatures_uri(run_uri) if name is None else layout.signatures_part_uri(run_uri, str(name))


def _is_record(record: object) -> bool:
    return (
        isinstance(record, dict)
        and all(isinstance(record.get(key), kind) for key, kind in _NEEDED.items())
        and record["status"] in {COMPLETE, WITH_GAPS}
        and all(isinstance(value, int | None) for value in record["totals"].values())
    )


def _broken(uri: str) -> HuntError:
    return HuntError((Problem(uri, 0, "", "this is no record of a run, or a damaged one; move it away"),))
