"""One thing that was looked at, and how it was."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

from scanner.archive.storage import Denied, Missing
from scanner.archive.storage.patience import Transient
from scanner.errors import CommitUnknown, HindcastError, InputError, SourceError

Outcome = Literal["ok", "warning", "failed", "skipped"]
Machine = Literal["here", "cluster"]

_SHOWN_PROBLEMS = 3
_Error = TypeVar("_Error", bound=BaseException)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is called; the same in every version.
        outcome: ``ok``; ``warning`` where a hunt can run all the same; ``failed`` where it cannot; ``skipped`` where
            there was nothing to look at, or something else is not ok yet.
        seen: What was found.
        remedy: What to do about it; empty where there is nothing to do.
        subject: Which file, folder or cluster; empty where there is one only.
        machine: Where it was looked at.
    """

    name: str
    outcome: Outcome
    seen: str
    remedy: str = ""
    subject: str = ""
    machine: Machine = "here"

    def as_dict(self) -> dict[str, str]:
        """For machines."""
        return asdict(self)


_READER = TypeAdapter(list[Check])


def read_checks(value: Any) -> list[Check]:
    """The checks that `Check.as_dict` wrote.

    Raises:
        ValueError: They are no such checks.
    """
    return _READER.validate_python(value)


def told(error: HindcastError) -> str:
    """What an error says, without the place that the check names already."""
    if isinstance(error, InputError):
        shown = "; ".join(problem.message for problem in error.problems[:_SHOWN_PROBLEMS])
        more = len(error.problems) - _SHOWN_PROBLEMS
        return f"{shown}; and {more} more" if more > 0 else shown
    return error.reason if isinstance(error, SourceError | CommitUnknown) else str(error)


def is_denied(error: BaseException) -> bool:
    """True where somebody does not allow it."""
    return caused_by(error, Denied) or caused_by(error, PermissionError)


def is_missing(error: BaseException) -> bool:
    """True where there is no such thing."""
    return caused_by(error, Missing)


def is_no_folder(error: BaseException) -> bool:
    """True where a file stands where a folder should be."""
    return caused_by(error, FileExistsError) or caused_by(error, NotADirectoryError)


def is_away(error: BaseException) -> bool:
    """True where a store does not answer."""
    return caused_by(error, Transient)


def caused_by(error: BaseException | None, kind: type[_Error]) -> bool:
    """True where an error of that kind is behind this one."""
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__
    return False
