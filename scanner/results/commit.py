"""Publishes what became of a split, once, whoever else tries; and reads it back."""

import contextlib
import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from scanner.archive import storage
from scanner.errors import CommitConflict, CommitUnknown, HuntError, OutputError, Problem, SourceError
from scanner.results import layout
from scanner.results.report import SplitReport

_MAX_RECORD_BYTES: Final = 64 << 20
_READ_AT_ONCE: Final = 16
_READ_AHEAD: Final = 1024
_NOT_ENDED: Final = (
    "some of its splits have not ended ({}); somebody else may hunt them still. Repeat the command, which goes on with "
    "what is missing"
)


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


def reports_of(run_uri: str, wanted: Collection[str] | None = None) -> Iterator[SplitReport]:
    """Every report that counts, sorted by split id; parts stand in place of the splits that were divided.

    Of all splits only the names are held in memory, and some thousand reports.

    Args:
        run_uri: Folder of the run.
        wanted: Ids of the splits that are asked about, each once, which all must have ended; None for all there are.

    Raises:
        HuntError: A record is not one; it is named.
        OutputError: What is wanted has not all ended: a split, or a part of one that was divided, has no report.
        SourceError: One cannot be read.
    """
    with ThreadPoolExecutor(_READ_AT_ONCE, thread_name_prefix="commits") as pool:
        read = functools.partial(_read_all, run_uri, pool)
        names, missing = _that_count(
            storage.list_names(layout.commits_uri(run_uri)), divided(run_uri), wanted, read
        )
        if missing and wanted is not None:
            raise OutputError(run_uri, _NOT_ENDED.format(missing))
        for start in range(0, len(names), _READ_AHEAD):
            yield from read(names[start : start + _READ_AHEAD])


def _that_count(
    names: list[str],
    marked: set[str],
    wanted: Collection[str] | None,
    read: Callable[[Sequence[str]], Iterable[SplitReport]],
) -> tuple[list[str], int]:
    """Those names of which the report counts, sorted; and how many have no report.

    Only splits that are marked can be divided.
    """
    there = set(names) if marked else set()
    chosen = names if wanted is None else [name for name in names if name in wanted]
    missing = 0 if wanted is None else len(wanted) - len(chosen)
    doubtful = sorted(marked.intersection(chosen))
    if not doubtful:
        return chosen, missing
    counting = set(chosen)
    while doubtful:
        parts: set[str] = set()
        for report in read(doubtful):
            if report.parts:
                counting.discard(report.split_id)
                parts.update(there.intersection(report.parts))
                missing += len(report.parts) - len(there.intersection(report.parts))
        counting |= parts
        doubtful = sorted(parts & marked)
    return sorted(counting), missing


def _read_all(run_uri: str, pool: ThreadPoolExecutor, names: Sequence[str]) -> Iterator[SplitReport]:
    # To hand a name to a thread takes as long as to read a record from the local disk.
    share = -(-len(names) // _READ_AT_ONCE)
    shares = (names[start : start + share] for start in range(0, len(names), share or 1))
    for reports in pool.map(functools.partial(_read_some, run_uri), shares):
        yield from reports


def _read_some(run_uri: str, names: Sequence[str]) -> list[SplitReport]:
    return [_read(layout.commit_uri(run_uri, name), name) for name in names]


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
