"""`hindcast signatures`: check, test and list what analysts write, and describe its form to editors."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from jobs.cli.options import column_names
from jobs.cli.render import console, number, part, plural, print_json, safe, size, table
from jobs.preparing.prepare import load_for
from jobs.trying.profile import Profile
from jobs.trying.profile import profile as measure
from jobs.trying.scan import plan_files
from jobs.trying.trial import Failure, Trial, try_signatures
from scanner.engine.program import check_flawed, check_patterns
from scanner.errors import Problem, SignatureError
from scanner.signatures.condition import render
from scanner.signatures.lint import lint
from scanner.signatures.load import Reading, read_signatures
from scanner.signatures.model import Signature
from scanner.signatures.schema import json_schema

WRONG_INPUT = 2
NOT_BUILT = ("import",)
_DIGEST_SHOWN = 12

_paths = click.argument("paths", metavar="PATH...", nargs=-1, required=True)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


class _Verbs(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in NOT_BUILT:
            message = f"`hindcast signatures {args[0]}` is not built yet"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)


@click.group("signatures", cls=_Verbs)
def command() -> None:
    """Check, test and list signatures.

    \b
    While you write:   hindcast signatures check signatures/
    Before you hunt:   hindcast signatures test signatures/
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines


@command.command()
@_paths
@click.option("--warnings-as-errors", is_flag=True, help="Exit with 2 on warnings too, for a gate in CI.")
@_as_json
def check(paths: tuple[str, ...], warnings_as_errors: bool, as_json: bool) -> int:
    """Report what is wrong with signatures.

    PATH is a YAML file, or a folder of them. Reports every mistake, every pattern that does not compile, and as
    warnings what is slow or unlikely to be meant. Exits with 2 where anything is wrong.

    \b
    Example:
      hindcast signatures check signatures/ --warnings-as-errors
    """  # noqa: D301
    reading = read_signatures(paths)
    problems = (
        *reading.problems,
        *check_flawed(reading.flawed),
        *check_patterns(reading.signatures),
        *lint(reading.signatures, datetime.now(UTC).date()),
    )
    if as_json:
        print_json(
            {
                "files": len(reading.files),
                "signatures": len(reading.signatures),
                "problems": [dataclasses.asdict(problem) for problem in problems],
            }
        )
    else:
        for problem in problems:
            click.echo(safe(str(problem)))
        click.echo(_verdict(reading, problems))
    failed = any(warnings_as_errors or not problem.warning for problem in problems)
    return WRONG_INPUT if failed else 0


@command.command()
@_paths
@click.option("--show", is_flag=True, help="Print the texts of the examples that failed.")
@_as_json
def test(paths: tuple[str, ...], show: bool, as_json: bool) -> int:
    """Run the examples that signatures carry.

    What stands under `match` must be hit, and what stands under `no_match` must not, by the engine that hunts
    and by the oracle, which is slower and obvious. Exits with 2 where any is not.

    \b
    Example:
      hindcast signatures test signatures/fraud.yaml
    """  # noqa: D301
    trial = try_signatures(_read(paths).signatures)
    if as_json:
        print_json(_trial_as_json(trial, show=show))
    else:
        for failure in trial.failures:
            click.echo(_failure_line(failure))
            if show:
                click.echo(f"    {safe(failure.example.text)}")
        click.echo(_trial_line(trial))
    return WRONG_INPUT if trial.failures else 0


@command.command()
@_paths
@click.option(
    "--on",
    "sample",
    required=True,
    type=click.Path(),
    help="What to measure on: Parquet, CSV, TSV, JSONL, ORC or Arrow files; one, a folder of Parquet, or a glob.",
)
@click.option("--columns", help="Text columns, separated by commas.  [default: every text column]")
@_as_json
def profile(paths: tuple[str, ...], sample: str, columns: str | None, as_json: bool) -> int:
    """Show what each signature costs on real texts, the dearest first, and what to change.

    Looks at up to 200,000 cells, which lie at even distances in all the files, or in row groups at even distances
    where the files have more than 256 MB of compressed text. The first line says how many records these are of.

    \b
    Example:
      hindcast signatures profile signatures/ --on sample.parquet --columns text
    """  # noqa: D301
    loaded = load_for(paths, datetime.now(UTC).date())
    plan = plan_files(sample, column_names(columns))
    found = measure(loaded, plan)
    if as_json:
        print_json(_profile_as_json(found))
    else:
        _print_profile(found)
    return 0


@command.command("list")
@_paths
@_as_json
def list_(paths: tuple[str, ...], as_json: bool) -> None:
    """Show the signatures in some files.

    \b
    Example:
      hindcast signatures list signatures/
    """  # noqa: D301
    signatures = _read(paths).signatures
    if as_json:
        print_json([_as_row(signature) for signature in signatures])
        return
    columns = ("id", "severity", "status", "category", "patterns", "digest", "expires")
    made = table(columns, numbers=("patterns",))
    for signature in signatures:
        row = {**_as_row(signature), "digest": signature.digest[:_DIGEST_SHOWN]}
        made.add_row(*(safe(str(row[column] or "")) for column in columns))
    console().print(made)


