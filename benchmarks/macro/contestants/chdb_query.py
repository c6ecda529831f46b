"""chDB, ClickHouse in this process: one query of ``multiMatchAllIndices``, which is Vectorscan's, on the file."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.portable import expressions_of
from benchmarks.macro.workload import COLUMN, Answer, Decision, Workload
from scanner.signatures.model import LiteralPattern

_SETTINGS: Final = {
    "max_threads": 1,
    "allow_hyperscan": 1,
    "max_hyperscan_regexp_length": 0,
    "max_hyperscan_regexp_total_length": 0,
    "reject_expensive_hyperscan_regexps": 0,
    "max_query_size": 1 << 30,
    "max_ast_elements": 10_000_000,
    "max_expanded_ast_elements": 10_000_000,
}


def enter(workload: Workload) -> list[Contestant]:
    """Opens a session of one thread. For one list of literals the query asks only whether any matches."""
    # It is installed by `make bench` alone.
    from chdb import session  # noqa: PLC0415

    expressions, owners = expressions_of(workload.ruleset)
    decision = Decision(workload.ruleset, owners)
    opened: Any = session.Session()
    for name, value in _SETTINGS.items():
        opened.query(f"SET {name} = {value}")
    array = f"[{', '.join(map(_quoted, expressions))}]"
    signatures = workload.ruleset.signatures
    is_list = len(signatures) == 1 and isinstance(signatures[0].patterns[0], LiteralPattern)
    asked = (
        f"multiMatchAny({COLUMN}, {array}) AS m"
        if is_list
        else f"multiMatchAllIndices({COLUMN}, {array}) AS m"
    )
    hit = "m" if is_list else "notEmpty(m)"

    def run(path: Path) -> pa.Table:
        file = f"file({_quoted(str(path))}, Parquet)"
        query = f"SELECT _row_number AS r, {asked} FROM {file} WHERE {hit}"  # noqa: S608
        stream = opened.query(query, "ArrowStream").bytes()
        return pa.ipc.open_stream(stream).read_all() if stream else pa.table({"r": [], "m": []})

    def answer(found: pa.Table) -> Answer:
        rows = found["r"].to_numpy().astype(np.int64)
        if is_list:
            return Answer(rows, np.zeros(len(rows), np.int64))
        lists = found["m"].combine_chunks()
        parents = pc.list_parent_indices(lists).to_numpy()
        return decision.hits(rows[parents], pc.list_flatten(lists).to_numpy().astype(np.int64) - 1)

    return [Contestant("chDB, multiMatchAllIndices", run, answer)]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
