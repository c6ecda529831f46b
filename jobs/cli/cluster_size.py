"""What `hindcast plan --cluster` prints: what the hunt would take there."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from jobs.cli import render
from jobs.cluster.sizing import Cluster, Estimate, Prices, estimate, work_of
from jobs.preparing.prepare import Prepared

_BOUNDS = {
    "planning": "reading footers",
    "cores": "the cores",
    "driver": "the driver, which starts every task",
    "largest split": "the largest split, which one core hunts",
    "finishing": "the end, when what each split left is folded into tables",
}

_PRICES = {"core-hour": "core_hour", "1000-gets": "thousand_gets", "1000-puts": "thousand_puts", "gb": "gb"}
_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,9})?")


def size_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that ask for a size, with the prices that are paid."""
    cluster = click.option(
        "--cluster",
        callback=_cluster,
        metavar="64x16",
        help="Say what the hunt would take on so many workers with so many CPUs each.",
    )
    prices = click.option(
        "--price",
        "prices",
        callback=_prices,
        multiple=True,
        metavar="NAME=AMOUNT",
        help=f"What you pay, in any currency: {', '.join(_PRICES)}. With --cluster, and repeatable.",
    )
    return cluster(prices(command))


def _cluster(_ctx: click.Context, _option: click.Parameter, written: str | None) -> Cluster | None:
    cluster = None if written is None else Cluster.parse(written)
    if written is not None and cluster is None:
        message = f"{written!a} is no cluster; write workers x CPUs, such as 64x16"
        raise click.BadParameter(message)
    return cluster


def _prices(_ctx: click.Context, _option: click.Parameter, written: Sequence[str]) -> dict[str, float]:
    prices = {}
    for each in written:
        name, _, amount = each.partition("=")
        if name not in _PRICES or not _AMOUNT.fullmatch(amount):
            message = f"{each!a} is no price; write one of {', '.join(_PRICES)}, `=` and a number"
            raise click.BadParameter(message)
        prices[_PRICES[name]] = float(amount)
    return prices


def prices_of(given: Mapping[str, float], cluster: Cluster | None) -> Prices | None:
    """What the options say; None where they say nothing.

    Raises:
        click.UsageError: There is nothing to multiply them with.
    """
    if given and cluster is None:
        message = "`--price` is for `--cluster`; add that, such as `--cluster 64x16`"
        raise click.UsageError(message)
    return Prices(**given) if given else None


def size_as_dict(prepared: Prepared, cluster: Cluster, prices: Prices | None) -> dict[str, object]:
    """The estimate for machines."""
    found = estimate(work_of(prepared), cluster)
    return {
        "workers": cluster.workers,
        "cpus": cluster.cpus,
        **asdict(found),
        "price": None if prices is None else round(found.price(prices), 2),
    }


def print_size(prepared: Prepared, cluster: Cluster, prices: Prices | None) -> None:
    """Prints the estimate."""
    found = estimate(work_of(prepared), cluster)
    out = render.console()
    out.print(f"on {cluster.workers}x{cluster.cpus}, by rates that were measured elsewhere:")
    for name, value in _facts(found, prices):
        out.print(f"  {name:<11}{value}", soft_wrap=True)


def _facts(found: Estimate, prices: Prices | None) -> list[tuple[str, str]]:
    asked = asdict(found.requests)
    planning_s, finishing_s = found.seconds["planning"], found.seconds["finishing"]
    hunting_s = found.hours * 3600 - planning_s - finishing_s
    steps = {"plan": planning_s, "hunt": hunting_s, "finish": finishing_s}
    idle = found.cores - found.busy_cores
    facts = [
        ("text", f"{render.size(found.text_bytes)} unpacked"),
        ("cores", f"{found.core_hours:,.1f} core hours on {render.plural(found.busy_cores, 'core')}"),
        ("time", ", ".join(f"{render.duration(took_s)} to {what}" for what, took_s in steps.items())),
        ("bound by", _BOUNDS[found.bound_by]),
        (
            "requests",
            ", ".join(
                f"{render.number(count)} {name.upper().removesuffix('S')}" for name, count in asked.items()
            ),
        ),
        ("egress", f"{render.size(found.read_bytes)} where the cluster is not in the store's region"),
    ]
    if idle:
        facts.insert(2, ("idle", f"{render.plural(idle, 'core')}: there are no more splits"))
    if prices is not None:
        facts.append(("price", f"{found.price(prices):,.2f}"))
    return facts
