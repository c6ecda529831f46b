"""Opens results for notebooks and the command line: committed files only, and their state said first."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.errors import HuntError, Problem, SourceError
from scanner.results import display, layout
from scanner.results.commit import reports_of
from scanner.results.compact import in_row_groups
from scanner.results.current import current_hits
from scanner.results.finish import coverage_of, signatures_of_unfinished, sorted_hits
from scanner.results.limits import Limits
from scanner.results.record import COMPLETE, WITH_GAPS, coverage_uri, read_record, signatures_uri
from scanner.results.runs import UNFINISHED, RunFolder, run_folders
from scanner.results.schemas import COVERAGE, hits_schema
from scanner.results.shelf import Shelf
from scanner.results.sums import Sums
from scanner.results.tally import COUNTED, HitCounts

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_SHOWN_RUNS: Final = 10
_STATE: Final = ("splits", "failed", "match_errors", "unparsed_cells", "files", "files_unreadable")
_ONLY_THESE_TABLES: Final = """
    SET enable_external_access = false; SET python_enable_replacements = false; SET lock_configuration = true
"""


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """One run, as far as it has come.

    Attributes:
        folder: Where it lies.
        record: What ``run.json`` holds; None while the run is not finished.
        coverage: Its coverage.
        signatures: What each signature found.
        totals: As in ``run.json``.
        hits_files: URIs of the files of its hits; all have the same columns.
        stored: Hits in these files; None where nobody has counted.
    """

    folder: RunFolder
    record: dict[str, Any] | None
    coverage: pa.Table
    signatures: pa.Table
    totals: dict[str, int | None]
    hits_files: tuple[str, ...]
    stored: int | None = None


class Results:
    """What one run, or all runs of a hunt, found.

    Attributes:
        run: What ``run.json`` holds; None where the run is unfinished, or where there are several.
    """

    def __init__(self, runs: Sequence[OpenedRun]) -> None:
        self._runs = tuple(runs)
        self.run = runs[0].record if len(runs) == 1 else None

    @cached_property
    def hits(self) -> ds.Dataset:
        """One row a hit, columns as `scanner.results.schemas.hits_schema` has them; nothing is loaded yet."""
        files = [run.hits_files for run in self._runs if run.hits_files]
        if not files:
            return ds.dataset(hits_schema(pa.schema([])).empty_table())
        schema = _common_schema([of_one_run[0] for of_one_run in files])
        return storage.open_dataset([uri for of_one_run in files for uri in of_one_run], schema)

    @cached_property
    def coverage(self) -> ds.Dataset:
        """One row a split: what was read, with what, and how it ended; and the ``run_id``."""
        return ds.dataset(self._tables("coverage"))

    @cached_property
    def signatures(self) -> ds.Dataset:
        """One row a signature and run: exact counts, and when it was seen; and the ``run_id``."""
        return ds.dataset(self._tables("signatures"))

    def current_hits(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The hits of several runs as they hold now, each once; loaded at once.

        Left out is what was found by former logic of a signature, by signatures that the latest finished run does not
        have, and in former versions of a file.

        Args:
            columns: Which to give; None for all.
        """
        return current_hits(self.hits, self.latest_signatures, self.coverage, columns)

    @property
    def latest_signatures(self) -> pa.Table | None:
        """The signatures of the latest finished run; None where there is none."""
        return next((run.signatures for run in self._runs if run.record is not None), None)

    @property
    def status(self) -> str:
        """``complete``, ``complete with gaps`` or ``unfinished``; of several runs the worst.

        Only the latest may be unfinished: a later run reads again what one that was never finished had read.
        """
        states = {run.record["status"] for run in self._runs if run.record}
        states |= {UNFINISHED} if self._runs[0].record is None else set()
        return next(status for status in (UNFINISHED, WITH_GAPS, COMPLETE) if status in states)

    @property
    def complete(self) -> bool:
        """True where all was read and decided: no run is unfinished, none has gaps."""
        return self.status == COMPLETE

    @property
    def totals(self) -> dict[str, int | None]:
        """Splits, rows, hits and so on, summed over the runs; of several runs ``actors`` is not known.

        What several runs have read or found counts for each of them.
        """
        if len(self._runs) == 1:
            return self._runs[0].totals
        summed: dict[str, int | None] = {
            name: sum(run.totals.get(name) or 0 for run in self._runs) for name in self._runs[0].totals
        }
        return summed | {"actors": None}

    @property
    def state(self) -> display.State:
        """How far the runs have come, summed as `totals` are."""
        counts = (self.totals.get(name) or 0 for name in _STATE)
        return display.State(self.status, *counts)

    @cached_property
    def found(self) -> str:
        """What was found, a line a run; where only a sample of the hits is stored, that is said."""
        return "\n".join(map(_found, self._runs))

    @property
    def uri(self) -> str:
        """Folder of the run; of several runs, of their hunt."""
        folder = self._runs[0].folder.uri
        return folder if len(self._runs) == 1 else folder.rpartition("/")[0]

    @property
    def names(self) -> list[tuple[str, str]]:
        """Hunt and run id of every run."""
        return [(run.folder.hunt, run.folder.run_id) for run in self._runs]

    def to_pandas(self) -> "pd.DataFrame":
        """The hits as a pandas frame."""
        return self.hits.to_table().to_pandas()

    def to_polars(self) -> "pl.DataFrame":
        """The hits as a Polars frame."""
        import polars as pl  # noqa: PLC0415 - an extra that need not be installed

        frame = pl.from_arrow(self.hits.to_table())
        return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()

    def sql(self, query: str) -> pa.Table:
        """Answers a query over the tables ``hits``, ``coverage`` and ``signatures``, in DuckDB's SQL.

        It can read nothing else: no files, no network, no variables of the notebook.
        """
        import duckdb  # noqa: PLC0415 - an extra that need not be installed

        with duckdb.connect(":memory:") as connection:
            for name in ("hits", "coverage", "signatures"):
                connection.register(name, getattr(self, name))
            connection.execute(_ONLY_THESE_TABLES)
            relation = connection.sql(query)
            answer: pa.Table = relation.to_arrow_table() if relation else pa.table({})
            return answer

    def __repr__(self) -> str:
        return display.as_text(*self._introduced())

    def _repr_html_(self) -> str:
        return display.as_html(*self._introduced())

    def _introduced(self) -> tuple[str, list[str], list[display.Introduced]]:
        """The hunt, how all its runs have ended, and the latest of them."""
        statuses = [UNFINISHED if run.record is None else run.record["status"] for run in self._runs]
        return self._runs[0].folder.hunt, statuses, [_introduced(run) for run in self._runs[:_SHOWN_RUNS]]

    def _tables(self, name: str) -> pa.Table:
        tables: list[pa.Table] = []
        for run in self._runs:
            table: pa.Table = getattr(run, name)
            tables.append(table.append_column("run_id", pa.repeat(run.folder.run_id, len(table))))
        return pa.concat_tables(tables)


