"""A growing archive with changing signatures, and hunts of what is new in it."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.executors.inline import InlineExecutor
from jobs.preparing.only_new import OnlyNew, find_new
from jobs.preparing.prepare import Prepared, prepare
from jobs.preparing.resume import Chosen, choose, joined
from jobs.running.hunt import Run
from jobs.watching import Progress
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.matches import Matcher, Matches, Wanted
from scanner.results import layout
from scanner.results.reader import open_results
from scanner.results.signature_sets import signature_set
from scanner.scan.split import ScanSettings
from scanner.signatures.model import Ruleset
from scanner.views.raw import Column

WORDS = ("one", "two", "six")
DAY = date(2026, 5, 1)
NOW = datetime(2026, 5, 1, tzinfo=UTC)

Texts = list[list[str]]
"""Of a file, by row group, two in each."""

Hit = tuple[str, str, str, int]
"""Digest of the signature, file, its version, row."""


@dataclass(frozen=True)
class Step:
    """What changes, and what becomes of the run after it.

    Attributes:
        files: Files that are added or replaced.
        signatures: Words that signatures look for from now on; None to remove one.
        days: Days that go by.
        stopped_after: Splits after which the run is interrupted; None to let it end.
        trap: Row groups that hold this word cannot be read this time.
    """

    files: dict[str, Texts] = field(default_factory=dict)
    signatures: dict[str, str | None] = field(default_factory=dict)
    days: int = 0
    stopped_after: int | None = None
    trap: str | None = None


NOTHING_HAPPENS = Step()


@dataclass
class World:
    """An archive, signatures and runs in a folder."""

    folder: Path
    signatures: dict[str, str | None] = field(default_factory=dict)
    today: date = DAY
    written: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    begun: Iterator[int] = field(default_factory=itertools.count)

    def change(self, step: Step) -> None:
        (self.folder / "archive").mkdir(exist_ok=True)
        for name, texts in step.files.items():
            self._write(name, texts)
        self.signatures.update(step.signatures)
        self.today += timedelta(step.days)
        lines = [f"- {{id: t.x, literal: {WORDS[0]}}}", "- {id: t.old, literal: two, expires: 2026-05-02}"]
        lines += [f"- {{id: {name}, literal: {word}}}" for name, word in self.signatures.items() if word]
        (self.folder / "s.yaml").write_text("signatures:\n" + "\n".join(lines))
        for output in ("out", "whole"):
            text = f"hunt: small\narchive: {{uri: archive, text_columns: [text]}}\nsignatures: s.yaml\noutput: {output}"
            (self.folder / f"{output}.yaml").write_text(text)

    def _write(self, name: str, texts: Texts) -> None:
        path = self.folder / "archive" / f"{name}.parquet"
        pq.write_table(pa.table({"text": list(itertools.chain(*texts))}), path, row_group_size=2)
        os.utime(path, ns=(next(self.written),) * 2)

    def prepared(self, output: str = "out") -> Prepared:
        return prepare(self.folder / f"{output}.yaml", self.today)

    def chosen(self) -> tuple[Chosen, OnlyNew]:
        """The run that comes next, and what it is to read."""
        everything, now = self.prepared(), NOW + timedelta(hours=next(self.begun))
        chosen = choose(everything, now, only_new=True)
        assert chosen.begun.against is not None
        return chosen, find_new(everything, chosen.begun.against)

    def run(self, step: Step = NOTHING_HAPPENS) -> bool:
        """Hunts what is new; False where there is nothing."""
        chosen, new = self.chosen()
        if new.nothing and not chosen.resumed:
            return False
        chosen = joined(new.prepared, chosen)

        def start(prepared: Prepared, settings: ScanSettings) -> InlineExecutor:
            return Trapping(prepared, settings, step.trap)

        def watch(progress: Progress) -> None:
            if progress.splits == step.stopped_after:
                raise KeyboardInterrupt

        try:
            Run(new.prepared, chosen.begun, start).execute(watch)
        except KeyboardInterrupt:
            assert step.stopped_after is not None
        return True

    def runs(self) -> list[str]:
        return sorted(map(str, self.folder.glob("out/hunt=small/run=*")))

    def finished(self) -> list[str]:
        return [uri for uri in self.runs() if Path(layout.record_uri(uri)).exists()]


class Trapping(InlineExecutor):
    """Cannot read row groups that hold a word."""

    def __init__(self, prepared: Prepared, settings: ScanSettings, trap: str | None) -> None:
        program = prepared.signatures.program
        super().__init__(HyperscanMatcher(program), settings, parts=prepared.parts)
        if trap is not None:
            matchers: Any = self._matchers
            self._matchers: Any = [Trap(matchers[number], trap) for number in range(len(prepared.parts) + 1)]


@dataclass
class Trap:
    """A matcher that dies of a word."""

    matcher: Matcher
    word: str

    @property
    def ruleset(self) -> Ruleset:
        return self.matcher.ruleset

    @property
    def judging(self) -> str | None:
        return self.matcher.judging

    def match(self, cells: Column, column: str, wanted: Wanted | None = None) -> Matches:
        if any(self.word in str(text) for text in cells.to_pylist()):
            raise MemoryError
        return self.matcher.match(cells, column, wanted)


def hits_of(run_uri: str) -> set[Hit]:
    """Of one run, finished or not."""
    return hits_in(open_results(run_uri).hits.to_table())


def hits_in(rows: pa.Table) -> set[Hit]:
    """Rows of hits, by the logic of their signatures."""
    names = ("signature_digest", "source_uri", "source_etag", "row_index")
    return {(row[names[0]], row[names[1]], row[names[2]], row[names[3]]) for row in rows.to_pylist()}


def covered(run_uri: str) -> Iterator[tuple[str, str, int, str]]:
    """File, version, row group and signature of all that a finished run has read whole."""
    for row in open_results(run_uri).coverage.to_table().to_pylist():
        if row["status"] == "scanned":
            for row_group, digest in itertools.product(
                row["row_groups"], signature_set(run_uri, row["signature_set"])
            ):
                yield row["source_uri"], row["source_etag"], row_group, digest
