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
from scanner.errors import HuntError, Problem
from scanner.results import display, layout
from scanner.results.commit import committed
from scanner.results.finish import NO_HITS, coverage_table, signatures_of_unfinished, totals_of
from scanner.results.record import COMPLETE, WITH_GAPS, read_record
from scanner.results.runs import UNFINISHED, RunFolder, run_folders
from scanner.results.schemas import hits_schema
from scanner.results.tally import tally

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

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
    """

    folder: RunFolder
    record: dict[str, Any] | None
    coverage: pa.Table
    signatures: pa.Table
    totals: dict[str, int | None]


class Results:
    """What one run, or every complete run of a hunt, found.

    Attributes:
        run: What ``run.json`` holds; None where the run is unfinished, or where there are several.
    """

    def __init__(self, runs: Sequence[OpenedRun]) -> None:
        self._runs = tuple(runs)
        self.run = runs[0].record if len(runs) == 1 else None

    @cached_property
    def hits(self) -> ds.Dataset:
        """One row a hit, columns as `scanner.results.schemas.hits_schema` has them; nothing is loaded yet."""
        files = [named for run in self._runs if (named := _hits_files(run))]
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

    @property
    def status(self) -> str:
        """``complete``, ``complete with gaps`` or ``unfinished``; of several runs the worst."""
        states = {run.record["status"] if run.record else UNFINISHED for run in self._runs}
        return next(status for status in (UNFINISHED, WITH_GAPS, COMPLETE) if status in states)

    @property
    def complete(self) -> bool:
        """True where all was read and decided: no run is unfinished, none has gaps."""
        return self.status == COMPLETE

    @property
    def totals(self) -> dict[str, int | None]:
        """Splits, rows, hits and so on, summed over the runs; of several runs ``actors`` is not known."""
        if len(self._runs) == 1:
            return self._runs[0].totals
        summed: dict[str, int | None] = {
            name: sum(run.totals.get(name) or 0 for run in self._runs) for name in self._runs[0].totals
        }
        return summed | {"actors": None}

    @property
    def state(self) -> display.State:
        """How far the runs have come."""
        counts = (self.totals.get(name) or 0 for name in ("splits", "failed", "match_errors"))
        return display.State(self.status, *counts)

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
        return display.as_text(self.state, self._titles(), self.totals)

    def _repr_html_(self) -> str:
        rows = self.signatures.to_table().to_pylist()
        return display.as_html(self.state, self._titles(), self.totals, rows)

    def _titles(self) -> list[str]:
        if len(self._runs) == 1:
            return [f"{hunt}  run {run_id}" for hunt, run_id in self.names]
        return [f"{self._runs[0].folder.hunt}  {len(self._runs):,} runs"]

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
        run: ``latest`` for the latest complete run, ``all`` for every complete one, or the id of a run, which
            may be unfinished. Where ``uri`` is a run's folder, that run is meant.

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
    finished = [folder for folder in folders if folder.finished]
    if not finished:
        raise _wrong(
            uri, f"no run is complete yet; to look at an unfinished one name it: {folders[0].run_id}"
        )
    return finished if run == "all" else finished[:1]


def _open(folder: RunFolder) -> OpenedRun:
    record = read_record(folder.uri)
    if record is None:
        reports = committed(folder.uri)
        found = tally(folder.uri, reports)
        signatures = signatures_of_unfinished(found)
        return OpenedRun(folder, None, coverage_table(reports), signatures, totals_of(reports, found))
    coverage = _read(layout.coverage_uri(folder.uri))
    signatures = _read(layout.signatures_uri(folder.uri))
    return OpenedRun(folder, record, coverage, signatures, record["totals"])


def _hits_files(run: OpenedRun) -> list[str]:
    names = [str(name) for name in pc.drop_null(run.coverage["hits_file"]).to_pylist()]
    if not names and run.record is not None:
        names = [NO_HITS]
    return [layout.hits_uri(run.folder.uri, name) for name in names]


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