def open_results(uri: str, hunt: str | None = None, run: str = "latest") -> Results:
    """Opens what a hunt found.

    Args:
        uri: Folder of an output, of a hunt or of a run.
        hunt: Name of the hunt; None where there is only one.
        run: ``latest`` for the latest finished run, ``all`` for every run, unfinished ones as far as they have come,
            or the id of one. Where ``uri`` is a run's folder, that run is meant. After runs of what is new take
            ``all``, and `Results.current_hits` of it.

    Raises:
        HuntError: There is no such run, or one of its records is damaged.
        SourceError: A file of the run is missing or cannot be read.
    """
    folders = _of_one_hunt(uri, hunt)
    if layout.names_of(storage.canonical(uri)) is None:
        folders = _chosen(uri, folders, run)
    return Results([_open(folder) for folder in folders])


def _of_one_hunt(uri: str, hunt: str | None) -> list[RunFolder]:
    folders = run_folders(uri)
    hunts = sorted({folder.hunt for folder in folders})
    if not folders:
        raise _wrong(uri, "there are no runs here")
    if hunt is None and len(hunts) > 1:
        raise _wrong(uri, f"there are several hunts here; name one of {', '.join(hunts)}")
    chosen = [folder for folder in folders if hunt in {None, folder.hunt}]
    if not chosen:
        raise _wrong(uri, f"there is no hunt {hunt!a} here; there is {', '.join(hunts)}")
    return chosen


