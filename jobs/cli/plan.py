"""`hindcast plan FILE`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.table import Table

from jobs.cli import render
from jobs.cli.hunt import EXECUTORS
from jobs.cli.progress import planning_shown
from jobs.prepare import ExecutorChoice, Prepared, prepare
from scanner.archive.planning.pruning import Removed


@click.command("plan")
@click.argument("file", type=click.Path())
@click.option("--executor", type=EXECUTORS, default="auto", show_default=True, help="As for `hindcast hunt`.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, and no progress.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress.")
def command(file: str, executor: ExecutorChoice, as_json: bool, quiet: bool) -> None:
    """Show what the hunt that FILE describes would read.

    Checks the hunt file, its signatures and the footers of its archive as `hindcast hunt` does, and writes
    nothing. Of a hunt with a `where` it shows what each part of it removes before anything is read.

    \b
    Example:
      hindcast plan hunts/nightly-fraud.yaml
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    with planning_shown(render.console(stderr=True), quiet=quiet or as_json) as on_planned:
        prepared = prepare(file, datetime.now(UTC).date(), executor, on_planned)
    render.print_problems(prepared.warnings)
    if as_json:
        render.print_json(_as_dict(prepared))
    else:
        _print(prepared)


def _as_dict(prepared: Prepared) -> dict[str, object]:
    plan = prepared.plan
    return {
        "hunt": prepared.spec.hunt,
        "files": plan.files,
        "splits": len(plan.splits),
        "row_groups": plan.row_groups,
        "rows": plan.rows,
        "text_bytes": plan.text_bytes,
        "columns": list(plan.columns),
        "where": None if prepared.spec.where is None else prepared.spec.where.text,
        "pruned": [asdict(removed) for removed in plan.pruned],
        "signatures": [signature.id for signature in prepared.signatures.ruleset.signatures],
        "expired": [signature.id for signature in prepared.signatures.expired],
        "unreadable": [{"uri": file.uri, "reason": file.reason} for file in plan.unreadable],
        "executor": prepared.executor,
        "output": prepared.spec.output,
    }


def _print(prepared: Prepared) -> None:
    plan, spec = prepared.plan, prepared.spec
    expired = (
        f", and {render.number(len(prepared.signatures.expired))} expired"
        if prepared.signatures.expired
        else ""
    )
    facts = [
        ("archive", ", ".join([*spec.uris, *([spec.manifest] if spec.manifest else [])])),
        ("files", render.number(plan.files)),
        ("splits", f"{render.number(len(plan.splits))}, {render.plural(plan.row_groups, 'row group')}"),
        ("records", render.number(plan.rows) if plan.rows or not plan.splits else "known once they are read"),
        ("text", f"{render.size(plan.text_bytes)} as stored"),
        ("columns", ", ".join(plan.columns)),
        *([] if spec.where is None else [("where", spec.where.text)]),
        ("signatures", f"{render.number(len(prepared.signatures.ruleset.signatures))}{expired}"),
        ("runs", "on Ray" if prepared.executor == "ray" else "in this process"),
        ("output", spec.output),
    ]
    out = render.console()
    out.print(f"hunt {spec.hunt}")
    for name, value in facts:
        out.print(f"  {name:<11}{render.safe(value)}", soft_wrap=True)
    if plan.pruned:
        out.print("removed by `where`, before anything is read:")
        out.print(_removed(plan.pruned))
    if plan.unreadable:
        out.print(f"{render.plural(len(plan.unreadable), 'file')} cannot be hunted:")
    for file in plan.unreadable:
        out.print(f"  {render.safe(file.uri)}: {render.safe(file.reason)}", soft_wrap=True)


def _removed(pruned: Sequence[Removed]) -> Table:
    numbers = ("files", "row groups", "records", "size")
    table = render.table(("by", "because it asks for", *numbers), numbers)
    for each in pruned:
        known = ("-" if count is None else render.number(count) for count in (each.row_groups, each.rows))
        size = render.size(each.size_bytes)
        table.add_row(each.step, render.safe(each.term), render.number(each.files), *known, size)
    return table
