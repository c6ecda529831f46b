"""How results introduce themselves: whether they are complete comes before everything else."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scanner.results.mask import tame
from scanner.results.record import COMPLETE, WITH_GAPS
from scanner.results.runs import UNFINISHED

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
        splits_planned: How many splits there are to be; None where that is not known.
    """

    status: str
    splits: int
    failed: int
    match_errors: int
    unparsed_cells: int = 0
    files: int = 0
    files_unreadable: int = 0
    splits_planned: int | None = None


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
            done = _count(splits, "split is", "splits are")
            # A plan that is smaller than what is done is another's: files have changed since.
            if state.splits_planned is not None and state.splits_planned >= splits:
                done = f"{splits:,} of {_count(state.splits_planned, 'split is', 'splits are')}"
            return "; ".join([f"{UNFINISHED.upper()}: {done} done", *gaps])


def found_line(totals: Mapping[str, int | None], stored: str = "") -> str:
    """What was found, in one line: ``1,240 hits in 1,198 records by 902 actors``.

    Args:
        totals: As in ``run.json``.
        stored: Of `sample`, where records and actors are those of a sample.
    """
    hits, records, actors = (totals.get(name) for name in ("hits", "records", "actors"))
    line = _count(hits or 0, "hit", "hits")
    if hits:
        line += f"{stored} in {_count(records or 0, 'record', 'records')}"
    return line + (f" by {_count(actors, 'actor', 'actors')}" if hits and actors else "")


def sample(hits: int | None) -> str:
    """Words for `found_line`: so many hits are stored, and not all; None where nobody knows how many."""
    return f"; a sample{'' if hits is None else f' of {hits:,}'} is stored,"


@dataclass(frozen=True, slots=True)
class Introduced:
    """What a run says of itself.

    Attributes:
        run_id: Its name.
        state: How far it has come.
        found: Of `found_line`.
        signatures: Rows of its signatures table.
    """

    run_id: str
    state: State
    found: str
    signatures: Sequence[dict[str, Any]]


def as_text(hunt: str, statuses: Sequence[str], latest: Sequence[Introduced]) -> str:
    """Results as a few lines; several runs one by one, as together they count twice what two of them have found.

    Args:
        hunt: Name of the hunt.
        statuses: Of all runs.
        latest: Those of them that are shown.
    """
    if len(statuses) == 1:
        [only] = latest
        return "\n".join([headline(only.state), tame(f"{hunt}  run {only.run_id}"), only.found])
    each = [f"  run {tame(run.run_id)}  {headline(run.state)}; {run.found}" for run in latest]
    return "\n".join([*_opening(hunt, statuses), *each, *_ending(len(statuses) - len(latest))])


def as_html(hunt: str, statuses: Sequence[str], latest: Sequence[Introduced]) -> str:
    """Results as a card for notebooks; whatever comes from data is escaped. The arguments are those of `as_text`."""
    cards = "".join(_card(hunt, run) for run in latest)
    if len(statuses) == 1:
        return cards
    first, title = map(_html, _opening(hunt, statuses))
    ending = "<br>".join(map(_html, _ending(len(statuses) - len(latest))))
    return f"<div><b>{first}</b><br>{title}{cards}{ending}</div>"


def _opening(hunt: str, statuses: Sequence[str]) -> list[str]:
    worst = next((each for each in (UNFINISHED, WITH_GAPS) if each in statuses), COMPLETE)
    runs = f"of {len(statuses):,} runs"
    told = {WITH_GAPS: f"{runs} have gaps", UNFINISHED: f"{runs} unfinished"}
    some = "; ".join(f"{statuses.count(each):,} {words}" for each, words in told.items() if each in statuses)
    return [f"{worst.upper()}{': ' if some else ''}{some}", tame(f"{hunt}  {len(statuses):,} runs")]


def _ending(more: int) -> list[str]:
    earlier = [f"  and {_count(more, 'earlier run', 'earlier runs')}"] if more else []
    return [*earlier, "a hit that several runs found counts in each; current_hits() has it once"]


def _card(hunt: str, run: Introduced) -> str:
    hit = sorted(
        (row for row in run.signatures if row["hits"]), key=lambda row: (-row["hits"], row["signature_id"])
    )
    lines = [f"<b>{_html(headline(run.state))}</b>", _html(f"{hunt}  run {run.run_id}"), _html(run.found)]
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
        if name == "signature_id" and row["truncated"]:
            shown += " (hits exact, the rest of a sample)"
        style = ' style="text-align:right"' if name in _NUMBERS else ""
        yield f"<td{style}>{_html(shown)}</td>"


def _html(text: str) -> str:
    return html.escape(tame(text))


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
