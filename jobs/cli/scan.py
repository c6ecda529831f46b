"""`hindcast scan PATH -s SIGNATURES`."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BufferedReader, FileIO
from typing import Any, Literal, get_args

import click
from rich.table import Table

from jobs.cli import render
from jobs.cli.main import WITH_GAPS
from jobs.cli.options import column_names
from jobs.preparing.prepare import WHY_UNREAD, Gathered, Loaded, idle_signatures, load_for
from jobs.trying.scan import STANDARD_INPUT, Found, Gap, plan_files, scan_files, scan_lines
from scanner.archive import storage
from scanner.archive.formats import ENDINGS, PARQUET, name_of
from scanner.archive.formats.tables import TABLES
from scanner.archive.plan import Plan
from scanner.engine.matcher import HyperscanMatcher
from scanner.errors import HuntError, InputError, Problem, SourceError
from scanner.results.mask import Evidence

ROWS_OF_A_TABLE = 100

Format = Literal["table", "jsonl"]
_FORMATS = (*ENDINGS, *TABLES)


@click.command("scan")
@click.argument("path")
@click.option(
    "-s",
    "--signatures",
    "signature_paths",
    multiple=True,
    required=True,
    type=click.Path(),
    help="A file or folder of signatures; may be given several times.",
)
@click.option("--columns", help="Text columns to scan, separated by commas.  [default: every text column]")
@click.option(
    "--input-format",
    type=click.Choice(_FORMATS),
    help="How PATH is written.  [default: as the names of files tell; in a folder, Parquet]",
)
@click.option("--format", "form", type=click.Choice(get_args(Format)), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format jsonl: one hit a line.")
@click.option(
    "--evidence",
    type=click.Choice(get_args(Evidence)),
    default="masked",
    show_default=True,
    help="What of the matched text to print; all of it on one line and without control characters, also as JSON.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"Hits to print; the counts stay exact.  [default: {ROWS_OF_A_TABLE} in a table, else all]",
)
def command(  # noqa: PLR0913, PLR0917 - one for each option
    path: str,
    signature_paths: tuple[str, ...],
    columns: str | None,
    input_format: str | None,
    form: Format,
    as_json: bool,
    evidence: Evidence,
    limit: int | None,
) -> int:
    """Try signatures on PATH: a file, a folder, a glob, a table, or - for lines of text on standard input.

    PATH may begin with s3:// or gs://; credentials, AWS_ENDPOINT_URL and the like come from the environment.
    Files are Parquet, CSV, TSV, JSONL, ORC or Arrow; CSV, TSV, JSONL and Arrow may be packed by gzip, zstd or bzip2.

    Hits are printed and kept nowhere. Exit codes: 0 all was read, with hits or without; 3 something could not
    be read; 2 the input is wrong.

    \b
    Example:
      hindcast scan sample.parquet -s signatures/ --columns text,author.bio
      hindcast scan posts.jsonl.gz -s signatures/
      hindcast scan "s3://dumps/2026-11-*/" -s signatures/
      grep -h buy logs/*.txt | hindcast scan - -s signatures/fraud.yaml --json
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    if path == STANDARD_INPUT and (columns or input_format):
        message = "lines of text have no columns and no format; leave `--columns` and `--input-format` out"
        raise click.UsageError(message)
    lines = as_json or form == "jsonl"
    begun = _begun(path, signature_paths, column_names(columns), input_format, evidence)
    most = limit if limit is not None else sys.maxsize if lines else ROWS_OF_A_TABLE
    tally = _Tally(lines, most, begun.signatures, several=begun.files > 1)
    for outcome in begun.outcomes:
        tally.add(outcome)
    tally.finish()
    return WITH_GAPS if tally.gaps else 0


@dataclass(frozen=True, slots=True)
class _Begun:
    """A scan that can go on.

    Attributes:
        signatures: Number of those that are looked for.
        files: Number of those that are read, or should be.
        outcomes: What comes of it.
    """

    signatures: int
    files: int
    outcomes: Iterator[Found | Gap]


def _begun(
    path: str,
    signature_paths: tuple[str, ...],
    columns: list[str] | Literal["auto"],
    input_format: str | None,
    evidence: Evidence,
) -> _Begun:
    today = datetime.now(UTC).date()
    if path == STANDARD_INPUT:
        anywhere = load_for(signature_paths, today, anywhere=True)
        _tell_expired(anywhere)
        return _Begun(len(anywhere.ruleset.signatures), 1, _of_standard_input(anywhere, evidence))
    problems: list[Problem] = []
    loaded: Loaded | None = None
    plan: Plan | None = None
    with Gathered(problems):
        loaded = load_for(signature_paths, today)
    with Gathered(problems):
        plan = _planned(path, columns, input_format)
    if loaded is None or plan is None:
        raise InputError(tuple(problems))
    _tell_expired(loaded)
    idle = list(idle_signatures(loaded.ruleset, plan.columns))
    render.print_problems(idle)
    click.echo(render.safe(f"scanning the columns {', '.join(plan.columns)}"), err=True)
    if plan.passed_over:
        advice = "name data by a glob, or another `--input-format`"
        line = f"warning: {path}: leaves {plan.passed_over} unread: {WHY_UNREAD}; {advice}"
        click.echo(render.safe(line), err=True)
    outcomes = scan_files(plan, HyperscanMatcher(loaded.program), evidence)
    return _Begun(len(loaded.ruleset.signatures) - len(idle), plan.files, outcomes)


def _of_standard_input(loaded: Loaded, evidence: Evidence) -> Iterator[Found | Gap]:
    with BufferedReader(FileIO(sys.stdin.fileno(), closefd=False)) as stream:
        yield from scan_lines(stream, HyperscanMatcher(loaded.program), evidence)


def _planned(path: str, columns: list[str] | Literal["auto"], input_format: str | None) -> Plan:
    """The plan.

    Raises:
        HuntError: There is nothing to scan. It says how to name the format of what was taken for Parquet for want of
            a better guess.
    """
    try:
        return plan_files(path, columns, input_format)
    except HuntError as error:
        if input_format is not None:
            raise
        raise HuntError(tuple(map(_with_formats, error.problems))) from error


def _with_formats(problem: Problem) -> Problem:
    """Names the other formats where something is there and was taken for Parquet without a reason."""
    uri = problem.file
    named = uri.lower().endswith(ENDINGS[PARQUET])
    if problem.subject or named or name_of(uri) != PARQUET or not _is_there(uri):
        return problem
    others = "|".join(name for name in _FORMATS if name != PARQUET)
    hint = f"if this is no Parquet, add `--input-format {others}`"
    if not storage.is_folder(uri):
        stream = "-" if not storage.is_local(uri) else f"- < {shlex.quote(uri)}"
        hint += f"; lines of text go to `hindcast scan {stream}`"
    return replace(problem, message=f"{problem.message}; {hint}")


def _is_there(uri: str) -> bool:
    try:
        return storage.exists(uri)
    except SourceError:
        return False


def _tell_expired(loaded: Loaded) -> None:
    for signature in loaded.expired:
        click.echo(render.safe(f"{signature.id}: expired on {signature.expires} and does not run"), err=True)


@dataclass(slots=True)
class _Tally:
    """Counts everything, and prints hits up to a limit: as they come, or in a table at the end.

    Attributes:
        lines: True to print a line of JSON a hit.
        limit: Hits to print.
        signatures: Number of those that are looked for.
        several: True where hits may come from more than one file.
        gaps: Number of things that could not be scanned.
    """

    lines: bool
    limit: int
    signatures: int
    several: bool
    gaps: int = 0
    records: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    shown: list[dict[str, Any]] = field(default_factory=list)
    printed: int = 0

    def add(self, outcome: Found | Gap) -> None:
        """Takes in what came of a batch."""
        if isinstance(outcome, Gap):
            self.gaps += 1
            what = "not all was scanned" if outcome.partial else "not scanned"
            click.echo(render.safe(f"{outcome.source_uri}: {what}: {outcome.reason}"), err=True)
            return
        self.records += outcome.records
        self.hits.update(map(str, outcome.hits["signature_id"].to_pylist()))
        for hit in outcome.hits.slice(0, self.limit - self.printed).to_pylist():
            self.printed += 1
            row = {"source_uri": outcome.source_uri, **hit}
            if self.lines:
                click.echo(render.json_line(row))
            else:
                self.shown.append(row)

    def finish(self) -> None:
        """Prints the table and the summary."""
        if self.shown:
            render.console().print(_table(self.shown, several=self.several))
        total = self.hits.total()
        found = (
            f"{render.plural(total, 'hit')} of {render.plural(len(self.hits), 'signature')}"
            if total
            else "0 hits"
        )
        looked_for = f"{render.plural(self.signatures, 'signature')} looked for"
        click.echo(f"{found} in {render.plural(self.records, 'record')}; {looked_for}", err=True)
        if self.printed < total:
            click.echo(f"{render.number(self.printed)} of them printed; see more with --limit", err=True)
        for signature_id, count in self.hits.most_common():
            click.echo(f"  {render.safe(signature_id)}  {render.number(count)}", err=True)
        if self.gaps:
            click.echo(f"NOT ALL WAS SCANNED: {render.plural(self.gaps, 'gap')}, listed above", err=True)


def _table(hits: list[dict[str, Any]], *, several: bool) -> Table:
    file = ["file"] if several else []
    made = render.table([*file, "row", "column", "signature", "severity", "evidence"], numbers=["row"])
    for hit in hits:
        cells = [hit[name] for name in ("column", "signature_id", "severity", "evidence")]
        place = [hit["source_uri"]] if several else []
        made.add_row(
            *map(render.safe, place), str(hit["row_index"]), *(render.safe(cell or "") for cell in cells)
        )
    return made