def _chosen(uri: str, folders: Sequence[RunFolder], run: str) -> list[RunFolder]:
    if run not in {"latest", "all"}:
        named = [folder for folder in folders if folder.run_id == run]
        if not named:
            raise _wrong(uri, f"there is no run {run!a} here; the latest is {folders[0].run_id}")
        return named
    if run == "all":
        return list(folders)
    latest = next((folder for folder in folders if folder.finished), None)
    if latest is None:
        raise _wrong(
            uri, f"no run is complete yet; to look at an unfinished one name it: {folders[0].run_id}"
        )
    return [latest]


def _open(folder: RunFolder) -> OpenedRun:
    record = read_record(folder.uri)
    if record is None:
        try:
            return _open_unfinished(folder)
        except storage.Missing:
            # It may have been finished meanwhile, and its hits lie elsewhere since.
            record = read_record(folder.uri)
            if record is None:
                raise
    return OpenedRun(
        folder,
        record,
        _read(coverage_uri(folder.uri, record)),
        _read(signatures_uri(folder.uri, record)),
        record["totals"],
        tuple(layout.hits_uri(folder.uri, name) for name in record["hits_files"]),
    )


def _open_unfinished(folder: RunFolder) -> OpenedRun:
    """What splits have left so far, counted as `scanner.results.finish` does."""
    sums, counts = Sums(), HitCounts()
    coverage = list(coverage_of(reports_of(folder.uri), sums))
    with Shelf() as shelf:
        hits = sorted_hits(folder.uri, sums, COUNTED, shelf, Limits())
        for table in in_row_groups(hits):
            counts.add(table)
    found = counts.by_signature(sums)
    return OpenedRun(
        folder,
        None,
        pa.concat_tables([COVERAGE.empty_table(), *coverage]),
        signatures_of_unfinished(found),
        sums.totals(hits.records, counts.actors),
        tuple(layout.split_hits_uri(folder.uri, str(name)) for name in sums.hits_files["name"].to_pylist()),
        sum(each.stored for each in found.values()),
    )


def _introduced(run: OpenedRun) -> display.Introduced:
    alone = Results([run])
    return display.Introduced(run.folder.run_id, alone.state, alone.found, run.signatures.to_pylist())


def _found(run: OpenedRun) -> str:
    sampled = pc.any(run.signatures["truncated"]).as_py()
    return display.found_line(run.totals, display.sample(_stored(run)) if sampled else "")


def _stored(run: OpenedRun) -> int | None:
    """How many hits stand in a run's files; None where that cannot be told."""
    if run.stored is not None:
        return run.stored
    try:
        return sum(map(_rows, run.hits_files))
    except SourceError:
        return None


def _rows(uri: str) -> int:
    with storage.open_input(uri) as source, arrow_errors(uri):
        return pq.read_metadata(source).num_rows


def _common_schema(files: Sequence[str]) -> pa.Schema:
    schemas: list[pa.Schema] = []
    for uri in files:
        with storage.open_input(uri) as source, arrow_errors(uri):
            schemas.append(pq.read_schema(source))
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowTypeError as error:
        message = f"these runs carry a column with different types ({error}); open them one by one"
        raise _wrong(files[0], message) from error


def _read(uri: str) -> pa.Table:
    with storage.open_input(uri) as source, arrow_errors(uri):
        return pq.read_table(source)


def _wrong(uri: str, message: str) -> HuntError:
    return HuntError((Problem(uri, 0, "", message),))
