"""`hindcast results`: which runs there are, and what one of them found."""

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc
from rich.table import Table

from jobs.cli import all_runs as together
from jobs.cli import render
from jobs.watching.progress_file import Told, read_progress
from scanner.errors import HindcastError
from scanner.results.display import headline
from scanner.results.reader import Results, open_results
from scanner.results.runs import UNFINISHED, RunSummary, list_runs

_SHOWN_REASONS = 10
_SHOWN_NAMES = 20
_SHOWN_ROW_GROUPS = 20
_ALL_SO_FAR = "no gaps so far; what is not done was not read"
_OF_SAMPLES = ("records", "actors", "first_seen", "last_seen")
"""What is known of the stored hits only, where hits are counted exactly."""
_NOT_JSON = r"(^|; )[\d,]+ cells? of (.+?) (?:is no JSON and was|are no JSON and were) not read"
"""The number differs from split to split, where the reason is the same."""


@click.group("results")
def command() -> None:
    """List runs and show what they found.

    Where they lie may begin with s3:// or gs://; credentials, AWS_ENDPOINT_URL and the like come from the environment.

    \b
    Example:
      hindcast results list hunts-out/
      hindcast results show hunts-out/hunt=nightly-fraud/
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines


@command.command("list")
@click.argument("uri", default=".")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(uri: str, as_json: bool) -> None:
    """List the runs under an output folder, by hunt, the latest first.

    \b
    Example:
      hindcast results list hunts-out/
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    runs = list_runs(uri)
    if as_json:
        render.print_json([asdict(run) for run in runs])
    elif runs:
        _print_runs(runs)
    else:
        click.echo("no runs here")


