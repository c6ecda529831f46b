"""Signatures tried on files or on lines of text: no hunt file, no results kept, the memory of one batch."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from scanner.archive import read
from scanner.archive.columns.pieces import as_table
from scanner.archive.formats.doors import read_split
from scanner.archive.plan import Plan, make_plan
from scanner.engine.matches import Matcher, Matches, Wanted
from scanner.errors import SourceError
from scanner.results.mask import Evidence
from scanner.scan.table import scan_table
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column

MAX_LINE_BYTES = 16 << 20
"""Lines longer than this are not scanned, and said to be so."""

LINES_COLUMN = "line"
STANDARD_INPUT = "-"

_READ_BYTES = 1 << 20


class Stream(Protocol):
    """Bytes that come in pieces, such as standard input's."""

    def read1(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, as soon as there are any; none at the end."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a batch of records holds.

    Attributes:
        source_uri: The file; ``-`` for standard input.
        records: Records in the batch.
        hits: In `scanner.scan.table.SCAN_SCHEMA`, with ``row_index`` counted in the file.
    """

    source_uri: str
    records: int
    hits: pa.Table


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be scanned.

    Attributes:
        source_uri: The file; ``-`` for standard input.
        reason: Why, without any content.
        partial: True where the rest of the file was scanned.
    """

    source_uri: str
    reason: str
    partial: bool = False


def plan_files(path: str, columns: Sequence[str] | Literal["auto"], input_format: str | None = None) -> Plan:
    """What a scan of a file, a folder, a glob or a table would read.

    Args:
        path: The file, folder, glob or table.
        columns: Paths of the columns to scan, or ``auto`` for every text column.
        input_format: How it is written; None where names tell.

    Raises:
        HuntError: There is nothing there, or no file has the columns.
    """
    return make_plan([path], columns, format=input_format)


def scan_files(plan: Plan, matcher: Matcher, evidence: Evidence) -> Iterator[Found | Gap]:
    """Scans files batch by batch, in the order of their names; what cannot be read is a gap."""
    watched = _Watched(matcher)
    for file in plan.unreadable:
        yield Gap(file.uri, file.reason)
    for split in plan.splits:
        unparsed: Counter[str] = Counter()
        try:
            for batch in read_split(split, split.columns):
                if isinstance(batch, read.Gap):
                    told = batch.reason if batch.partial else f"row group {batch.row_group}: {batch.reason}"
                    yield Gap(split.source_uri, told, partial=True)
                    continue
                hits = scan_table(
                    as_table(batch.data), watched, split.columns, evidence, _adding_to(unparsed)
                )
                yield Found(split.source_uri, batch.data.num_rows, _moved(hits, batch.first_row))
                yield from watched.gaps(split.source_uri)
        except SourceError as error:
            yield Gap(error.uri, error.reason)
        for column, cells in unparsed.items():
            are = "cell of {} is no JSON" if cells == 1 else "cells of {} are no JSON"
            yield Gap(split.source_uri, f"{cells} {are.format(column)}", partial=True)


def _adding_to(counts: Counter[str]) -> Callable[[str, int], None]:
    def add(name: str, count: int) -> None:
        counts[name] += count

    return add


def scan_lines(stream: Stream, matcher: Matcher, evidence: Evidence) -> Iterator[Found | Gap]:
    """Scans lines of text, each a record, as they come in; they need not be valid UTF-8.

    Args:
        stream: Lines that end in LF or CR LF.
        matcher: Of signatures that look at any column, as lines are of none.
        evidence: What of the matched text is told.
    """
    watched = _Watched(matcher)
    first = 0
    for lines in _blocks(stream):
        cells = pa.table({LINES_COLUMN: pa.array(lines, pa.large_binary())})
        hits = scan_table(cells, watched, [LINES_COLUMN], evidence)
        yield Found(STANDARD_INPUT, len(lines), _moved(hits, first))
        yield from watched.gaps(STANDARD_INPUT)
        for number, line in enumerate(lines, first + 1):
            if line is None:
                told = f"line {number} is longer than {MAX_LINE_BYTES >> 20} MB"
                yield Gap(STANDARD_INPUT, told, partial=True)
        first += len(lines)


class _Watched:
    """A matcher that remembers what it could not decide, which a table of hits does not tell."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._undecided: Counter[tuple[int, str]] = Counter()

    @property
    def ruleset(self) -> Ruleset:
        return self._matcher.ruleset

    @property
    def judging(self) -> str | None:
        return self._matcher.judging

    def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
        matches = self._matcher.match(cells, column, wanted)
        self._undecided.update((error.signature, error.reason) for error in matches.errors)
        return replace(matches, errors=())

    def gaps(self, source_uri: str) -> Iterator[Gap]:
        """What could not be decided since this was last asked."""
        for (signature, reason), cells in self._undecided.items():
            told = f"{self.ruleset.signatures[signature].id} could not be decided on {cells} cells: {reason}"
            yield Gap(source_uri, told, partial=True)
        self._undecided.clear()


def _moved(hits: pa.Table, first_row: int) -> pa.Table:
    place = hits.schema.get_field_index("row_index")
    return hits.set_column(place, "row_index", pc.add(hits["row_index"], first_row))


def _blocks(stream: Stream) -> Iterator[list[bytes | None]]:
    """Complete lines, as many as came at once; None for one that is too long."""
    unfinished = _Unfinished()
    while piece := stream.read1(_READ_BYTES):
        start, *rest = piece.split(b"\n")
        unfinished.add(start)
        if rest:
            yield [unfinished.take(), *(line.removesuffix(b"\r") for line in rest[:-1])]
            unfinished.add(rest[-1])
    if unfinished:
        yield [unfinished.take()]


class _Unfinished:
    """The beginning of a line whose end has not come yet; nothing of it once it is too long."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size_bytes = 0

    def __bool__(self) -> bool:
        return self._size_bytes > 0

    def add(self, part: bytes) -> None:
        self._size_bytes += len(part)
        if self._size_bytes > MAX_LINE_BYTES:
            self._parts.clear()
        else:
            self._parts.append(part)

    def take(self) -> bytes | None:
        line = None if self._size_bytes > MAX_LINE_BYTES else b"".join(self._parts).removesuffix(b"\r")
        self._parts.clear()
        self._size_bytes = 0
        return line
