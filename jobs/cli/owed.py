"""What `hindcast hunt --only-new` and `hindcast plan --only-new` say of what an archive owes."""

from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from jobs.cli import render
from jobs.preparing.only_new import OnlyNew, Share
from jobs.preparing.prepare import Prepared
from jobs.watching import log

_NAMED = 5
"""Signatures that are named where only some are owed."""


def matrix(new: OnlyNew) -> Table:
    """What owes which signatures, a line for each."""
    numbers = ("files", "splits", "row groups", "records", "text")
    table = render.table(("owed", *numbers), numbers)
    for share in new.shares:
        splits = render.number(share.splits) if share.signatures else "-"
        counts = (render.number(count) for count in (share.row_groups, share.rows))
        words = render.safe(_signatures(share, new.prepared))
        table.add_row(words, render.number(share.files), splits, *counts, render.size(share.text_bytes))
    return table


def tell(new: OnlyNew, console: Console, *, quiet: bool) -> None:
    """Prints the matrix of a run that hunts only what is new."""
    if new.shares and not quiet:
        console.print(matrix(new))


def as_dict(new: OnlyNew) -> dict[str, object]:
    """The same for machines."""
    return {**(new.prepared.only_new or {}), "owed": [asdict(share) for share in new.shares]}


def tell_nothing(new: OnlyNew, *, as_json: bool) -> int:
    """Says that every signature has run everywhere, and that this is why there is no run; gives the exit code."""
    prepared, spec = new.prepared, new.prepared.spec
    render.print_problems(prepared.warnings)
    if as_json:
        render.print_json(
            {"hunt": spec.hunt, "run_id": None, "status": "nothing new", "only_new": prepared.only_new}
        )
    elif log.is_on():
        log.RunLog(spec.hunt, "").tell("nothing_new", only_new=prepared.only_new)
    else:
        count = len(prepared.signatures.ruleset.signatures)
        ran = f"{render.plural(count, 'signature')} {'has' if count == 1 else 'have'} run"
        files = render.plural(sum(share.files for share in new.shares), "file")
        words = f"nothing new: {ran} over all there is to read ({files}); no run was made"
        render.console().print(words, soft_wrap=True)
    return 0


def _signatures(share: Share, prepared: Prepared) -> str:
    total, owed = len(prepared.signatures.ruleset.signatures), len(share.signatures)
    if not owed:
        return "nothing: all signatures have run"
    if owed == total:
        return f"all {render.plural(total, 'signature')}"
    more = f" and {render.number(owed - _NAMED)} more" if owed > _NAMED else ""
    return f"{render.number(owed)} of {render.number(total)}: {', '.join(share.signatures[:_NAMED])}{more}"