@command.command("show")
@click.argument("run")
@click.option(
    "--all-runs",
    is_flag=True,
    help="What all runs of the hunt found together, each hit once: what to look at after `hunt --only-new`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_command(run: str, all_runs: bool, as_json: bool) -> None:
    """Show what a run found, and first whether it read everything.

    RUN is the folder of a run, of a hunt (its latest finished run is shown), or of an output that holds one
    hunt. The exit code is 0 whatever the run has found or missed.

    \b
    Examples:
      hindcast results show hunts-out/hunt=nightly-fraud/
      hindcast results show hunts-out/hunt=nightly-fraud/ --all-runs
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    if all_runs:
        _show_all(run, as_json=as_json)
        return
    results = open_results(run)
    if as_json:
        render.print_json(_as_json(results))
    else:
        _print(results)


def _show_all(uri: str, *, as_json: bool) -> None:
    results = together.open_all(uri)
    told = together.as_dict(results)
    if as_json:
        render.print_json(told)
        return
    runs = list_runs(uri)
    for line in together.opening(told, runs):
        click.echo(render.safe(line))
    _print_runs(runs)
    hit = [row for row in told["signatures"] if row["hits"]]
    if hit:
        render.print_table(_signatures_table(hit, together.OF_SAMPLES))
    for line in together.notes(told["signatures"]):
        click.echo(render.safe(line))


@command.command("coverage")
@click.argument("run")
@click.option("--all", "everything", is_flag=True, help="What was read as well.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each row of coverage.")
def coverage_command(run: str, everything: bool, as_json: bool) -> None:
    """Show what a run did not read or could not decide, and why.

    \b
    Example:
      hindcast results coverage hunts-out/hunt=nightly-fraud/
    """  # noqa: D301 - click's mark for a paragraph that keeps its lines
    results = open_results(run)
    if not as_json:
        click.echo(_headline(results))
    shown = 0
    for batch in results.coverage.to_batches():
        for row in batch.to_pylist():
            if as_json:
                click.echo(render.json_line(row))
            elif everything or _is_gap(row):
                click.echo(render.safe(_coverage_line(row)))
                shown += 1
    if not as_json and not shown:
        click.echo(_ALL_SO_FAR if results.status == UNFINISHED else "all was read")


def _is_gap(row: Mapping[str, Any]) -> bool:
    return bool(row["status"] == "failed" or row["match_errors"] or row["unparsed_cells"])


def _coverage_line(row: Mapping[str, Any]) -> str:
    groups = row["row_groups"]
    named = ", ".join(map(str, groups[:_SHOWN_ROW_GROUPS])) + (
        ", …" if len(groups) > _SHOWN_ROW_GROUPS else ""
    )
    place = f" row group{'s' if len(groups) > 1 else ''} {named}" if groups else ""
    told = row["error"] or f"{row['status']}, {render.plural(row['rows'], 'record')}"
    return f"{row['source_uri']}{place}: {told}"


def _print_runs(runs: Sequence[RunSummary]) -> None:
    """Prints runs with names that can be copied; on a narrow terminal without their start, with which ids begin."""
    table = _runs_table(runs)
    render.print_table(table if render.fits(table) else _runs_table(runs, without="started"))


def _runs_table(runs: Sequence[RunSummary], without: str = "") -> Table:
    numbers = ("splits", "hits")
    columns = [name for name in ("hunt", "run", "status", "started", *numbers) if name != without]
    table = render.table(columns, numbers, whole=("hunt", "run", *numbers))
    for run in runs:
        started = (
            "" if run.started_at is None else run.started_at[: len("2026-11-22T03:00")].replace("T", " ")
        )
        hits = "" if run.hits is None else render.number(run.hits)
        cells = {
            "hunt": run.hunt,
            "run": run.run_id,
            "status": run.status,
            "started": started,
            "splits": _splits(run),
            "hits": hits,
        }
        table.add_row(*(render.safe(cells[name]) for name in columns))
    return table


def _splits(run: RunSummary) -> str:
    told = _told(run.uri) if run.status == UNFINISHED else None
    # Of commit records there are more: of files that could not be read, and of splits that were divided.
    return render.number(run.splits) if told is None else _of(told.splits, told.splits_total)


def _headline(results: Results) -> str:
    """The first line; of an unfinished run it says how many splits there are, where that was told."""
    told = _told(results.uri) if results.status == UNFINISHED else None
    planned = None if told is None else told.splits_total
    return headline(replace(results.state, splits_planned=planned))


def _told(run_uri: str) -> Told | None:
    """How far a run has told that it is; None where that is not known."""
    with contextlib.suppress(HindcastError):
        return read_progress(run_uri)
    return None


def _of(count: int, total: int) -> str:
    return f"{render.number(count)} of {render.number(total)}"


def _as_json(results: Results) -> dict[str, Any]:
    hunt, run_id = results.names[0]
    return {
        "hunt": hunt,
        "run_id": run_id,
        "uri": results.uri,
        "status": results.status,
        "complete": results.complete,
        "totals": results.totals,
        "gaps": [
            {"gaps": count, "reason": reason, "such_as": file} for count, reason, file in _gaps(results)
        ],
        "signatures": results.signatures.to_table().to_pylist(),
        "run": results.run,
    }


def _print(results: Results) -> None:
    signatures = results.signatures.to_table().to_pylist()
    for line in (*_opening(results), *_totals(results)):
        click.echo(render.safe(line))
    hit = [row for row in signatures if row["hits"]]
    if hit:
        render.print_table(_signatures_table(hit))
    where = [f"hits: {results.uri}/hits/*.parquet"] if results.run else []
    for line in (*_sampled(hit), *_untimed(results, hit), *_without_hits(results, signatures), *where):
        click.echo(render.safe(line))


def _opening(results: Results) -> list[str]:
    hunt, run_id = results.names[0]
    title = f"{hunt}  run {run_id}"
    state = _headline(results)
    if results.complete:
        return [f"{title}  {state}"]
    gaps = _gaps(results)
    reasons = [
        f"  {render.plural(count, 'gap')}: {reason} (such as {file})"
        for count, reason, file in gaps[:_SHOWN_REASONS]
    ]
    more = len(gaps) - _SHOWN_REASONS
    return [state, *reasons, *([f"  and {render.plural(more, 'more reason')}"] if more > 0 else []), title]


def _gaps(results: Results) -> list[tuple[int, str, str]]:
    """Rows of coverage with each reason, the reason, and one of their files; the most frequent first."""
    coverage = results.coverage
    lost = (pc.field("match_errors") > 0) | (pc.field("unparsed_cells") > 0)
    failed = (pc.field("status") == "failed") | lost
    reason = pc.replace_substring_regex(
        pc.field("error"), _NOT_JSON, r"\1cells of \2 are no JSON and were not read"
    )
    rows: pa.Table = coverage.to_table(
        filter=failed, columns={"error": reason, "source_uri": pc.field("source_uri")}
    )
    grouped = rows.group_by("error").aggregate([("source_uri", "count"), ("source_uri", "min")]).to_pylist()
    gaps = [(row["source_uri_count"], row["error"] or "no reason", row["source_uri_min"]) for row in grouped]
    return sorted(gaps, key=lambda gap: (-gap[0], gap[1]))


def _totals(results: Results) -> list[str]:
    totals = {name: value or 0 for name, value in results.totals.items()}
    files = render.part(totals.get("files_read", totals["files"]), totals["files"], "file")
    read = f"read {render.plural(totals['rows'], 'record')} in {files}"
    parts = [f"{read} ({render.size(totals['text_bytes'])} of text)"]
    failed = totals["failed"] - totals.get("files_unreadable", 0)
    parts.append(f"{render.plural(failed, 'split')} failed")
    if filtered := totals.get("rows_filtered"):
        parts.append(f"{render.plural(filtered, 'record')} left out by `where`")
    if pruned := totals.get("files_pruned"):
        parts.append(f"{render.plural(pruned, 'file')} not read because of it")
    if totals["invalid_cells"]:
        parts.append(f"{render.plural(totals['invalid_cells'], 'cell')} not UTF-8 and matched repaired")
    if unparsed := totals.get("unparsed_cells"):
        parts.append(f"{render.plural(unparsed, 'cell')} not JSON and not read")
    if lacking := totals.get("files_missing_columns"):
        parts.append(f"{render.plural(lacking, 'file')} without all optional columns")
    if results.run is not None:
        parts.append(render.duration(results.run["elapsed_s"]))
    return ["; ".join(parts), *_only_new(results), results.found]


def _only_new(results: Results) -> list[str]:
    """That a run was not to read everything, so that what it did not find is not taken for not there."""
    if results.run is None or not (told := results.run.get("only_new")):
        return []
    runs, files = len(told["against"]), told["files_not_read"]
    covered = (
        f"what {render.plural(runs, 'earlier run')} {'has' if runs == 1 else 'have'} covered was left out"
    )
    left_out = f"only what is new: {covered}, {render.plural(files, 'file')} as a whole"
    hunt = shlex.quote(results.uri.rpartition("/")[0])
    return [left_out, f"all runs together: hindcast results show {hunt} --all-runs"] if runs else []


def _signatures_table(hit: Sequence[dict[str, Any]], of_samples: Sequence[str] = _OF_SAMPLES) -> Table:
    """What signatures found; a star marks what is that of a sample."""
    numbers = ("hits", "records", "actors")
    columns = ("signature", "severity", *numbers, "first seen", "last seen")
    table = render.table(columns, numbers, whole=("signature", *numbers))
    for row in sorted(hit, key=lambda row: (-row["hits"], row["signature_id"])):
        marked = of_samples if row["truncated"] else ()
        found = [
            _found(row[name]) + ("*" if name in marked and row[name] is not None else "")
            for name in (*numbers, "first_seen", "last_seen")
        ]
        table.add_row(*map(render.safe, (row["signature_id"], row["severity"] or "", *found)))
    return table


def _found(value: int | datetime | None) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else render.number(value)


def _sampled(hit: Sequence[dict[str, Any]]) -> list[str]:
    names = [row["signature_id"] for row in hit if row["truncated"]]
    more = len(names) - _SHOWN_NAMES
    rest = f" and {render.number(more)} more" if more > 0 else ""
    told = f"* stored as a sample, with exact numbers of hits: {', '.join(names[:_SHOWN_NAMES])}{rest}"
    return [told] if names else []


def _untimed(results: Results, hit: Sequence[dict[str, Any]]) -> list[str]:
    """That the column which was to tell times tells none, and not only that there were none to tell."""
    archive = (results.run or {}).get("spec", {}).get("archive", {})
    column = archive.get("event_time")
    if column is None or not hit or any(row["first_seen"] for row in hit):
        return []
    return [f"no hit has a time: in their records, {column} holds none such as 2026-05-01T08:00:00Z"]


def _without_hits(results: Results, signatures: Sequence[dict[str, Any]]) -> list[str]:
    idle = sum(row["ran"] and not row["hits"] for row in signatures)
    lines = [f"{render.plural(idle, 'signature')} found nothing"] if idle else []
    gone = set(results.run["ruleset"]["expired"]) if results.run else set()
    still = [row for row in signatures if not row["ran"]]
    expired = [f"{row['signature_id']} ({row['expires']})" for row in still if row["signature_id"] in gone]
    if not_run := len(still) - len(expired):
        read = results.totals.get("files_read")
        why = "nothing that was read owed them" if read else "nothing was read"
        lines.append(f"{render.plural(not_run, 'signature')} did not run here: {why}")
    if expired:
        more = len(expired) - _SHOWN_NAMES
        rest = f" and {render.number(more)} more" if more > 0 else ""
        lines.append(f"expired and not run: {', '.join(expired[:_SHOWN_NAMES])}{rest}")
    return lines
