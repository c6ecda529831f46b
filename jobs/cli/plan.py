"""`hindcast plan FILE`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.table import Table

from jobs.cli import owed, render
from jobs.cli.cluster_size import prices_of, print_size, size_as_dict, size_options
from jobs.cli.hunt import EXECUTORS
from jobs.cli.main import WITH_GAPS
from jobs.cli.progress import planning_shown
from jobs.cluster.sizing import Cluster
from jobs.preparing.only_new import OnlyNew, find_new
from jobs.preparing.prepare import ExecutorChoice, Prepared, prepare
from jobs.preparing.resume import choose
from scanner.archive.plan import Unreadable
from scanner.archive.planning.pruning import Removed

_NAMED = 10
"""Files that cannot be hunted, before anything else; ``--json`` has all of them."""


@click.command("plan")
@click.argument("file", type=click.Path())
@click.option("--executor", type=EXECUTORS, default="auto", show_default=True, help="As for `hindcast hunt`.")
@click.option(
    "--only-new", is_flag=True, help="As for `hindcast hunt`; shows which signatures are owed where."
)
@size_options
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, and no progress.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress.")
def command(  # noqa: PLR0913 - one for each option
    *,
    file: str,
    executor: ExecutorChoice,
    only_new: bool,
    cluster: Cluster | None,
    prices: dict[str, float],
    as_json: bool,
    quiet: bool,
) -> int:
    """Show what the hunt that FILE describes would read.

    Checks the hunt file, its signatures and the footers of its archive as `hindcast hunt` does, and writes
    nothing. Of a hunt with a `where` it shows what each part of it removes before anything is read. Exit codes: 0 all
    can be hunted, 3 some files cannot and are named first, 2 the input is wrong.

    \b
    Examples:
      hindcast plan hunts/nightly-fraud.yaml
      hindcast plan hunts/nightly-fraud.yaml --only-new
      hindcast plan hunts/nightly-fraud.yaml --cluster 64x16
    """  # noqa: D301 - click's own mark for a paragraph that keeps its lines
    now, paid = datetime.now(UTC), prices_of(prices, cluster)
    with planning_shown(render.console(stderr=True), quiet=quiet or as_json) as on_planned:
        prepared = prepare(file, now.date(), executor, on_planned)
    new = None
    if only_new:
        against = choose(prepared, now, only_new=True).begun.against
        new = find_new(prepared, against or (), executor)
        prepared = new.prepared
    render.print_problems(prepared.warnings)
    if as_json:
        size = {} if cluster is None else {"cluster": size_as_dict(prepared, cluster, paid)}
        render.print_json({**_as_dict(prepared, new), **size})
    else:
        _print(prepared, new)
        if cluster is not None:
            print_size(prepared, cluster, paid)
    return WITH_GAPS if prepared.plan.unreadable else 0


def _as_dict(prepared: Prepared, new: OnlyNew | None) -> dict[str, object]:
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
        "passed_over": plan.passed_over,
        "executor": prepared.executor,
        "output": prepared.spec.output,
        **({} if new is None else {"only_new": owed.as_dict(new)}),
    }


def _print(prepared: Prepared, new: OnlyNew | None) -> None:
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
    for line in _unreadable(plan.unreadable, plan.files):
        out.print(render.safe(line), soft_wrap=True)
    out.print(f"hunt {spec.hunt}")
    for name, value in facts:
        out.print(f"  {name:<11}{render.safe(value)}", soft_wrap=True)
    if new is not None:
        out.print("owed, after what earlier runs have covered:")
        out.print(owed.matrix(new))
    if plan.pruned:
        out.print("removed by `where`, before anything is read:")
        out.print(_removed(plan.pruned))


def _unreadable(unreadable: Sequence[Unreadable], files: int) -> list[str]:
    if not unreadable:
        return []
    count, more = len(unreadable), len(unreadable) - _NAMED
    lines = [f"NOT ALL CAN BE HUNTED: {render.part(count, files, 'file')} cannot:"]
    lines += [f"  {file.uri}: {file.reason}" for file in unreadable[:_NAMED]]
    return [*lines, f"  and {render.plural(more, 'more file')}, which `--json` names"] if more > 0 else lines


def _removed(pruned: Sequence[Removed]) -> Table:
    numbers = ("files", "row groups", "records", "size")
    table = render.table(("by", "because it asks for", *numbers), numbers)
    for each in pruned:
        known = ("-" if count is None else render.number(count) for count in (each.row_groups, each.rows))
        size = render.size(each.size_bytes)
        table.add_row(each.step, render.safe(each.term), render.number(each.files), *known, size)
    return table
