"""How results introduce themselves: whether they are complete comes before everything else."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scanner.results.mask import tame
from scanner.results.record import COMPLETE, WITH_GAPS

_SHOWN_SIGNATURES: Final = 20
_COLUMNS: Final = ("signature_id", "severity", "hits", "records", "actors", "first_seen", "last_seen")
_NUMBERS: Final = frozenset({"hits", "records", "actors"})


@dataclass(frozen=True, slots=True)
class State:
    """How far one or more runs have come.

    Attributes:
        status: ``complete``, ``complete with gaps`` or ``unfinished``.
        splits: Splits that are committed; a file of which none could be made counts as one.
        failed: Those that could not be read.
        match_errors: Pairs of cell and signature that could not be decided.
        unparsed_cells: Cells that are no JSON, where a column is a path into JSON.
        files: Files of the run.
        files_unreadable: Those of which no splits could be made.
    """

    status: str
    splits: int
    failed: int
    match_errors: int
    unparsed_cells: int = 0
    files: int = 0
    files_unreadable: int = 0


def headline(state: State) -> str:
    """The first line of every display.

    >>> headline(State("complete with gaps", 812, 3, 0))
    'COMPLETE WITH GAPS: 3 of 812 splits were not read in full'
    """
    gaps = []
    splits, failed = state.splits - state.files_unreadable, state.failed - state.files_unreadable
    if state.files_unreadable:
        of_files = f"of {_count(state.files, 'file', 'files')}"
        gaps.append(f"{state.files_unreadable:,} {of_files} could not be read at all")
    if failed:
        gaps.append(f"{failed:,} of {splits:,} splits {_were(failed)} not read in full")
    if state.match_errors:
        gaps.append(f"{_count(state.match_errors, 'match', 'matches')} could not be decided")
    if state.unparsed_cells:
        are = "is no JSON and was" if state.unparsed_cells == 1 else "are no JSON and were"
        gaps.append(f"{_count(state.unparsed_cells, 'cell', 'cells')} {are} not read")
    match state.status:
        case "complete":
            return COMPLETE.upper()
        case "complete with gaps":
            return f"{WITH_GAPS.upper()}: {'; '.join(gaps)}"
        case _:
            return "; ".join([f"UNFINISHED: {_count(splits, 'split is', 'splits are')} done", *gaps])


def found_line(totals: Mapping[str, int | None]) -> str:
    """What was found, in one line: ``1,240 hits in 1,198 records by 902 actors``."""
    hits, records, actors = (totals.get(name) for name in ("hits", "records", "actors"))
    line = _count(hits or 0, "hit", "hits")
    if hits:
        line += f" in {_count(records or 0, 'record', 'records')}"
    return line + (f" by {_count(actors, 'actor', 'actors')}" if hits and actors else "")


def as_text(state: State, names: Sequence[str], totals: Mapping[str, int | None]) -> str:
    """Results as a few lines."""
    return "\n".join([headline(state), *map(tame, names), found_line(totals)])


def as_html(
    state: State, names: Sequence[str], totals: Mapping[str, int | None], signatures: Sequence[dict[str, Any]]
) -> str:
    """Results as a card for notebooks; whatever comes from data is escaped.

    Args:
        state: How far they have come.
        names: Hunt and run, a line each.
        totals: As in ``run.json``.
        signatures: Rows of the signatures table.
    """
    hit = sorted(
        (row for row in signatures if row["hits"]), key=lambda row: (-row["hits"], row["signature_id"])
    )
    lines = [f"<b>{_html(headline(state))}</b>", *map(_html, names), _html(found_line(totals))]
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in _COLUMNS)
    body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in hit[:_SHOWN_SIGNATURES])
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if hit else ""
    more = len(hit) - _SHOWN_SIGNATURES
    rest = f"and {_count(more, 'signature', 'signatures')} more with hits" if more > 0 else ""
    return f"<div>{'<br>'.join(lines)}{table}{rest}</div>"


def _cells(row: dict[str, Any]) -> Iterable[str]:
    for name in _COLUMNS:
        value = row[name]
        shown = "" if value is None else f"{value:,}" if name in _NUMBERS else str(value)
        style = ' style="text-align:right"' if name in _NUMBERS else ""
        yield f"<td{style}>{_html(shown)}</td>"


def _html(text: str) -> str:
    return html.escape(tame(text))


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
