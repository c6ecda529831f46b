"""`hindcast results show --all-runs`: what the runs of a hunt found together, as it holds now."""

from collections.abc import Sequence
from typing import Any, Final

import click
import pyarrow as pa
import pyarrow.compute as pc

from jobs.cli import render
from scanner.archive import storage
from scanner.results import layout
from scanner.results.display import found_line
from scanner.results.reader import Results, open_results
from scanner.results.record import WITH_GAPS
from scanner.results.runs import UNFINISHED, RunSummary

_COUNTED: Final = ("signature_id", "severity", "source_uri", "row_index", "actor_id", "event_time")
_RECORD: Final = ("source_uri", "row_index")
_SHOWN_NAMES: Final = 20
_BY: Final = ("signature_id",)

OF_SAMPLES: Final = ("hits", "records", "actors", "first_seen", "last_seen")
"""What is that of a sample where a signature has one: all, because only stored hits are counted."""


def open_all(uri: str) -> Results:
    """All runs of the hunt whose folder this is.

    Raises:
        HuntError: There are no runs, or those of several hunts.
    """
    if layout.names_of(storage.canonical(uri)) is not None:
        message = "`--all-runs` shows all runs of a hunt together; name the folder of the hunt"
        raise click.UsageError(message)
    return open_results(uri, run="all")


def as_dict(results: Results) -> dict[str, Any]:
    """What was found, for machines: each stored hit counts once."""
    hits = results.current_hits(_COUNTED)
    return {
        "hunt": results.names[0][0],
        "runs": [run_id for _, run_id in results.names],
        "uri": results.uri,
        "status": results.status,
        "complete": results.complete,
        "totals": _totals(hits),
        "signatures": _signatures(results, hits),
    }


def opening(told: dict[str, Any], runs: Sequence[RunSummary]) -> list[str]:
    """The first lines: whether all was read comes before what was found."""
    states = {"have gaps": WITH_GAPS, "unfinished": UNFINISHED}
    counts = {words: sum(run.status == status for run in runs) for words, status in states.items()}
    some = [
        f"{count} of {render.plural(len(runs), 'run')} {words}" for words, count in counts.items() if count
    ]
    sampled = any(row["truncated"] and row["hits"] for row in told["signatures"])
    stored = "stored hits, of some signatures a sample" if sampled else "stored hits"
    counted = f"{stored}, each once: those of former logic and of former versions of files are left out"
    return [
        ": ".join([told["status"].upper(), *(["; ".join(some)] if some else [])]),
        f"{told['hunt']}  {render.plural(len(told['runs']), 'run')} together",
        f"{found_line(told['totals'])} ({counted})",
    ]


def notes(signatures: Sequence[dict[str, Any]]) -> list[str]:
    """What is said of signatures that have no hits, or more than are stored."""
    cut = [row["signature_id"] for row in signatures if row["truncated"]]
    idle = sum(row["ran"] and not row["hits"] for row in signatures)
    not_run = sum(not row["ran"] for row in signatures)
    said = [
        (cut, f"* only a sample is stored, and counted here, of {', '.join(cut[:_SHOWN_NAMES])}"),
        (len(cut) > _SHOWN_NAMES, f"and of {render.number(len(cut) - _SHOWN_NAMES)} more"),
        (idle, f"{render.plural(idle, 'signature')} found nothing"),
        (not_run, f"{render.plural(not_run, 'signature')} ran in none of these runs"),
    ]
    return [line for needed, line in said if needed]


def _signatures(results: Results, hits: pa.Table) -> list[dict[str, Any]]:
    """The signatures of the latest finished run; those that have hits where there is none."""
    counts = _counts(hits)
    everywhere = results.signatures.to_table(columns=["signature_id", "signature_digest", "ran", "truncated"])
    rows = everywhere.to_pylist()
    latest = results.latest_signatures
    wanted = [{"signature_id": name} for name in counts] if latest is None else latest.to_pylist()
    ran = {row["signature_digest"] for row in rows if row["ran"]}
    cut = {(row["signature_id"], row["signature_digest"]) for row in rows if row["truncated"]}
    return [
        {
            "signature_id": name,
            "severity": each.get("severity"),
            "ran": each.get("signature_digest") in ran,
            "truncated": (name, each.get("signature_digest")) in cut,
            **counts.get(name, _NOTHING),
        }
        for each in wanted
        for name in (each["signature_id"],)
    ]


_NOTHING: Final[dict[str, Any]] = {
    "hits": 0,
    "records": 0,
    "actors": 0,
    "first_seen": None,
    "last_seen": None,
}


def _counts(hits: pa.Table) -> dict[str, dict[str, Any]]:
    """By signature id, those that have hits."""
    grouped = hits.group_by(list(_BY))
    found = grouped.aggregate([("signature_id", "count"), ("event_time", "min"), ("event_time", "max")])
    records, actors = _distinct(hits, _RECORD), _distinct(_named(hits), ("actor_id",))
    return {
        row["signature_id"]: {
            "hits": row["signature_id_count"],
            "records": records[row["signature_id"]],
            "actors": actors.get(row["signature_id"]),
            "first_seen": row["event_time_min"],
            "last_seen": row["event_time_max"],
        }
        for row in found.to_pylist()
    }


def _totals(hits: pa.Table) -> dict[str, int | None]:
    actors = len(_named(hits)["actor_id"].unique())
    records = len(hits.group_by(list(_RECORD)).aggregate([]))
    return {"hits": len(hits), "records": records, "actors": actors or (None if len(hits) else 0)}


def _named(hits: pa.Table) -> pa.Table:
    return hits.filter(pc.is_valid(hits["actor_id"]))


def _distinct(hits: pa.Table, columns: Sequence[str]) -> dict[str, int]:
    """How many different values of some columns the hits of each signature have."""
    different = hits.group_by([*_BY, *columns]).aggregate([])
    counted = different.group_by(list(_BY)).aggregate([("signature_id", "count")])
    return {row["signature_id"]: row["signature_id_count"] for row in counted.to_pylist()}
