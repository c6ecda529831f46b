"""Which signatures of a run found something, and which of them for the first time."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, takewhile
from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.alerts.message import Found
from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.errors import SourceError
from scanner.results import layout
from scanner.results.runs import RunFolder, by_start, runs_of_hunt

_LOOKED_BACK: Final = 100
"""Runs: a receiver that was away for longer is told of these, so that no run has to ask for years."""


def found_in(run_uri: str, unread: Callable[[SourceError], None]) -> list[Found]:
    """What each signature found that found something in a finished run.

    A run of the hunt that cannot be read counts as one that found nothing: better told twice than never.

    Args:
        run_uri: Folder of the run, below its hunt's.
        unread: Is told of every run that cannot be read.
    """
    try:
        found = {each.id: each for each in _found(run_uri)}
    except SourceError as error:
        unread(error)
        return []
    new = set(found)
    for earlier in earlier_runs(run_uri):
        if not new:
            break
        try:
            new -= {each.id for each in _found(earlier.uri)}
        except SourceError as error:
            unread(error)
    return [Found(each.id, each.severity, each.hits, each.id in new) for each in found.values()]


def earlier_runs(run_uri: str) -> Iterator[RunFolder]:
    """Finished runs of the same hunt that began before a run, the latest first."""
    names = layout.names_of(run_uri)
    if names is None:
        return
    hunt, run_id = names
    output = run_uri.rpartition("/")[0].rpartition("/")[0]
    for folder in runs_of_hunt(output, hunt):
        if by_start(folder.run_id) < by_start(run_id) and folder.finished:
            yield folder


def untold_runs(runs: Iterable[RunFolder], told: Callable[[RunFolder], bool]) -> list[RunFolder]:
    """The runs since the latest of which somebody was told, that one left out, the earliest first.

    Args:
        runs: Finished runs, the latest first.
        told: True for a run of which it is written down that nothing is left to tell.
    """
    return list(takewhile(lambda run: not told(run), islice(runs, _LOOKED_BACK)))[::-1]


def _found(run_uri: str) -> Iterator[Found]:
    uri = layout.signatures_uri(run_uri)
    with storage.open_input(uri) as source, arrow_errors(uri):
        table = pq.read_table(source, columns=["signature_id", "severity", "hits"])
    for row in table.filter(pc.field("hits") > 0).to_pylist():
        yield Found(row["signature_id"], row["severity"] or "", row["hits"])
