"""Every error that hindcast raises on purpose, cut by who has to act.

    HindcastError
    ├── InputError            the user's input is wrong: nothing was started (exit 2)
    │   ├── SignatureError    the author of a signature acts
    │   └── HuntError         the operator of a hunt acts
    ├── EngineError           the engine cannot be trusted or used on this machine
    ├── SourceError           one part of an archive cannot be read: that split is set aside
    ├── OutputError           results cannot be written: the run stops, and can be gone on with
    ├── CommitConflict        somebody else published first: nothing was written
    └── CommitUnknown         the outcome of a publication is not known: look before acting

All of them survive pickling, because they cross process borders.
"""

import traceback
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a file somebody wrote.

    Attributes:
        file: Path of the file, as the user named it.
        line: Line of the problem, from 1; 0 where the whole file is meant.
        subject: Id of the signature, or the key of a hunt file; empty where there is none.
        message: What is wrong and what to write instead.
        warning: True where the file can be used all the same.
    """

    file: str
    line: int
    subject: str
    message: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        subject = f"{self.subject}: " if self.subject else ""
        return f"{place}{'warning: ' if self.warning else ''}{subject}{self.message}"


class HindcastError(Exception):
    """Root of every error raised on purpose."""


class InputError(HindcastError):
    """The user's input is wrong; nothing was started.

    Attributes:
        problems: Every problem found, in the order of the files.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class SignatureError(InputError):
    """Signatures are wrong; their author acts."""


class HuntError(InputError):
    """A hunt, its archive or its output is wrong; its operator acts."""


class EngineError(HindcastError):
    """The matching engine cannot be used here.

    Attributes:
        reason: What the engine said, or what was found out about it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class SourceError(HindcastError):
    """A part of an archive cannot be read; it is set aside and recorded.

    Attributes:
        uri: The file.
        reason: Why, without any content of the file.
    """

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(uri, reason)
        self.uri = uri
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.uri}: {self.reason}"


class OutputError(HindcastError):
    """The results cannot be written; the run stops, and nothing of the archive is recorded as unread for it.

    Attributes:
        uri: What was to be written.
        reason: What the storage said.
    """

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(uri, reason)
        self.uri = uri
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.uri}: results cannot be written: {self.reason}"


class CommitConflict(HindcastError):  # noqa: N818 - the design's word; it is an outcome, not a fault
    """The name was published before by somebody else; nothing was written.

    Attributes:
        uri: The name that exists.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.uri = uri

    def __str__(self) -> str:
        return f"{self.uri} exists already"


class CommitUnknown(HindcastError):  # noqa: N818 - the design's word; it is an outcome, not a fault
    """Publication failed in a way that leaves its outcome unknown.

    Attributes:
        uri: The name that may or may not exist now.
        reason: What the storage said.
    """

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(uri, reason)
        self.uri = uri
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.uri}: it is not known whether this was written: {self.reason}"


def why(error: BaseException) -> str:
    """The reason that goes into the coverage of a split that raised.

    The words of other libraries' errors may quote what they were given, so of those only the kind and the place
    are told.
    """
    if isinstance(error, HindcastError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"internal error: {type(error).__name__}{place}"
