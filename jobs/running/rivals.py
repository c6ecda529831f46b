"""What other drivers of the same run have done with a split: a run may be gone on with while another is at it."""

from jobs.executors import SplitDone, SplitLost
from scanner.archive.plan import Split
from scanner.results.commit import standing


def divided_by_another(run_uri: str, split: Split, end: SplitDone | SplitLost) -> bool:
    """True where parts stand for a split that has ended here, because another driver has given it up and divided it.

    Args:
        run_uri: Folder of the run.
        split: The split.
        end: How it has ended here.

    Raises:
        HuntError: The report of the split is damaged.
        SourceError: It cannot be read.
    """
    if isinstance(end, SplitDone):
        return end.report.status == "divided"
    # What was lost with its worker is tried again or divided, which asks for the report by itself.
    if end.worker_died or end.node_lost or end.fatal or len(split.row_groups) == 1:
        return False
    known = standing(run_uri, split.split_id)
    return known is not None and known.status == "divided"
