"""DuckDB: one query with ``regexp_matches`` for each pattern, which is RE2's; it knows no search for many at once."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.macro.contestants.contestant import Contestant
from benchmarks.macro.portable import expressions_of
from benchmarks.macro.workload import COLUMN, Answer, Decision, Workload


def enter(workload: Workload) -> list[Contestant]:
    """Opens a database of one thread, in memory."""
    expressions, owners = expressions_of(workload.ruleset)
    decision = Decision(workload.ruleset, owners)
    connection = duckdb.connect(config={"threads": "1"})
    tests = ", ".join(f"regexp_matches({COLUMN}, {_quoted(each)})" for each in expressions)
    query = (
        f"select r, m from (select file_row_number as r, [{tests}] as m "  # noqa: S608
        "from read_parquet(?, file_row_number = true)) where list_contains(m, true)"
    )

    def run(path: Path) -> pa.Table:
        rows: pa.Table = connection.sql(query, params=[str(path)]).to_arrow_table()
        return rows

    def answer(found: pa.Table) -> Answer:
        lists = found["m"].combine_chunks()
        flags = pc.list_flatten(lists).to_numpy(zero_copy_only=False).reshape(-1, len(expressions))
        hits, matched = np.nonzero(flags)
        return decision.hits(found["r"].to_numpy()[hits], matched)

    return [Contestant("DuckDB, regexp_matches", run, answer)]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
