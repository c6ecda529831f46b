"""Hunts over many small files that take long enough to be disturbed, and what has to be the same afterwards."""

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import scanner
from scanner.archive import storage
from tests.support.cli import command, environment
from tests.support.cluster import Cluster

DEADLINE_S = 120.0
"""How long anything may take that is waited for."""

_LOOK_S = 0.02

# The judge of `t.slow` goes through all ways to cut twenty letters before it says yes.
SIGNATURES = r"""
signatures:
  - {id: t.slow, regex: '(?:(a+)+c|a+b)'}
  - {id: t.wallet, severity: high, regex: '\bbc1q[a-z0-9]{8,}\b'}
  - {id: t.lure, literal: free coins, flags: i}
"""
_SLOW = "a" * 20 + "b"
_ROWS = 24
_SAME_ANYWHERE = ("source_uri", "row_groups", "status", "error", "rows", "cells", "text_bytes", "hits")


def write_archive(uri: str, files: int, slow: int) -> None:
    """Files of two row groups and as many hits for each quick signature; the splits of a run are files.

    Args:
        uri: Their folder.
        files: How many.
        slow: Cells of each that take about 40 ms to judge.
    """
    for number in range(files):
        texts = [f"{number} number {row}" for row in range(_ROWS)]
        texts[11] = "send all to bc1qcdefghjk now"
        texts[15] = "Want Free Coins? bc1qkjhgfedc"
        texts[20] = "FREE COINS"
        texts[:slow] = [f"{_SLOW} {number}"] * slow
        table = pa.table({"id": [f"{number}/{row}" for row in range(_ROWS)], "text": texts})
        with storage.open_output(f"{uri}/{number:04}.parquet") as sink:
            pq.write_table(table, sink, row_group_size=_ROWS // 2)


class Hunt:
    """One hunt, of which processes are started, end and are ended until a run is complete.

    Args:
        folder: Where its hunt file lies; nothing else does yet.
        archive: What it reads.
        output: Where it writes, as the processes of the cluster see it.
        seen_at: The same as this process sees it.
        more: Further lines of the hunt file.
    """

    def __init__(self, folder: Path, archive: str, output: str, seen_at: str = "", more: str = "") -> None:
        self.folder = folder
        self.output = seen_at or output
        folder.mkdir()
        (folder / "pack.yaml").write_text(SIGNATURES)
        (folder / "hunt.yaml").write_text(
            "hunt: disturbed\n"
            f"archive: {{uri: '{archive}', record_id: id, text_columns: [text]}}\n"
            f"signatures: pack.yaml\noutput: {output}\n{more}"
        )

    def start(self, cluster: Cluster | None, *more: str) -> "subprocess.Popen[str]":
        """A process that begins the run or goes on with it: on a cluster, or with nothing but itself."""
        where = ["--executor", "inline"] if cluster is None else ["--address", cluster.address]
        within = ["env", "-C", str(self.folder)] if cluster is None else cluster.within(self.folder)
        return subprocess.Popen(
            [*within, *command("hunt", "hunt.yaml", "--quiet", *where, *more)],
            env={**environment(self.folder / "home"), "PYTHONWARNINGS": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    @property
    def run_id(self) -> str:
        """Of the one run there is."""
        (run,) = Path(self.output).glob("*/run=*")
        return run.name.removeprefix("run=")

    def commits(self) -> int:
        """How many splits are done."""
        return len(list(Path(self.output).glob("*/*/commits/[!.]*")))

    def wait(self, process: "subprocess.Popen[str]", condition: Callable[[], bool]) -> None:
        """Until something is so, which is to be while the hunt still runs."""
        so = self.wait_or_end(process, condition)
        assert so, f"the hunt ended too soon: {process.communicate()}"

    def wait_or_end(self, process: "subprocess.Popen[str]", condition: Callable[[], bool]) -> bool:
        """Until something is so, or the hunt has ended; gives False where that was first."""
        until = time.monotonic() + DEADLINE_S
        while not condition():
            if process.poll() is not None:
                return False
            assert time.monotonic() < until, "nothing happens any more"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
        return True

    def wait_for_commits(self, process: "subprocess.Popen[str]", more: int) -> None:
        """Until so many more splits are done."""
        wanted = self.commits() + more
        self.wait(process, lambda: self.commits() >= wanted)

    def end(self, process: "subprocess.Popen[str]", *codes: int) -> str:
        """Waits for its end, with one of these exit codes; gives what it said on standard error."""
        _, errors = process.communicate(timeout=DEADLINE_S)
        assert process.returncode in (codes or (0,)), errors
        return errors

    def found(self) -> "Found":
        """What the one run there is has found; it is complete."""
        results = scanner.open_results(self.output, run="all")
        (name,) = results.names
        return Found(results, storage.read_bytes(f"{self.output}/hunt={name[0]}/run={name[1]}/run.json"))


class Found:
    """What may not differ from one run to another, whatever happened to them."""

    def __init__(self, results: Any, record: bytes) -> None:
        self.record: dict[str, Any] = json.loads(record)
        self.hits: pa.Table = (
            results.hits.to_table().drop_columns(["run_id", "scanned_at"]).sort_by("hit_id").combine_chunks()
        )
        rows = results.coverage.to_table(columns=[*_SAME_ANYWHERE]).to_pylist()
        self.coverage = sorted(rows, key=lambda row: (row["source_uri"], row["row_groups"]))

    def check_same(self, undisturbed: "Found") -> None:
        """Every hit, once; every row group read, once; and the record says so."""
        ids = self.hits["hit_id"].to_pylist()
        assert len(ids) == len(set(ids)), "a hit is there twice"
        assert self.hits.equals(undisturbed.hits)
        assert self.coverage == undisturbed.coverage
        assert self.record["status"] == undisturbed.record["status"] == "complete"
        changing = {"seconds"}
        totals, expected = self.record["totals"], undisturbed.record["totals"]
        assert {key: totals[key] for key in totals.keys() - changing} == expected


def splits_done_before(errors: str) -> int:
    """Of a process that went on with a run: how many splits it says were done."""
    told = re.search(r"going on with run \S+: ([\d,]+) of ", errors)
    assert told is not None, errors
    return int(told[1].replace(",", ""))
