"""What became of one split: the value that its commit record holds."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Final, Literal

from pydantic import TypeAdapter

from scanner.archive.read import Gap

Outcome = Literal["scanned", "failed", "skipped", "divided"]

_MAX_ERROR: Final = 2_000


@dataclass(frozen=True, slots=True)
class SplitReport:
    """One split: what was read, with what, and how it ended.

    Attributes:
        split_id: The split.
        source_uri: Its file.
        source_etag: The file's version.
        source_size_bytes: The file's size.
        row_groups: The split's row groups.
        columns: Text columns that were to be read.
        missing_columns: Text columns that the hunt calls optional and the file does not have.
        ruleset_digest: Digest of the ruleset.
        signature_set: Id of the set of signatures that ran, which `scanner.results.signature_sets` keeps.
        status: How it ended; ``failed`` where any of its row groups was not read whole; ``divided`` where its parts
            have reports of their own, and this one only keeps the split's name taken.
        rows: Records of the row groups that were read whole.
        rows_filtered: Further records of these row groups, which the hunt's predicate left out.
        cells: Their cells, without nulls.
        text_bytes: Bytes of these cells, uncompressed.
        hits: Hits found, in row groups that were read in part too; those stored are in ``hits_file``.
        invalid_cells: Cells that were not valid UTF-8 and were matched repaired.
        unparsed_cells: Cells that are no JSON, where a column is a path into JSON; nothing of them was matched.
        unparsed: (column, cells, row groups) of them. They are a gap that nobody hunts again: the row groups were read.
        match_errors: Pairs of cell and signature that could not be decided.
        error: Why it failed as a whole, or the first few match errors; None where there is neither.
        gaps: Row groups that were not read whole, where the others were; ``rows``, ``cells`` and ``text_bytes``
            count nothing of them, unless a gap is partial.
        attempts: How many times it was tried.
        elapsed_s: Seconds it took.
        worker: Where it ran.
        hits_file: Name of its file in ``split_hits/``; None where there are no hits.
        signature_hits: Exact number of hits for each signature id that has any.
        signature_costs: (id, candidates, judged, seconds of confirming) of each signature that had candidates.
        stages: Seconds by stage: read, join, pass_one, confirm, build, write.
        events: Ends of matches that pass one reported.
        parts: Ids of the splits that a divided one was cut into.
    """

    split_id: str
    source_uri: str
    source_etag: str
    source_size_bytes: int
    row_groups: tuple[int, ...]
    columns: tuple[str, ...]
    ruleset_digest: str
    signature_set: str
    status: Outcome
    rows: int = 0
    rows_filtered: int = 0
    cells: int = 0
    text_bytes: int = 0
    hits: int = 0
    invalid_cells: int = 0
    unparsed_cells: int = 0
    unparsed: tuple[tuple[str, int, tuple[int, ...]], ...] = ()
    missing_columns: tuple[str, ...] = ()
    match_errors: int = 0
    error: str | None = None
    gaps: tuple[Gap, ...] = ()
    attempts: int = 1
    elapsed_s: float = 0.0
    worker: str = ""
    hits_file: str | None = None
    signature_hits: tuple[tuple[str, int], ...] = ()
    signature_costs: tuple[tuple[str, int, int, float], ...] = ()
    stages: tuple[tuple[str, float], ...] = ()
    events: int = 0
    parts: tuple[str, ...] = ()

    @property
    def nothing_read(self) -> bool:
        """True where it failed before any record of it was matched."""
        return self.status == "failed" and not (self.rows or self.rows_filtered or self.hits)

    @property
    def is_whole_file(self) -> bool:
        """True where it stands for a file of which no splits could be made."""
        return self.status == "failed" and not self.row_groups

    @property
    def not_json(self) -> list[tuple[tuple[int, ...], str]]:
        """(row groups, what is told) of cells that are no JSON, for each column that has any."""
        if self.status == "failed" and not self.gaps:
            return []
        return [(groups, _not_json(column, cells)) for column, cells, groups in self.unparsed]

    def to_json(self) -> bytes:
        """UTF-8 JSON with sorted keys; a long error is cut."""
        # `asdict` of the whole copies thousands of costs value by value.
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        values["gaps"] = [asdict(gap) for gap in self.gaps]
        if self.error is not None and len(self.error) > _MAX_ERROR:
            values["error"] = self.error[:_MAX_ERROR] + "…"
        return json.dumps(values, sort_keys=True, ensure_ascii=False).encode(errors="replace")

    @classmethod
    def from_json(cls, data: bytes) -> "SplitReport":
        """Reads what `to_json` wrote; keys that a later version added are left out.

        Raises:
            ValueError: It is no such record.
        """
        return _READER.validate_json(data)


def _not_json(column: str, cells: int) -> str:
    what = "cell of {} is no JSON and was" if cells == 1 else "cells of {} are no JSON and were"
    return f"{cells:,} {what.format(column)} not read"


_READER = TypeAdapter(SplitReport)
