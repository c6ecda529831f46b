"""hindcast in Python: load signatures, scan tables, open results.

Functions import what they need when they are called, so that naming this package costs nothing.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

    from scanner.results.reader import Results
    from scanner.signatures.model import Ruleset

__all__ = ["load_signatures", "open_results", "scan"]

# The package of this name is bound first, so that the function below keeps the name.
importlib.import_module("scanner.scan")


def load_signatures(paths: str | Path | Sequence[str | Path]) -> "Ruleset":
    """Reads signatures and makes sure that all of them can run.

    Args:
        paths: YAML files, folders of them, or a list of such.

    Returns:
        Every signature, expired ones included, in the order of the files.

    Raises:
        SignatureError: With everything that is wrong.
    """
    from scanner.engine.program import check_flawed, check_patterns
    from scanner.errors import SignatureError
    from scanner.signatures.digests import ruleset_digest
    from scanner.signatures.load import read_signatures
    from scanner.signatures.model import Ruleset

    reading = read_signatures([paths] if isinstance(paths, str | Path) else paths)
    problems = (*reading.problems, *check_flawed(reading.flawed), *check_patterns(reading.signatures))
    errors = tuple(problem for problem in problems if not problem.warning)
    if errors:
        raise SignatureError(errors)
    return Ruleset(reading.signatures, ruleset_digest(reading.signatures))


def scan(
    data: "pa.Table | pa.RecordBatchReader | ds.Dataset",
    signatures: "Ruleset",
    columns: str | Sequence[str] | None = None,
) -> "pa.Table":
    """Finds every hit of a ruleset in a table or a dataset, with masked evidence.

    Args:
        data: What to scan.
        signatures: From `load_signatures`.
        columns: Path of a text column, such as ``replies[].text``, or a list of such; None for every text column.

    Returns:
        ``row_index: int64, column, signature_id, severity, category, view: string, start, end, match_count: int64,
        spans: list<struct<start: int64, end: int64>>, evidence: string``; spans are bytes of the raw UTF-8 cell.

    Raises:
        ColumnError: A column is not there or holds no text.
        SignatureError: A pattern does not compile.
        TypeError: The data is no table.
    """
    from scanner.engine.matcher import HyperscanMatcher
    from scanner.engine.program import compile_ruleset
    from scanner.scan.table import scan_table

    if not hasattr(data, "schema"):
        message = (
            f"{type(data).__name__} is no table; a DataFrame becomes one by `pyarrow.Table.from_pandas(…)`"
        )
        raise TypeError(message)
    # A text is a sequence of texts too, each a letter.
    paths = [columns] if isinstance(columns, str) else columns
    return scan_table(data, HyperscanMatcher(compile_ruleset(signatures)), paths)


def open_results(uri: str, hunt: str | None = None, run: str = "latest") -> "Results":
    """Opens what a hunt found.

    Args:
        uri: An output folder, a hunt's folder in it, or a run's folder.
        hunt: Name of the hunt; None where there is only one.
        run: ``latest`` complete run, ``all`` complete runs, or the id of one run.

    Raises:
        HuntError: There is no such hunt or run.
    """
    from scanner.results import reader

    return reader.open_results(uri, hunt, run)
