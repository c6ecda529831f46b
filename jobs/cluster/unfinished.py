"""Which run a submission goes on with: one that the cluster was given before, or that its results tell of."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.cluster import head as notes
from jobs.cluster.head import Submission
from jobs.hunt_file.spec import HuntSpec
from jobs.preparing.resume import hunt_digest, signatures_digest
from scanner.errors import HindcastError
from scanner.results.begun import Begun, read_begun
from scanner.results.runs import runs_of_hunt
from scanner.signatures.model import Signature

LOOKS = 20
"""Of so many runs, the latest, it is looked whether they are unfinished."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is looked for, and where.

    Attributes:
        hunt: Name of the hunt.
        output: Folder of its results.
        hunt_digest: Differs where the hunt may store other things.
        signatures_digest: Differs where signatures may find other things.
        only_new: True to hunt only what no finished run has covered.
    """

    hunt: str
    output: str
    hunt_digest: str
    signatures_digest: str
    only_new: bool

    @classmethod
    def of(cls, spec: HuntSpec, signatures: Sequence[Signature], *, only_new: bool) -> "Work":
        """That of a hunt and the signatures that run."""
        return cls(spec.hunt, spec.output, hunt_digest(spec), signatures_digest(signatures), only_new)

    @property
    def note(self) -> str:
        """What is noted with a submission."""
        return " ".join((self.hunt_digest, self.signatures_digest, *(["new"] if self.only_new else [])))


def goes_on(known: Sequence[Submission], work: Work) -> Submission | None:
    """A submission of the same work that has not ended; None where there is none.

    Args:
        known: Of the cluster, the latest first.
        work: What is to be done.
    """
    return next((each for each in known if not each.ended and _is_of(each, work)), None)


def unfinished(known: Sequence[Submission], work: Work) -> str | None:
    """Id of the run to go on with, which `hindcast hunt` starts anew where it never began; None for a new one.

    Args:
        known: Of the cluster, the latest first.
        work: What is to be done.
    """
    # What was refused has begun nothing. What came after a run of what is new may have covered some of that.
    begun = (each for each in known if each.hunt == work.hunt and each.exit_code != notes.REFUSED)
    latest = next((each for each in begun if work.only_new or _is_of(each, work)), None)
    if latest is None:
        return _in_results(work)
    failed = latest.ended and latest.exit_code not in {notes.COMPLETE, notes.WITH_GAPS}
    return latest.run_id if failed and _is_of(latest, work) else None


def _in_results(work: Work) -> str | None:
    """As far as they can be seen from here: a head that starts anew forgets what it was given."""
    with contextlib.suppress(HindcastError):
        for folder in runs_of_hunt(work.output, work.hunt)[: 1 if work.only_new else LOOKS]:
            begun = read_begun(folder.uri)
            if begun is not None and _as_begun(work) == _as_begun(begun):
                return None if folder.finished else folder.run_id
    return None


def _as_begun(what: Work | Begun) -> tuple[str, str, bool]:
    only_new = what.only_new if isinstance(what, Work) else what.against is not None
    return what.hunt_digest, what.signatures_digest, only_new


def _is_of(submission: Submission, work: Work) -> bool:
    return submission.notes.get(notes.WORK) == work.note
