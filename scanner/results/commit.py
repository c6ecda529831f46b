"""Publishes what became of a split, once, whoever else tries; and reads it back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from scanner.archive import storage
from scanner.errors import CommitConflict, CommitUnknown, HuntError, Problem, SourceError
from scanner.results import layout
from scanner.results.report import SplitReport

_MAX_RECORD_BYTES: Final = 64 << 20
_READ_AT_ONCE: Final = 16


def publish(run_uri: str, report: SplitReport) -> bool:
    """Makes a split's report the one that counts.

    Returns:
        True where it now counts. False where another report of the same split counts already, which is as
        good: the split is done.

    Raises:
        CommitUnknown: The storage failed, and it cannot be told which report counts.
    """
    uri = layout.commit_uri(run_uri, report.split_id)
    record = report.to_json()
    try:
        storage.create(uri, record)
    except CommitConflict:
        return False
    except CommitUnknown as unknown:
        try:
            return storage.read_bytes(uri) == record
        except SourceError:
            raise unknown from None
    return True


def standing(run_uri: str, split_id: str) -> SplitReport | None:
    """The report of a split that counts; None where there is none yet.

    Raises:
        HuntError: The record is damaged.
        SourceError: It cannot be read.
    """
    uri = layout.commit_uri(run_uri, split_id)
    try:
        return _read(uri, split_id)
    except storage.Missing:
        return None


def committed(run_uri: str) -> list[SplitReport]:
    """Every report that counts, sorted by split id.

    Raises:
        HuntError: A record is not one; it is named.
    """
    names = storage.list_names(layout.commits_uri(run_uri))
    # Nearly every split ran the same thousands of signatures: one copy of that tuple is enough.
    sets: dict[tuple[str, ...], tuple[str, ...]] = {}
    with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="commits") as pool:
        reports = pool.map(lambda name: _read(layout.commit_uri(run_uri, name), name), names)
        return [
            replace(each, signatures=sets.setdefault(each.signatures, each.signatures)) for each in reports
        ]


def _read(uri: str, split_id: str) -> SplitReport:
    data = storage.read_range(uri, 0, _MAX_RECORD_BYTES + 1)
    if len(data) > _MAX_RECORD_BYTES:
        raise _broken(uri)
    try:
        report = SplitReport.from_json(data)
    except ValueError as error:
        raise _broken(uri) from error
    if report.split_id != split_id:
        raise _broken(uri)
    return report


def _broken(uri: str) -> HuntError:
    message = "this is no commit record, or a damaged one; delete it, and its split counts as not done"
    return HuntError((Problem(uri, 0, "", message),))
