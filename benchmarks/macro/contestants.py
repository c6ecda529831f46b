"""Who takes part. Each reads the Parquet file by itself, with one thread, and says which signature hits which row.

Patterns are compiled before the clock starts, except DuckDB's, which compiles them within the query.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import hyperscan
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.macro.workload import COLUMN, Workload, as_sql, hyperscan_flags, regexes
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.program import compile_ruleset
from scanner.scan.table import scan_table
from scanner.signatures.condition import evaluate
from scanner.signatures.model import RegexPattern, Signature

Answer = frozenset[tuple[int, str]]
"""(row of the file, id of a signature that hits it)"""

_BATCH_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to answer.

    Attributes:
        name: What is printed.
        run: Does the work once; this is what is timed.
        answer: Turns what ``run`` gave into something that can be compared; not timed.
        rounds: How often it is timed.
    """

    name: str
    run: Callable[[], pa.Table]
    answer: Callable[[pa.Table], Answer]
    rounds: int


def contestants(workload: Workload) -> tuple[Contestant, ...]:
    """Everybody, compiled and ready; hindcast first."""
    return (
        Contestant("hindcast, scan_table", _hindcast(workload), _pairs, rounds=7),
        Contestant("hyperscan, a call a text", _hyperscan_loop(workload), _pairs, rounds=7),
        Contestant("DuckDB, regexp_matches", _duckdb(workload), _wide_pairs, rounds=3),
    )


def _hindcast(workload: Workload) -> Callable[[], pa.Table]:
    matcher = HyperscanMatcher(compile_ruleset(workload.ruleset))
    schema = pa.schema([pa.field(COLUMN, pa.string())])

    def run() -> pa.Table:
        file = pq.ParquetFile(workload.path)
        batches = file.iter_batches(_BATCH_ROWS, columns=[COLUMN], use_threads=False)
        return scan_table(pa.RecordBatchReader.from_batches(schema, batches), matcher, [COLUMN])

    return run


def _hyperscan_loop(workload: Workload) -> Callable[[], pa.Table]:
    signatures = workload.ruleset.signatures
    owned = [(signature, regex) for signature in signatures for regex in regexes(signature)]
    database = hyperscan.Database()
    database.compile(
        expressions=[regex.regex.encode() for _, regex in owned],
        ids=list(range(len(owned))),
        flags=[hyperscan_flags(regex) for _, regex in owned],
    )

    def run() -> pa.Table:
        hits: list[tuple[int, str]] = []
        fired: list[int] = []

        def on_match(pattern: int, _start: int, _end: int, _flags: int, _context: object) -> None:
            fired.append(pattern)

        texts = pq.read_table(workload.path, columns=[COLUMN], use_threads=False)[COLUMN].to_pylist()
        for row, text in enumerate(texts):
            if text is None:
                continue
            database.scan(text.encode(), match_event_handler=on_match)
            if fired:
                hits.extend((row, identity) for identity in _hits(owned[pattern] for pattern in fired))
                fired.clear()
        return pa.table({"row_index": [row for row, _ in hits], "signature_id": [key for _, key in hits]})

    return run


def _hits(fired: Iterable[tuple[Signature, RegexPattern]]) -> list[str]:
    """Ids of the signatures whose conditions the patterns that fired in a text make true."""
    matched: dict[str, tuple[Signature, set[RegexPattern]]] = {}
    for signature, regex in fired:
        matched.setdefault(signature.id, (signature, set()))[1].add(regex)
    return [identity for identity, (signature, found) in matched.items() if _is_hit(signature, found)]


def _is_hit(signature: Signature, matched: set[RegexPattern]) -> bool:
    true = {pattern.name for pattern in signature.patterns if pattern in matched}
    return evaluate(signature.condition, true.__contains__) and matched.isdisjoint(signature.allow)


def _duckdb(workload: Workload) -> Callable[[], pa.Table]:
    connection = duckdb.connect(config={"threads": "1"})
    columns = ", ".join(
        f'{as_sql(signature)} as "{signature.id}"' for signature in workload.ruleset.signatures
    )
    query = f"select file_row_number as row_index, {columns} from read_parquet(?, file_row_number = true)"  # noqa: S608

    def run() -> pa.Table:
        rows: pa.Table = connection.sql(query, params=[str(workload.path)]).to_arrow_table()
        return rows

    return run


def _pairs(hits: pa.Table) -> Answer:
    return frozenset((hit["row_index"], hit["signature_id"]) for hit in hits.to_pylist())


def _wide_pairs(rows: pa.Table) -> Answer:
    names = rows.column_names[1:]
    listed: list[dict[str, Any]] = rows.to_pylist()
    return frozenset((row["row_index"], name) for row in listed for name in names if row[name])
