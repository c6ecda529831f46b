"""Leaves of a run's hits only as many as its limits allow, by rewriting the files that hold too many."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.results import layout
from scanner.results.report import SplitReport
from scanner.results.sample import Lowest, Mask, ranks_of


def trim(
    run_uri: str, reports: Sequence[SplitReport], per_signature: int | None, per_split: int | None
) -> None:
    """Leaves the sample of what each split may store, and of that the sample of what each signature may.

    It may be called again after being killed at any point: the sample of a sample is the same.

    Args:
        run_uri: Folder of the run.
        reports: Every report that counts.
        per_signature: How many hits of a signature are stored at most; None for all.
        per_split: How many hits of a split; None for all.

    Raises:
        SourceError: A file of hits is not there or cannot be read.
    """
    noisy = _noisy(reports, per_signature)
    large = [
        layout.hits_uri(run_uri, report.hits_file)
        for report in reports
        if report.hits_file is not None and _is_large(report, noisy, per_split)
    ]
    lowest = {signature: Lowest(per_signature or 0) for signature in noisy}
    for uri in large if noisy else ():
        hits = _ids(uri)
        ranks, kept = ranks_of(hits["hit_id"].combine_chunks()), _kept(hits, {}, per_split)
        for signature, each in lowest.items():
            each.add(ranks[kept & _of(hits, signature)])
    bounds = {signature: bound for signature, each in lowest.items() if (bound := each.bound()) is not None}
    for uri in large:
        kept = _kept(_ids(uri), bounds, per_split)
        if not kept.all():
            _rewrite(uri, kept)


def _noisy(reports: Sequence[SplitReport], per_signature: int | None) -> set[str]:
    if per_signature is None:
        return set()
    hits: dict[str, int] = {}
    for report in reports:
        for signature, count in report.signature_hits:
            hits[signature] = hits.get(signature, 0) + count
    return {signature for signature, count in hits.items() if count > per_signature}


def _is_large(report: SplitReport, noisy: set[str], per_split: int | None) -> bool:
    too_many = per_split is not None and report.hits > per_split
    return too_many or any(signature in noisy for signature, _ in report.signature_hits)


def _ids(uri: str) -> pa.Table:
    with storage.open_input(uri) as source, arrow_errors(uri):
        return pq.read_table(source, columns=["signature_id", "hit_id"])


def _of(hits: pa.Table, signature: str) -> Mask:
    mask: Mask = pc.equal(hits["signature_id"], pa.scalar(signature)).to_numpy()
    return mask


def _kept(hits: pa.Table, bounds: Mapping[str, np.uint64], per_split: int | None) -> Mask:
    """bool[n], which of a file's hits stay, given the highest ranks of some signatures."""
    ranks = ranks_of(hits["hit_id"].combine_chunks())
    kept = np.ones(len(ranks), np.bool_)
    if per_split is not None:
        lowest = Lowest(per_split)
        lowest.add(ranks)
        bound = lowest.bound()
        kept &= True if bound is None else ranks <= bound
    for signature, highest in bounds.items():
        kept &= ~_of(hits, signature) | (ranks <= highest)
    return kept


def _rewrite(uri: str, kept: Mask) -> None:
    """Replaces a file by the rows that stay, a row group at a time."""
    with (
        storage.open_input(uri) as source,
        arrow_errors(uri),
        pq.ParquetFile(source) as file,
        storage.open_output(uri) as sink,
        pq.ParquetWriter(sink, file.schema_arrow, compression="zstd") as writer,
    ):
        first = 0
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number)
            writer.write_table(rows.filter(pa.array(kept[first : first + len(rows)])))
            first += len(rows)