@command.command()
def schema() -> None:
    """Print the JSON Schema of a signatures file, for editors.

    \b
    Example:
      hindcast signatures schema > signatures.schema.json
    Then begin a file with: # yaml-language-server: $schema=signatures.schema.json
    """  # noqa: D301
    print_json(json_schema())


def _read(paths: Sequence[str]) -> Reading:
    reading = read_signatures(paths)
    if reading.problems:
        raise SignatureError(reading.problems)
    return reading


def _verdict(reading: Reading, problems: Sequence[Problem]) -> str:
    warnings = sum(problem.warning for problem in problems)
    counts = [(len(problems) - warnings, "problem"), (warnings, "warning")]
    found = " and ".join(plural(count, noun) for count, noun in counts if count)
    files = plural(len(reading.files), "file")
    if len(problems) > warnings:
        return f"{found} in {files}"
    return f"{plural(len(reading.signatures), 'signature')} in {files}: {found or 'no problems'}"


def _failure_line(failure: Failure) -> str:
    example = failure.example
    place = f"{example.file}:{example.line}: {example.signature_id}"
    which = f"example {example.index + 1} of `{example.kind}`"
    return safe(f"{place}: {which} {failure.outcome} ({' and '.join(failure.judges)})")


def _trial_line(trial: Trial) -> str:
    tried = f"{plural(trial.signatures, 'signature')}, {plural(trial.examples, 'example')}"
    failed = len({failure.example for failure in trial.failures})
    verdict = f"{number(failed)} failed" if failed else "all passed, by the engine and by the oracle"
    untested = f"; {plural(len(trial.untested), 'signature')} without examples" if trial.untested else ""
    return f"{tried}: {verdict}{untested}"


def _trial_as_json(trial: Trial, *, show: bool) -> dict[str, object]:
    return {
        "signatures": trial.signatures,
        "examples": trial.examples,
        "untested": trial.untested,
        "failures": [
            {
                "signature_id": failure.example.signature_id,
                "kind": failure.example.kind,
                "index": failure.example.index,
                "file": failure.example.file,
                "line": failure.example.line,
                "judges": failure.judges,
                "outcome": failure.outcome,
                **({"text": failure.example.text} if show else {}),
            }
            for failure in trial.failures
        ],
    }


def _as_row(signature: Signature) -> dict[str, object]:
    return {
        "id": signature.id,
        "name": signature.name,
        "severity": signature.severity,
        "status": signature.status,
        "category": signature.category,
        "tags": signature.tags,
        "patterns": len(signature.patterns),
        "condition": render(signature.condition),
        "digest": signature.digest,
        "expires": signature.expires,
        "file": signature.file,
        "line": signature.line,
    }


def _print_profile(found: Profile) -> None:
    spent = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in found.seconds.items())
    longest = f"the longest {size(found.longest_bytes)}"
    click.echo(f"{_looked_at(found)}, {size(found.text_bytes)}, {longest}: {spent}")
    names = ["signature", "share", "ns/cell", "ns/byte", "candidates", "judged", "hits", "rung"]
    shown = table(names, numbers=names[1:7])
    for row in found.signatures:
        shown.add_row(
            safe(row.signature.id),
            f"{row.share:.1%}",
            number(round(row.alone_ns, 1)),
            f"{row.alone_ns_a_byte:.2f}",
            number(row.cost.candidates),
            number(row.cost.judged),
            number(row.hits),
            row.rung,
        )
    console().print(shown)
    advised = [row for row in found.signatures if row.advice]
    if advised:
        click.echo("what to change:")
    for row in advised:
        click.echo(f"  {safe(row.signature.id)}: {safe(row.advice)}")


def _looked_at(found: Profile) -> str:
    cells = plural(found.cells, "cell")
    if found.records_in_all is None:
        return f"{cells} of {plural(found.records, 'record')}, taken evenly out of more that were not counted"
    told = f"{cells} of {part(found.records, found.records_in_all, 'record')}"
    return told if found.records == found.records_in_all else f"{told}, taken evenly"


def _profile_as_json(found: Profile) -> dict[str, object]:
    rows = [
        {
            "signature_id": row.signature.id,
            "share": round(row.share, 4),
            "alone_ns": round(row.alone_ns, 1),
            "alone_ns_a_byte": round(row.alone_ns_a_byte, 3),
            **dataclasses.asdict(row.cost),
            "hits": row.hits,
            "rung": row.rung,
            "advice": row.advice,
        }
        for row in found.signatures
    ]
    return {
        "cells": found.cells,
        "records": found.records,
        "records_in_all": found.records_in_all,
        "text_bytes": found.text_bytes,
        "longest_bytes": found.longest_bytes,
        "seconds": found.seconds,
        "signatures": rows,
    }
