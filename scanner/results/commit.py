"""Publishes what became of a split, once, whoever else tries; and reads it back."""

import contextlib
from collections.abc import Collection, Sequence
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


def divide(run_uri: str, report: SplitReport) -> SplitReport:
    """Has the parts of a split stand for it from now on, unless it has a report that counts.

    Args:
        run_uri: Folder of the run.
        report: Of the split, ``divided``.

    Returns:
        The report that counts: this one, another one like it, or that of an attempt which was first.

    Raises:
        CommitUnknown: The storage failed, and it cannot be told which report counts.
    """
    # The mark comes first, so that whoever takes the run up later knows of every split that may be divided.
    with contextlib.suppress(CommitConflict):
        storage.create(f"{layout.divided_folder_uri(run_uri)}/{report.split_id}", b"")
    publish(run_uri, report)
    return standing(run_uri, report.split_id) or report


def divided(run_uri: str) -> set[str]:
    """Ids of the splits that were, or were to be, cut in two."""
    return set(storage.list_names(layout.divided_folder_uri(run_uri)))


def committed(run_uri: str, wanted: Collection[str] | None = None) -> list[SplitReport]:
    """Every report that counts, sorted by split id; parts stand in place of the splits that were divided.

    Args:
        run_uri: Folder of the run.
        wanted: Ids of the splits that are asked about; None for all.

    Raises:
        HuntError: A record is not one; it is named.
    """
    names = storage.list_names(layout.commits_uri(run_uri))
    there = set(names)
    if wanted is not None:
        names = [name for name in names if name in wanted]
    found: list[SplitReport] = []
    while names:
        reports = _read_all(run_uri, names)
        found += (report for report in reports if not report.parts)
        # Without a choice all parts were read in the first turn.
        names = [] if wanted is None else [part for each in reports for part in each.parts if part in there]
    return sorted(found, key=lambda report: report.split_id)


def _read_all(run_uri: str, names: Sequence[str]) -> list[SplitReport]:
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
