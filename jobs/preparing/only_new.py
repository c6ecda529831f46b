"""Hunts of what is new: each row group is read for those signatures only that no finished run has covered."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from jobs.preparing.prepare import ExecutorChoice, Prepared, choose_executor
from scanner.archive.planning.splits import NOTHING
from scanner.engine.owed import parts_of
from scanner.results.ledger import Owed, owed_after


@dataclass(frozen=True, slots=True)
class Share:
    """What of an archive owes the same signatures.

    Attributes:
        signatures: Their ids, in the order of the ruleset; none where nothing is owed.
        files: Files that have any row group of this share.
        splits: Splits of the run that read it.
        row_groups: Its row groups; a file that holds none counts as one.
        rows: Its records, as far as that is known before they are read. What shares a split with other shares is
            estimated from the number of row groups.
        text_bytes: Its stored bytes of text, likewise.
    """

    signatures: tuple[str, ...]
    files: int
    splits: int
    row_groups: int
    rows: int
    text_bytes: int


@dataclass(frozen=True, slots=True)
class OnlyNew:
    """A hunt of what is new, or one of everything, which has no shares.

    Attributes:
        prepared: The hunt, with nothing in its plan that is owed nothing.
        shares: What owes all signatures, then the others by how much there is of them, then what owes nothing. None
            is empty.
    """

    prepared: Prepared
    shares: tuple[Share, ...] = ()

    @property
    def nothing(self) -> bool:
        """True where only what is new was asked for, and that is nothing: no file that cannot be read either."""
        plan = self.prepared.plan
        return self.prepared.only_new is not None and not plan.splits and not plan.unreadable


def find_new(prepared: Prepared, against: Collection[str], executor: ExecutorChoice = "auto") -> OnlyNew:
    """Leaves of a hunt what some of its runs have not covered.

    Args:
        prepared: The hunt, with all of its archive.
        against: Ids of the runs.
        executor: Where to run; ``auto`` decides by what is left.

    Raises:
        HuntError: A record of a run is damaged.
        SourceError: Coverage cannot be read.
    """
    spec, plan, loaded = prepared.spec, prepared.plan, prepared.signatures
    owed = owed_after(plan.splits, loaded.ruleset.signatures, spec.output, spec.hunt, against)
    splits = plan.splits.owing(owed.numbers)
    left = replace(
        plan,
        splits=splits,
        files=splits.files_read + len(plan.unreadable),
        rows=splits.rows,
        row_groups=splits.row_groups,
        text_bytes=sum(splits.text_bytes),
    )
    new = replace(prepared, plan=left, executor=choose_executor(executor, left, spec))
    shares = _shares(prepared, new, owed)
    told = {
        "against": sorted(against),
        "files_not_read": plan.splits.files_read - splits.files_read,
        "row_groups_not_read": sum(share.row_groups for share in shares if not share.signatures),
        "rows_not_read": plan.rows - left.rows,
        "text_bytes_not_read": plan.text_bytes - left.text_bytes,
    }
    parts = parts_of(loaded.program, owed.sets[1:])
    return OnlyNew(replace(new, parts=parts, only_new=told), shares)


def _shares(whole: Prepared, new: Prepared, owed: Owed) -> tuple[Share, ...]:
    places, splits = whole.plan.splits.places(), new.plan.splits
    owing, rows, text_bytes = (np.array(each) for each in (splits.owed, splits.rows_each, splits.text_bytes))
    ids = [signature.id for signature in whole.signatures.ruleset.signatures]
    shares = []
    for number, signatures in (*enumerate(owed.sets), (NOTHING, ())):
        here, read = owed.numbers == number, owing == number
        share = Share(
            signatures=tuple(ids[index] for index in signatures),
            files=len(np.unique(places.files[here])),
            splits=int(read.sum()),
            row_groups=int(here.sum()),
            rows=int(rows[read].sum()),
            text_bytes=int(text_bytes[read].sum()),
        )
        if number == NOTHING:
            left_rows, left_bytes = (
                whole.plan.rows - splits.rows,
                whole.plan.text_bytes - sum(splits.text_bytes),
            )
            share = replace(share, rows=left_rows, text_bytes=left_bytes)
        shares.append(share)
    return tuple(share for share in shares if share.row_groups)
